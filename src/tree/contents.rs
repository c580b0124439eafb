//! Reaching the bytes of files by their digest.

use std::collections::BTreeMap;
use std::io::Read;

use crate::digest::Digest;

/// Why the bytes of a file could not be read or kept.
#[derive(Debug, thiserror::Error)]
pub enum ContentError {
    /// No pack in reach holds them.
    #[error("no content {0} in the packs at hand")]
    Missing(Digest),
    /// The bytes are there but wrong.
    #[error("the content {0} is damaged")]
    Damaged(Digest),
    /// Reading or writing failed.
    #[error("cannot read or keep file content")]
    Io(#[from] std::io::Error),
}

/// Where the content of a tree's files is read from.
pub trait Contents: Sync {
    /// A reader over the whole content `digest`.
    fn open(&self, digest: &Digest) -> Result<Box<dyn Read + Send + '_>, ContentError>;

    /// The whole content `digest`.
    fn read(&self, digest: &Digest) -> Result<Vec<u8>, ContentError> {
        let mut bytes = Vec::new();
        self.open(digest)?.read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

/// Where the content of a new tree's files is kept; a pack under construction, usually.
pub trait ContentSink {
    /// Keeps everything `content` gives; returns its digest and its length in bytes. The same content is kept
    /// once.
    fn keep(&mut self, content: &mut dyn Read) -> Result<(Digest, u64), ContentError>;

    /// Keeps `bytes`; returns their digest.
    fn keep_bytes(&mut self, bytes: &[u8]) -> Result<Digest, ContentError> {
        self.keep(&mut &bytes[..]).map(|(digest, _)| digest)
    }
}

/// Contents in memory, for small trees and tests.
#[derive(Debug, Default)]
pub struct MemoryContents {
    /// Every content by its digest.
    pub blobs: BTreeMap<Digest, Vec<u8>>,
}

impl Contents for MemoryContents {
    fn open(&self, digest: &Digest) -> Result<Box<dyn Read + Send + '_>, ContentError> {
        let bytes = self.blobs.get(digest).ok_or(ContentError::Missing(*digest))?;
        Ok(Box::new(bytes.as_slice()))
    }
}

impl ContentSink for MemoryContents {
    fn keep(&mut self, content: &mut dyn Read) -> Result<(Digest, u64), ContentError> {
        let mut bytes = Vec::new();
        content.read_to_end(&mut bytes)?;
        let (digest, size) = (Digest::of(&bytes), bytes.len() as u64);
        self.blobs.insert(digest, bytes);
        Ok((digest, size))
    }
}
