//! Reading blobs: whole documents up to a limit, and everything else by its digest alone.

use std::io::{self, Read};

use sha2::Digest as _;

use super::Problem;
use crate::digest::Sha256;
use crate::image::layout::blob_path;
use crate::image::read::{ImageFiles, ReadError, unpacked};

/// More bytes than this in one blob, packed or not, are no layer.
const MOST_BLOB_BYTES: u64 = 64 << 30;
/// Bytes read at once: what hashing takes fits the second-level cache.
const CHUNK: usize = 256 * 1024;

/// A blob that the image leads to.
#[derive(Debug, Clone)]
pub(super) struct Blob {
    /// Which part of the image it is, for people.
    pub what: String,
    pub digest: Sha256,
    pub size: u64,
    /// Of a layer that the config knows.
    pub layer: Option<Layer>,
}

/// What a layer has to unpack to.
#[derive(Debug, Clone)]
pub(super) struct Layer {
    pub media_type: String,
    pub diff_id: String,
}

impl Blob {
    fn open<'a>(&self, files: &'a dyn ImageFiles) -> Result<Box<dyn Read + Send + 'a>, Problem> {
        let Self { what, digest, .. } = self;
        match files.open(&blob_path(*digest)) {
            Ok(Some(reader)) => Ok(reader),
            Ok(None) => Err(Problem::Missing { what: what.clone(), digest: *digest }),
            Err(ReadError::NotPlain { path, reason }) => {
                Err(Problem::NotPlain { what: what.clone(), path, reason })
            }
            Err(other) => Err(other.into()),
        }
    }

    fn unreadable(&self, source: io::Error) -> Problem {
        Problem::Unreadable { what: self.what.clone(), digest: self.digest, source }
    }

    /// Whether it is what it should be, after `count` bytes with the digest `found`.
    fn compare(&self, count: u64, found: Sha256) -> Result<(), Problem> {
        let Self { what, digest, size, .. } = self;
        let (what, digest, size) = (what.clone(), *digest, *size);
        match count.cmp(&size) {
            std::cmp::Ordering::Less => Err(Problem::Truncated { what, digest, size, found: count }),
            std::cmp::Ordering::Greater => Err(Problem::Longer { what, digest, size }),
            std::cmp::Ordering::Equal if found != digest => Err(Problem::Altered { what, digest, found }),
            std::cmp::Ordering::Equal => Ok(()),
        }
    }

    /// Its bytes, checked. One that is said to have more than `most` is not opened, and nothing behind the stated
    /// length is kept.
    pub fn read(&self, files: &dyn ImageFiles, most: u64) -> Result<Vec<u8>, Problem> {
        self.limited(most)?;
        let mut bytes = Vec::new();
        let reader = self.open(files)?.take(self.size + 1);
        { reader }.read_to_end(&mut bytes).map_err(|error| self.unreadable(error))?;
        self.compare(bytes.len() as u64, Sha256::of(&bytes))?;
        Ok(bytes)
    }

    fn limited(&self, most: u64) -> Result<(), Problem> {
        match self.size > most {
            true => Err(Problem::Oversize { what: self.what.clone(), size: self.size, most }),
            false => Ok(()),
        }
    }

    /// Hashes it and keeps nothing.
    pub fn check(&self, files: &dyn ImageFiles) -> Result<(), Problem> {
        self.limited(MOST_BLOB_BYTES)?;
        let mut hashing = Hashing::new(self.open(files)?.take(self.size + 1));
        hashing.drain().map_err(|error| self.unreadable(error))?;
        self.compare(hashing.count, hashing.digest())
    }

    /// Hashes it packed and unpacked, in one pass over the file.
    pub fn check_unpacked(&self, layer: &Layer, files: &dyn ImageFiles) -> Result<(), Problem> {
        self.limited(MOST_BLOB_BYTES)?;
        let mut packed = Hashing::new(self.open(files)?.take(self.size + 1));
        let found = plain_digest(&layer.media_type, &mut packed);
        // What the decompressor left unread is part of the blob too. A damaged blob is said to be damaged, not to
        // unpack badly.
        packed.drain().map_err(|error| self.unreadable(error))?;
        self.compare(packed.count, packed.digest())?;
        let found = found.unwrap_or_else(|error| format!("not to be unpacked ({error})"));
        match found == layer.diff_id {
            true => Ok(()),
            false => {
                Err(Problem::DiffId { what: self.what.clone(), diff_id: super::shown(&layer.diff_id), found })
            }
        }
    }
}

fn plain_digest(media_type: &str, packed: &mut dyn Read) -> io::Result<String> {
    let Some(plain) = unpacked(media_type, packed)? else {
        return Err(io::Error::other(format!("the media type is `{}`", super::shown(media_type))));
    };
    let mut plain = Hashing::new(plain.take(MOST_BLOB_BYTES + 1));
    plain.drain()?;
    match plain.count > MOST_BLOB_BYTES {
        true => Err(io::Error::other("it has no end")),
        false => Ok(plain.digest().to_oci()),
    }
}

/// Hashes and counts what is read through it.
struct Hashing<R> {
    reader: R,
    hasher: sha2::Sha256,
    count: u64,
}

impl<R: Read> Hashing<R> {
    fn new(reader: R) -> Self {
        Self { reader, hasher: sha2::Sha256::new(), count: 0 }
    }

    /// Reads to the end.
    fn drain(&mut self) -> io::Result<()> {
        let mut buffer = vec![0; CHUNK];
        loop {
            match self.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn digest(self) -> Sha256 {
        Sha256(self.hasher.finalize().into())
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(out)?;
        self.hasher.update(&out[..count]);
        self.count += count as u64;
        Ok(count)
    }
}
