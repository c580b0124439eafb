//! Roots that are there for a while: finished images as folders, for commands to be run in them.
//!
//! They lie in the folder of this process below `tmp`, which the next process removes where this one is killed.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use super::Store;
use super::error::{IoContext, StoreError};
use super::explode::{Wanted, explode, remove_folder};
use crate::tree::{ContentError, Contents, Tree};

/// The folder in the process's own.
const ROOTS: &str = "roots";

/// What a temporary root is made of.
pub struct NewRoot<'a> {
    /// What is to be there, with every parent. Owners and extended attributes are not set.
    pub tree: &'a Tree,
    /// The time of the folder itself.
    pub epoch: i64,
    /// Who it belongs to, or the user that hbuild runs as.
    pub owner: Option<u32>,
    /// How many threads may make it.
    pub threads: usize,
    /// Whether to stop.
    pub cancelled: &'a (dyn Fn() -> bool + Sync),
}

/// A root. Dropped, it is gone.
#[derive(Debug)]
pub struct TemporaryRoot {
    path: PathBuf,
}

impl TemporaryRoot {
    /// Its name in the folder of temporary roots.
    pub fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }
}

impl Drop for TemporaryRoot {
    fn drop(&mut self) {
        // What stays goes with the process's folder.
        let _ = remove_folder(&self.path);
    }
}

impl Store {
    /// The folder of this process's temporary roots, which any user may pass through.
    pub fn temporary_roots(&self) -> Result<PathBuf, StoreError> {
        let folder = self.scratch()?.folder().join(ROOTS);
        fs::create_dir_all(&folder).at("make", &folder)?;
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).at("change", &folder)?;
        Ok(folder)
    }

    /// `new` as a folder in that of temporary roots.
    pub fn temporary_root(
        &self,
        new: &NewRoot<'_>,
        contents: &dyn Contents,
    ) -> Result<TemporaryRoot, ContentError> {
        let own = self.scratch()?.path();
        let path = self.temporary_roots()?.join(own.file_name().unwrap_or_default());
        let NewRoot { tree, epoch, owner, threads, cancelled } = *new;
        let root = TemporaryRoot { path };
        explode(&root.path, tree, &Wanted { epoch, owner, threads, cancelled }, contents)?;
        Ok(root)
    }
}
