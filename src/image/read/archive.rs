//! The files of an OCI archive.

use std::collections::BTreeMap;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::{Mutex, MutexGuard};

use super::{ImageFiles, NotPlain, ReadError};

const MOST_FILES: usize = 100_000;

/// A tar file with a layout in it; its members are found once and read in place.
#[derive(Debug)]
pub struct Archive<R> {
    reader: Mutex<R>,
    /// Start and length of each file, or why it is none.
    members: BTreeMap<String, Result<(u64, u64), NotPlain>>,
}

impl<R: Read + Seek> Archive<R> {
    /// The archive in `reader`.
    pub fn new(mut reader: R) -> Result<Self, ReadError> {
        let bad = |_: io::Error| ReadError::NoLayout { missing: "tar archive".to_owned() };
        let mut members = BTreeMap::new();
        let mut archive = tar::Archive::new(&mut reader);
        for entry in archive.entries_with_seek().map_err(bad)? {
            let entry = entry.map_err(bad)?;
            if entry.header().entry_type().is_dir() || members.len() >= MOST_FILES {
                continue;
            }
            let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            let path = path.strip_prefix("./").unwrap_or(&path).to_owned();
            let kind = entry.header().entry_type();
            let member = match kind {
                _ if kind.is_file() => Ok((entry.raw_file_position(), entry.size())),
                _ if kind.is_symlink() || kind.is_hard_link() => Err(NotPlain::Link),
                _ => Err(NotPlain::Special),
            };
            // Which of two members counts differs from one reader of archives to the next.
            members.entry(path).and_modify(|found| *found = Err(NotPlain::Twice)).or_insert(member);
        }
        Ok(Self { reader: Mutex::new(reader), members })
    }
}

impl<R: Read + Seek + Send> ImageFiles for Archive<R> {
    fn open(&self, path: &str) -> Result<Option<Box<dyn Read + Send + '_>>, ReadError> {
        match self.members.get(path) {
            None => Ok(None),
            Some(Ok((start, size))) => Ok(Some(Box::new(Member { archive: self, at: *start, left: *size }))),
            Some(Err(reason)) => Err(ReadError::NotPlain { path: path.to_owned(), reason: *reason }),
        }
    }
}

struct Member<'a, R> {
    archive: &'a Archive<R>,
    at: u64,
    left: u64,
}

impl<R: Read + Seek> Read for Member<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let most = out.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let mut reader: MutexGuard<'_, R> =
            self.archive.reader.lock().map_err(|_| io::Error::other("another reader gave up"))?;
        reader.seek(SeekFrom::Start(self.at))?;
        let count = reader.read(&mut out[..most])?;
        self.at += count as u64;
        self.left -= count as u64;
        Ok(count)
    }
}
