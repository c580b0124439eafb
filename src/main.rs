//! The `hbuild` program: hands the arguments to [`hbuild::cli`] and exits with its status.

use std::process::ExitCode;

fn main() -> ExitCode {
    hbuild::cli::run(std::env::args_os())
}
