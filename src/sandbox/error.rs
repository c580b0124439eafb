//! What goes wrong with sandboxes, for people.

use std::io;
use std::path::PathBuf;

use miette::Diagnostic;
use thiserror::Error;

use super::wire::{Fault, Step};

/// Why there is no sandbox, or nothing came of it.
#[derive(Debug, Error, Diagnostic)]
pub enum SandboxError {
    /// The stage could not be started.
    #[error("cannot start the sandbox's process {}", program.display())]
    #[diagnostic(
        code(hbuild::sandbox::no_stage),
        help("the folder {} and the program must be there; `hbuild doctor` tests it", roots.display())
    )]
    NoStage {
        /// The program.
        program: PathBuf,
        /// Its working directory.
        roots: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The kernel, a security module or a container forbids namespaces or mounts in them.
    #[error("this system does not allow a sandbox: {what}: {source}")]
    #[diagnostic(
        code(hbuild::sandbox::forbidden),
        help(
            "builds run in unprivileged user namespaces; Ubuntu's AppArmor (kernel.apparmor_restrict_unprivileged_userns), \
             containers and user.max_user_namespaces = 0 may forbid them: `hbuild doctor` says which it is here and \
             what to do"
        )
    )]
    Forbidden {
        /// What was tried.
        what: String,
        /// Why not.
        source: io::Error,
    },
    /// A procfs for the sandbox is refused.
    #[error("this system allows the sandbox no /proc of its own: {source}")]
    #[diagnostic(
        code(hbuild::sandbox::no_proc),
        help(
            "a container that masks parts of /proc forbids it: run it with unmasked paths (Docker: \
             `--security-opt systempaths=unconfined`); `hbuild doctor` says more"
        )
    )]
    NoProc {
        /// Why.
        source: io::Error,
    },
    /// The root's folder is not there.
    #[error("the sandbox's root `{root}` is not in the folder of roots")]
    #[diagnostic(
        code(hbuild::sandbox::no_root),
        help("this is a defect, or something removed it while building")
    )]
    NoRoot {
        /// Its name.
        root: String,
        /// Why.
        source: io::Error,
    },
    /// The copy of a root, as a varied sandbox has it, could not be made.
    #[error("cannot copy {path} of the sandbox's root to a file system of its own")]
    #[diagnostic(
        code(hbuild::sandbox::no_copy),
        help("--check keeps the copy in memory, one for each job: try again with fewer --jobs")
    )]
    NoCopy {
        /// The path inside.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// A directory that something is mounted on is missing in the root, or is none.
    #[error("the sandbox's root has no directory {path}")]
    #[diagnostic(
        code(hbuild::sandbox::no_mount_point),
        help("no package of the root may have anything but a directory there")
    )]
    NoMountPoint {
        /// The path inside.
        path: String,
    },
    /// A restriction could not be made.
    #[error("the sandbox cannot be closed: {what}: {source}")]
    #[diagnostic(
        code(hbuild::sandbox::not_closed),
        help("without it commands could reach the host, so nothing was run; `hbuild doctor` says more")
    )]
    NotClosed {
        /// Which.
        what: String,
        /// Why.
        source: io::Error,
    },
    /// `--strict` demands what this system does not give.
    #[error("this system does not give a sandbox everything that --strict demands: {missing}")]
    #[diagnostic(
        code(hbuild::sandbox::not_strict),
        help("`hbuild doctor` says how to get each; without --strict the record says what was missing")
    )]
    NotStrict {
        /// What is missing.
        missing: String,
    },
    /// The sources do not fit.
    #[error("the sources do not fit into the sandbox's space: {path}")]
    #[diagnostic(code(hbuild::sandbox::no_space), help("give builds more space with --build-space"))]
    NoSpace {
        /// The path that did not fit any more.
        path: String,
    },
    /// A file could not be put into the sandbox.
    #[error("cannot put {path} into the sandbox: {source}")]
    #[diagnostic(code(hbuild::sandbox::not_filled), help("this is a defect if the path is one of a source"))]
    NotFilled {
        /// The path inside.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// A source's content could not be read.
    #[error("cannot read the content of {path}")]
    #[diagnostic(
        code(hbuild::sandbox::content),
        help("`hbuild store verify` tells whether the store is whole")
    )]
    Content {
        /// The path inside.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// The log could not be written.
    #[error("cannot write the log")]
    #[diagnostic(code(hbuild::sandbox::log), help("see whether the disk is full"))]
    Log {
        /// Why.
        source: io::Error,
    },
    /// The stage or the init ended without a word, or descriptors ran out.
    #[error("the sandbox ended unexpectedly: {what}")]
    #[diagnostic(
        code(hbuild::sandbox::ended),
        help("something killed it, as the kernel does where memory runs out; try again with fewer --jobs")
    )]
    Ended {
        /// What is known.
        what: String,
    },
    /// It was stopped.
    #[error("stopped")]
    #[diagnostic(code(hbuild::sandbox::cancelled), help("run the same command again to go on"))]
    Cancelled,
}

impl From<Fault> for SandboxError {
    fn from(fault: Fault) -> Self {
        let Fault { step, what, errno } = fault;
        let source = io::Error::from_raw_os_error(errno);
        match step {
            Step::User | Step::Namespaces | Step::Mounts => Self::Forbidden { what, source },
            Step::Proc => Self::NoProc { source },
            Step::Copy if errno == libc::ECANCELED => Self::Cancelled,
            Step::Copy => Self::NoCopy { path: what, source },
            Step::Root => Self::NoRoot { root: what, source },
            Step::MountPoint => Self::NoMountPoint { path: what },
            Step::Restrictions => Self::NotClosed { what, source },
            Step::Strict => Self::NotStrict { missing: what },
            Step::Filling if errno == libc::ENOSPC => Self::NoSpace { path: what },
            Step::Filling => Self::NotFilled { path: what, source },
            Step::Talk => Self::Ended { what: format!("{what}: {source}") },
        }
    }
}

/// Something about talk with a stage or an init that failed.
pub(super) fn ended(what: &str, error: &io::Error) -> SandboxError {
    SandboxError::Ended { what: format!("{what}: {error}") }
}
