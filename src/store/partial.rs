//! Downloads that may be cut off: kept by what they are to be, across runs.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use super::error::{IoContext, StoreError};
use super::write::io_error;
use super::{ObjectRef, Store};
use crate::digest::Digest;
use crate::graph::FixedOutput;

/// Bytes are gathered to blocks of this size before they are hashed and written.
const BLOCK: usize = 256 * 1024;

/// A file with a fixed content that is being fetched. Dropped unfinished, what it has stays for the next try.
/// Its writer must hold the lock of the fetch's key. Whether it is what it is to be is the fetcher's to check.
#[derive(Debug)]
pub struct PartialFile<'a> {
    store: &'a Store,
    path: PathBuf,
    file: File,
    block: Vec<u8>,
    hasher: Box<blake3::Hasher>,
    /// Bytes hashed: all that were given to `present` and written since.
    size: u64,
}

impl Store {
    /// The file that is to be `expected`, with what an earlier try got of it. [`PartialFile::present`] must
    /// be called before it is written.
    pub fn partial(&self, expected: &FixedOutput) -> Result<PartialFile<'_>, StoreError> {
        let path = self.layout.partial(expected);
        let file = OpenOptions::new().read(true).append(true).create(true).open(&path).at("write", &path)?;
        Ok(PartialFile { store: self, path, file, block: Vec::new(), hasher: Box::default(), size: 0 })
    }
}

impl PartialFile<'_> {
    /// Gives the bytes that are there already to `each`, in order; what is written next comes behind them.
    pub fn present(&mut self, each: &mut dyn FnMut(&[u8])) -> Result<(), StoreError> {
        self.file.seek(SeekFrom::Start(0)).at("read", &self.path)?;
        (self.hasher, self.size) = (Box::default(), 0);
        let mut block = vec![0; BLOCK];
        loop {
            let count = self.file.read(&mut block).at("read", &self.path)?;
            if count == 0 {
                return Ok(());
            }
            self.hasher.update(&block[..count]);
            self.size += count as u64;
            each(&block[..count]);
        }
    }

    /// Throws away what it has.
    pub fn clear(&mut self) -> Result<(), StoreError> {
        self.file.set_len(0).at("write", &self.path)?;
        self.block.clear();
        (self.hasher, self.size) = (Box::default(), 0);
        Ok(())
    }

    /// Takes the file, which was found to be the expected one, into the store.
    pub fn finish(mut self) -> Result<ObjectRef, StoreError> {
        self.write_block()?;
        let object = ObjectRef { digest: Digest(*self.hasher.finalize().as_bytes()), size: self.size };
        self.file.set_permissions(fs::Permissions::from_mode(0o444)).at("write", &self.path)?;
        // Out of the way of another fetch of the same bytes that may come before the commit.
        let moved = self.store.scratch()?.path();
        fs::rename(&self.path, &moved).at("write", &self.path)?;
        self.store.adopt(moved, &object);
        Ok(object)
    }

    fn write_block(&mut self) -> Result<(), StoreError> {
        self.hasher.update(&self.block);
        self.size += self.block.len() as u64;
        self.file.write_all(&self.block).at("write", &self.path)?;
        self.block.clear();
        Ok(())
    }
}

impl Write for PartialFile<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.block.capacity() == 0 {
            self.block.reserve_exact(BLOCK);
        }
        let count = bytes.len().min(BLOCK - self.block.len());
        self.block.extend_from_slice(&bytes[..count]);
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
        let _ = self.file.write_all(&self.block);
        if self.file.metadata().is_ok_and(|metadata| metadata.len() == 0) {
            let _ = fs::remove_file(&self.path);
        }
    }
}
