//! Reading one pack, by position: any number of threads may read one at a time.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;

use super::format::{self, FOOTER, Located};
use crate::digest::Digest;
use crate::store::error::{IoContext, StoreError};
use crate::store::{ObjectRef, Store};
use crate::tree::ContentError;

/// An open pack with its trailer in memory.
#[derive(Debug)]
pub struct Pack {
    name: Digest,
    file: File,
    entries: Vec<Located>,
    /// Whether this process wrote it, so that its contents need no check.
    fresh: bool,
}

impl Pack {
    /// The pack `name` of the store.
    pub fn open(store: &Store, name: &Digest) -> Result<Self, StoreError> {
        let (file, path) = store.open_file(name)?;
        let damaged = || StoreError::DamagedObject(*name);
        let size = file.metadata().at("read", &path)?.len();
        let at = size.checked_sub(FOOTER as u64).ok_or_else(damaged)?;
        let mut footer = [0; FOOTER];
        file.read_exact_at(&mut footer, at).at("read", &path)?;
        let (length, checksum) = format::decode_footer(&footer, size).ok_or_else(damaged)?;
        let mut trailer = vec![0; length];
        let contents = at - length as u64;
        file.read_exact_at(&mut trailer, contents).at("read", &path)?;
        let entries = format::decode_trailer(&trailer, checksum, contents).ok_or_else(damaged)?;
        Ok(Self { name: *name, file, entries, fresh: store.is_fresh(name) })
    }

    /// The digest of the first content kept, or `None` in an empty pack.
    pub fn first(&self) -> Option<Digest> {
        self.entries.iter().find(|entry| entry.offset == 0).map(|entry| entry.digest)
    }

    /// The digest of every content with its length in bytes, sorted.
    pub fn contents(&self) -> impl Iterator<Item = ObjectRef> {
        self.entries.iter().map(|entry| ObjectRef { digest: entry.digest, size: entry.length })
    }

    pub(super) fn entries(&self) -> &[Located] {
        &self.entries
    }

    /// A reader over one content.
    pub(super) fn reader(&self, located: &Located) -> ContentReader<'_> {
        ContentReader {
            pack: self,
            located: *located,
            read: 0,
            hasher: (!self.fresh).then(Box::<blake3::Hasher>::default),
        }
    }

    /// The bytes of one content, checked.
    pub(super) fn read(&self, located: &Located) -> Result<Vec<u8>, ContentError> {
        let length = usize::try_from(located.length).map_err(|_| ContentError::Damaged(self.name))?;
        let mut bytes = vec![0; length];
        self.file.read_exact_at(&mut bytes, located.offset)?;
        if !self.fresh && Digest::of(&bytes) != located.digest {
            return Err(StoreError::DamagedObject(self.name).into());
        }
        Ok(bytes)
    }
}

/// Gives the bytes of one content; instead of an end it gives an error when they are wrong.
#[derive(Debug)]
pub(super) struct ContentReader<'a> {
    pack: &'a Pack,
    located: Located,
    read: u64,
    hasher: Option<Box<blake3::Hasher>>,
}

impl Read for ContentReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let left = self.located.length - self.read;
        let damaged =
            || io::Error::new(io::ErrorKind::InvalidData, StoreError::DamagedObject(self.pack.name));
        if left == 0 {
            let wrong = |hasher: &blake3::Hasher| hasher.finalize().as_bytes() != &self.located.digest.0;
            return if self.hasher.as_deref().is_some_and(wrong) { Err(damaged()) } else { Ok(0) };
        }
        let count = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let count = self.pack.file.read_at(&mut buffer[..count], self.located.offset + self.read)?;
        if count == 0 {
            return Err(damaged());
        }
        if let Some(hasher) = &mut self.hasher {
            hasher.update(&buffer[..count]);
        }
        self.read += count as u64;
        Ok(count)
    }
}
