//! What goes wrong around a sandbox whose commands ran.

use std::io;

use miette::Diagnostic;
use thiserror::Error;

/// Why outputs could not be taken, or a failed sandbox not be opened again.
#[derive(Debug, Error, Diagnostic)]
pub enum ExecutorError {
    /// An output cannot be read.
    #[error("cannot read the output `{path}`")]
    #[diagnostic(
        code(hbuild::sandbox::output_unreadable),
        help(
            "a path of more than 4095 bytes cannot be an output; else the machine is out of memory or files"
        )
    )]
    Output {
        /// Its absolute path in the sandbox, with escapes.
        path: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Outputs are larger than the file system they lie on: files with holes.
    #[error("the outputs have more than {space} bytes, which is the limit of a build's files: `{path}`")]
    #[diagnostic(
        code(hbuild::sandbox::output_too_large),
        help("make fewer or smaller files, or raise the limit with --build-space")
    )]
    TooLarge {
        /// The path that was one too many.
        path: String,
        /// The limit.
        space: u64,
    },
    /// No failed sandbox is kept.
    #[error("no failed sandbox of {id} is kept")]
    #[diagnostic(
        code(hbuild::sandbox::no_failure),
        help(
            "`hbuild build` keeps the sandbox of a step that failed until the step succeeds or `hbuild store gc`; \
             the build's name, as FILE#NAME, opens it before its first step"
        )
    )]
    NoFailure {
        /// The derivation id.
        id: String,
    },
    /// The shell in a sandbox did not end by itself.
    #[error("the shell {how}")]
    #[diagnostic(
        code(hbuild::sandbox::shell),
        help("a build whose tools have neither its own shell nor `sh` cannot be looked at from inside")
    )]
    Shell {
        /// `could not be started: sh: No such file or directory`, `ran out of memory (limit 4 GiB)`.
        how: String,
    },
    /// A command in an image did not end by itself.
    #[error("the command {how}")]
    #[diagnostic(
        code(hbuild::sandbox::command),
        help(
            "a program is looked for in the PATH of the image, its working directory must be there, and the image's user must be allowed to execute it"
        )
    )]
    Command {
        /// `could not be started: sh: No such file or directory`, `ran out of memory (limit 4 GiB)`.
        how: String,
    },
    /// The root of a failed sandbox is gone, or what is kept is damaged.
    #[error("the failed sandbox of {id} cannot be opened any more: {problem}")]
    #[diagnostic(code(hbuild::sandbox::stale_failure), help("run `hbuild build` again, then `hbuild shell`"))]
    Stale {
        /// The derivation id.
        id: String,
        /// Why.
        problem: String,
    },
}
