//! The sandbox: commands that see their declared inputs and nothing else (design section 8).
//!
//! [`Specification`] is pure: what a sandbox has to be. Everything else here makes one of the kernel's namespaces,
//! and this is the only module with `unsafe`. It decides nothing about what is built.
//!
//! Three processes make a sandbox. hbuild ([`Sandboxes`]) asks, fills it, reads its log and takes its files. A stage
//! ([`stage_main`]) is hbuild executed again, with one thread and nothing in its environment; it has left the host
//! behind and forks an init for each sandbox. The init is process 1 inside: it mounts, restricts itself, and runs the
//! commands. hbuild never forks itself, since it has threads.

mod command;
mod copy;
pub mod diagnose;
mod error;
mod executor;
mod executor_error;
mod executor_failed;
mod executor_outputs;
mod executor_shell;
mod fill;
mod images;
mod init;
mod mounts;
mod restrict;
mod running;
mod sandboxes;
mod seccomp;
mod secret;
mod specification;
mod stage;
#[allow(unsafe_code, reason = "system calls")]
mod sys;
mod watch;
mod wire;

pub use error::SandboxError;
pub use executor::LocalExecutor;
pub use executor_error::ExecutorError;
pub use executor_shell::{Console, Place, ShellExecutor};
pub use images::LocalImages;
pub use running::{Ends, Finished};
pub use sandboxes::{Running, Sandboxes, StageOptions};
pub use secret::take_variable;
pub use specification::*;
pub use stage::{STAGE_ARGUMENT, stage_main};
