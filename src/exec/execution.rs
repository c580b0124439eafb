//! What is asked of whoever executes commands: a local sandbox, or a cluster that speaks the Bazel Remote Execution
//! API.

use std::io::{Read, Write};
use std::sync::Arc;

use super::BuildError;
use crate::graph::{DerivationId, Exec};
use crate::store::{Applied, ObjectRef, Usage};
use crate::tree::{ContentError, Contents, Tree};

/// Executes commands. The outputs of one are the same whoever executes it.
pub trait Executor: Sync {
    /// Executes `execution`: writes what it says to `log`, and where every step succeeded gives the entries of its
    /// outputs to `outputs`, parents before what is in them, each directory's in byte order of their names.
    fn execute(
        &self,
        execution: &Execution<'_>,
        log: &mut (dyn Write + Send),
        outputs: &mut dyn OutputSink,
    ) -> Result<Executed, ExecutionError>;
}

/// One command to execute, with everything it may see.
pub struct Execution<'a> {
    /// Its derivation.
    pub id: DerivationId,
    /// For people.
    pub label: &'a str,
    /// The command.
    pub action: &'a Exec,
    /// The root: an exec tree, with the object that it is encoded in.
    pub root: (ObjectRef, Arc<Tree>),
    /// The exec trees of [`Exec::sources`], in order.
    pub sources: Vec<Arc<Tree>>,
    /// The contents of the files of all of them.
    pub contents: &'a dyn Contents,
    /// What `$JOBS` says, at least 1.
    pub jobs: usize,
    /// What is varied.
    pub variation: Variation,
    /// Whether it is to be stopped.
    pub cancelled: &'a (dyn Fn() -> bool + Sync),
}

/// Circumstances that no output may depend on, as `build --check` varies them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Variation {
    /// As always.
    #[default]
    None,
    /// One processor, directories in the other order, root and sources on other file systems at another path of the
    /// host, another user of the host where there is one, and [`Execution::jobs`] other than the first time.
    Other,
}

/// An execution whose steps all succeeded.
#[derive(Debug, Clone)]
pub struct Executed {
    /// The sandbox as applied.
    pub sandbox: Applied,
    /// What it used.
    pub usage: Usage,
}

/// Takes the entries of outputs.
pub trait OutputSink {
    /// An entry of output `output`: 0 for `$OUT`, then the further ones in order. `path` is relative to the output,
    /// its components joined by `/`; any byte but NUL may stand in a component.
    fn entry(&mut self, output: usize, path: &[u8], entry: OutputEntry<'_>) -> Result<(), BuildError>;
}

/// What is at a path of an output.
pub enum OutputEntry<'a> {
    /// A directory.
    Directory,
    /// A regular file.
    File {
        /// Permission bits with setuid, setgid and sticky.
        mode: u16,
        /// Length in bytes.
        size: u64,
        /// Its content.
        content: &'a mut dyn Read,
    },
    /// A symbolic link.
    Symlink {
        /// Its target as written.
        target: &'a [u8],
    },
    /// Something that has no place in an output: `a socket`, `a fifo`, `a device`.
    Other(&'static str),
}

/// Why an execution gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum ExecutionError {
    /// A step ended with a failure.
    #[error("step `{step}` {how}")]
    Step {
        /// Its name.
        step: String,
        /// `exited with status 2`, `was killed by SIGSEGV`, `ran out of memory (limit 4 GiB)`.
        how: String,
    },
    /// The executor itself failed, or the machine does not allow a sandbox. A diagnostic with code and help.
    #[error(transparent)]
    Executor(Box<dyn miette::Diagnostic + Send + Sync>),
    /// The outputs could not be taken.
    #[error(transparent)]
    Output(BuildError),
    /// Contents could not be read.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// It was stopped.
    #[error("stopped")]
    Cancelled,
}
