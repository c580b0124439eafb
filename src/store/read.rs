//! Reading with the digest checked on the way.

use std::io::{self, Read};

use super::StoreError;
use crate::digest::Digest;

/// Gives the bytes of the inner reader; instead of an end it gives an error when they are not those of `digest`.
#[derive(Debug)]
pub(crate) struct CheckedReader<R> {
    inner: R,
    digest: Digest,
    hasher: Box<blake3::Hasher>,
}

impl<R: Read> CheckedReader<R> {
    pub fn new(inner: R, digest: Digest) -> Self {
        Self { inner, digest, hasher: Box::default() }
    }
}

impl<R: Read> Read for CheckedReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        if count > 0 {
            self.hasher.update(&buffer[..count]);
        } else if !buffer.is_empty() && self.hasher.finalize().as_bytes() != &self.digest.0 {
            return Err(io::Error::new(io::ErrorKind::InvalidData, StoreError::DamagedObject(self.digest)));
        }
        Ok(count)
    }
}
