//! Sandboxes as failed steps left them: kept in one file, and put into a sandbox again.
//!
//! The file is one zstd stream: a line of JSON ([`Kept`]), then a tar archive of the writable file system with all
//! names, modes and times.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use rustix::fs::{AtFlags, FileType, OFlags, Stat};
use serde::{Deserialize, Serialize};

use super::executor::of_sandbox;
use super::executor_error::ExecutorError;
use super::executor_outputs::{below, open_own};
use super::{Running, Specification, StepFailure};
use crate::exec::{Execution, ExecutionError};
use crate::graph::DerivationId;
use crate::store::{FailedFile, Store};

/// Fast, for it is most often for nothing.
const LEVEL: i32 = 1;
/// Longest path of what is kept. What is deeper is left out.
const LONGEST: usize = 4095;

/// How the sandbox was made.
#[derive(Serialize, Deserialize)]
struct Kept {
    /// The label of the derivation.
    label: String,
    /// The step that failed.
    step: String,
    /// How it ended.
    how: String,
    /// The sandbox.
    specification: Specification,
}

/// Keeps the writable file system of a sandbox whose step failed.
pub(super) fn keep(
    store: &Store,
    execution: &Execution<'_>,
    specification: &Specification,
    failure: &StepFailure,
    writable: &OwnedFd,
) -> io::Result<()> {
    let file = store.create_failed(&execution.id).map_err(io::Error::other)?;
    let mut stream = zstd::Encoder::new(file, LEVEL)?;
    let kept = Kept {
        label: execution.label.to_owned(),
        step: failure.step.clone(),
        how: failure.how.clone(),
        specification: specification.clone(),
    };
    serde_json::to_writer(&mut stream, &kept)?;
    stream.write_all(b"\n")?;
    let out = tar::Builder::new(stream);
    let mut archive = Archive { out, names: BTreeMap::new(), cancelled: execution.cancelled };
    below(
        writable.try_clone()?,
        |_, error| error.into(),
        |folder, name, path| archive.entry(folder, name, path),
    )?;
    let file: FailedFile = archive.out.into_inner()?.finish()?;
    file.finish().map_err(io::Error::other)
}

struct Archive<'a, W: Write> {
    out: tar::Builder<W>,
    /// The first names of files that have several, by inode.
    names: BTreeMap<u64, PathBuf>,
    cancelled: &'a (dyn Fn() -> bool + Sync),
}

impl<W: Write> Archive<'_, W> {
    /// Adds an entry; returns the folder where it is one.
    fn entry(&mut self, folder: &OwnedFd, name: &[u8], path: &[u8]) -> io::Result<Option<OwnedFd>> {
        if (self.cancelled)() {
            return Err(io::Error::other("stopped"));
        }
        if path.len() > LONGEST {
            return Ok(None);
        }
        let stat = rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)?;
        let at = PathBuf::from(OsStr::from_bytes(path));
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => {
                let mut header = header(&stat, tar::EntryType::Directory);
                self.out.append_data(&mut header, at, io::empty())?;
                return Ok(Some(open_own(folder, name, OFlags::DIRECTORY, 0o700)?));
            }
            FileType::RegularFile => {
                if let Some(first) = self.names.get(&stat.st_ino) {
                    let mut header = header(&stat, tar::EntryType::Link);
                    self.out.append_link(&mut header, at, first)?;
                    return Ok(None);
                }
                if stat.st_nlink > 1 {
                    self.names.insert(stat.st_ino, at.clone());
                }
                let mut header = header(&stat, tar::EntryType::Regular);
                header.set_size(stat.st_size as u64);
                let file = File::from(open_own(folder, name, OFlags::NONBLOCK, 0o400)?);
                self.out.append_data(&mut header, at, file.take(stat.st_size as u64))?;
            }
            FileType::Symlink => {
                let target = rustix::fs::readlinkat(folder, name, Vec::new())?;
                let mut header = header(&stat, tar::EntryType::Symlink);
                self.out.append_link(&mut header, at, OsStr::from_bytes(target.as_bytes()))?;
            }
            // Nothing listens to a socket or a fifo any more.
            _ => {}
        }
        Ok(None)
    }
}

fn header(stat: &Stat, kind: tar::EntryType) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(stat.st_mode & 0o7777);
    header.set_mtime(u64::try_from(stat.st_mtime).unwrap_or(0));
    header.set_uid(0);
    header.set_gid(0);
    header.set_size(0);
    header
}

/// A sandbox as a failed step left it.
pub(super) struct Failed {
    /// The label of the derivation.
    pub label: String,
    /// The step that failed.
    pub step: String,
    /// How it ended.
    pub how: String,
    /// How the sandbox was made.
    pub specification: Specification,
    archive: tar::Archive<BufReader<zstd::Decoder<'static, BufReader<File>>>>,
}

impl Failed {
    /// What `store` keeps of `id`; `None` where it keeps nothing.
    pub fn open(store: &Store, id: &DerivationId) -> Result<Option<Self>, ExecutionError> {
        let damaged = |source: io::Error| damaged(id, &source);
        let kept = store.failed(id).map_err(|error| ExecutionError::Content(error.into()))?;
        let Some(kept) = kept else { return Ok(None) };
        let mut stream = BufReader::new(zstd::Decoder::new(kept).map_err(damaged)?);
        let mut line = Vec::new();
        stream.read_until(b'\n', &mut line).map_err(damaged)?;
        let Kept { label, step, how, specification } =
            serde_json::from_slice(&line).map_err(|error| damaged(error.into()))?;
        if !store.is_exec_root(&specification.root) {
            return Err(stale(id, "its root was collected, or the machine was started since"));
        }
        Ok(Some(Self { label, step, how, specification, archive: tar::Archive::new(stream) }))
    }

    /// Puts all of it into `running`, with modes and times.
    pub fn fill(
        mut self,
        id: &DerivationId,
        running: &mut Running<'_>,
        cancelled: &(dyn Fn() -> bool + Sync),
    ) -> Result<(), ExecutionError> {
        let damaged = |source: io::Error| damaged(id, &source);
        let mut metadata = Vec::new();
        for entry in self.archive.entries().map_err(damaged)? {
            if cancelled() {
                return Err(ExecutionError::Cancelled);
            }
            let mut entry = entry.map_err(damaged)?;
            let path = absolute(&entry.path_bytes());
            let (mode, time) =
                (entry.header().mode().map_err(damaged)?, entry.header().mtime().map_err(damaged)?);
            put(running, &path, &mut entry).map_err(|error| match error {
                Put::Sandbox(error) => of_sandbox(error),
                Put::Archive(error) => damaged(error),
            })?;
            metadata.push((path, mode, i64::try_from(time).unwrap_or(0)));
        }
        // Folders behind what is in them: it changes their times, and their modes may forbid it.
        for (path, mode, time) in metadata.iter().rev() {
            running.metadata(path, *mode, *time).map_err(of_sandbox)?;
        }
        Ok(())
    }
}

fn stale(id: &DerivationId, problem: &str) -> ExecutionError {
    let error = ExecutorError::Stale { id: id.to_string(), problem: problem.to_owned() };
    ExecutionError::Executor(Box::new(error))
}

fn damaged(id: &DerivationId, source: &io::Error) -> ExecutionError {
    stale(id, &format!("what is kept of it cannot be read: {source}"))
}

fn absolute(path: &[u8]) -> Vec<u8> {
    [b"/", path.strip_suffix(b"/").unwrap_or(path)].concat()
}

enum Put {
    Sandbox(super::SandboxError),
    Archive(io::Error),
}

fn put<R: Read>(running: &mut Running<'_>, path: &[u8], entry: &mut tar::Entry<'_, R>) -> Result<(), Put> {
    let put = match entry.header().entry_type() {
        tar::EntryType::Directory => running.directory(path),
        tar::EntryType::Symlink => {
            let target = entry.link_name_bytes().unwrap_or_default().into_owned();
            running.symlink(path, &target)
        }
        tar::EntryType::Link => {
            let target = entry.link_name_bytes().unwrap_or_default();
            running.hard_link(path, &absolute(&target))
        }
        tar::EntryType::Regular => {
            let executable = entry.header().mode().map_err(Put::Archive)? & 0o111 != 0;
            running.file(path, executable, entry.size(), entry)
        }
        _ => Ok(()),
    };
    put.map_err(Put::Sandbox)
}
