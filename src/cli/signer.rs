//! What signs, as commands are told: a key in a file, in a variable or on standard input, or a command.

use std::path::{Path, PathBuf};

use clap::Args;

use super::context::Context;
use super::report::{Failure, Report};
use crate::evidence::signing::{PublicKey, Signer};
use crate::host::signer::{KeyPlace, KeyProcess, SignCommand, SignerError};

/// What signs.
#[derive(Debug, Clone, Default, Args)]
pub struct SignerArguments {
    /// The private key that signs: a file, `env:NAME` for the variable NAME, or `-` for standard input
    #[arg(long, value_name = "FILE|env:NAME|-")]
    pub key: Option<String>,
    /// A command that signs, for keys that no file holds: it gets bytes on standard input and prints the ECDSA
    /// signature (DER) over their SHA-256
    #[arg(long, value_name = "COMMAND", conflicts_with = "key", requires = "public_key")]
    pub signer: Option<String>,
    /// The public key of `--signer`
    #[arg(long, value_name = "FILE", requires = "signer")]
    pub public_key: Option<PathBuf>,
}

/// A key that lies open.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("the private key is not encrypted")]
#[diagnostic(
    code(hbuild::signing::plain_key),
    severity(Warning),
    help("whoever reads the file can sign: encrypt it with `openssl pkcs8 -topk8 -scrypt -in KEY -out NEW`")
)]
struct PlainKey;

impl SignerArguments {
    /// The name of the variable that `--key env:NAME` names.
    pub fn variable(&self) -> Option<&str> {
        self.key.as_deref()?.strip_prefix("env:")
    }

    /// The signer, if one is given. A command calls this before it reads anything that others wrote: afterwards this
    /// process knows neither key nor passphrase.
    pub fn signer(&self, context: &Context) -> Result<Option<Box<dyn Signer>>, Failure> {
        let secrets = context.take_secrets();
        if let (Some(command), Some(path)) = (&self.signer, &self.public_key) {
            let key = public_key(path).map_err(Failure::new)?;
            return Ok(Some(Box::new(SignCommand::new(command.clone(), key))));
        }
        let Some(place) = self.key.as_deref().map(KeyPlace::parse) else { return Ok(None) };
        let process =
            KeyProcess::start(Path::new("/proc/self/exe"), &place, secrets).map_err(Failure::new)?;
        if !process.is_encrypted() && matches!(place, KeyPlace::File(_)) {
            context.reporter().report(&Report::Other(miette::Report::new(PlainKey)));
        }
        Ok(Some(Box::new(process)))
    }
}

/// The public key in the file at `path`.
pub fn public_key(path: &Path) -> Result<PublicKey, SignerError> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| SignerError::Unreadable { path: path.to_owned(), reason: error.to_string() })?;
    Ok(PublicKey::from_pem(&text).map_err(Box::new)?)
}
