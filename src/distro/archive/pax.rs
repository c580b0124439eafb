//! The records of a pax extended header (POSIX.1-2017, pax, "Extended header").

use std::collections::BTreeMap;

use super::error::shown;
use super::{ArchiveProblem, Limits};

/// What a pax header states about the entry that follows it.
#[derive(Debug, Default)]
pub(super) struct Pax {
    pub path: Option<Vec<u8>>,
    pub link: Option<Vec<u8>>,
    pub uid: Option<i128>,
    pub gid: Option<i128>,
    pub size: Option<i128>,
    pub mtime: Option<i64>,
    pub xattrs: BTreeMap<Vec<u8>, Vec<u8>>,
    /// SHA-1 of the content, or of a symbolic link's target, as packages of Alpine state it.
    pub sha1: Option<[u8; 20]>,
    /// Whether the entry is a sparse file in one of GNU's pax forms.
    pub sparse: bool,
}

/// Reads the records in `bytes`, the header that stands at byte `at` of the archive.
pub(super) fn parse(mut bytes: &[u8], at: u64, limits: &Limits) -> Result<Pax, ArchiveProblem> {
    let bad = |field| ArchiveProblem::TarHeader { at, field };
    let mut pax = Pax::default();
    let mut attributes = 0;
    while !bytes.is_empty() {
        let space = bytes.iter().take(20).position(|&byte| byte == b' ').ok_or_else(|| bad("pax record"))?;
        let length = decimal(&bytes[..space]).and_then(|length| usize::try_from(length).ok());
        let length = length.filter(|&length| length > space + 1 && length <= bytes.len());
        let length = length.ok_or_else(|| bad("pax record length"))?;
        let (record, rest) = bytes.split_at(length);
        let body = record[space + 1..].strip_suffix(b"\n").ok_or_else(|| bad("pax record end"))?;
        let equals = body.iter().position(|&byte| byte == b'=').ok_or_else(|| bad("pax record"))?;
        let (key, value) = (&body[..equals], &body[equals + 1..]);
        let number = |value| decimal(value).ok_or_else(|| bad("pax number"));
        match key {
            b"path" => pax.path = Some(value.to_vec()),
            b"linkpath" => pax.link = Some(value.to_vec()),
            b"uid" => pax.uid = Some(number(value)?),
            b"gid" => pax.gid = Some(number(value)?),
            b"size" => pax.size = Some(number(value)?),
            b"mtime" => pax.mtime = Some(seconds(value).ok_or_else(|| bad("pax time"))?),
            b"APK-TOOLS.checksum.SHA1" => {
                pax.sha1 = Some(sha1(value).ok_or_else(|| bad("APK-TOOLS.checksum.SHA1"))?);
            }
            _ if key.starts_with(b"GNU.sparse.") => pax.sparse = true,
            _ => {
                if let Some(name) = key.strip_prefix(b"SCHILY.xattr.") {
                    attributes += name.len() + value.len();
                    pax.xattrs.insert(name.to_vec(), value.to_vec());
                }
            }
        }
        bytes = rest;
    }
    if attributes > limits.header {
        let (size, limit) = (attributes as u64, limits.header as u64);
        return Err(ArchiveProblem::OversizeHeader { what: "extended attributes", size, limit });
    }
    Ok(pax)
}

/// Refuses a global header that would change every entry after it; a comment, as git writes it, is fine.
pub(super) fn check_global(bytes: &[u8], at: u64, limits: &Limits) -> Result<(), ArchiveProblem> {
    let pax = parse(bytes, at, limits)?;
    let harmless = pax.path.is_none()
        && pax.link.is_none()
        && pax.size.is_none()
        && pax.xattrs.is_empty()
        && !pax.sparse;
    if harmless { Ok(()) } else { Err(ArchiveProblem::TarHeader { at, field: "global pax header" }) }
}

fn sha1(hex: &[u8]) -> Option<[u8; 20]> {
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    let mut bytes = [0; 20];
    let whole = hex.len() == 2 * bytes.len();
    for (byte, pair) in bytes.iter_mut().zip(hex.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    whole.then_some(bytes)
}

fn decimal(text: &[u8]) -> Option<i128> {
    let (sign, digits) = match text {
        [b'-', digits @ ..] => (-1, digits),
        digits => (1, digits),
    };
    let valid = !digits.is_empty() && digits.len() <= 20 && digits.iter().all(u8::is_ascii_digit);
    valid.then(|| sign * digits.iter().fold(0i128, |sum, digit| sum * 10 + i128::from(digit - b'0')))
}

/// Whole seconds of a pax time, rounded down.
fn seconds(text: &[u8]) -> Option<i64> {
    let mut halves = text.splitn(2, |&byte| byte == b'.');
    let whole = halves.next()?;
    let fraction = halves.next().unwrap_or_default();
    if !fraction.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let down = i64::from(whole.starts_with(b"-") && fraction.iter().any(|&digit| digit != b'0'));
    i64::try_from(decimal(whole)?).ok()?.checked_sub(down)
}

/// A number of a tar header field: octal digits between blanks, or GNU's base-256 form.
pub(super) fn field(bytes: &[u8]) -> Option<i128> {
    match bytes.first()? {
        0x80 => bytes[1..]
            .iter()
            .try_fold(0i128, |sum, &byte| (sum >> 100 == 0).then_some((sum << 8) | i128::from(byte))),
        0xff => bytes[1..]
            .iter()
            .try_fold(-1i128, |sum, &byte| (sum >> 100 == -1).then_some((sum << 8) | i128::from(byte))),
        _ => {
            let blank = |byte: &u8| matches!(byte, 0 | b' ');
            let start = bytes.iter().position(|byte| !blank(byte)).unwrap_or(bytes.len());
            let end = bytes[start..].iter().position(blank).map_or(bytes.len(), |at| start + at);
            let octal = bytes[start..end].iter().all(|digit| matches!(digit, b'0'..=b'7'));
            let rest = bytes[end..].iter().all(blank);
            let value = |sum, digit: &u8| sum * 8 + i128::from(digit - b'0');
            (octal && rest).then(|| bytes[start..end].iter().fold(0i128, value))
        }
    }
}

/// `value` as an unsigned number of at most `limit`.
pub(super) fn in_range(
    value: i128,
    limit: u64,
    path: &[u8],
    field: &'static str,
) -> Result<u64, ArchiveProblem> {
    let valid = u64::try_from(value).ok().filter(|&number| number <= limit);
    valid.ok_or_else(|| ArchiveProblem::NumberOutOfRange { path: shown(path), field, value })
}
