//! Writing a bundle, in one pass and with no more than a block of it in memory.

use std::io::{self, Read, Write};

use sha2::Digest as _;

use super::header::{END, header, length};
use super::{BundleError, Entry, Manifest};
use crate::digest::Sha256;

const COPY_BYTES: usize = 256 * 1024;

/// A bundle that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// SHA-256 of the whole file.
    pub sha256: Sha256,
    /// Its length in bytes.
    pub size: u64,
}

/// Writes the bundle of `manifest` to `out`. `open` gives the content of an entry, which must be what the manifest
/// says.
pub fn write<'a>(
    manifest: &'a Manifest,
    open: &dyn Fn(&'a Entry) -> Result<Box<dyn Read + 'a>, BundleError>,
    out: &mut dyn Write,
    cancelled: &dyn Fn() -> bool,
) -> Result<Written, BundleError> {
    let mut out = Hashing { out, hasher: sha2::Sha256::new(), size: 0 };
    let bytes = manifest.encode();
    put(&mut out, ("manifest.json", bytes.len() as u64), &mut bytes.as_slice(), cancelled)?;
    for entry in &manifest.entries {
        let found = put(&mut out, (&entry.path, entry.size), &mut open(entry)?, cancelled)?;
        if found != entry.sha256 {
            return Err(BundleError::Altered { path: entry.path.clone(), said_by: "the lock or the store" });
        }
    }
    out.write_all(&[0; END as usize]).map_err(unwritable)?;
    out.flush().map_err(unwritable)?;
    Ok(Written { sha256: Sha256(out.hasher.finalize().into()), size: out.size })
}

fn unwritable(source: io::Error) -> BundleError {
    BundleError::Io { action: "write", source }
}

/// Writes a file with its header; the digest of its content.
fn put(
    out: &mut dyn Write,
    (path, size): (&str, u64),
    content: &mut dyn Read,
    cancelled: &dyn Fn() -> bool,
) -> Result<Sha256, BundleError> {
    out.write_all(&header(path, size)?).map_err(unwritable)?;
    let mut hasher = sha2::Sha256::new();
    let mut block = vec![0; COPY_BYTES];
    let mut left = size;
    loop {
        if cancelled() {
            return Err(BundleError::Stopped);
        }
        let count = content
            .read(&mut block)
            .map_err(|source| BundleError::Io { action: "read what goes into", source })?;
        if count == 0 {
            break;
        }
        left = left.checked_sub(count as u64).ok_or_else(|| other_length(path))?;
        hasher.update(&block[..count]);
        out.write_all(&block[..count]).map_err(unwritable)?;
    }
    if left > 0 {
        return Err(other_length(path));
    }
    let padding = length(size) - length(0) - size;
    out.write_all(&vec![0; padding as usize]).map_err(unwritable)?;
    Ok(Sha256(hasher.finalize().into()))
}

fn other_length(path: &str) -> BundleError {
    BundleError::Altered { path: path.to_owned(), said_by: "the lock or the store" }
}

/// Counts and hashes what is written.
struct Hashing<'a> {
    out: &'a mut dyn Write,
    hasher: sha2::Sha256,
    size: u64,
}

impl Write for Hashing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.out.write(bytes)?;
        self.hasher.update(&bytes[..count]);
        self.size += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
