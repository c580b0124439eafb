//! Why there is no signer, or no signature.

use std::path::PathBuf;
use std::process::ExitStatus;

use crate::evidence::signing::{KeyFault, SigningError};

/// Why there is no signer, or no signature. No variant holds a key, a passphrase or a command.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum SignerError {
    /// What the key's file holds.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Key(#[from] KeyFault),
    /// The public key's file.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Public(#[from] Box<SigningError>),
    /// A key's file cannot be read.
    #[error("cannot read the key `{}`: {reason}", path.display())]
    #[diagnostic(
        code(hbuild::signing::key_unreadable),
        help("check that the file is there and may be read; `--key` also takes `env:NAME` and `-`")
    )]
    Unreadable {
        /// Where.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// The variable of `env:NAME` is not set.
    #[error("the variable `{name}` holds no key")]
    #[diagnostic(
        code(hbuild::signing::no_variable),
        help("set it to the text of a key file, or give `--key` a file")
    )]
    NoVariable {
        /// Its name.
        name: String,
    },
    /// The user broke off.
    #[error("no passphrase was given")]
    #[diagnostic(
        code(hbuild::signing::stopped),
        help("nothing was signed or written; run the command again")
    )]
    Stopped,
    /// The new key would lie open.
    #[error("the passphrase is empty")]
    #[diagnostic(
        code(hbuild::signing::empty_passphrase),
        help("whoever reads the file could sign; say `--allow-empty` where that is meant")
    )]
    EmptyPassphrase,
    /// A passphrase was mistyped.
    #[error("the two passphrases differ")]
    #[diagnostic(
        code(hbuild::signing::passphrases_differ),
        help("nothing was written; run the command again")
    )]
    PassphrasesDiffer,
    /// The process that holds the key went away or could not be started.
    #[error("the process that holds the key does not answer")]
    #[diagnostic(
        code(hbuild::signing::no_process),
        help(
            "nothing was signed: run the command again, and look whether the machine ends processes for want of memory"
        )
    )]
    NoProcess {
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The command of `--signer` cannot be run.
    #[error("the command of `--signer` could not be run")]
    #[diagnostic(
        code(hbuild::signing::no_command),
        help(
            "it is given to `sh -c`: check that it runs there, reads standard input and prints a signature"
        )
    )]
    NoCommand {
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// It failed.
    #[error("the command of `--signer` failed: {status}")]
    #[diagnostic(
        code(hbuild::signing::command_failed),
        help("what it wrote to standard error stands above; nothing was signed")
    )]
    CommandFailed {
        /// How it ended.
        status: ExitStatus,
    },
    /// It printed something that is no signature by the key.
    #[error("the command of `--signer` did not print a signature of `--public-key`")]
    #[diagnostic(
        code(hbuild::signing::not_a_signature),
        help(
            "it must print an ECDSA signature in DER, as `openssl dgst -sha256 -sign KEY` does, over the SHA-256 of its \
             whole standard input, by the key that belongs to `--public-key`"
        )
    )]
    NotASignature,
}

impl From<SignerError> for SigningError {
    fn from(error: SignerError) -> Self {
        SigningError::Signer(Box::new(error))
    }
}
