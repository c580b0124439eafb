//! Downloads that may be cut off: kept by the SHA-256 they are to have, across runs.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use super::error::{IoContext, StoreError};
use super::write::{Hashes, io_error};
use super::{ObjectRef, Store};
use crate::digest::Sha256;

/// Bytes are gathered to blocks of this size before they are hashed and written.
const BLOCK: usize = 256 * 1024;

/// A blob with a known SHA-256 that is being fetched. Dropped unfinished, what it has stays for the next try.
/// Its writer must hold the lock of the fetch's key.
#[derive(Debug)]
pub struct PartialFile<'a> {
    store: &'a Store,
    expected: Sha256,
    path: PathBuf,
    file: File,
    block: Vec<u8>,
    hashes: Hashes,
    size: u64,
}

impl<'a> PartialFile<'a> {
    /// The blob, with what an earlier try got of it.
    pub fn open(store: &'a Store, expected: Sha256) -> Result<Self, StoreError> {
        let path = store.layout.partial(&expected);
        let mut file =
            OpenOptions::new().read(true).append(true).create(true).open(&path).at("write", &path)?;
        let mut hashes = Hashes::default();
        let mut block = vec![0; BLOCK];
        let mut size = 0;
        loop {
            let count = file.read(&mut block).at("read", &path)?;
            if count == 0 {
                break;
            }
            hashes.update(&block[..count]);
            size += count as u64;
        }
        block.clear();
        Ok(Self { store, expected, path, file, block, hashes, size })
    }

    /// How many bytes it has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Throws away what it has.
    pub fn restart(&mut self) -> Result<(), StoreError> {
        self.file.set_len(0).at("write", &self.path)?;
        self.block.clear();
        self.hashes = Hashes::default();
        self.size = 0;
        Ok(())
    }

    /// Takes the blob into the store. With another SHA-256 than the expected one it is thrown away.
    pub fn finish(mut self) -> Result<ObjectRef, StoreError> {
        self.write_block()?;
        let hashes = std::mem::take(&mut self.hashes);
        let (digest, actual) = hashes.finish();
        if actual != self.expected {
            let _ = fs::remove_file(&self.path);
            return Err(StoreError::DigestMismatch { expected: self.expected, actual });
        }
        self.file.set_permissions(fs::Permissions::from_mode(0o444)).at("write", &self.path)?;
        let object = ObjectRef { digest, size: self.size };
        // Out of the way of another fetch of the same bytes that may come before the commit.
        let moved = self.store.scratch()?.path();
        fs::rename(&self.path, &moved).at("write", &self.path)?;
        self.store.adopt(moved, &object);
        Ok(object)
    }

    fn write_block(&mut self) -> Result<(), StoreError> {
        self.hashes.update(&self.block);
        self.file.write_all(&self.block).at("write", &self.path)?;
        self.block.clear();
        Ok(())
    }
}

impl Write for PartialFile<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = bytes.len().min(BLOCK - self.block.len());
        self.block.extend_from_slice(&bytes[..count]);
        self.size += count as u64;
        if self.block.len() == BLOCK {
            self.write_block().map_err(io_error)?;
        }
        Ok(count)
    }

    /// Writes what is gathered, so that it is there for the next try.
    fn flush(&mut self) -> io::Result<()> {
        self.write_block().map_err(io_error)
    }
}

impl Drop for PartialFile<'_> {
    fn drop(&mut self) {
        // What was fetched is worth keeping; that it cannot be kept is no new error.
        if !self.block.is_empty() {
            let _ = self.file.write_all(&self.block);
        }
    }
}
