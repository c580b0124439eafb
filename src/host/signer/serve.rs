//! The process that holds the key.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::process::ExitCode;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
use zeroize::Zeroizing;

use super::wire::{Greeting, hear, hear_secret, tell};
use crate::evidence::signing::{KeyFault, PrivateKey};
use crate::host::terminal::Terminal;

/// The first argument of a process that holds a key.
pub const KEY_ARGUMENT: &str = "__key";

/// Longest key file in bytes.
const LONGEST_KEY: usize = 64 << 10;

/// Signs what it is asked to until hbuild goes. Behind [`KEY_ARGUMENT`] stands `file` and a path, `stdin` for standard
/// input, or `given` where the key comes over the socket, which is standard output.
pub fn key_main(arguments: &[OsString]) -> ExitCode {
    shut_off();
    let Ok(socket) = rustix::io::dup(io::stdout()).map(UnixStream::from) else { return ExitCode::FAILURE };
    match serve(arguments, &socket) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Keeps the memory of this process from debuggers, from `/proc` and from core files.
pub fn shut_off() {
    // Both work for every process; one that they did not work for would still sign.
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
}

fn serve(arguments: &[OsString], socket: &UnixStream) -> io::Result<()> {
    let passphrase = hear_secret(socket)?;
    let given = hear_secret(socket)?;
    let (greeting, key) = match read(arguments, given).and_then(|text| open(&text, passphrase, socket)) {
        Ok((key, encrypted)) => {
            (Greeting::Ready { public_key: key.public_key().to_pem(), encrypted }, Some(key))
        }
        Err(greeting) => (greeting, None),
    };
    tell(socket, &serde_json::to_vec(&greeting)?)?;
    let Some(key) = key else { return Ok(()) };
    while let Some(message) = hear(socket)? {
        tell(socket, &key.sign(&message))?;
    }
    Ok(())
}

/// The text of the key's file.
fn read(arguments: &[OsString], given: Option<Zeroizing<Vec<u8>>>) -> Result<Zeroizing<Vec<u8>>, Greeting> {
    let unreadable = |error: io::Error| Greeting::Unreadable(error.to_string());
    match (arguments.first().and_then(|word| word.to_str()), arguments.get(1), given) {
        (Some("given"), None, Some(given)) => Ok(given),
        (Some("stdin"), None, None) => whole(io::stdin().lock()),
        (Some("file"), Some(path), None) => whole(File::open(path).map_err(unreadable)?),
        _ => Err(Greeting::Unreadable("wrong arguments".to_owned())),
    }
}

fn whole(mut from: impl Read) -> Result<Zeroizing<Vec<u8>>, Greeting> {
    let mut text = Zeroizing::new(vec![0; LONGEST_KEY + 1]);
    let mut length = 0;
    loop {
        match from.read(&mut text[length..]) {
            Ok(0) if length > LONGEST_KEY => return Err(Greeting::Fault(KeyFault::NotAKey)),
            Ok(0) => break,
            Ok(count) => length += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Greeting::Unreadable(error.to_string())),
        }
    }
    text.truncate(length);
    Ok(text)
}

/// The key, and whether it was encrypted.
fn open(
    text: &[u8],
    passphrase: Option<Zeroizing<Vec<u8>>>,
    socket: &UnixStream,
) -> Result<(PrivateKey, bool), Greeting> {
    let text = std::str::from_utf8(text).map_err(|_| Greeting::Fault(KeyFault::NotAKey))?;
    if !PrivateKey::is_encrypted(text) {
        return PrivateKey::from_pem(text).map(|key| (key, false)).map_err(Greeting::Fault);
    }
    let passphrase = match passphrase {
        Some(passphrase) => passphrase,
        None => ask(socket)?,
    };
    PrivateKey::from_encrypted_pem(text, &passphrase).map(|key| (key, true)).map_err(Greeting::Fault)
}

fn ask(socket: &UnixStream) -> Result<Zeroizing<Vec<u8>>, Greeting> {
    let mut terminal = Terminal::open().ok_or(Greeting::Fault(KeyFault::NoPassphrase))?;
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    // hbuild says nothing before it heard the greeting: whatever can be read is the end.
    let gone = || poll(&mut [PollFd::new(socket, PollFlags::IN)], Some(&now)).is_ok_and(|ready| ready > 0);
    match terminal.ask("Passphrase of the key", &gone) {
        Ok(Some(passphrase)) => Ok(passphrase),
        Ok(None) => Err(Greeting::Stopped),
        Err(error) => Err(Greeting::Unreadable(error.to_string())),
    }
}
