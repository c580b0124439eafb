//! Streams of a compressor: what is said in front of them, and what is inside.

use std::io::Read;

use super::{Budget, compare};
use crate::audit::diff::escape::text_of;
use crate::audit::diff::report::{Cause, Part};
use crate::distro::archive::{Decoder, Encoding, Limits, decode_problem};
use crate::timestamp::Timestamp;

/// Says in `part` in what the streams `left` and `right` differ.
pub fn compare_packed(
    part: &mut Part,
    file: &str,
    encoding: Encoding,
    (left, right): (&[u8], &[u8]),
    budget: &mut Budget,
) {
    if encoding == Encoding::Gzip {
        compare_headers(part, &gzip_header(left), &gzip_header(right));
    }
    let inner = [left, right].map(|packed| unpack(packed, encoding, budget));
    let (left, right) = match inner {
        [Ok(left), Ok(right)] => (left, right),
        [Err(problem), _] | [_, Err(problem)] => {
            part.note = Some(format!("not unpacked: {problem}"));
            return;
        }
    };
    if left != right {
        let file = ["gz", "xz", "zst", "bz2", "tgz", "txz"]
            .iter()
            .find_map(|ending| file.strip_suffix(&format!(".{ending}")));
        part.parts.push(compare(file.unwrap_or_default(), "packed content", &left, &right, budget));
    } else if part.causes.is_empty() {
        part.cause(Cause::Compression);
    }
}

/// What is packed, as far as the budget goes.
pub fn unpack(packed: &[u8], encoding: Encoding, budget: &mut Budget) -> Result<Vec<u8>, String> {
    let limits = Limits::default();
    let failed = |error| decode_problem(error, "it", &limits).to_string();
    let decoder = Decoder::new(packed, encoding, &limits).map_err(failed)?;
    read_within(decoder, budget).map_err(failed)?.ok_or_else(|| "it is too long".to_owned())
}

/// All that `reader` gives; `None` where that is more than the budget allows.
pub fn read_within(reader: impl Read, budget: &mut Budget) -> std::io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    reader.take(budget.bytes + 1).read_to_end(&mut bytes)?;
    let length = bytes.len() as u64;
    let fits = length <= budget.bytes;
    budget.bytes = budget.bytes.saturating_sub(length);
    Ok(fits.then_some(bytes))
}

/// What the header of a gzip stream says (RFC 1952).
#[derive(Default)]
struct GzipHeader {
    time: u32,
    level: u8,
    system: u8,
    name: Option<String>,
}

fn gzip_header(bytes: &[u8]) -> GzipHeader {
    let Some(fixed) = bytes.get(..10) else { return GzipHeader::default() };
    let flags = fixed[3];
    let mut rest = &bytes[10..];
    if flags & 4 != 0 {
        let length =
            rest.get(..2).map_or(0, |length| usize::from(u16::from_le_bytes([length[0], length[1]])));
        rest = rest.get(2 + length..).unwrap_or_default();
    }
    let name = || Some(text_of(&rest[..rest.iter().take(4096).position(|byte| *byte == 0)?]));
    GzipHeader {
        time: u32::from_le_bytes([fixed[4], fixed[5], fixed[6], fixed[7]]),
        level: fixed[8],
        system: fixed[9],
        name: if flags & 8 != 0 { name() } else { None },
    }
}

fn compare_headers(part: &mut Part, left: &GzipHeader, right: &GzipHeader) {
    if left.time != right.time {
        let time = |header: &GzipHeader| match header.time {
            0 => "none".to_owned(),
            time => Timestamp(i64::from(time)).to_string(),
        };
        part.field("time in the header", Some(time(left)), Some(time(right)));
        part.cause(Cause::Time { left: time(left), right: time(right) });
    }
    part.field("name in the header", left.name.clone(), right.name.clone());
    let number = |number: u8| Some(number.to_string());
    part.field("level in the header", number(left.level), number(right.level));
    part.field("system in the header", number(left.system), number(right.system));
}
