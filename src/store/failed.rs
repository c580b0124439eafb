//! Sandboxes as failed steps left them, by derivation id: one file each, gone at the next success or collection.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;

use super::Store;
use super::error::{IoContext, StoreError};
use super::scratch::TemporaryFile;
use crate::graph::DerivationId;

/// A file for a failed sandbox that is being written. Dropped unfinished, it is gone.
#[derive(Debug)]
pub struct FailedFile {
    file: TemporaryFile,
    target: PathBuf,
}

impl FailedFile {
    /// Puts it in place of an earlier one.
    pub fn finish(self) -> Result<(), StoreError> {
        let new = self.file.keep();
        fs::rename(&new, &self.target).at("write", &self.target)
    }
}

impl Write for FailedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Store {
    /// A new file for the failed sandbox of a derivation.
    pub fn create_failed(&self, id: &DerivationId) -> Result<FailedFile, StoreError> {
        let folder = self.layout.folder("failed");
        fs::create_dir_all(&folder).at("make", &folder)?;
        let file = TemporaryFile::create(self.scratch()?.path())?;
        Ok(FailedFile { file, target: self.layout.failed(id) })
    }

    /// The failed sandbox of a derivation, or `None` where none is kept.
    pub fn failed(&self, id: &DerivationId) -> Result<Option<File>, StoreError> {
        let path = self.layout.failed(id);
        match File::open(&path) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StoreError::io("open", &path, error)),
        }
    }

    /// Forgets the failed sandbox of a derivation.
    pub fn drop_failed(&self, id: &DerivationId) -> Result<(), StoreError> {
        super::layout::remove(&self.layout.failed(id))
    }
}
