//! Objects written piece by piece.

use std::io::{self, Write};

use sha2::Digest as _;

use super::error::{IoContext, StoreError};
use super::scratch::TemporaryFile;
use super::{ObjectRef, Store};
use crate::digest::{Digest, Sha256};

/// Bytes are gathered to blocks of this size before they are hashed and written.
const BLOCK: usize = 256 * 1024;

/// An object under construction in the scratch folder. Dropped unfinished, it is gone.
#[derive(Debug)]
pub struct ObjectFile<'a> {
    store: &'a Store,
    file: TemporaryFile,
    block: Vec<u8>,
    hashes: Hashes,
    size: u64,
}

/// Both digests of a stream.
#[derive(Debug, Default)]
pub(crate) struct Hashes {
    blake3: Box<blake3::Hasher>,
    sha256: sha2::Sha256,
}

impl Hashes {
    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.blake3.update(bytes);
        self.sha256.update(bytes);
    }

    /// The digests of all bytes taken.
    pub fn finish(self) -> (Digest, Sha256) {
        (Digest(*self.blake3.finalize().as_bytes()), Sha256(self.sha256.finalize().into()))
    }
}

impl<'a> ObjectFile<'a> {
    pub(crate) fn create(store: &'a Store) -> Result<Self, StoreError> {
        let file = TemporaryFile::create(store.scratch()?.path())?;
        Ok(Self { store, file, block: Vec::new(), hashes: Hashes::default(), size: 0 })
    }

    /// Closes it; returns the object and the SHA-256 of its bytes.
    pub fn finish(mut self) -> Result<(ObjectRef, Sha256), StoreError> {
        self.write_block()?;
        let (digest, sha256) = self.hashes.finish();
        let object = ObjectRef { digest, size: self.size };
        self.store.adopt(self.file.keep(), &object);
        Ok((object, sha256))
    }

    /// Writes the only bytes of an object whose name is known, and closes it.
    pub(crate) fn write_whole(mut self, bytes: &[u8], object: &ObjectRef) -> Result<(), StoreError> {
        self.file.file.write_all(bytes).at("write", self.file.path())?;
        self.store.adopt(self.file.keep(), object);
        Ok(())
    }

    fn write_block(&mut self) -> Result<(), StoreError> {
        self.hashes.update(&self.block);
        self.file.file.write_all(&self.block).at("write", self.file.path())?;
        self.block.clear();
        Ok(())
    }
}

impl Write for ObjectFile<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.block.capacity() == 0 {
            self.block.reserve_exact(BLOCK);
        }
        let count = bytes.len().min(BLOCK - self.block.len());
        self.block.extend_from_slice(&bytes[..count]);
        self.size += count as u64;
        if self.block.len() == BLOCK {
            self.write_block().map_err(io_error)?;
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The error as an `io::Error` from which [`StoreError::from_content`] gets it back.
pub(crate) fn io_error(error: StoreError) -> io::Error {
    match crate::tree::ContentError::from(error) {
        crate::tree::ContentError::Io(error) => error,
        other => io::Error::other(other),
    }
}
