//! What is asked of whoever runs commands in finished images.

use std::collections::BTreeMap;

use super::ExecutionError;
use crate::tree::{Contents, Tree};

/// Runs commands in finished images, each by itself: what one writes no other sees.
pub trait ImageRunner: Sync {
    /// Whether that can be done here.
    fn available(&self) -> Result<(), ExecutionError>;

    /// What came of each of `commands`, in order.
    fn run(
        &self,
        image: &FinishedImage<'_>,
        commands: &[Vec<String>],
        cancelled: &(dyn Fn() -> bool + Sync),
    ) -> Result<Vec<Ran>, ExecutionError>;
}

/// A finished image as its user sees it.
pub struct FinishedImage<'a> {
    /// Its files. The owner's bits of each mode are what the user may do; owners count no more.
    pub tree: &'a Tree,
    /// Their contents.
    pub contents: &'a dyn Contents,
    /// Absolute directories that are writable, with what is in them; none is below another.
    pub writable: &'a [String],
    /// User and group.
    pub ids: (u32, u32),
    /// The environment.
    pub environment: &'a BTreeMap<String, String>,
    /// Absolute working directory.
    pub directory: &'a str,
    /// How many threads may put its files in place, at least 1.
    pub threads: usize,
}

/// A command that was run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// What it wrote to standard output.
    pub stdout: Written,
    /// What it wrote to standard error.
    pub stderr: Written,
    /// How it ended.
    pub end: End,
}

/// What a command wrote to one stream.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Written {
    /// The bytes, as far as they were kept.
    pub bytes: Vec<u8>,
    /// Whether there were more than are ever kept. The command was stopped then.
    pub too_much: bool,
}

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// By itself.
    Status {
        /// The exit status: 128 and the number of the signal where one killed it.
        status: u8,
        /// `exited with status 2`, `was killed by signal SIGSEGV`.
        how: String,
    },
    /// In another way: `took longer than 60 s`, `could not be started: x: No such file or directory`.
    Otherwise(String),
}
