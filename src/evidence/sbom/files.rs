//! The files of an image by origin, with the digests that SPDX asks for.

use std::collections::BTreeMap;
use std::io::Read as _;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use sha1::Digest as _;
use sha2::Digest as _;

use crate::digest::{Digest, Sha256};
use crate::tree::{ContentError, Contents, EntryKind, Origin, OriginMap, Tree, TreePath};

/// Bytes read at once.
const BLOCK: usize = 1 << 16;

/// A file or a link in an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundFile {
    /// Where it stands.
    pub path: TreePath,
    /// What its content hashes to; none of a symlink.
    #[serde(flatten, default, skip_serializing_if = "Option::is_none")]
    pub digests: Option<FileDigests>,
}

/// The digests of a content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileDigests {
    /// SHA-1, without which SPDX has no file; 40 hexadecimal digits.
    pub sha1: String,
    /// SHA-256.
    pub sha256: Sha256,
}

/// The files and links of `tree` by origin, each origin's sorted by path. Each content is read once, by several threads.
pub(super) fn files_by_origin(
    origins: &OriginMap,
    tree: &Tree,
    contents: &dyn Contents,
) -> Result<BTreeMap<Origin, Vec<FoundFile>>, ContentError> {
    let mut wanted: Vec<Digest> = tree
        .entries()
        .iter()
        .filter_map(|entry| match &entry.kind {
            EntryKind::File { digest, .. } => Some(*digest),
            _ => None,
        })
        .collect();
    wanted.sort_unstable();
    wanted.dedup();
    let hashed: Vec<FileDigests> = wanted
        .par_iter()
        .map_init(|| vec![0; BLOCK], |block, digest| digests(contents, digest, block))
        .collect::<Result<_, ContentError>>()?;
    let mut found: BTreeMap<Origin, Vec<FoundFile>> = BTreeMap::new();
    for entry in tree.entries().iter().filter(|entry| !entry.is_directory()) {
        let Some(origin) = origins.get(&entry.path) else { continue };
        let digests = match &entry.kind {
            EntryKind::File { digest, .. } => wanted.binary_search(digest).ok().map(|at| hashed[at].clone()),
            _ => None,
        };
        let file = FoundFile { path: entry.path.clone(), digests };
        match found.get_mut(origin) {
            Some(files) => files.push(file),
            None => drop(found.insert(origin.clone(), vec![file])),
        }
    }
    Ok(found)
}

fn digests(contents: &dyn Contents, digest: &Digest, block: &mut [u8]) -> Result<FileDigests, ContentError> {
    let mut reader = contents.open(digest)?;
    let (mut sha1, mut sha256) = (sha1::Sha1::new(), sha2::Sha256::new());
    loop {
        match reader.read(block)? {
            0 => break,
            length => {
                sha1.update(&block[..length]);
                sha256.update(&block[..length]);
            }
        }
    }
    Ok(FileDigests { sha1: hex(&sha1.finalize()), sha256: Sha256(sha256.finalize().into()) })
}

/// The verification code of SPDX (section 7.9) of a package with `files`, of which those with digests count.
pub(super) fn verification_code<'a>(files: impl Iterator<Item = &'a FoundFile>) -> String {
    let mut all: Vec<&str> = files.filter_map(|file| Some(file.digests.as_ref()?.sha1.as_str())).collect();
    all.sort_unstable();
    hex(&sha1::Sha1::digest(all.concat().as_bytes()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::{ContentSink as _, Entry, MemoryContents};

    #[test]
    fn each_file_has_its_digests_and_a_link_has_none() {
        let mut contents = MemoryContents::default();
        let digest = contents.keep_bytes(b"abc").unwrap();
        let path = |text: &str| TreePath::new(text.as_bytes()).unwrap();
        let entries = vec![
            Entry::file(path("a"), digest, 3, 0o644, 0),
            Entry::file(path("b"), digest, 3, 0o644, 0),
            Entry::symlink(path("c"), "a", 0),
        ];
        let mut origins = OriginMap::default();
        for (name, origin) in [("a", "deb:x=1:all"), ("b", "recipe"), ("c", "recipe")] {
            origins.insert(path(name), Origin(origin.into()));
        }
        let found = files_by_origin(&origins, &Tree::new(entries).unwrap(), &contents).unwrap();
        let a = &found[&Origin("deb:x=1:all".into())];
        let digests = a[0].digests.as_ref().unwrap();
        assert_eq!(digests.sha1, "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert_eq!(digests.sha256, Sha256::of(b"abc"));
        let rest = &found[&Origin::recipe()];
        assert_eq!((rest[0].digests.is_some(), rest[1].digests.is_some()), (true, false));
        assert_eq!(verification_code(a.iter()), hex(&sha1::Sha1::digest(digests.sha1.as_bytes())));
        let text = serde_json::to_string(rest).unwrap();
        assert_eq!(&serde_json::from_str::<Vec<FoundFile>>(&text).unwrap(), rest);
    }
}
