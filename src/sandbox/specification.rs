//! What a sandbox has to be, made from a derivation alone.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::graph::{Exec, ExecStep, paths};

/// A sandbox and the commands to run in it. Nothing of the host stands in it but the limits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Specification {
    /// The root's folder below the folder of roots: mounted read-only at `/`.
    pub root: String,
    /// Absolute directories to be there, empty, on the private writable file system, besides those that are always
    /// there (`/build`, `/build/src`, `/tmp`).
    pub directories: Vec<String>,
    /// Absolute directories of outputs, each a mount point of its own on that file system, so that a build can
    /// neither remove nor replace it.
    pub outputs: Vec<String>,
    /// The commands in order.
    pub commands: Vec<Command>,
    /// Whether the loopback interface is up.
    pub loopback: bool,
    /// The time of all files put into the sandbox, seconds since 1970.
    pub epoch: i64,
    /// Limits.
    pub limits: Limits,
    /// Whether only one processor may be used.
    pub one_processor: bool,
    /// Whether it is as on another machine: run as root, hbuild takes another unprivileged user of the host; the root
    /// is a copy on a file system of its own that lists directories in another order; the clocks that count from the
    /// machine's start show another time where the kernel allows that.
    pub other_machine: bool,
    /// What the commands have as standard input, output and error.
    pub attachment: Attachment,
}

/// What commands have as standard input, output and error. All of it is made inside, and belongs to the user there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Attachment {
    /// No input; both outputs are the log.
    Log,
    /// A pipe each.
    Pipes,
    /// A terminal of their own, with a /dev/pts.
    Terminal,
}

/// A process of a sandbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// For messages.
    pub name: String,
    /// Program and arguments. A program without `/` is looked for in `PATH`.
    pub arguments: Vec<String>,
    /// The whole environment.
    pub environment: BTreeMap<String, String>,
    /// Absolute working directory.
    pub directory: String,
}

/// Limits of a sandbox: best effort by what the system delegates, always recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Bytes of memory of all processes together.
    pub memory: Option<u64>,
    /// Processes and threads at one time.
    pub processes: Option<u64>,
    /// Bytes of the private writable file system: build folder, temporary files and outputs.
    pub space: u64,
    /// Seconds from start to end.
    pub seconds: Option<u64>,
    /// Bytes of the log.
    pub log: u64,
}

/// A command that failed, after which no other ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepFailure {
    /// Its name.
    pub step: String,
    /// `exited with status 2`, `was killed by signal SIGSEGV`, `ran out of memory (limit 4 GiB)`.
    pub how: String,
    /// The exit status as a shell would give it, where it ended by itself.
    pub status: Option<u8>,
}

impl Specification {
    /// The sandbox of `action`, whose root lies in the folder `root`.
    pub fn of(action: &Exec, root: String, jobs: usize, limits: Limits) -> Self {
        let command = |step: &ExecStep| {
            let mut environment = action.env.clone();
            environment.insert("JOBS".to_owned(), jobs.to_string());
            environment.extend(step.env.clone());
            let mut arguments = action.shell.clone();
            arguments.extend([step.script.clone(), step.name.clone()]);
            let (name, directory) = (step.name.clone(), step.dir.clone());
            Command { name, arguments, environment, directory }
        };
        let mut outputs = vec![paths::OUT.to_owned()];
        outputs.extend(action.outputs.iter().map(|name| paths::output(name)));
        Self {
            root,
            directories: action.sources.clone(),
            outputs,
            commands: action.steps.iter().map(command).collect(),
            loopback: action.loopback,
            epoch: action.epoch,
            limits,
            one_processor: false,
            other_machine: false,
            attachment: Attachment::Log,
        }
    }
}
