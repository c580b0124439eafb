//! Contents against contents, by what they are: text, programs, archives, what is packed inside, bytes.

mod bytes;
mod cause;
mod strings;
mod text;

use std::io::Read;

use super::DiffError;
use super::report::{Cause, Change, FileDifference, Part};
use crate::digest::Digest;
use crate::timestamp::Timestamp;
use crate::tree::{ContentError, Contents};

/// Longer contents are compared byte by byte alone.
const MOST_BYTES: u64 = 64 << 20;

/// A file with another content on each side.
pub(super) struct Pair {
    name: String,
    digests: [Digest; 2],
    sizes: [u64; 2],
}

impl Pair {
    /// The contents of `file`, where both sides have one.
    pub fn of(file: &FileDifference) -> Option<Self> {
        let (left, right) = (file.left.as_ref()?, file.right.as_ref()?);
        let name = String::from_utf8_lossy(file.path.file_name()).into_owned();
        let (digests, sizes) = ([left.digest?, right.digest?], [left.size?, right.size?]);
        Some(Self { name, digests, sizes })
    }
}

/// What is left to spend on one file: who made it may have wanted it to be much.
pub(super) struct Budget {
    /// Bytes that may be unpacked.
    bytes: u64,
    /// Parts that may be listed.
    parts: usize,
    /// Archives within archives.
    depth: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self { bytes: 256 << 20, parts: 1_000, depth: 8 }
    }
}

/// In what the contents of `pair` differ.
pub(super) fn compare_stored(pair: &Pair, contents: &dyn Contents) -> Result<Part, DiffError> {
    if pair.sizes.iter().any(|size| *size > MOST_BYTES) {
        let mut part = Part::new("", "bytes", Change::Changed);
        let open = |side: usize| -> Result<Box<dyn Read + Send + '_>, ContentError> {
            contents.open(&pair.digests[side])
        };
        part.bytes = bytes::compare(&mut open(0)?, &mut open(1)?).map_err(ContentError::Io)?;
        part.note = Some(format!("longer than {} MiB: compared byte by byte", MOST_BYTES >> 20));
        return Ok(part);
    }
    let [left, right] = pair.digests.map(|digest| contents.read(&digest));
    Ok(compare(&pair.name, "", &left?, &right?, &mut Budget::default()))
}

/// In what `left` and `right`, which are not the same, differ. `file` is the name of the file they are of or like.
pub(super) fn compare(file: &str, name: &str, left: &[u8], right: &[u8], budget: &mut Budget) -> Part {
    let _ = (file, &budget.bytes, &budget.parts, &budget.depth);
    let mut part = Part::new(name, "bytes", Change::Changed);
    if strings::is_text(left) && strings::is_text(right) {
        part.format = "text";
        text::compare(&mut part, left, right);
    }
    if part.is_silent() {
        compare_bytes(&mut part, left, right);
    }
    part
}

/// Says in `part` in which bytes both differ, and why.
fn compare_bytes(part: &mut Part, left: &[u8], right: &[u8]) {
    part.bytes = bytes::compare(&mut &left[..], &mut &right[..]).expect("reading from memory never fails");
    let Some(found) = &part.bytes else { return };
    let at = usize::try_from(found.offset).unwrap_or(usize::MAX);
    let times = number_of_seconds(left, right, at, found.count);
    let shown = [strings::around(left, at, 512), strings::around(right, at, 512)];
    if let [Some(one), Some(other)] = shown {
        cause::explain(one, other).into_iter().for_each(|cause| part.cause(cause));
    }
    times.into_iter().for_each(|cause| part.cause(cause));
}

/// The times that differ, where nothing but one aligned number of seconds does, of the last years.
fn number_of_seconds(left: &[u8], right: &[u8], at: usize, count: u64) -> Option<Cause> {
    const YEARS: i64 = 20 * 366 * 86_400;
    let from = at - at % 4;
    let word = |bytes: &[u8]| Some(u32::from_le_bytes(bytes.get(from..from + 4)?.try_into().ok()?));
    let inside = left.get(from..from + 4)?.iter().zip(right.get(from..from + 4)?);
    let inside = inside.filter(|(one, other)| one != other).count() as u64;
    let (one, other) = (i64::from(word(left)?), i64::from(word(right)?));
    let recent = |seconds: i64| (946_684_800..2_208_988_800).contains(&seconds);
    let alone = left.len() == right.len() && inside == count;
    (alone && recent(one) && recent(other) && (one - other).abs() < YEARS)
        .then(|| Cause::Time { left: Timestamp(one).to_string(), right: Timestamp(other).to_string() })
}
