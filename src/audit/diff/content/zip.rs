//! The members of a zip archive, by its central directory (APPNOTE 6.3). Zip64 and encryption are not read.

use super::Budget;
use super::members::{Member, Time};
use super::packed::read_within;
use crate::audit::diff::escape::text_of;

/// Longest comment at the end, and the fixed part before it.
const END: usize = 22;
const MOST_COMMENT: usize = 0xffff;

/// Members in the order of the central directory; what is wrong where it cannot be read.
pub fn members<'a>(bytes: &'a [u8], budget: &mut Budget) -> Result<Vec<Member<'a>>, String> {
    let damaged = || "its directory is damaged".to_owned();
    let from = bytes.len().saturating_sub(END + MOST_COMMENT);
    let end = memchr::memmem::rfind(&bytes[from..], b"PK\x05\x06").ok_or_else(damaged)? + from;
    let count = number(bytes, end + 10, 2).ok_or_else(damaged)?;
    let mut at = number(bytes, end + 16, 4).ok_or_else(damaged)?;
    let mut found = Vec::new();
    for _ in 0..count {
        let header =
            bytes.get(at..).filter(|header| header.starts_with(b"PK\x01\x02")).ok_or_else(damaged)?;
        let field = |at: usize, length: usize| number(header, at, length).ok_or_else(damaged);
        let (name, extra, comment) = (field(28, 2)?, field(30, 2)?, field(32, 2)?);
        let name = header.get(46..46 + name).ok_or_else(damaged)?;
        let extra = header.get(46 + name.len()..46 + name.len() + extra).ok_or_else(damaged)?;
        let content = content(bytes, header, budget)?;
        let fields = vec![
            ("method", method_name(field(10, 2)?)),
            ("made by", format!("version {:x}", field(4, 2)?)),
            ("flags", format!("{:x}", field(8, 2)?)),
            ("attributes", format!("{:08x}", field(38, 4)?)),
            ("extra fields", hex(extra)),
        ];
        let time = time(field(12, 2)?, field(14, 2)?);
        found.push(Member { name: text_of(name), time, fields, content });
        at += 46 + name.len() + extra.len() + comment;
    }
    Ok(found)
}

/// The content of the member with the central header `header`.
fn content<'a>(
    bytes: &'a [u8],
    header: &[u8],
    budget: &mut Budget,
) -> Result<std::borrow::Cow<'a, [u8]>, String> {
    let damaged = || "a member is damaged".to_owned();
    let field = |of: &[u8], at: usize, length: usize| number(of, at, length).ok_or_else(damaged);
    let (method, packed) = (field(header, 10, 2)?, field(header, 20, 4)?);
    let local = bytes.get(field(header, 42, 4)?..).filter(|local| local.starts_with(b"PK\x03\x04"));
    let local = local.ok_or_else(damaged)?;
    let start = 30 + field(local, 26, 2)? + field(local, 28, 2)?;
    let packed = local.get(start..).and_then(|rest| rest.get(..packed)).ok_or_else(damaged)?;
    if method != 8 {
        return Ok(packed.into());
    }
    let content = read_within(flate2::bufread::DeflateDecoder::new(packed), budget);
    let content = content.map_err(|error| error.to_string())?;
    Ok(content.ok_or("it is too long")?.into())
}

fn method_name(method: usize) -> String {
    match method {
        0 => "stored".to_owned(),
        8 => "deflated".to_owned(),
        other => format!("method {other}"),
    }
}

/// A time of DOS, in steps of two seconds.
fn time(time: usize, date: usize) -> Time {
    let (year, month, day) = (1980 + (date >> 9), (date >> 5) & 15, date & 31);
    let (hour, minute, second) = (time >> 11, (time >> 5) & 63, 2 * (time & 31));
    Time::Local(format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}"))
}

/// A little-endian number.
fn number(bytes: &[u8], at: usize, length: usize) -> Option<usize> {
    let field = bytes.get(at..at.checked_add(length)?)?;
    Some(field.iter().rev().fold(0, |sum, byte| sum << 8 | usize::from(*byte)))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().take(64).map(|byte| format!("{byte:02x}")).collect()
}
