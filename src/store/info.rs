//! What the store holds, in numbers.

use std::fs;
use std::path::PathBuf;

use serde::Serialize;

use super::Store;
use super::error::StoreError;
use super::layout::list;

/// Numbers of a store. Sizes are in bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct StoreInfo {
    /// Its folder.
    pub path: PathBuf,
    /// Objects.
    pub objects: usize,
    /// Their sizes.
    pub object_bytes: u64,
    /// Records.
    pub records: usize,
    /// Derivations that the memo knows.
    pub memo: usize,
    /// Verbatim blobs and what is derived from them; their bytes are among those of the objects.
    pub blobs: usize,
    /// Roots.
    pub roots: usize,
    /// Logs.
    pub logs: usize,
    /// Exec roots; their bytes are not among those of the objects.
    pub exec_roots: usize,
    /// Sandboxes kept as a failed step left them.
    pub failed: usize,
    /// Downloads that were cut off.
    pub partial: usize,
    /// Their sizes.
    pub partial_bytes: u64,
}

impl Store {
    /// Counts everything. Files that come or go meanwhile may be counted or not.
    pub fn info(&self) -> Result<StoreInfo, StoreError> {
        let objects = self.layout.list("objects")?;
        let partial = list(&self.layout.folder("partial"))?;
        let size = |files: &[(String, PathBuf)]| -> u64 {
            files.iter().filter_map(|(_, path)| fs::symlink_metadata(path).ok()).map(|file| file.len()).sum()
        };
        Ok(StoreInfo {
            path: self.layout.root.clone(),
            object_bytes: size(&objects),
            objects: objects.len(),
            records: self.layout.list("records")?.len(),
            memo: self.layout.list("memo")?.len(),
            blobs: self.blob_links()?.len(),
            roots: self.roots()?.len(),
            logs: self.layout.list("logs")?.len(),
            exec_roots: self.list_exec_roots()?.len(),
            failed: list(&self.layout.folder("failed"))?.len(),
            partial_bytes: size(&partial),
            partial: partial.len(),
        })
    }
}
