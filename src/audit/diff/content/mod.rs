//! Contents against contents, by what they are: text, programs, archives, what is packed inside, bytes.

mod ar;
mod bytes;
mod cause;
mod elf;
mod format;
mod members;
mod packed;
mod pyc;
mod strings;
mod tar;
mod text;
mod zip;

use std::collections::BTreeSet;
use std::io::Read;

use super::report::{Cause, Change, Field, FileDifference, Part};
use super::{DiffError, fields};
use crate::digest::Digest;
use crate::timestamp::Timestamp;
use crate::tree::{ContentError, Contents};
use format::Format;
use members::{Member, compare_members};

/// Longer contents are compared byte by byte alone.
const MOST_BYTES: u64 = 64 << 20;

/// How many causes of one file are told at once.
const MOST_CAUSES: usize = 4;

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

/// Why the contents `left` and `right` of files called `name` differ, as far as that can be told.
pub fn causes(name: &str, left: &[u8], right: &[u8]) -> Vec<Cause> {
    fn collect(part: Part, found: &mut Vec<Cause>) {
        found.extend(part.causes);
        part.parts.into_iter().for_each(|inner| collect(inner, found));
    }
    let mut found = Vec::new();
    collect(compare(name, "", left, right, &mut Budget::default()), &mut found);
    let mut seen = BTreeSet::new();
    found.retain(|cause| seen.insert(cause.clone()));
    found.truncate(MOST_CAUSES);
    found
}

/// In what `left` and `right`, which are not the same, differ. `file` is the name of the file they are of or like,
/// `name` that of the part.
pub(super) fn compare(file: &str, name: &str, left: &[u8], right: &[u8], budget: &mut Budget) -> Part {
    let (format, other) = (Format::of(file, left), Format::of(file, right));
    let mut part = Part::new(name, format.name(), Change::Changed);
    if format != other {
        part.format = Format::Bytes.name();
        part.field("format", Some(format.name().to_owned()), Some(other.name().to_owned()));
    } else if budget.depth == 0 {
        part.note = Some("it lies too deep in other archives to be looked into".to_owned());
    } else {
        budget.depth -= 1;
        compare_as(&mut part, format, file, (left, right), budget);
        budget.depth += 1;
    }
    if part.is_silent() && !part.causes.contains(&Cause::Compression) {
        compare_bytes(&mut part, left, right);
    }
    part
}

/// Says in `part` in what two contents of one format differ.
fn compare_as(
    part: &mut Part,
    format: Format,
    file: &str,
    (left, right): (&[u8], &[u8]),
    budget: &mut Budget,
) {
    let mut members = |members: [Result<Vec<Member<'_>>, String>; 2], budget: &mut Budget| match members {
        [Ok(left), Ok(right)] => compare_members(part, &left, &right, budget),
        [Err(problem), _] | [_, Err(problem)] => part.note = Some(format!("not opened: {problem}")),
    };
    match format {
        Format::Elf => elf::compare_elf(part, left, right, budget),
        Format::Packed(encoding) => packed::compare_packed(part, file, encoding, (left, right), budget),
        Format::Tar => members([tar::members(left, budget), tar::members(right, budget)], budget),
        Format::Zip => members([zip::members(left, budget), zip::members(right, budget)], budget),
        Format::Ar => {
            let read = |bytes| ar::members(bytes).ok_or_else(|| "it is damaged".to_owned());
            members([read(left), read(right)], budget);
        }
        Format::Pyc => pyc::compare_pyc(part, left, right),
        Format::Json => compare_json(part, left, right),
        Format::Text => text::compare(part, left, right),
        Format::Bytes => {}
    }
}

/// Says in `part` in which values two JSON documents differ, as far as they are any.
fn compare_json(part: &mut Part, left: &[u8], right: &[u8]) {
    const MOST: usize = 100;
    let values = (serde_json::from_slice(left), serde_json::from_slice(right));
    let (Ok(one), Ok(other)) = values else { return text::compare(part, left, right) };
    let mut found = Vec::new();
    fields::compare("", &one, &other, &mut found);
    if found.is_empty() {
        return text::compare(part, left, right);
    }
    part.more = found.len().saturating_sub(MOST);
    for field in found.into_iter().take(MOST) {
        let text = |value: Option<serde_json::Value>| match value? {
            serde_json::Value::String(text) => Some(text),
            other => Some(other.to_string()),
        };
        let (left, right) = (text(field.left), text(field.right));
        if let (Some(one), Some(other)) = (&left, &right) {
            cause::explain(one, other).into_iter().for_each(|cause| part.cause(cause));
        }
        part.fields.push(Field { name: field.path, left, right });
    }
}

/// Says in `part` in which bytes both differ, which strings among them do, and why.
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
    let (one, other) = (strings::printable(left), strings::printable(right));
    if one != other {
        text::compare(part, one.as_bytes(), other.as_bytes());
    }
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

#[cfg(test)]
mod tests;
