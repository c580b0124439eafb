//! Contents that are there for a while: one file in the folder of this process below `tmp`.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;

use super::Store;
use super::error::{IoContext, StoreError};
use crate::digest::Digest;
use crate::tree::{ContentError, ContentSink, Contents};

/// Contents that are kept until this is dropped.
pub struct TemporaryContents<'a> {
    /// All of them, one behind the other. It has no name.
    file: File,
    /// Where each begins, and its length.
    places: BTreeMap<Digest, (u64, u64)>,
    end: u64,
    cancelled: &'a (dyn Fn() -> bool + Sync),
}

impl Store {
    /// A place for contents that are wanted for a while.
    pub fn temporary_contents<'a>(
        &self,
        cancelled: &'a (dyn Fn() -> bool + Sync),
    ) -> Result<TemporaryContents<'a>, ContentError> {
        let path = self.scratch()?.path();
        let file =
            OpenOptions::new().read(true).write(true).create_new(true).open(&path).at("make", &path)?;
        std::fs::remove_file(&path).at("remove", &path)?;
        Ok(TemporaryContents { file, places: BTreeMap::new(), end: 0, cancelled })
    }
}

impl ContentSink for TemporaryContents<'_> {
    fn keep(&mut self, content: &mut dyn Read) -> Result<(Digest, u64), ContentError> {
        // Of what is there already the second copy is written over.
        self.file.seek(SeekFrom::Start(self.end))?;
        let (mut hasher, mut size, mut block) = (blake3::Hasher::new(), 0, [0; 1 << 15]);
        loop {
            if (self.cancelled)() {
                return Err(StoreError::Stopped.into());
            }
            let length = match content.read(&mut block) {
                Ok(0) => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                other => other?,
            };
            hasher.update(&block[..length]);
            self.file.write_all(&block[..length])?;
            size += length as u64;
        }
        let digest = Digest(*hasher.finalize().as_bytes());
        if !self.places.contains_key(&digest) {
            self.places.insert(digest, (self.end, size));
            self.end += size;
        }
        Ok((digest, size))
    }
}

impl Contents for TemporaryContents<'_> {
    fn open(&self, digest: &Digest) -> Result<Box<dyn Read + Send + '_>, ContentError> {
        let (start, size) = *self.places.get(digest).ok_or(ContentError::Missing(*digest))?;
        Ok(Box::new(Part { file: &self.file, at: start, end: start + size }))
    }
}

/// A reader over a part of a file.
struct Part<'a> {
    file: &'a File,
    at: u64,
    end: u64,
}

impl Read for Part<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let wanted = into.len().min(usize::try_from(self.end - self.at).unwrap_or(usize::MAX));
        let length = self.file.read_at(&mut into[..wanted], self.at)?;
        self.at += length as u64;
        Ok(length)
    }
}
