//! Bundles that somebody gave us.

use std::io::{self, Read};

use sha2::Digest as _;

use super::header::{BLOCK, END, header, length, parse};
use super::manifest::blob_path;
use super::{BundleError, Entry, Kind, Manifest};
use crate::digest::Sha256;
use crate::distro::alpine::checksum::Checksum;

/// Longest manifest.
const MOST_MANIFEST_BYTES: u64 = 64 << 20;
/// Most bytes of a recipe, a lock or a local source.
const MOST_READ_BYTES: u64 = 1 << 30;
const MANIFEST: &str = "manifest.json";

/// A file that is read here and there, by several threads at once.
pub trait ReadAt: Send + Sync {
    /// Reads from `offset` on into `buffer`; 0 is the end.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Its length in bytes.
    fn length(&self) -> io::Result<u64>;
}

/// An open bundle. Its form was checked; its contents are when they are used.
pub struct Bundle {
    file: Box<dyn ReadAt>,
    manifest: Manifest,
    /// SHA-256 of the bytes of the manifest, which names the content of the whole bundle.
    digest: Sha256,
    /// Where the content of each entry begins.
    offsets: Vec<u64>,
}

impl std::fmt::Debug for Bundle {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Bundle").field("digest", &self.digest).finish_non_exhaustive()
    }
}

fn unreadable(source: io::Error) -> BundleError {
    BundleError::Io { action: "read", source }
}

impl Bundle {
    /// The bundle in `file`, every header of which is looked at.
    pub fn open(file: Box<dyn ReadAt>) -> Result<Self, BundleError> {
        let whole = file.length().map_err(unreadable)?;
        let (path, size) = block(&*file, 0)?.as_ref().and_then(parse).ok_or(BundleError::NotABundle)?;
        if path != MANIFEST || size > MOST_MANIFEST_BYTES {
            return Err(BundleError::NotABundle);
        }
        within(MANIFEST, length(size), whole)?;
        let mut bytes = Vec::new();
        Part { file: &*file, at: BLOCK, left: size }.read_to_end(&mut bytes).map_err(unreadable)?;
        check_padding(&*file, BLOCK + size, MANIFEST, size)?;
        let manifest = Manifest::decode(&bytes)?;
        let mut at = length(size);
        let mut offsets = Vec::with_capacity(manifest.entries.len());
        for (number, entry) in manifest.entries.iter().enumerate() {
            let end = at.saturating_add(length(entry.size.min(u64::MAX / 2)));
            let found = block(&*file, at)?;
            if found.is_some_and(|found| header(&entry.path, entry.size).is_ok_and(|it| it == found)) {
                within(&entry.path, end, whole)?;
                check_padding(&*file, at + BLOCK + entry.size, &entry.path, entry.size)?;
                offsets.push(at + BLOCK);
                at = end;
                continue;
            }
            let twice = found.as_ref().and_then(parse).is_some_and(|(path, _)| {
                manifest.entries[..number].iter().any(|earlier| earlier.path == path) || path == MANIFEST
            });
            return Err(match found {
                None => BundleError::Truncated { path: entry.path.clone(), end, length: whole },
                Some(_) if twice => BundleError::Order { path: entry.path.clone() },
                Some(_) => BundleError::Entry { path: entry.path.clone(), size: entry.size },
            });
        }
        check_end(&*file, at, whole)?;
        Ok(Self { file, digest: Sha256::of(&bytes), manifest, offsets })
    }

    /// What it says of itself.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// SHA-256 of its manifest: with it, of everything in it.
    pub fn digest(&self) -> Sha256 {
        self.digest
    }

    fn find(&self, path: &str) -> Option<(&Entry, u64)> {
        let at = self.manifest.entries.binary_search_by(|entry| entry.path.as_str().cmp(path)).ok()?;
        Some((&self.manifest.entries[at], self.offsets[at]))
    }

    /// The entry at `path`.
    pub fn entry(&self, path: &str) -> Option<&Entry> {
        Some(self.find(path)?.0)
    }

    /// The entry with the content of this digest.
    pub fn blob(&self, sha256: &Sha256) -> Option<&Entry> {
        self.entry(&blob_path(sha256))
    }

    /// The entry that is said to be the package with this checksum.
    pub fn package(&self, checksum: &Checksum) -> Option<&Entry> {
        let is_it = |entry: &&Entry| entry.uses.iter().any(|it| it.checksum.as_ref() == Some(checksum));
        self.manifest.entries.iter().find(is_it)
    }

    /// The entry that is of this kind and name.
    pub fn named(&self, kind: Kind, name: &str) -> Option<&Entry> {
        let is_it = |entry: &&Entry| entry.uses.iter().any(|it| it.kind == kind && it.name == name);
        self.manifest.entries.iter().find(is_it)
    }

    /// A reader over the bytes of an entry, not checked.
    pub fn reader(&self, entry: &Entry) -> EntryReader<'_> {
        let (entry, at) = self.find(&entry.path).expect("an entry comes from its bundle");
        EntryReader(Part { file: &*self.file, at, left: entry.size })
    }

    /// The bytes of an entry, which must have its digest and not be very many.
    pub fn read(&self, entry: &Entry) -> Result<Vec<u8>, BundleError> {
        if entry.size > MOST_READ_BYTES {
            return Err(BundleError::TooLarge {
                path: entry.path.clone(),
                size: entry.size,
                most: MOST_READ_BYTES,
            });
        }
        let mut bytes = Vec::new();
        self.reader(entry).read_to_end(&mut bytes).map_err(unreadable)?;
        match Sha256::of(&bytes) == entry.sha256 {
            true => Ok(bytes),
            false => Err(BundleError::Altered { path: entry.path.clone(), said_by: "its manifest" }),
        }
    }

    /// Refuses an entry that does not have its digest.
    pub fn check(&self, entry: &Entry) -> Result<(), BundleError> {
        let (mut hasher, mut block, mut reader) = (sha2::Sha256::new(), vec![0; 1 << 16], self.reader(entry));
        loop {
            match reader.read(&mut block).map_err(unreadable)? {
                0 => break,
                count => hasher.update(&block[..count]),
            }
        }
        match hasher.finalize()[..] == entry.sha256.0 {
            true => Ok(()),
            false => Err(BundleError::Altered { path: entry.path.clone(), said_by: "its manifest" }),
        }
    }
}

/// The bytes of an entry.
pub struct EntryReader<'a>(Part<'a>);

impl Read for EntryReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

/// A part of a file.
struct Part<'a> {
    file: &'a dyn ReadAt,
    at: u64,
    left: u64,
}

impl Read for Part<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        if most == 0 {
            return Ok(0);
        }
        let count = self.file.read_at(&mut buffer[..most], self.at)?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.at += count as u64;
        self.left -= count as u64;
        Ok(count)
    }
}

/// The block at `at`; `None` where the file ends before its end.
fn block(file: &dyn ReadAt, at: u64) -> Result<Option<[u8; BLOCK as usize]>, BundleError> {
    let mut found = [0; BLOCK as usize];
    match (Part { file, at, left: BLOCK }).read_exact(&mut found) {
        Ok(()) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(unreadable(error)),
    }
}

fn within(path: &str, end: u64, whole: u64) -> Result<(), BundleError> {
    match end.saturating_add(END) > whole {
        true => Err(BundleError::Truncated { path: path.to_owned(), end, length: whole }),
        false => Ok(()),
    }
}

/// Refuses bytes that hide behind the content of an entry that ends at `end`.
fn check_padding(file: &dyn ReadAt, end: u64, path: &str, size: u64) -> Result<(), BundleError> {
    let mut padding = Vec::new();
    let left = length(size) - BLOCK - size;
    Part { file, at: end, left }.read_to_end(&mut padding).map_err(unreadable)?;
    match padding.iter().all(|byte| *byte == 0) {
        true => Ok(()),
        false => Err(BundleError::Entry { path: path.to_owned(), size }),
    }
}

fn check_end(file: &dyn ReadAt, at: u64, whole: u64) -> Result<(), BundleError> {
    within("the end", at, whole)?;
    let zero = [0; BLOCK as usize];
    let ends = block(file, at)? == Some(zero) && block(file, at + BLOCK)? == Some(zero);
    if !ends || at + END != whole {
        return Err(BundleError::Trailing { end: at });
    }
    Ok(())
}
