//! Roots: what the collector keeps.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Store;
use super::error::{IoContext, StoreError};
use super::layout::list;
use super::record::{seal, unseal};
use crate::digest::{Digest, Sha256};
use crate::graph::DerivationKey;

/// What something outside the store needs: an output layout, a lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Root {
    /// What for: `layout`, `lock`. Lower-case letters.
    pub kind: String,
    /// The file or folder that needs it, absolute. When that is gone, the root is.
    pub path: PathBuf,
    /// Records kept, with all they were made from.
    #[serde(default)]
    pub records: Vec<DerivationKey>,
    /// Verbatim blobs kept.
    #[serde(default)]
    pub blobs: Vec<Sha256>,
}

impl Root {
    /// The file's name below `roots`: one for each kind and path.
    fn file_name(&self) -> String {
        use std::os::unix::ffi::OsStrExt;
        format!("{}-{}", self.kind, &Digest::of(self.path.as_os_str().as_bytes()).to_hex()[..32])
    }
}

impl Store {
    /// Registers `root` in place of an earlier one of the same kind and path.
    pub fn set_root(&self, root: &Root) -> Result<(), StoreError> {
        let path = self.layout.folder("roots").join(root.file_name());
        let bytes = seal("root", root);
        if holds(&path, &bytes) {
            return Ok(());
        }
        let file = self.write_scratch(&bytes)?;
        file.file.sync_data().at("sync", file.path())?;
        let new = file.keep();
        fs::rename(&new, &path).at("write", &path)
    }

    /// Every root with its file, sorted. `None` stands for one that is damaged.
    pub fn roots(&self) -> Result<Vec<(PathBuf, Option<Root>)>, StoreError> {
        let mut roots = Vec::new();
        for (_, path) in list(&self.layout.folder("roots"))? {
            let root = match fs::read(&path) {
                Ok(bytes) => unseal("root", &bytes).filter(|root: &Root| path.ends_with(root.file_name())),
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(StoreError::io("read", &path, error)),
            };
            roots.push((path, root));
        }
        Ok(roots)
    }
}

/// Whether the file at `path` has these bytes and no more.
fn holds(path: &Path, bytes: &[u8]) -> bool {
    let mut old = vec![0; bytes.len() + 1];
    let read = fs::File::open(path).and_then(|mut file| file.read(&mut old));
    read.is_ok_and(|length| old[..length] == *bytes)
}

/// Whether what needs the root is still there. A path that cannot be looked at counts as there.
pub(crate) fn is_needed(path: &Path) -> bool {
    !matches!(fs::symlink_metadata(path), Err(error) if error.kind() == io::ErrorKind::NotFound)
}
