//! One command of a sandbox as a process.

use std::ffi::CString;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};

use super::{Command, stage, sys};

/// What the commands have as standard input, output and error.
pub(super) struct Streams {
    pub(super) input: OwnedFd,
    pub(super) output: OwnedFd,
    pub(super) error: OwnedFd,
    /// Whether they are a terminal's.
    pub(super) terminal: bool,
}

/// A command that runs.
pub(super) struct Spawned {
    pub(super) pid: sys::Pid,
}

/// Exit status where the program, or the working directory, cannot be had; as of a shell.
const NOT_FOUND: i32 = 127;

impl Spawned {
    /// Starts `command`. What fails in the new process is said in its log.
    pub(super) fn start(command: &Command, streams: &Streams) -> io::Result<Self> {
        let image = image(command)?;
        match sys::clone(0)? {
            Some(pid) => Ok(Self { pid }),
            None => {
                let error = become_command(command, streams, &image);
                let mut log = std::fs::File::from(match streams.error.try_clone() {
                    Ok(log) => log,
                    Err(_) => sys::exit_now(NOT_FOUND),
                });
                let _ = writeln!(log, "hbuild: {error}");
                sys::exit_now(NOT_FOUND)
            }
        }
    }
}

/// Makes this new process the command; returns why that failed.
fn become_command(command: &Command, streams: &Streams, image: &sys::Image) -> String {
    let prepare = || -> io::Result<()> {
        sys::block_child_signal(false);
        for signal in stage::IGNORED {
            sys::set_signal(*signal, false);
        }
        if !streams.terminal {
            rustix::process::setsid()?;
        }
        sys::duplicate_to(streams.input.as_fd(), 0)?;
        sys::duplicate_to(streams.output.as_fd(), 1)?;
        sys::duplicate_to(streams.error.as_fd(), 2)
    };
    if let Err(error) = prepare() {
        return format!("cannot start `{}`: {error}", command.name);
    }
    if let Err(error) = rustix::process::chdir(command.directory.as_str()) {
        return format!("cannot enter {}: {error}", command.directory);
    }
    let program = command.arguments.first().map(String::as_str).unwrap_or_default();
    format!("cannot execute {program}: {}", image.execute())
}

fn image(command: &Command) -> io::Result<sys::Image> {
    let program = command.arguments.first().map(String::as_str).unwrap_or_default();
    let path = command.environment.get("PATH").map(String::as_str).unwrap_or_default();
    let programs = if program.contains('/') {
        vec![CString::new(program)?]
    } else {
        let places = path.split(':').filter(|folder| !folder.is_empty());
        places.map(|folder| CString::new(format!("{folder}/{program}"))).collect::<Result<_, _>>()?
    };
    let arguments = command.arguments.iter().map(|word| CString::new(word.as_str()));
    let environment = command.environment.iter().map(|(name, value)| CString::new(format!("{name}={value}")));
    Ok(sys::Image::new(
        programs,
        arguments.collect::<Result<_, _>>()?,
        environment.collect::<Result<_, _>>()?,
    ))
}
