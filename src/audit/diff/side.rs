//! What is compared: a tree with its documents, and a way to its contents.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::DiffError;
use crate::digest::{Digest, Sha256};
use crate::tree::{ContentSink, Contents, Tree};

/// One of the two that are compared.
pub struct Side<'a> {
    /// As the user named it.
    pub name: String,
    /// Of an image: SHA-256 of its manifest.
    pub manifest: Option<Sha256>,
    /// Of an image: manifest and config by these names.
    pub documents: BTreeMap<&'static str, Value>,
    /// Its files.
    pub tree: Tree,
    /// Where their contents come from.
    pub contents: Box<dyn Fetch + 'a>,
}

/// A way to the contents of a tree, which may be behind compression: what is wanted is fetched at once.
pub trait Fetch: Send + Sync {
    /// Puts the contents `wanted` into `spool`.
    fn fetch(&self, wanted: &BTreeSet<Digest>, spool: &dyn Spool) -> Result<(), DiffError>;
}

/// Where contents wait to be compared; those of both sides together.
pub trait Spool: Sync {
    /// A place for contents. Several threads have one each.
    fn sink(&self) -> Result<Box<dyn ContentSink + '_>, DiffError>;

    /// Everything that was kept.
    fn contents(&self) -> &dyn Contents;
}

/// Keeps what is wanted of contents that come in the order of `expected`, and passes over the rest.
pub(super) struct Wanted<'a> {
    pub sink: Box<dyn ContentSink + 'a>,
    pub wanted: &'a BTreeSet<Digest>,
    pub kept: BTreeSet<Digest>,
    pub expected: std::slice::Iter<'a, (Digest, u64)>,
}

impl ContentSink for Wanted<'_> {
    fn keep(&mut self, content: &mut dyn std::io::Read) -> Result<(Digest, u64), crate::tree::ContentError> {
        let Some(&(digest, size)) = self.expected.next() else {
            return Err(std::io::Error::other("the archive changed while it was read").into());
        };
        if self.wanted.contains(&digest) && self.kept.insert(digest) {
            let (found, _) = self.sink.keep(content)?;
            if found != digest {
                return Err(crate::tree::ContentError::Damaged(digest));
            }
        }
        Ok((digest, size))
    }
}

/// Hashes contents and remembers their order.
#[derive(Default)]
pub(super) struct Hashing {
    pub order: Vec<(Digest, u64)>,
    buffer: Vec<u8>,
}

impl ContentSink for Hashing {
    fn keep(&mut self, content: &mut dyn std::io::Read) -> Result<(Digest, u64), crate::tree::ContentError> {
        // As much at once as lets BLAKE3 work on many blocks side by side.
        self.buffer.resize(128 << 10, 0);
        let (mut hasher, mut size) = (blake3::Hasher::new(), 0);
        loop {
            match content.read(&mut self.buffer)? {
                0 => break,
                count => {
                    hasher.update(&self.buffer[..count]);
                    size += count as u64;
                }
            }
        }
        let kept = (Digest(*hasher.finalize().as_bytes()), size);
        self.order.push(kept);
        Ok(kept)
    }
}
