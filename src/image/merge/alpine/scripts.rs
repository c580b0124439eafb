//! What apk keeps of packages beside their files: scripts, triggers, and the digest of extended attributes.

use std::collections::BTreeMap;

use super::super::{MergeError, Workspace};
use crate::distro::alpine::checksum::Checksum;
use crate::tree::EntryKind;

/// The members of a control segment that apk keeps.
const KEPT: [&str; 7] = [
    ".pre-install",
    ".post-install",
    ".pre-deinstall",
    ".post-deinstall",
    ".pre-upgrade",
    ".post-upgrade",
    ".trigger",
];
const NAME_ROOM: usize = 100;

/// `scripts.tar`: the scripts of all packages in the order of installation, each named
/// `<name>-<version>.<checksum>.<script>`.
pub(super) fn archive(workspace: &Workspace<'_>) -> Result<Vec<u8>, MergeError> {
    let mut archive = tar::Builder::new(Vec::new());
    for package in &workspace.packages {
        let Some(apk) = &package.apk else { continue };
        for member in KEPT {
            let entry = package.control_entry(member);
            let Some((entry, EntryKind::File { digest, .. })) = entry.map(|entry| (entry, &entry.kind))
            else {
                continue;
            };
            let bytes = workspace.content(digest)?;
            let (name, version) = (&apk.info.pkgname, &apk.info.pkgver);
            let name = format!("{name}-{version}.{}{member}", apk.entry.checksum);
            append(&mut archive, &name, entry.mtime, &bytes).map_err(crate::tree::ContentError::Io)?;
        }
    }
    archive.into_inner().map_err(|error| crate::tree::ContentError::Io(error).into())
}

fn append(
    archive: &mut tar::Builder<Vec<u8>>,
    name: &str,
    mtime: i64,
    bytes: &[u8],
) -> Result<(), std::io::Error> {
    if name.len() > NAME_ROOM {
        let mut header = header(b"././@LongLink", tar::EntryType::GNULongName, name.len() as u64 + 1);
        header.set_cksum();
        archive.append(&header, [name.as_bytes(), b"\0"].concat().as_slice())?;
    }
    let short = &name.as_bytes()[..name.len().min(NAME_ROOM)];
    let mut header = header(short, tar::EntryType::Regular, bytes.len() as u64);
    header.set_mtime(u64::try_from(mtime).unwrap_or(0));
    header.set_cksum();
    archive.append(&header, bytes)
}

fn header(name: &[u8], kind: tar::EntryType, size: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.as_old_mut().name[..name.len()].copy_from_slice(name);
    header.set_entry_type(kind);
    header.set_mode(0o755);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(size);
    header
}

/// `triggers`: of each package that waits for changes its checksum and the folders.
pub(super) fn triggers(workspace: &Workspace<'_>) -> String {
    let waiting = workspace.packages.iter().filter_map(|package| package.apk.as_ref());
    let waiting = waiting.filter(|apk| !apk.info.triggers.is_empty());
    waiting.map(|apk| format!("{} {}\n", apk.entry.checksum, apk.info.triggers.join(" "))).collect()
}

/// The SHA-1 over names and values of extended attributes in order, each behind its length; `None` without any.
pub(super) fn attributes_digest(attributes: &BTreeMap<Vec<u8>, Vec<u8>>) -> Option<Checksum> {
    use sha1::Digest as _;
    if attributes.is_empty() {
        return None;
    }
    let mut hasher = sha1::Sha1::new();
    for part in attributes.iter().flat_map(|(name, value)| [name, value]) {
        hasher.update(u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        hasher.update(part);
    }
    Some(Checksum(hasher.finalize().into()))
}
