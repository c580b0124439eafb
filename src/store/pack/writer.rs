//! Writing a pack.

use std::collections::BTreeMap;
use std::io::{self, Read, Seek, SeekFrom, Write};

use super::format::{self, Located};
use crate::digest::Digest;
use crate::store::error::{IoContext, StoreError};
use crate::store::scratch::TemporaryFile;
use crate::store::{ObjectRef, Store};
use crate::tree::{ContentError, ContentSink};

/// Bytes are gathered to blocks of this size before they are written. A content that fits is hashed in it.
const BLOCK: usize = 1 << 20;
/// What a block has at first: most packs of commands are small, and memory that is never written is never cleared.
const FIRST: usize = 1 << 14;

/// A pack under construction. Dropped unfinished, it is gone.
#[derive(Debug)]
pub struct PackWriter<'a> {
    store: &'a Store,
    file: TemporaryFile,
    /// Grows up to a whole block; the first `filled` bytes are not written yet.
    block: Vec<u8>,
    filled: usize,
    /// Length of what is written, and its hash.
    flushed: u64,
    hasher: Box<blake3::Hasher>,
    entries: BTreeMap<Digest, (u64, u64)>,
}

impl<'a> PackWriter<'a> {
    pub(crate) fn create(store: &'a Store) -> Result<Self, StoreError> {
        let file = TemporaryFile::create(store.scratch()?.path())?;
        Ok(Self {
            store,
            file,
            block: vec![0; FIRST],
            filled: 0,
            flushed: 0,
            hasher: Box::default(),
            entries: BTreeMap::new(),
        })
    }

    /// Closes it.
    pub fn finish(mut self) -> Result<ObjectRef, StoreError> {
        self.flush()?;
        let located = |(digest, place): (&Digest, &(u64, u64))| Located {
            digest: *digest,
            offset: place.0,
            length: place.1,
        };
        let entries: Vec<Located> = self.entries.iter().map(located).collect();
        let end = format::encode(&entries);
        self.hasher.update(&end);
        self.file.file.write_all(&end).at("write", self.file.path())?;
        let digest = Digest(*self.hasher.finalize().as_bytes());
        let object = ObjectRef { digest, size: self.flushed + end.len() as u64 };
        self.store.adopt(self.file.keep(), &object);
        Ok(object)
    }

    /// Lists a content that stands at `offset`; says whether it is new.
    fn list(&mut self, digest: Digest, offset: u64, length: u64) -> bool {
        if length == 0 || self.entries.contains_key(&digest) {
            return false;
        }
        self.entries.insert(digest, (offset, length));
        true
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        let bytes = &self.block[..self.filled];
        self.hasher.update(bytes);
        self.file.file.write_all(bytes).at("write", self.file.path())?;
        self.flushed += bytes.len() as u64;
        self.filled = 0;
        Ok(())
    }

    /// Keeps a content whose first bytes fill the block from `self.filled` to its end: the rest goes through the
    /// block to the file. A content that turns out to be known is cut off again.
    fn keep_long(&mut self, content: &mut dyn Read) -> Result<(Digest, u64), ContentError> {
        let head = self.block[self.filled..].to_vec();
        self.flush()?;
        let (offset, before) = (self.flushed, self.hasher.clone());
        let mut hasher = Box::<blake3::Hasher>::default();
        self.block[..head.len()].copy_from_slice(&head);
        self.filled = head.len();
        drop(head);
        loop {
            let ended = fill(content, &mut self.block, &mut self.filled)?;
            hasher.update(&self.block[..self.filled]);
            self.flush()?;
            if ended {
                break;
            }
        }
        let (digest, length) = (Digest(*hasher.finalize().as_bytes()), self.flushed - offset);
        if !self.list(digest, offset, length) {
            self.file.file.set_len(offset)?;
            self.file.file.seek(SeekFrom::Start(offset))?;
            (self.flushed, self.hasher) = (offset, before);
        }
        Ok((digest, length))
    }
}

impl ContentSink for PackWriter<'_> {
    fn keep(&mut self, content: &mut dyn Read) -> Result<(Digest, u64), ContentError> {
        let start = self.filled;
        let mut end = start;
        if !fill(content, &mut self.block, &mut end)? {
            return self.keep_long(content);
        }
        let digest = Digest::of(&self.block[start..end]);
        let length = (end - start) as u64;
        if self.list(digest, self.flushed + start as u64, length) {
            self.filled = end;
        }
        Ok((digest, length))
    }

    fn keep_bytes(&mut self, bytes: &[u8]) -> Result<Digest, ContentError> {
        let digest = Digest::of(bytes);
        if self.entries.contains_key(&digest) || bytes.is_empty() {
            return Ok(digest);
        }
        if bytes.len() > BLOCK - self.filled {
            self.flush()?;
        }
        if bytes.len() > BLOCK {
            return self.keep(&mut &bytes[..]).map(|(digest, _)| digest);
        }
        self.list(digest, self.flushed + self.filled as u64, bytes.len() as u64);
        let end = self.filled + bytes.len();
        if end > self.block.len() {
            self.block.resize((2 * end).min(BLOCK), 0);
        }
        self.block[self.filled..end].copy_from_slice(bytes);
        self.filled = end;
        Ok(digest)
    }
}

/// Reads into `block` from `filled` on until it is whole and full or `content` ends; says whether it ended.
fn fill(content: &mut dyn Read, block: &mut Vec<u8>, filled: &mut usize) -> io::Result<bool> {
    loop {
        if *filled == block.len() {
            if block.len() == BLOCK {
                return Ok(false);
            }
            block.resize((4 * block.len()).min(BLOCK), 0);
        }
        match content.read(&mut block[*filled..]) {
            Ok(0) => return Ok(true),
            Ok(count) => *filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
