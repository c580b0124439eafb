//! Contents in temporary files without names, for as long as something compares them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::audit::diff::{DiffError, Spool};
use crate::digest::Digest;
use crate::tree::{ContentError, ContentSink, Contents};

/// Contents that wait in temporary files. They are gone with it, and with the process.
#[derive(Debug, Default)]
pub struct TemporarySpool {
    kept: Mutex<BTreeMap<Digest, Kept>>,
}

#[derive(Debug, Clone)]
struct Kept {
    file: Arc<File>,
    from: u64,
    length: u64,
}

impl TemporarySpool {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    fn kept(&self) -> MutexGuard<'_, BTreeMap<Digest, Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Spool for TemporarySpool {
    fn sink(&self) -> Result<Box<dyn ContentSink + '_>, DiffError> {
        let file = tempfile::tempfile().map_err(ContentError::Io)?;
        Ok(Box::new(Sink { spool: self, file: Arc::new(file), length: 0 }))
    }

    fn contents(&self) -> &dyn Contents {
        self
    }
}

/// One thread's file.
struct Sink<'a> {
    spool: &'a TemporarySpool,
    file: Arc<File>,
    length: u64,
}

impl ContentSink for Sink<'_> {
    fn keep(&mut self, content: &mut dyn Read) -> Result<(Digest, u64), ContentError> {
        let mut hasher = blake3::Hasher::new();
        let mut file = &*self.file;
        file.seek(io::SeekFrom::Start(self.length))?;
        let (from, mut buffer) = (self.length, vec![0; 64 << 10]);
        loop {
            match content.read(&mut buffer)? {
                0 => break,
                count => {
                    hasher.update(&buffer[..count]);
                    file.write_all(&buffer[..count])?;
                    self.length += count as u64;
                }
            }
        }
        let (digest, length) = (Digest(*hasher.finalize().as_bytes()), self.length - from);
        self.spool.kept().insert(digest, Kept { file: self.file.clone(), from, length });
        Ok((digest, length))
    }
}

impl Contents for TemporarySpool {
    fn open(&self, digest: &Digest) -> Result<Box<dyn Read + Send + '_>, ContentError> {
        let kept = self.kept().get(digest).cloned().ok_or(ContentError::Missing(*digest))?;
        Ok(Box::new(kept))
    }
}

impl Read for Kept {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let most = out.len().min(usize::try_from(self.length).unwrap_or(usize::MAX));
        let count = self.file.read_at(&mut out[..most], self.from)?;
        self.from += count as u64;
        self.length -= count as u64;
        Ok(count)
    }
}
