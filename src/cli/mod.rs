//! cli

use std::ffi::OsString;
use std::process::ExitCode;

/// Runs hbuild with `arguments`, the program's name first.
pub fn run(_arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    ExitCode::SUCCESS
}
