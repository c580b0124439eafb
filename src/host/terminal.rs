//! Questions on the user's terminal whose answers are not shown.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

/// Longest answer in bytes.
const LONGEST: usize = 1024;
/// How often it is asked whether to stop.
const TICK: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };

const INTERRUPT: u8 = 0x03;
const END: u8 = 0x04;
const BACKSPACE: [u8; 2] = [0x08, 0x7f];
const KILL_LINE: u8 = 0x15;

/// The terminal of this process, whatever its standard streams are.
pub struct Terminal(File);

impl Terminal {
    /// The terminal, where there is one.
    pub fn open() -> Option<Self> {
        let file = OpenOptions::new().read(true).write(true).open("/dev/tty").ok()?;
        tcgetattr(&file).is_ok().then_some(Self(file))
    }

    /// What is typed after `question`, without showing it. `None` where the user breaks off, or `stop` says so.
    pub fn ask(&mut self, question: &str, stop: &dyn Fn() -> bool) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
        let answer = {
            // Before the question: what is typed as soon as it is seen must be neither shown nor dropped.
            let silent = Silent::new(&self.0)?;
            let mut terminal = &self.0;
            write!(terminal, "{question}: ")?;
            terminal.flush()?;
            silent.line(stop)
        };
        writeln!(self.0)?;
        answer
    }
}

/// A terminal that shows nothing and raises no signals, until it is dropped.
struct Silent<'a> {
    file: &'a File,
    before: Termios,
}

impl<'a> Silent<'a> {
    fn new(file: &'a File) -> io::Result<Self> {
        let before = tcgetattr(file)?;
        let mut silent = before.clone();
        silent.local_modes -= LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG;
        tcsetattr(file, OptionalActions::Flush, &silent)?;
        Ok(Self { file, before })
    }

    fn line(&self, stop: &dyn Fn() -> bool) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
        // Never grows, so that no copy is left behind.
        let mut line = Zeroizing::new(Vec::with_capacity(LONGEST));
        loop {
            if stop() {
                return Ok(None);
            }
            let mut polled = [PollFd::new(self.file, PollFlags::IN)];
            match poll(&mut polled, Some(&TICK)) {
                Ok(0) | Err(rustix::io::Errno::INTR) => continue,
                Ok(_) => {}
                Err(error) => return Err(error.into()),
            }
            let mut byte = Zeroizing::new([0]);
            if (&mut &*self.file).read(&mut byte[..])? == 0 {
                return Ok(None);
            }
            match byte[0] {
                INTERRUPT => return Ok(None),
                b'\r' | b'\n' => return Ok(Some(line)),
                END if line.is_empty() => return Ok(None),
                END => return Ok(Some(line)),
                KILL_LINE => line.clear(),
                byte if BACKSPACE.contains(&byte) => {
                    // Of a character of several bytes all go.
                    while line.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {}
                }
                byte if line.len() < LONGEST => line.push(byte),
                _ => {}
            }
        }
    }
}

impl Drop for Silent<'_> {
    fn drop(&mut self) {
        let _ = tcsetattr(self.file, OptionalActions::Flush, &self.before);
    }
}
