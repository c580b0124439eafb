//! The init of one sandbox, process 1 of its namespace: mounts, restricts itself, takes the files that hbuild sends,
//! runs the commands one after another, and kills whatever they left.

use std::io::BufReader;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{DumpableBehavior, Signal, set_dumpable_behavior, set_parent_process_death_signal};
use rustix::pty::{OpenptFlags, openpt, ptsname, unlockpt};

use super::command::Streams;
use super::seccomp::Filter;
use super::wire::{At, Fault, InitReport, Outcome, Request, Step, Stream, tell};
use super::{Attachment, StepFailure, command, fill, mounts, restrict, sys, watch};
use crate::store::{Applied, Usage};

/// How often memory is looked at.
const WATCH: Duration = Duration::from_millis(100);

/// Tells hbuild that no init could be started.
pub(super) fn refuse(descriptors: &[OwnedFd], fault: Fault) {
    if let Some(control) = descriptors.first() {
        let _ = tell(control, &InitReport::Fault(fault), &[]);
    }
}

/// Is the init, which talks with hbuild over `control`.
pub(super) fn main(request: Request, control: Option<OwnedFd>, filter: &Filter) -> ! {
    let Some(control) = control else { sys::exit_now(1) };
    let done = run(&request, &control, filter);
    let report = match done {
        Ok(Some(outcome)) => InitReport::Finished(Box::new(outcome)),
        // hbuild went away.
        Ok(None) => sys::exit_now(1),
        Err(fault) => InitReport::Fault(fault),
    };
    sys::exit_now(i32::from(tell(&control, &report, &[]).is_err()))
}

fn run(request: &Request, control: &OwnedFd, filter: &Filter) -> Result<Option<Outcome>, Fault> {
    let specification = &request.specification;
    set_parent_process_death_signal(Some(Signal::KILL)).at(Step::Restrictions, "signal of death")?;
    // Neither memory nor environment of this process can be read from inside, nor can it be traced.
    set_dumpable_behavior(DumpableBehavior::NotDumpable).at(Step::Restrictions, "not dumpable")?;
    if specification.loopback {
        sys::raise_loopback().at(Step::Namespaces, "loopback")?;
    }
    let mut applied = Applied { seccomp: filter.digest.clone(), ..described(specification.ids()) };
    let space = mounts::enter_sandbox(specification, &mut applied)?;
    let (ends, streams) = streams(specification.attachment)?;
    // The stage's socket must not be here: nobody but hbuild may hold its other end.
    sys::duplicate_to(streams.input.as_fd(), 0).at(Step::Restrictions, "/dev/null")?;
    restrict::restrict(specification, &filter.program, &mut applied)?;
    watch::note(&specification.limits, &mut applied);
    if request.strict && !applied.missing.is_empty() {
        return Err(Fault { step: Step::Strict, what: applied.missing.join(", "), errno: 0 });
    }
    let ready: Vec<_> = [&space].into_iter().chain(&ends).map(AsFd::as_fd).collect();
    tell(control, &InitReport::Ready, &ready).at(Step::Talk, "ready")?;
    drop(ends);

    let mut stream = BufReader::with_capacity(1 << 16, Stream(control));
    if !fill::take(&space, specification.epoch, mounts::folders(specification), &mut stream)? {
        return Ok(None);
    }
    let mut running = Running::new(request, control, &space, streams)?;
    let failure = running.commands();
    running.end();
    let usage = Usage { wall_ms: running.started.elapsed().as_millis() as u64, ..sys::usage_of_children() };
    Ok((!running.gone).then_some(Outcome { failure, applied, usage }))
}

/// What is the same in every sandbox of these ids.
fn described((user, group): (u32, u32)) -> Applied {
    let namespaces = ["cgroup", "ipc", "mount", "network", "pid", "user", "uts"];
    Applied {
        namespaces: namespaces.map(str::to_owned).to_vec(),
        user: format!("{user}:{group}"),
        kernel: rustix::system::uname().release().to_string_lossy().into_owned(),
        ..Applied::default()
    }
}

/// The ends that hbuild gets, and what the commands get. All are made here, so that they belong to the user inside:
/// `/dev/stderr` can be opened.
fn streams(attachment: Attachment) -> Result<(Vec<OwnedFd>, Streams), Fault> {
    let pipe = || pipe_with(PipeFlags::CLOEXEC).at(Step::Restrictions, "pipe");
    match attachment {
        Attachment::Log => {
            let (read, output) = pipe()?;
            let flags = OFlags::RDWR | OFlags::CLOEXEC;
            let null = rustix::fs::open("/dev/null", flags, Mode::empty());
            let input = null.at(Step::Restrictions, "/dev/null")?;
            let error = output.try_clone().at(Step::Restrictions, "log")?;
            Ok((vec![read], Streams { input, output, error, session: true }))
        }
        Attachment::Pipes => {
            let ((input, write), (read, output), (read_error, error)) = (pipe()?, pipe()?, pipe()?);
            Ok((vec![read, write, read_error], Streams { input, output, error, session: true }))
        }
        Attachment::Terminal => {
            let (own, terminal) = terminal().at(Step::Restrictions, "terminal")?;
            let copy = || terminal.try_clone().at(Step::Restrictions, "terminal");
            let (output, error) = (copy()?, copy()?);
            Ok((vec![own], Streams { input: terminal, output, error, session: false }))
        }
    }
}

/// A new terminal, which becomes that of a session of this process, and hbuild's end of it.
fn terminal() -> std::io::Result<(OwnedFd, OwnedFd)> {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let own = openpt(flags)?;
    unlockpt(&own)?;
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let terminal = rustix::fs::open(ptsname(&own, Vec::new())?, flags, Mode::empty())?;
    rustix::process::setsid()?;
    rustix::process::ioctl_tiocsctty(&terminal)?;
    Ok((own, terminal))
}

/// The commands while they run.
struct Running<'a> {
    request: &'a Request,
    control: &'a OwnedFd,
    space: &'a OwnedFd,
    streams: Streams,
    /// Readable when a child ended.
    ended: OwnedFd,
    started: Instant,
    /// Whether hbuild went away.
    gone: bool,
}

/// How a command ended.
enum End {
    Status(i32),
    Memory,
    Time,
    Gone,
}

impl End {
    /// The exit status as a shell would give it, where the command ended by itself.
    fn status(&self) -> Option<u8> {
        let number = match *self {
            Self::Status(status) if libc::WIFSIGNALED(status) => 128 + libc::WTERMSIG(status),
            Self::Status(status) => libc::WEXITSTATUS(status),
            _ => return None,
        };
        u8::try_from(number).ok()
    }
}

impl<'a> Running<'a> {
    fn new(
        request: &'a Request,
        control: &'a OwnedFd,
        space: &'a OwnedFd,
        streams: Streams,
    ) -> Result<Self, Fault> {
        sys::block_child_signal(true);
        rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
        let ended = sys::child_descriptor().at(Step::Restrictions, "signals")?;
        Ok(Self { request, control, space, streams, ended, started: Instant::now(), gone: false })
    }

    /// Runs the commands up to the first that fails.
    fn commands(&mut self) -> Option<StepFailure> {
        for command in &self.request.specification.commands {
            let (failure, status) = match command::start(command, &self.streams) {
                Ok(pid) => {
                    let end = self.wait(pid);
                    (self.describe(&end), end.status())
                }
                Err(how) => (Some(how), None),
            };
            if let Some(how) = failure {
                return Some(StepFailure { step: command.name.clone(), how, status });
            }
        }
        None
    }

    /// Waits for the process `pid` and reaps all others that end before.
    fn wait(&mut self, pid: sys::Pid) -> End {
        let limits = &self.request.specification.limits;
        let deadline = limits.seconds.map(|seconds| self.started + Duration::from_secs(seconds));
        let mut looked = Instant::now();
        loop {
            while let Some((ended, status)) = sys::wait(-1, libc::WNOHANG) {
                if ended == pid {
                    return End::Status(status);
                }
            }
            let now = Instant::now();
            if deadline.is_some_and(|deadline| now >= deadline) {
                return End::Time;
            }
            if let Some(memory) = limits.memory
                && now - looked >= WATCH
            {
                looked = now;
                if watch::memory_used(self.space.as_fd()) > memory {
                    return End::Memory;
                }
            }
            let until = deadline.map(|deadline| deadline - now);
            let until = [limits.memory.map(|_| WATCH), until].into_iter().flatten().min();
            if !self.pause(until) {
                self.gone = true;
                return End::Gone;
            }
        }
    }

    /// Until a child ends or `until` is over; whether hbuild is still there.
    fn pause(&self, until: Option<Duration>) -> bool {
        let timeout = until
            .map(|until| Timespec { tv_sec: until.as_secs() as i64, tv_nsec: until.subsec_nanos().into() });
        let mut polled = [PollFd::new(&self.ended, PollFlags::IN), PollFd::new(self.control, PollFlags::IN)];
        if poll(&mut polled, timeout.as_ref()).is_err() {
            return true;
        }
        if !polled[0].revents().is_empty() {
            let mut buffer = [0; 1024];
            let _ = rustix::io::read(&self.ended, &mut buffer);
        }
        // hbuild says nothing while commands run: whatever can be read is the end.
        polled[1].revents().is_empty()
    }

    /// What to say of a command that ended so; `None` where it did well.
    fn describe(&self, end: &End) -> Option<String> {
        let limits = &self.request.specification.limits;
        let how = match *end {
            End::Status(0) => return None,
            End::Status(status) if libc::WIFSIGNALED(status) => {
                let signal = libc::WTERMSIG(status);
                format!("was killed by signal {}", watch::signal_name(signal))
            }
            End::Status(status) => format!("exited with status {}", libc::WEXITSTATUS(status)),
            End::Memory => {
                let limit = watch::bytes(limits.memory.unwrap_or_default());
                return Some(format!("ran out of memory (limit {limit})"));
            }
            End::Time => return Some(format!("took longer than {} s", limits.seconds.unwrap_or_default())),
            End::Gone => return Some("was stopped".to_owned()),
        };
        match sys::space_used(self.space.as_fd()) {
            (_, true) => Some(format!("used up its space (limit {}) and {how}", watch::bytes(limits.space))),
            _ => Some(how),
        }
    }

    /// Ends every process but this.
    fn end(&self) {
        sys::kill(-1, libc::SIGKILL);
        while sys::wait(-1, 0).is_some() {}
    }
}
