//! Signatures by a command of the user, for keys that no file holds.
//!
//! The command is run by `sh -c` once for each signature. It gets the bytes to be signed on standard input, and prints an
//! ECDSA-Sig-Value in DER over their SHA-256, as `openssl dgst -sha256 -sign KEY` does.

use std::io::{Read, Write};
use std::process::{Command, Stdio};

use super::SignerError;
use crate::evidence::signing::{PublicKey, Signer, SigningError};

/// Longest answer that is read; a signature has 72 bytes at most.
const LONGEST: u64 = 4096;

/// A command that signs.
pub struct SignCommand {
    command: String,
    public_key: PublicKey,
}

impl SignCommand {
    /// The command, with the key that it signs with.
    pub fn new(command: String, public_key: PublicKey) -> Self {
        Self { command, public_key }
    }

    fn run(&self, message: &[u8]) -> Result<Vec<u8>, SignerError> {
        let failed = |source| SignerError::NoCommand { source };
        let mut command = Command::new("/bin/sh");
        command.arg("-c").arg(&self.command).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(failed)?;
        let mut input = child.stdin.take().expect("standard input is a pipe");
        let mut output = child.stdout.take().expect("standard output is a pipe");
        let mut answer = Vec::new();
        // One that signs a prefix reads no further: its answer tells.
        let (_, read) = std::thread::scope(|scope| {
            let writer = scope.spawn(move || input.write_all(message));
            let read = output.by_ref().take(LONGEST).read_to_end(&mut answer);
            drop(output);
            (writer.join(), read)
        });
        let status = child.wait().map_err(failed)?;
        read.map_err(failed)?;
        if status.success() { Ok(answer) } else { Err(SignerError::CommandFailed { status }) }
    }
}

impl Signer for SignCommand {
    fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SigningError> {
        let signature = self.run(message)?;
        match self.public_key.verify(message, &signature) {
            Ok(()) => Ok(signature),
            Err(_) => Err(SignerError::NotASignature.into()),
        }
    }
}
