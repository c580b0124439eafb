//! One command of a sandbox as a process.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use super::{Command, stage, sys};

/// What the commands have as standard input, output and error.
pub(super) struct Streams {
    pub(super) input: OwnedFd,
    pub(super) output: OwnedFd,
    pub(super) error: OwnedFd,
    /// Whether each command gets a session of its own. With a terminal, all are in its session.
    pub(super) session: bool,
}

/// Starts `command`; where that fails, what to say of it.
pub(super) fn start(command: &Command, streams: &Streams) -> Result<sys::Pid, String> {
    let program = command.arguments.first().map(String::as_str).unwrap_or_default();
    let folder = rustix::fs::stat(command.directory.as_str());
    if !folder.is_ok_and(|state| rustix::fs::FileType::from_raw_mode(state.st_mode).is_dir()) {
        return Err(format!("could not be started: there is no directory {}", command.directory));
    }
    let three = [streams.input.as_fd(), streams.output.as_fd(), streams.error.as_fd()];
    let spawned = image(command, streams.session).and_then(|image| image.spawn(three, stage::IGNORED));
    spawned.map_err(|error| format!("could not be started: {program}: {error}"))
}

fn is_file(path: &str) -> bool {
    let state = rustix::fs::stat(path);
    state.is_ok_and(|state| rustix::fs::FileType::from_raw_mode(state.st_mode).is_file())
}

fn image(command: &Command, session: bool) -> io::Result<sys::Image> {
    let program = command.arguments.first().map(String::as_str).unwrap_or_default();
    let path = command.environment.get("PATH").map(String::as_str).unwrap_or_default();
    let programs = if program.contains('/') {
        vec![CString::new(program)?]
    } else {
        // Looked for here, since every attempt to start one costs as much as a process.
        let places = path.split(':').filter(|folder| !folder.is_empty());
        let places = places.map(|folder| format!("{folder}/{program}"));
        places.filter(|place| is_file(place)).map(CString::new).collect::<Result<_, _>>()?
    };
    let arguments = command.arguments.iter().map(|word| CString::new(word.as_str()));
    let environment = command.environment.iter().map(|(name, value)| CString::new(format!("{name}={value}")));
    Ok(sys::Image {
        programs,
        arguments: arguments.collect::<Result<_, _>>()?,
        environment: environment.collect::<Result<_, _>>()?,
        directory: CString::new(command.directory.as_str())?,
        session,
    })
}
