//! What a sandbox has to be, made from a derivation alone.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::graph::{Exec, ExecStep, paths};

/// User and group of builds.
const BUILDER: u32 = 1000;
/// The folder of an image's writable directories on the private writable file system.
const IMAGE: &str = "image";
/// Shared memory.
const SHARED: &str = "/dev/shm";

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
    /// Who the commands are, and where they may write.
    #[serde(default)]
    pub inside: Inside,
}

/// Who the commands of a sandbox are, and where they may write.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Inside {
    /// A build: user and group 1000, `/build` and `/tmp` besides the outputs.
    #[default]
    Build,
    /// A finished image.
    Image {
        /// The user.
        user: u32,
        /// Its one group.
        group: u32,
        /// Absolute directories of the root, none below another, in whose place are such of the private writable file
        /// system. What is put into one is put below [`Specification::writable_at`].
        writable: Vec<String>,
    },
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
            inside: Inside::Build,
        }
    }

    /// User and group inside.
    pub fn ids(&self) -> (u32, u32) {
        match self.inside {
            Inside::Build => (BUILDER, BUILDER),
            Inside::Image { user, group, .. } => (user, group),
        }
    }

    /// Where on the private writable file system is what a finished image has at the directory `path`.
    pub fn writable_at(path: &str) -> String {
        format!("{IMAGE}{path}")
    }

    /// The writable folders but outputs: where each is on the private file system, where it is seen, and its mode.
    pub(super) fn folders(&self) -> Vec<(String, String, u32)> {
        let folder = |(name, path, mode): (&str, &str, u32)| (name.to_owned(), path.to_owned(), mode);
        let shared = ("shm", SHARED, 0o1777);
        match &self.inside {
            Inside::Build => {
                [("build", "/build", 0o755), ("tmp", "/tmp", 0o1777), shared].map(folder).to_vec()
            }
            Inside::Image { writable, .. } => {
                let writable = writable.iter().map(|path| (Self::writable_at(path), path.clone(), 0o755));
                [folder(shared)].into_iter().chain(writable).collect()
            }
        }
    }
}
