//! One gzip member of a package or an index: read whole where it is small, hashed while it is read where it is not.

use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;
use sha2::Digest as _;

use super::ApkProblem;
use crate::digest::Sha256;
use crate::distro::alpine::signature::MEMBER_PREFIX;
use crate::distro::archive::{ArchiveProblem, Limits, decode_problem};

/// Largest segment that is read whole, as it stands in the file.
const MAX_STORED: usize = 4 << 20;
/// Largest segment that is read whole, decoded.
const MAX_CONTENT: u64 = 16 << 20;

/// A segment read whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// As it stands in the file.
    pub stored: Vec<u8>,
    /// Its tar, closed by an end-of-archive mark, which segments before the last do not have.
    pub tar: Vec<u8>,
}

/// The segment, named `part` in errors, that begins here in `source`, of which nothing behind it is read.
pub fn read_segment(source: &mut dyn BufRead, part: &'static str) -> Result<Segment, ArchiveProblem> {
    let mut recorder = Recorder { source, stored: Vec::new() };
    let mut tar = Vec::new();
    let read = GzDecoder::new(&mut recorder).take(MAX_CONTENT + 1).read_to_end(&mut tar);
    let limit = if recorder.stored.len() > MAX_STORED { MAX_STORED as u64 } else { MAX_CONTENT };
    if recorder.stored.len() > MAX_STORED || tar.len() as u64 > MAX_CONTENT {
        return Err(ApkProblem::LargeSegment { part, limit }.into());
    }
    read.map_err(|error| decode_problem(error, part, &Limits::default()))?;
    tar.resize(tar.len() + 1024, 0);
    Ok(Segment { stored: recorder.stored, tar })
}

/// Whether the gzip member at the start of `bytes` is a segment of signatures.
pub fn starts_with_signature(bytes: &[u8]) -> bool {
    let mut start = [0; MEMBER_PREFIX.len()];
    GzDecoder::new(bytes).read_exact(&mut start).is_ok() && start == MEMBER_PREFIX.as_bytes()
}

/// Keeps what is taken of a source, up to a limit.
struct Recorder<'a> {
    source: &'a mut dyn BufRead,
    stored: Vec<u8>,
}

impl Read for Recorder<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(into)?;
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Recorder<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.stored.len() > MAX_STORED {
            return Err(io::Error::other("too long"));
        }
        self.source.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        if let Ok(bytes) = self.source.fill_buf() {
            self.stored.extend_from_slice(&bytes[..count]);
        }
        self.source.consume(count);
    }
}

/// Hashes what is taken of a source.
pub(super) struct Hashed<R> {
    source: R,
    sha256: sha2::Sha256,
}

impl<R: BufRead> Hashed<R> {
    pub fn new(source: R) -> Self {
        Self { source, sha256: sha2::Sha256::new() }
    }

    /// Checks that what was taken has the SHA-256 `expected`, and that nothing follows it.
    pub fn finish(mut self, part: &str, expected: Sha256) -> Result<(), ArchiveProblem> {
        let rest = self.source.fill_buf().map_err(ArchiveProblem::Unreadable)?;
        if !rest.is_empty() {
            return Err(behind(rest, part));
        }
        let found = Sha256(self.sha256.finalize().into());
        if found != expected {
            return Err(ApkProblem::WrongDataHash { found, expected }.into());
        }
        Ok(())
    }
}

/// The error for a file that goes on with `rest` behind its last segment.
fn behind(rest: &[u8], part: &str) -> ArchiveProblem {
    match rest {
        [0x1f, 0x8b, ..] => ApkProblem::ExtraSegment.into(),
        _ => ArchiveProblem::TrailingBytes { part: part.to_owned() },
    }
}

impl<R: BufRead> Read for Hashed<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(into)?;
        self.consume(count);
        Ok(count)
    }
}

impl<R: BufRead> BufRead for Hashed<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.source.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        // What is consumed lies in the buffer, so that this reads nothing.
        if let Ok(bytes) = self.source.fill_buf() {
            self.sha256.update(&bytes[..count]);
        }
        self.source.consume(count);
    }
}
