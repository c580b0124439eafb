//! hbuild's side of the process that holds the key.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use zeroize::Zeroizing;

use super::wire::{Greeting, hear, tell, tell_secret};
use super::{KEY_ARGUMENT, SignerError};
use crate::evidence::signing::{PublicKey, Signer, SigningError};

/// Secrets that came in the environment and stand there no more.
#[derive(Default)]
pub struct Secrets {
    /// `HBUILD_PASSPHRASE`.
    pub passphrase: Option<Zeroizing<Vec<u8>>>,
    /// The text of the key that a variable held.
    pub key: Option<Zeroizing<Vec<u8>>>,
}

/// Where a key is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyPlace {
    /// In a file.
    File(PathBuf),
    /// In the variable of this name: [`Secrets::key`].
    Variable(String),
    /// On standard input.
    Input,
}

impl KeyPlace {
    /// The place that `FILE`, `env:NAME` or `-` names.
    pub fn parse(text: &str) -> Self {
        match (text, text.strip_prefix("env:")) {
            ("-", _) => Self::Input,
            (_, Some(name)) => Self::Variable(name.to_owned()),
            (path, None) => Self::File(path.into()),
        }
    }
}

/// A process with a key in it; it ends when this is dropped.
pub struct KeyProcess {
    process: Child,
    socket: Option<UnixStream>,
    public_key: PublicKey,
    encrypted: bool,
}

impl KeyProcess {
    /// Starts `program`, which is hbuild, as the process that holds the key at `place`. It has the key when this
    /// returns, and `secrets` are overwritten.
    pub fn start(program: &Path, place: &KeyPlace, secrets: Secrets) -> Result<Self, SignerError> {
        let gone = |source| SignerError::NoProcess { source };
        let (socket, other) = UnixStream::pair().map_err(gone)?;
        let mut command = Command::new(program);
        command.arg0("hbuild").arg(KEY_ARGUMENT).env_clear().stdin(Stdio::null());
        match place {
            KeyPlace::File(path) => command.arg("file").arg(path),
            KeyPlace::Variable(name) if secrets.key.as_ref().is_none_or(|key| key.is_empty()) => {
                return Err(SignerError::NoVariable { name: name.clone() });
            }
            KeyPlace::Variable(_) => command.arg("given"),
            KeyPlace::Input => command.arg("stdin").stdin(Stdio::inherit()),
        };
        let process = command.stdout(OwnedFd::from(other)).spawn().map_err(gone)?;
        // The command holds the other end of the socket.
        drop(command);
        let mut started = Started { process: Some(process) };
        tell_secret(&socket, secrets.passphrase.as_ref().map(|secret| &secret[..])).map_err(gone)?;
        let key = secrets.key.as_ref().filter(|_| matches!(place, KeyPlace::Variable(_)));
        tell_secret(&socket, key.map(|secret| &secret[..])).map_err(gone)?;
        drop(secrets);
        let greeting = hear(&socket).and_then(|frame| frame.ok_or(io::ErrorKind::UnexpectedEof.into()));
        let greeting = greeting.and_then(|frame| Ok(serde_json::from_slice(&frame)?)).map_err(gone)?;
        let (public_key, encrypted) = match greeting {
            Greeting::Ready { public_key, encrypted } => {
                (PublicKey::from_pem(&public_key).map_err(Box::new)?, encrypted)
            }
            Greeting::Fault(fault) => return Err(fault.into()),
            Greeting::Stopped => return Err(SignerError::Stopped),
            Greeting::Unreadable(reason) => {
                let path = if let KeyPlace::File(path) = place { path.clone() } else { "-".into() };
                return Err(SignerError::Unreadable { path, reason });
            }
        };
        let process = started.process.take().expect("it was not taken before");
        Ok(Self { process, socket: Some(socket), public_key, encrypted })
    }

    /// Whether the key's file is encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.encrypted
    }
}

/// A process that is waited for, unless it is taken.
struct Started {
    process: Option<Child>,
}

impl Drop for Started {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

impl Signer for KeyProcess {
    fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SigningError> {
        let socket = self.socket.as_ref().expect("there until dropped");
        let answer = tell(socket, message).and_then(|()| hear(socket)).and_then(|frame| {
            let frame = frame.ok_or(io::Error::from(io::ErrorKind::UnexpectedEof))?;
            Ok(frame.to_vec())
        });
        Ok(answer.map_err(|source| SignerError::NoProcess { source })?)
    }
}

impl Drop for KeyProcess {
    fn drop(&mut self) {
        self.socket = None;
        let _ = self.process.wait();
    }
}
