//! What stands in a package before its data: signatures and control, both small.

use std::io::{BufRead, Read};

use sha1::{Digest as _, Sha1};

use super::ApkProblem;
use super::segment::{Segment, read_segment};
use crate::digest::Sha256;
use crate::distro::alpine::checksum::Checksum;
use crate::distro::alpine::pkginfo::PkgInfo;
use crate::distro::alpine::signature::{MEMBER_PREFIX, Signature};
use crate::distro::archive::{ArchiveProblem, Limits, Member, MemberKind, TarReader};
use crate::tree::TreePath;

/// How messages call the segments.
const SIGNATURES: &str = "the signature segment";
pub(super) const CONTROL: &str = "the control segment";
pub(super) const DATA: &str = "the data segment";

/// Most segments of signatures; packages that are signed again have two.
const MAX_SIGNATURE_SEGMENTS: usize = 4;
/// Largest signature: that of a key of 16384 bits.
const MAX_SIGNATURE_BYTES: u64 = 2048;

/// Limits of segments that are read whole.
pub(super) fn limits() -> Limits {
    Limits { entries: 1000, ..Limits::default() }
}

/// Signatures and control of a package. Nothing of it is verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The signatures, of the bytes of the control segment.
    pub signatures: Vec<Signature>,
    /// The control segment.
    pub control: Segment,
    /// The SHA-1 of its bytes.
    pub checksum: Checksum,
    /// `.PKGINFO`.
    pub info: PkgInfo,
    /// What the data segment's SHA-256 must be.
    pub datahash: Sha256,
}

impl Head {
    /// The head of the package that begins here in `source`, which is left at the beginning of the data.
    pub fn read(source: &mut dyn BufRead) -> Result<Self, ArchiveProblem> {
        check_start(source)?;
        let mut signatures = Vec::new();
        for _ in 0..=MAX_SIGNATURE_SEGMENTS {
            let part = if signatures.is_empty() { SIGNATURES } else { CONTROL };
            let segment = read_segment(source, part)?;
            let mut found = signatures_in(&segment)?;
            if found.is_empty() {
                return Self::with_control(signatures, segment);
            }
            signatures.append(&mut found);
        }
        Err(ApkProblem::NoControl { found: "one more signature".to_owned() }.into())
    }

    fn with_control(signatures: Vec<Signature>, control: Segment) -> Result<Self, ArchiveProblem> {
        let checksum = Checksum(Sha1::digest(&control.stored).into());
        let info = read_control(&control)?;
        let datahash = info.datahash.ok_or(ApkProblem::NoDataHash)?;
        Ok(Self { signatures, control, checksum, info, datahash })
    }
}

/// Tells what is no package of this format by its first bytes.
fn check_start(source: &mut dyn BufRead) -> Result<(), ArchiveProblem> {
    match source.fill_buf().map_err(ArchiveProblem::Unreadable)? {
        [] => Err(ArchiveProblem::Truncated { part: SIGNATURES.to_owned() }),
        [b'A', b'D', b'B', b'.' | b'd' | b'c', ..] => Err(ApkProblem::Version3.into()),
        [0x1f] | [0x1f, 0x8b, ..] => Ok(()),
        _ => Err(ApkProblem::NotAPackage.into()),
    }
}

/// The signatures in a segment; none where it is the control segment.
pub fn signatures_in(segment: &Segment) -> Result<Vec<Signature>, ArchiveProblem> {
    let mut signatures = Vec::new();
    let limits = limits();
    let mut reader = TarReader::new(segment.tar.as_slice(), SIGNATURES, segment.stored.len() as u64, &limits);
    while let Some(member) = reader.next_member()? {
        let name = String::from_utf8_lossy(&member.path).into_owned();
        if signatures.is_empty() && !name.starts_with(MEMBER_PREFIX) {
            return Ok(signatures);
        }
        let bytes = content(&mut reader, &member, MAX_SIGNATURE_BYTES)?;
        let signature = bytes.and_then(|bytes| Signature::of_member(&name, bytes));
        signatures.push(signature.ok_or(ApkProblem::OddMember { part: SIGNATURES, name })?);
    }
    reader.finish()?;
    Ok(signatures)
}

fn read_control(segment: &Segment) -> Result<PkgInfo, ArchiveProblem> {
    let limits = limits();
    let mut reader = TarReader::new(segment.tar.as_slice(), CONTROL, segment.stored.len() as u64, &limits);
    let mut info = None;
    while let Some(member) = reader.next_member()? {
        let name = String::from_utf8_lossy(&member.path).into_owned();
        if !name.starts_with('.') && info.is_none() {
            return Err(ApkProblem::NoControl { found: name }.into());
        }
        if !name.starts_with('.') || name.contains('/') || member.kind != MemberKind::File {
            return Err(ApkProblem::OddMember { part: CONTROL, name }.into());
        }
        if name == ".PKGINFO" {
            let bytes = content(&mut reader, &member, u64::MAX)?.unwrap_or_default();
            let text = String::from_utf8(bytes).map_err(|_| ApkProblem::PkgInfoEncoding)?;
            if info.replace(PkgInfo::parse(&text).map_err(ApkProblem::PkgInfo)?).is_some() {
                let path = TreePath::new(name.as_bytes()).expect("a plain name is a path");
                return Err(ArchiveProblem::DuplicateEntry { path });
            }
        }
    }
    reader.finish()?;
    info.ok_or_else(|| ApkProblem::NoControl { found: "nothing".to_owned() }.into())
}

/// The content of `member`, a file of at most `limit` bytes; `None` where it is another one.
fn content<R: Read>(
    reader: &mut TarReader<'_, R>,
    member: &Member,
    limit: u64,
) -> Result<Option<Vec<u8>>, ArchiveProblem> {
    if member.kind != MemberKind::File || member.size > limit {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    match reader.read_to_end(&mut bytes) {
        Ok(_) => Ok(Some(bytes)),
        Err(error) => Err(reader.take_failure().unwrap_or(ArchiveProblem::Unreadable(error))),
    }
}
