//! Sandboxes as failed steps left them: kept in one file, and opened again with a shell.
//!
//! The file is one zstd stream: a line of JSON ([`Kept`]), then a tar archive of the writable file system with all
//! names, modes and times.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, FileType, OFlags, Stat};
use serde::{Deserialize, Serialize};

use super::executor::of_sandbox;
use super::executor_error::ExecutorError;
use super::executor_outputs::{below, open_own};
use super::{Command, Finished, LocalExecutor, Running, Specification, StepFailure};
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
    let mut archive = Archive { out: tar::Builder::new(stream), cancelled: execution.cancelled };
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
    cancelled: &'a (dyn Fn() -> bool + Sync),
}

impl<W: Write> Archive<'_, W> {
    /// Adds an entry; returns the folder where it is one.
    fn entry(&mut self, folder: &OwnedFd, name: &[u8], path: &[u8]) -> io::Result<Option<OwnedFd>> {
        use std::os::unix::ffi::OsStrExt;
        if (self.cancelled)() {
            return Err(io::Error::other("stopped"));
        }
        if path.len() > LONGEST {
            return Ok(None);
        }
        let stat = rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)?;
        let at = std::path::PathBuf::from(std::ffi::OsStr::from_bytes(path));
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => {
                let mut header = header(&stat, tar::EntryType::Directory);
                self.out.append_data(&mut header, at, io::empty())?;
                return Ok(Some(open_own(folder, name, OFlags::DIRECTORY, 0o700)?));
            }
            FileType::RegularFile => {
                let mut header = header(&stat, tar::EntryType::Regular);
                header.set_size(stat.st_size as u64);
                let file = File::from(open_own(folder, name, OFlags::NONBLOCK, 0o400)?);
                self.out.append_data(&mut header, at, file.take(stat.st_size as u64))?;
            }
            FileType::Symlink => {
                let target = rustix::fs::readlinkat(folder, name, Vec::new())?;
                let mut header = header(&stat, tar::EntryType::Symlink);
                self.out.append_link(&mut header, at, std::ffi::OsStr::from_bytes(target.as_bytes()))?;
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

impl LocalExecutor<'_> {
    /// Opens the sandbox of `id` as its failed step left it, with a shell on the terminal in the step's place:
    /// its root, its environment (with `terminal` over it), its working directory. Times of files are those of the
    /// sources again. Returns when the shell has ended.
    pub fn reopen(
        &self,
        id: DerivationId,
        terminal: &BTreeMap<String, String>,
        cancelled: &(dyn Fn() -> bool + Sync),
    ) -> Result<Finished, ExecutionError> {
        let error = |error: ExecutorError| ExecutionError::Executor(Box::new(error));
        let stale = |problem: String| error(ExecutorError::Stale { id: id.to_string(), problem });
        let damaged = |source: io::Error| stale(format!("what is kept of it cannot be read: {source}"));
        let kept = self.store.failed(&id).map_err(|error| ExecutionError::Content(error.into()))?;
        let kept = kept.ok_or_else(|| error(ExecutorError::NoFailure { id: id.to_string() }))?;
        let mut stream = BufReader::new(zstd::Decoder::new(kept).map_err(damaged)?);
        let mut line = Vec::new();
        stream.read_until(b'\n', &mut line).map_err(damaged)?;
        let Kept { step, specification, .. } =
            serde_json::from_slice(&line).map_err(|error| damaged(error.into()))?;
        if !self.store.is_exec_root(&specification.root) {
            return Err(stale("its root was collected, or the machine was started since".to_owned()));
        }
        let specification = shell(specification, &step, terminal);
        let mut running = self.sandboxes.start(&specification).map_err(of_sandbox)?;
        let mut archive = tar::Archive::new(stream);
        for entry in archive.entries().map_err(damaged)? {
            if cancelled() {
                return Err(ExecutionError::Cancelled);
            }
            put(&mut running, &mut entry.map_err(damaged)?).map_err(|error| match error {
                Put::Sandbox(error) => of_sandbox(error),
                Put::Archive(error) => damaged(error),
            })?;
        }
        running.run(&mut io::sink(), cancelled).map_err(of_sandbox)
    }
}

/// The specification with a shell in place of the commands.
fn shell(mut specification: Specification, step: &str, terminal: &BTreeMap<String, String>) -> Specification {
    let failed = specification.commands.iter().position(|command| command.name == step).unwrap_or(0);
    let command = specification.commands.drain(..).nth(failed);
    let mut command = command.unwrap_or_else(|| Command {
        name: String::new(),
        arguments: vec!["/bin/sh".to_owned()],
        environment: BTreeMap::new(),
        directory: crate::graph::paths::BUILD.to_owned(),
    });
    // Of the shell's command line only the program: its options are for scripts.
    command.arguments.truncate(1);
    command.arguments.push("-i".to_owned());
    command.environment.insert("PS1".to_owned(), format!("[{step}] $PWD $ "));
    command.environment.extend(terminal.clone());
    specification.commands = vec![command];
    specification.terminal = true;
    specification.limits.seconds = None;
    specification
}

enum Put {
    Sandbox(super::SandboxError),
    Archive(io::Error),
}

fn put<R: Read>(running: &mut Running<'_>, entry: &mut tar::Entry<'_, R>) -> Result<(), Put> {
    let path = entry.path_bytes();
    let path = [b"/", path.strip_suffix(b"/").unwrap_or(&path)].concat();
    let put = match entry.header().entry_type() {
        tar::EntryType::Directory => running.directory(&path),
        tar::EntryType::Symlink => {
            let target = entry.link_name_bytes().unwrap_or_default().into_owned();
            running.symlink(&path, &target)
        }
        tar::EntryType::Regular => {
            let executable = entry.header().mode().map_err(Put::Archive)? & 0o111 != 0;
            running.file(&path, executable, entry.size(), entry)
        }
        _ => Ok(()),
    };
    put.map_err(Put::Sandbox)
}
