//! The hbuild recipe language (`.hb`), edition 1: from text to the evaluated [`recipe::Recipe`].
//!
//! Pure: same text, same value, on any machine. Files are reached through [`Files`], which the caller
//! implements.

#![cfg_attr(not(test), warn(clippy::disallowed_methods, clippy::disallowed_types, clippy::unwrap_used))]
#![cfg_attr(not(test), warn(clippy::print_stdout, clippy::print_stderr))]
#![warn(missing_docs)]

pub mod assist;
pub mod diagnostic;
pub mod format;
pub mod recipe;
pub mod syntax;

mod check;
mod eval;
mod modules;
mod session;

pub use check::form::{Form, Problem as FormProblem, is_registry, is_repository};
pub use check::package::{Request as PackageRequest, parse as parse_package};
pub use check::schema::POLICY as POLICY_RULES;
pub use diagnostic::Diagnostic;
pub use modules::releases::{every as standard_repositories, known as known_releases};
pub use session::{Checked, Evaluated, check, evaluate};

/// The recipe files and what they import, as the caller has them.
pub trait Files {
    /// The bytes of `path`, which is relative to the folder of the entry file and never leaves it.
    fn read(&self, path: &str) -> Result<Vec<u8>, FileError>;
}

/// Why a file could not be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot read `{path}`: {reason}")]
pub struct FileError {
    /// The path asked for.
    pub path: String,
    /// What the host says.
    pub reason: String,
}
