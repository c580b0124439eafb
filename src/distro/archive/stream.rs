//! A tar stream, entry by entry: old, ustar, GNU long names, pax. One fixed buffer, no look-ahead.

use std::collections::BTreeMap;
use std::io::{self, Read};

use tar::Header;

use super::decode;
use super::error::shown;
use super::pax::{self, Pax};
use super::{ArchiveProblem, Limits};

const BLOCK: usize = 512;
const BUFFER: usize = 256 << 10;

/// One entry of a tar stream, as it stands there. Paths and targets are not checked yet.
#[derive(Debug)]
pub struct Member {
    /// What it is.
    pub kind: MemberKind,
    /// Its path.
    pub path: Vec<u8>,
    /// Target of a link, empty for others.
    pub link: Vec<u8>,
    /// Permission bits.
    pub mode: u16,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Names of owner and group, as the header has them; empty where it has none, or `root`.
    pub names: (Vec<u8>, Vec<u8>),
    /// Seconds since 1970.
    pub mtime: i64,
    /// Length of the content in bytes; 0 for all but files.
    pub size: u64,
    /// Extended attributes.
    pub xattrs: BTreeMap<Vec<u8>, Vec<u8>>,
    /// The SHA-1 that a package of Alpine states, of the content or of a symbolic link's target.
    pub sha1: Option<[u8; 20]>,
}

/// What an entry of a tar stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemberKind {
    /// A file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A further name of an earlier file.
    HardLink,
}

/// A reader of tar entries; as a [`Read`] it gives the content of the current one.
pub struct TarReader<'a, R> {
    source: R,
    part: &'a str,
    limits: Limits,
    /// Bytes that the whole stream may have.
    allowed: u64,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    /// Bytes taken from the source.
    taken: u64,
    /// Bytes of the current entry's content, and of its padding, that are still to come.
    content: u64,
    padding: u64,
    failure: Option<ArchiveProblem>,
}

impl<'a, R: Read> TarReader<'a, R> {
    /// A reader of the tar stream `source`, which `part` names in errors, from `compressed` bytes.
    pub fn new(source: R, part: &'a str, compressed: u64, limits: &Limits) -> Self {
        let buffer = vec![0; BUFFER].into_boxed_slice();
        let allowed = limits.unpacked(compressed);
        let (start, end, taken, content, padding) = (0, 0, 0, 0, 0);
        let limits = *limits;
        Self { source, part, limits, allowed, buffer, start, end, taken, content, padding, failure: None }
    }

    /// The next entry, or `None` at the end of the archive. What is left of the content before it is skipped.
    pub fn next_member(&mut self) -> Result<Option<Member>, ArchiveProblem> {
        let (mut name, mut link, mut pax) = (None, None, None);
        loop {
            let rest = self.content + self.padding;
            (self.content, self.padding) = (0, 0);
            self.skip(rest)?;
            let at = self.position();
            let Some(header) = self.header()? else {
                if name.is_some() || link.is_some() || pax.is_some() {
                    return Err(ArchiveProblem::Truncated { part: self.part.to_owned() });
                }
                return Ok(None);
            };
            let twice = ArchiveProblem::TarHeader { at, field: "second extension of its kind" };
            match header.entry_type().as_byte() {
                b'L' => {
                    let text = self.extension(&header, at, self.limits.path, "path")?;
                    if name.replace(until_nul(text)).is_some() {
                        return Err(twice);
                    }
                }
                b'K' => {
                    let text = self.extension(&header, at, self.limits.path, "link target")?;
                    if link.replace(until_nul(text)).is_some() {
                        return Err(twice);
                    }
                }
                b'x' => {
                    let text = self.extension(&header, at, self.limits.header, "pax header")?;
                    if pax.replace(pax::parse(&text, at, &self.limits)?).is_some() {
                        return Err(twice);
                    }
                }
                b'g' => {
                    let text = self.extension(&header, at, self.limits.header, "pax header")?;
                    pax::check_global(&text, at, &self.limits)?;
                }
                kind => {
                    return self.member(&header, at, kind, name, link, pax.unwrap_or_default()).map(Some);
                }
            }
        }
    }

    /// The whole content of the current entry when it lies in the buffer already; it is taken with that.
    pub fn whole_content(&mut self) -> Option<&[u8]> {
        let length = usize::try_from(self.content).ok()?;
        if length > self.end - self.start {
            return None;
        }
        let from = self.start;
        self.start += length;
        self.content = 0;
        Some(&self.buffer[from..from + length])
    }

    /// Reads on behind the archive's end: zeros may follow, as blocking gives them, nothing else.
    pub fn finish(mut self) -> Result<(), ArchiveProblem> {
        loop {
            if self.buffer[self.start..self.end].iter().any(|&byte| byte != 0) {
                return Err(ArchiveProblem::TrailingBytes { part: self.part.to_owned() });
            }
            self.start = self.end;
            if self.fill()? == 0 {
                return Ok(());
            }
        }
    }

    /// Why reading the current content failed, when it was this reader that did.
    pub fn take_failure(&mut self) -> Option<ArchiveProblem> {
        self.failure.take()
    }

    fn position(&self) -> u64 {
        self.taken - (self.end - self.start) as u64
    }

    fn truncated(&self) -> ArchiveProblem {
        ArchiveProblem::Truncated { part: self.part.to_owned() }
    }

    /// Fills the buffer where it is not full; returns the number of new bytes, 0 at the end of the source.
    fn fill(&mut self) -> Result<usize, ArchiveProblem> {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        } else if self.start > BUFFER / 2 {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        let count = loop {
            match self.source.read(&mut self.buffer[self.end..]) {
                Ok(count) => break count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(decode::problem(error, self.part, &self.limits)),
            }
        };
        self.end += count;
        self.taken += count as u64;
        if self.taken > self.allowed {
            return Err(ArchiveProblem::Bomb { limit: self.allowed });
        }
        Ok(count)
    }

    fn skip(&mut self, mut count: u64) -> Result<(), ArchiveProblem> {
        loop {
            let here = count.min((self.end - self.start) as u64);
            self.start += here as usize;
            count -= here;
            if count == 0 {
                return Ok(());
            }
            if self.fill()? == 0 {
                return Err(self.truncated());
            }
        }
    }

    /// The next header, or `None` at the mark that ends the archive.
    fn header(&mut self) -> Result<Option<Header>, ArchiveProblem> {
        let at = self.position();
        while self.end - self.start < BLOCK {
            if self.fill()? == 0 {
                return Err(self.truncated());
            }
        }
        let mut header = Header::new_old();
        header.as_mut_bytes().copy_from_slice(&self.buffer[self.start..self.start + BLOCK]);
        self.start += BLOCK;
        let bytes = header.as_bytes();
        if bytes.iter().all(|&byte| byte == 0) {
            return Ok(None);
        }
        let own = &bytes[148..156];
        let sum: u32 = bytes.iter().map(|&byte| u32::from(byte)).sum();
        let sum = sum - own.iter().map(|&byte| u32::from(byte)).sum::<u32>() + 8 * 32;
        if pax::field(own) != Some(i128::from(sum)) {
            return Err(ArchiveProblem::TarHeader { at, field: "checksum" });
        }
        Ok(Some(header))
    }

    /// The content of an entry that describes the next one.
    fn extension(
        &mut self,
        header: &Header,
        at: u64,
        limit: usize,
        what: &'static str,
    ) -> Result<Vec<u8>, ArchiveProblem> {
        let bad = ArchiveProblem::TarHeader { at, field: "size" };
        let size = pax::field(&header.as_old().size).and_then(|size| u64::try_from(size).ok()).ok_or(bad)?;
        let limit = limit as u64;
        if size > limit + 1 {
            return Err(ArchiveProblem::OversizeHeader { what, size, limit });
        }
        let mut bytes = vec![0; size as usize];
        self.expect_content(size);
        match self.read_exact(&mut bytes) {
            Ok(()) => Ok(bytes),
            Err(_) => Err(self.take_failure().unwrap_or_else(|| self.truncated())),
        }
    }

    fn expect_content(&mut self, size: u64) {
        self.content = size;
        self.padding = size.wrapping_neg() % BLOCK as u64;
    }

    fn member(
        &mut self,
        header: &Header,
        at: u64,
        kind: u8,
        name: Option<Vec<u8>>,
        link: Option<Vec<u8>>,
        pax: Pax,
    ) -> Result<Member, ArchiveProblem> {
        let bad = |field| ArchiveProblem::TarHeader { at, field };
        let old = header.as_old();
        let path = name.or(pax.path).unwrap_or_else(|| header.path_bytes().into_owned());
        if path.len() > self.limits.path {
            let (size, limit) = (path.len() as u64, self.limits.path as u64);
            return Err(ArchiveProblem::OversizeHeader { what: "path", size, limit });
        }
        let kind = member_kind(kind, &path, pax.sparse)?;
        let number = |pax: Option<i128>, field: &[u8], name, limit| {
            let value = pax.map_or_else(|| pax::field(field), Some).ok_or_else(|| bad(name))?;
            pax::in_range(value, limit, &path, name)
        };
        let size = number(pax.size, &old.size, "size", u64::MAX / 4)?;
        let uid = number(pax.uid, &old.uid, "owner", u64::from(u32::MAX) - 1)? as u32;
        let gid = number(pax.gid, &old.gid, "group", u64::from(u32::MAX) - 1)? as u32;
        let mode = number(None, &old.mode, "mode", 0o17_7777)? as u16 & 0o7777;
        let mtime = match pax.mtime {
            Some(seconds) => seconds,
            None => pax::field(&old.mtime)
                .and_then(|seconds| i64::try_from(seconds).ok())
                .ok_or_else(|| bad("time"))?,
        };
        if kind != MemberKind::File && size != 0 {
            let kind = match kind {
                MemberKind::Directory => "directory",
                _ => "link",
            };
            return Err(ArchiveProblem::ContentOfLink { path: shown(&path), kind });
        }
        let link = match kind {
            MemberKind::Symlink | MemberKind::HardLink => {
                let short = || header.link_name_bytes().map(|bytes| bytes.into_owned()).unwrap_or_default();
                link.or(pax.link).unwrap_or_else(short)
            }
            _ => Vec::new(),
        };
        if link.len() > self.limits.path {
            let (size, limit) = (link.len() as u64, self.limits.path as u64);
            return Err(ArchiveProblem::OversizeHeader { what: "link target", size, limit });
        }
        self.expect_content(size);
        let name = |name: Option<&[u8]>| name.filter(|name| *name != b"root").unwrap_or_default().to_vec();
        let names = (name(header.username_bytes()), name(header.groupname_bytes()));
        let Pax { xattrs, sha1, .. } = pax;
        Ok(Member { kind, path, link, mode, uid, gid, names, mtime, size, xattrs, sha1 })
    }
}

impl<R: Read> Read for TarReader<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.content == 0 || into.is_empty() {
            return Ok(0);
        }
        if self.start == self.end {
            let failure = match self.fill() {
                Ok(0) => self.truncated(),
                Ok(_) => return self.read(into),
                Err(problem) => problem,
            };
            self.failure = Some(failure);
            return Err(io::Error::other("the archive is bad"));
        }
        let count = into.len().min(self.end - self.start).min(self.content.min(BUFFER as u64) as usize);
        into[..count].copy_from_slice(&self.buffer[self.start..self.start + count]);
        self.start += count;
        self.content -= count as u64;
        Ok(count)
    }
}

fn member_kind(kind: u8, path: &[u8], sparse: bool) -> Result<MemberKind, ArchiveProblem> {
    let special = |kind| Err(ArchiveProblem::SpecialFile { path: shown(path), kind });
    match kind {
        b'S' => Err(ArchiveProblem::SparseFile { path: shown(path) }),
        _ if sparse => Err(ArchiveProblem::SparseFile { path: shown(path) }),
        0 | b'0' if path.ends_with(b"/") => Ok(MemberKind::Directory),
        0 | b'0' | b'7' => Ok(MemberKind::File),
        b'1' => Ok(MemberKind::HardLink),
        b'2' => Ok(MemberKind::Symlink),
        b'3' => special("character device"),
        b'4' => special("block device"),
        b'5' => Ok(MemberKind::Directory),
        b'6' => special("fifo"),
        other => Err(ArchiveProblem::UnknownEntry { path: shown(path), kind: char::from(other) }),
    }
}

fn until_nul(mut bytes: Vec<u8>) -> Vec<u8> {
    let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
    bytes.truncate(end);
    bytes
}
