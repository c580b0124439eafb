//! Listening to a sandbox while its commands run: log, reports of init and stage, cancellation.

use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::error::ended;
use super::wire::{InitReport, Outcome, StageReport, hear};
use super::{SandboxError, StepFailure, watch};
use crate::store::{Applied, Usage};

/// How often it is asked whether to stop.
const PATIENCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };

/// What came of a sandbox.
#[derive(Debug)]
pub struct Finished {
    /// The command that failed, where one did.
    pub failure: Option<StepFailure>,
    /// The sandbox as applied.
    pub applied: Applied,
    /// What it used.
    pub usage: Usage,
    /// The writable file system: a directory with `build`, `tmp`, `out` and the further outputs. No process is left
    /// that could change it.
    pub writable: OwnedFd,
}

/// The other ends of what attached commands have.
#[derive(Debug)]
pub struct Ends {
    /// Where their input is written to; a terminal's own end.
    pub input: OwnedFd,
    /// Where their standard error is read from, where it is not the terminal's.
    pub error: Option<OwnedFd>,
}

/// Talk with an init and its stage, from the end of filling to the end of all processes.
pub(super) struct Conversation<'a> {
    control: BorrowedFd<'a>,
    stage: BorrowedFd<'a>,
    log_limit: u64,
    /// Bytes of the log so far.
    logged: u64,
    log: Option<OwnedFd>,
    /// What the init sent besides.
    others: Vec<OwnedFd>,
    writable: Option<OwnedFd>,
    told: Option<Result<Outcome, SandboxError>>,
    control_open: bool,
}

impl<'a> Conversation<'a> {
    pub(super) fn new(control: BorrowedFd<'a>, stage: BorrowedFd<'a>, log_limit: u64) -> Self {
        let (log, writable, told) = (None, None, None);
        let others = Vec::new();
        Self { control, stage, log_limit, logged: 0, log, others, writable, told, control_open: true }
    }

    /// The other ends of what the commands have, once the sandbox stands; `None` where it does not.
    pub(super) fn ends(&mut self) -> Result<Option<Ends>, SandboxError> {
        self.hear_init()?;
        let Some(output) = &self.log else { return Ok(None) };
        let mut others = self.others.drain(..);
        let ends = match (others.next(), others.next()) {
            (Some(input), error) => Ends { input, error },
            (None, _) => {
                let input = output.try_clone().map_err(|error| ended("terminal", &error))?;
                Ends { input, error: None }
            }
        };
        Ok(Some(ends))
    }

    /// Listens until no process of the sandbox is left: what came of it, and whether the stage can be used again.
    pub(super) fn until_gone(
        mut self,
        log: &mut dyn Write,
        cancelled: &dyn Fn() -> bool,
    ) -> (Result<Finished, SandboxError>, bool) {
        loop {
            if cancelled() {
                return (Err(SandboxError::Cancelled), false);
            }
            match self.listen(log) {
                Ok(None) => {}
                Ok(Some(status)) => return (self.finish(status, log), true),
                Err(error) => return (Err(error), false),
            }
        }
    }

    /// Takes what there is to hear; the init's wait status where all is over.
    fn listen(&mut self, log: &mut dyn Write) -> Result<Option<i32>, SandboxError> {
        let mut polled = vec![PollFd::from_borrowed_fd(self.stage, PollFlags::IN)];
        if self.control_open {
            polled.push(PollFd::from_borrowed_fd(self.control, PollFlags::IN));
        }
        if let Some(log) = &self.log {
            polled.push(PollFd::new(log, PollFlags::IN));
        }
        match poll(&mut polled, Some(&PATIENCE)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => return Ok(None),
            Ok(_) => {}
            Err(error) => return Err(ended("poll", &error.into())),
        }
        let ready: Vec<_> = polled.iter().map(|polled| !polled.revents().is_empty()).collect();
        if self.log.is_some() && ready.last() == Some(&true) {
            self.read_log(log)?;
        }
        if self.control_open && ready[1] {
            self.hear_init()?;
        }
        if !ready[0] {
            return Ok(None);
        }
        match hear(self.stage) {
            Ok(Some((StageReport::Gone(status), _))) => Ok(Some(status)),
            Ok(_) => Err(ended("stage", &io::ErrorKind::UnexpectedEof.into())),
            Err(error) => Err(ended("stage", &error)),
        }
    }

    fn hear_init(&mut self) -> Result<(), SandboxError> {
        match hear(self.control) {
            Ok(Some((InitReport::Ready, descriptors))) => {
                let mut descriptors = descriptors.into_iter();
                (self.writable, self.log) = (descriptors.next(), descriptors.next());
                self.others = descriptors.collect();
            }
            Ok(Some((InitReport::Fault(fault), _))) => self.told = Some(Err(fault.into())),
            Ok(Some((InitReport::Finished(outcome), _))) => self.told = Some(Ok(*outcome)),
            // Its end is told by the stage. A reset means that it ended before it read everything.
            Ok(None) => self.control_open = false,
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => self.control_open = false,
            Err(error) => return Err(ended("init", &error)),
        }
        Ok(())
    }

    /// Passes one buffer of the log on, as far as its limit goes.
    fn read_log(&mut self, log: &mut dyn Write) -> Result<(), SandboxError> {
        let Some(pipe) = &self.log else { return Ok(()) };
        let mut buffer = [0; 1 << 16];
        let length = match rustix::io::retry_on_intr(|| rustix::io::read(pipe, &mut buffer)) {
            // A terminal that nobody has open any more says so.
            Ok(0) | Err(rustix::io::Errno::IO) => {
                self.log = None;
                return Ok(());
            }
            Ok(length) => length as u64,
            Err(error) => return Err(ended("log", &error.into())),
        };
        let room = self.log_limit.saturating_sub(self.logged);
        let kept = &buffer[..room.min(length) as usize];
        let mut written = log.write_all(kept);
        if room < length && self.logged <= self.log_limit {
            let limit = watch::bytes(self.log_limit);
            let note = format!("\nhbuild: the log is cut off here: its limit is {limit}\n");
            written = written.and_then(|()| log.write_all(note.as_bytes()));
            self.logged = self.log_limit;
        }
        self.logged += length;
        written.map_err(|source| SandboxError::Log { source })
    }

    /// All is over: what is still unread, and what came of it.
    fn finish(mut self, status: i32, log: &mut dyn Write) -> Result<Finished, SandboxError> {
        while self.control_open && readable(self.control) {
            self.hear_init()?;
        }
        // Every other holder of the pipe is dead, so that it ends.
        while self.log.is_some() {
            self.read_log(log)?;
        }
        let outcome = self.told.take().unwrap_or_else(|| {
            let what = match libc::WIFSIGNALED(status) {
                true => {
                    format!("its init was killed by signal {}", watch::signal_name(libc::WTERMSIG(status)))
                }
                false => "its init said nothing".to_owned(),
            };
            Err(SandboxError::Ended { what })
        })?;
        let Some(writable) = self.writable else {
            return Err(SandboxError::Ended { what: "its file system is missing".to_owned() });
        };
        let Outcome { failure, applied, usage } = outcome;
        Ok(Finished { failure, applied, usage, writable })
    }
}

fn readable(fd: impl AsFd) -> bool {
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut [PollFd::new(&fd, PollFlags::IN)], Some(&now)).is_ok_and(|ready| ready > 0)
}
