//! From the writable file system of a sandbox whose processes are dead to the entries of its outputs.

use std::collections::BTreeSet;
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::executor_error::ExecutorError;
use crate::exec::{ExecutionError, OutputEntry, OutputSink};

/// Longest path of an output in bytes, which also bounds how deep it is.
const LONGEST: usize = 4095;

/// How outputs are taken.
pub(super) struct Taking<'a> {
    /// Their absolute directories in the sandbox.
    pub directories: &'a [String],
    /// Bytes that all of them may have.
    pub space: u64,
    /// Whether to stop.
    pub cancelled: &'a (dyn Fn() -> bool + Sync),
}

impl Taking<'_> {
    /// Gives every entry below the directories, which lie below `writable`, to `outputs`: parents before what is in
    /// them, each directory's in byte order of their names. Follows no link.
    pub fn take(&self, writable: &OwnedFd, outputs: &mut dyn OutputSink) -> Result<(), ExecutionError> {
        let mut walk = Walk { taking: self, outputs, number: 0, total: 0, linked: BTreeSet::new() };
        for (number, directory) in self.directories.iter().enumerate() {
            walk.number = number;
            let name = directory.trim_start_matches('/');
            let folder = open(writable, name.as_bytes(), OFlags::DIRECTORY);
            let folder = folder.map_err(|error| unreadable(directory, b"", error))?;
            let failed = |path: &[u8], error| unreadable(directory, path, error);
            below(folder, failed, |folder, name, path| walk.entry(folder, name, path))?;
        }
        Ok(())
    }
}

struct Walk<'a> {
    taking: &'a Taking<'a>,
    outputs: &'a mut dyn OutputSink,
    number: usize,
    /// Bytes of files so far, each file with several names once.
    total: u64,
    linked: BTreeSet<u64>,
}

impl Walk<'_> {
    /// Gives an entry; returns the folder where it is one.
    fn entry(
        &mut self,
        folder: &OwnedFd,
        name: &[u8],
        path: &[u8],
    ) -> Result<Option<OwnedFd>, ExecutionError> {
        if (self.taking.cancelled)() {
            return Err(ExecutionError::Cancelled);
        }
        if path.len() > LONGEST {
            return Err(self.unreadable(path, Errno::NAMETOOLONG));
        }
        let stat = rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW);
        let stat = stat.map_err(|error| self.unreadable(path, error))?;
        let give = |walk: &mut Self, path: &[u8], entry: OutputEntry<'_>| {
            walk.outputs.entry(walk.number, path, entry).map_err(ExecutionError::Output)
        };
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => {
                give(self, path, OutputEntry::Directory)?;
                let inner = open_own(folder, name, OFlags::DIRECTORY, 0o700);
                let inner = inner.map_err(|error| self.unreadable(path, error))?;
                return Ok(Some(inner));
            }
            FileType::RegularFile => {
                self.measure(&stat, path)?;
                let file = open_own(folder, name, OFlags::NONBLOCK, 0o400);
                let mut file = File::from(file.map_err(|error| self.unreadable(path, error))?);
                let (mode, size) = ((stat.st_mode & 0o7777) as u16, stat.st_size as u64);
                give(self, path, OutputEntry::File { mode, size, content: &mut file })?;
            }
            FileType::Symlink => {
                let target = rustix::fs::readlinkat(folder, name, Vec::new());
                let target = target.map_err(|error| self.unreadable(path, error))?;
                give(self, path, OutputEntry::Symlink { target: target.as_bytes() })?;
            }
            FileType::Fifo => give(self, path, OutputEntry::Other("a fifo"))?,
            FileType::Socket => give(self, path, OutputEntry::Other("a socket"))?,
            _ => give(self, path, OutputEntry::Other("a device"))?,
        }
        Ok(None)
    }

    /// Counts a file. What a file system of this size cannot hold has holes, and would fill the store.
    fn measure(&mut self, stat: &Stat, path: &[u8]) -> Result<(), ExecutionError> {
        if stat.st_nlink < 2 || self.linked.insert(stat.st_ino) {
            self.total = self.total.saturating_add(stat.st_size as u64);
        }
        if self.total <= self.taking.space {
            return Ok(());
        }
        let space = self.taking.space;
        let path = shown(&self.taking.directories[self.number], path);
        Err(ExecutionError::Executor(Box::new(ExecutorError::TooLarge { path, space })))
    }

    fn unreadable(&self, path: &[u8], error: Errno) -> ExecutionError {
        unreadable(&self.taking.directories[self.number], path, error)
    }
}

fn shown(directory: &str, path: &[u8]) -> String {
    format!("{directory}/{}", path.escape_ascii())
}

fn unreadable(directory: &str, path: &[u8], error: Errno) -> ExecutionError {
    let error = ExecutorError::Output { path: shown(directory, path), source: error.into() };
    ExecutionError::Executor(Box::new(error))
}

/// Calls `visit` with every entry below `top`: its folder, its name, its path from `top`. Each folder's entries come
/// in byte order of their names, and what is in a folder that `visit` returns open comes next. Uses no stack, for it
/// is a build that says how deep folders are.
pub(super) fn below<E>(
    top: OwnedFd,
    failed: impl Fn(&[u8], Errno) -> E,
    mut visit: impl FnMut(&OwnedFd, &[u8], &[u8]) -> Result<Option<OwnedFd>, E>,
) -> Result<(), E> {
    let mut path = Vec::new();
    let listed = names(&top).map_err(|error| failed(&path, error))?;
    let mut open = vec![(listed.into_iter(), top, 0)];
    while let Some((listed, folder, length)) = open.last_mut() {
        path.truncate(*length);
        let Some(name) = listed.next() else {
            open.pop();
            continue;
        };
        if !path.is_empty() {
            path.push(b'/');
        }
        path.extend_from_slice(&name);
        if let Some(inner) = visit(folder, &name, &path)? {
            let listed = names(&inner).map_err(|error| failed(&path, error))?;
            open.push((listed.into_iter(), inner, path.len()));
        }
    }
    Ok(())
}

/// Opens `name` of `folder` to be read, if it is no link.
fn open(folder: impl AsFd, name: &[u8], flags: OFlags) -> Result<OwnedFd, Errno> {
    let flags = flags | OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::io::retry_on_intr(|| rustix::fs::openat(folder.as_fd(), name, flags, Mode::empty()))
}

/// Opens `name` of `folder`; where its own mode forbids it, with `mode` instead. It is no link, and nobody else can
/// change it any more.
pub(super) fn open_own(folder: impl AsFd, name: &[u8], flags: OFlags, mode: u32) -> Result<OwnedFd, Errno> {
    match open(&folder, name, flags) {
        Err(Errno::ACCESS) => {
            rustix::fs::chmodat(&folder, name, Mode::from_raw_mode(mode), AtFlags::empty())?;
            open(&folder, name, flags)
        }
        opened => opened,
    }
}

/// The names in a folder, sorted.
fn names(folder: &OwnedFd) -> Result<Vec<Vec<u8>>, Errno> {
    let mut names = Vec::new();
    for entry in Dir::read_from(folder)? {
        let name = entry?.file_name().to_bytes().to_vec();
        if name != b"." && name != b".." {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}
