//! A .deb to its two trees.

use std::io::{BufRead, Read};

use super::{ArMember, ArReader};
use crate::distro::archive::{ArchiveProblem, Cancelled, Encoding, Limits, TarForm, UnpackError, unpack_tar};
use crate::tree::{ContentSink, Tree};

/// What a package unpacks to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DebTrees {
    /// Its files, as `data.tar` states them.
    pub tree: Tree,
    /// Its control members by name: `control`, `md5sums`, `postinst`, ….
    pub control: Tree,
}

/// The trees of the package in `source`, which is `length` bytes long; the contents of all files go to `sink`.
/// `archive` names it in errors.
pub fn unpack_deb(
    source: impl BufRead,
    length: u64,
    archive: &str,
    limits: &Limits,
    sink: &mut dyn ContentSink,
    cancelled: Cancelled<'_>,
) -> Result<DebTrees, UnpackError> {
    let refused = |problem| UnpackError::archive(archive, problem);
    let mut members = ArReader::new(source, length).map_err(refused)?;
    check_version(&mut members).map_err(refused)?;
    let small = Limits { total: 64 << 20, entries: 1000, ..*limits };
    let mut part = |expected, limits: &Limits| {
        let (member, encoding) = find(&mut members, expected).map_err(refused)?;
        let mut content = members.content(&member);
        let about = (archive, expected, member.size);
        let tree = unpack_tar(&mut content, encoding, about, (TarForm::Package, limits), sink, cancelled)?;
        // A member that decodes to its end without all its bytes hides something behind.
        if content.limit() > 0 {
            return Err(refused(ArchiveProblem::TrailingBytes { part: expected.to_owned() }));
        }
        Ok(tree)
    };
    let control = part("control.tar", &small)?;
    if !control.entries().iter().any(|entry| entry.path.as_bytes() == b"control") {
        return Err(refused(ArchiveProblem::MissingMember { name: "control.tar/control" }));
    }
    let tree = part("data.tar", limits)?;
    while let Some(member) = members.next_member().map_err(refused)? {
        let problem = optional(&mut members, &member, "the end").err();
        if let Some(problem) = problem {
            return Err(refused(problem));
        }
    }
    Ok(DebTrees { tree, control })
}

fn check_version<R: BufRead>(members: &mut ArReader<R>) -> Result<(), ArchiveProblem> {
    let name = "debian-binary";
    let member = members.next_member()?.ok_or(ArchiveProblem::MissingMember { name })?;
    if member.name != name.as_bytes() {
        let found = String::from_utf8_lossy(&member.name).into_owned();
        return Err(ArchiveProblem::UnexpectedMember { name: found, expected: name });
    }
    let mut version = Vec::new();
    let content = members.content(&member);
    let read = content.take(256).read_to_end(&mut version).map_err(ArchiveProblem::Unreadable)?;
    let line = version.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let minor = line.strip_prefix(b"2.").unwrap_or_default();
    let known = !minor.is_empty() && minor.iter().all(u8::is_ascii_digit);
    if !known || read as u64 != member.size {
        let version = String::from_utf8_lossy(line).into_owned();
        return Err(ArchiveProblem::FormatVersion { version });
    }
    Ok(())
}

/// The member `expected`, in whatever compression, behind optional ones.
fn find<R: BufRead>(
    members: &mut ArReader<R>,
    expected: &'static str,
) -> Result<(ArMember, Encoding), ArchiveProblem> {
    loop {
        let member = members.next_member()?.ok_or(ArchiveProblem::MissingMember { name: expected })?;
        let Some(suffix) = member.name.strip_prefix(expected.as_bytes()) else {
            optional(members, &member, expected)?;
            continue;
        };
        let encoding = match suffix {
            b"" => Encoding::Plain,
            b".gz" => Encoding::Gzip,
            b".xz" => Encoding::Xz,
            b".zst" => Encoding::Zstd,
            _ => {
                let name = String::from_utf8_lossy(&member.name).into_owned();
                return Err(ArchiveProblem::UnknownCompression { name });
            }
        };
        return Ok((member, encoding));
    }
}

/// Skips a member whose name begins with `_`; refuses any other.
fn optional<R: BufRead>(
    members: &mut ArReader<R>,
    member: &ArMember,
    expected: &'static str,
) -> Result<(), ArchiveProblem> {
    if member.name.starts_with(b"_") {
        return members.skip(member);
    }
    let name = String::from_utf8_lossy(&member.name).into_owned();
    Err(ArchiveProblem::UnexpectedMember { name, expected })
}
