//! The stage: a small process of one thread that hbuild starts of itself, with an empty environment, one socket and
//! the folder of roots as working directory. It becomes an unprivileged user, leaves the host's mounts and network
//! once, and then forks an init for each sandbox it is asked for, one at a time.
//!
//! When the socket closes, as when hbuild is killed, it kills what runs and ends.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{DumpableBehavior, Pid, PidfdFlags, pidfd_open, set_dumpable_behavior};
use rustix::thread::UnshareFlags;

use super::copy::Copied;
use super::seccomp::Filter;
use super::wire::{At, Fault, Request, StageReport, Step, hear, tell};
use super::{init, mounts, restrict, sys};

/// The first argument of a process that is a stage.
pub const STAGE_ARGUMENT: &str = "__sandbox-stage";

/// Is a stage, until hbuild goes. `arguments` are those behind [`STAGE_ARGUMENT`]: the user to become, or `-`, and
/// whether its sandboxes have terminals, whether they are as on another machine, and their user and group.
pub fn stage_main(arguments: &[std::ffi::OsString]) -> ! {
    let user = arguments.first().and_then(|user| user.to_str()?.parse().ok());
    let terminal = arguments.get(1).is_some_and(|word| word == "terminal");
    let other = arguments.get(2).is_some_and(|word| word == "other");
    let socket = io::stdin();
    let id = |at: usize| arguments.get(at).and_then(|id| id.to_str()?.parse().ok()).unwrap_or_default();
    let prepared = prepare(user, terminal, (id(3), id(4))).map(|()| {
        if other {
            change_clocks()
        }
    });
    let filter = Filter::new();
    let report = match &prepared {
        Ok(()) => StageReport::Ready,
        Err(fault) => StageReport::Fault(fault.clone()),
    };
    if tell(&socket, &report, &[]).is_err() || prepared.is_err() {
        sys::exit_now(1);
    }
    let mut copied = Copied::default();
    while let Ok(Some((request, descriptors))) = hear::<Request>(&socket) {
        if request.specification.other_machine
            && let Err(fault) = copied.have(&request.specification.root, &|| readable(socket.as_fd()))
        {
            init::refuse(&descriptors, fault);
            if tell(&socket, &StageReport::Gone(0), &[]).is_err() {
                break;
            }
            continue;
        }
        match serve(socket.as_fd(), request, descriptors, &filter) {
            Some(status) if tell(&socket, &StageReport::Gone(status), &[]).is_ok() => {}
            _ => break,
        }
    }
    sys::exit_now(0)
}

fn prepare(user: Option<u32>, terminal: bool, inside: (u32, u32)) -> Result<(), Fault> {
    sys::close_from(3).at(Step::Restrictions, "open files")?;
    // Whatever hbuild was started with: commands begin with the defaults.
    sys::block_child_signal(false);
    for signal in 1..=64 {
        sys::set_signal(signal, false);
    }
    for signal in IGNORED {
        sys::set_signal(*signal, true);
    }
    rustix::process::setsid().at(Step::Restrictions, "session")?;
    rustix::process::umask(rustix::fs::Mode::empty());
    // Where memory runs out, the commands are to go first. Raising one's own score needs nothing.
    let _ = std::fs::write("/proc/self/oom_score_adj", "500");
    if let Some(user) = user {
        sys::become_user(user).at(Step::User, &format!("user {user}"))?;
        // The kernel gives /proc/self of a process that changed its user to root: it could not write its maps.
        set_dumpable_behavior(DumpableBehavior::Dumpable).at(Step::User, "dumpable")?;
    }
    unshare(inside)?;
    mounts::prepare(terminal)?;
    restrict::bound_capabilities().at(Step::Restrictions, "capabilities")
}

/// Signals that the stage ignores because its terminal may send them, or a socket.
pub(super) const IGNORED: &[i32] =
    &[libc::SIGPIPE, libc::SIGINT, libc::SIGQUIT, libc::SIGHUP, libc::SIGTSTP, libc::SIGTTOU, libc::SIGTTIN];

#[expect(unsafe_code, reason = "the sandbox is where unsafe stands")]
fn unshare(inside: (u32, u32)) -> Result<(), Fault> {
    let (user, group) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    let unshare = |flags: UnshareFlags| {
        // SAFETY: no table of descriptors is unshared.
        unsafe { rustix::thread::unshare_unsafe(flags) }
    };
    unshare(UnshareFlags::NEWUSER).at(Step::Namespaces, "user namespace")?;
    let map = |file: &str, text: String| std::fs::write(file, text).at(Step::Namespaces, file);
    map("/proc/self/setgroups", "deny".to_owned())?;
    map("/proc/self/uid_map", format!("{} {user} 1", inside.0))?;
    map("/proc/self/gid_map", format!("{} {group} 1", inside.1))?;
    let others = UnshareFlags::NEWNS | UnshareFlags::NEWNET | UnshareFlags::NEWUTS | UnshareFlags::NEWCGROUP;
    unshare(others).at(Step::Namespaces, "mount, network, uts and cgroup namespaces")?;
    rustix::system::sethostname(b"hbuild").at(Step::Namespaces, "host name")?;
    // Else the name of the host's domain would stay.
    rustix::system::setdomainname(b"(none)").at(Step::Namespaces, "domain name")
}

/// Lets the clocks that count from the start of the machine show another time to all processes started from now on.
/// Where the kernel has no namespace for it, they stay as they are.
#[expect(unsafe_code, reason = "the sandbox is where unsafe stands")]
fn change_clocks() {
    // SAFETY: no table of descriptors is unshared.
    if unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWTIME) }.is_ok() {
        let _ = std::fs::write("/proc/self/timens_offsets", "monotonic 1000000 0\nboottime 1000000 0\n");
    }
}

/// Whether hbuild said something, or went away.
fn readable(socket: BorrowedFd<'_>) -> bool {
    let now = rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut [PollFd::from_borrowed_fd(socket, PollFlags::IN)], Some(&now)).is_ok_and(|ready| ready > 0)
}

/// Runs one sandbox: the wait status of its init; `None` where hbuild went away.
fn serve(
    socket: BorrowedFd<'_>,
    request: Request,
    descriptors: Vec<OwnedFd>,
    filter: &Filter,
) -> Option<i32> {
    let mut namespaces = libc::CLONE_NEWNS | libc::CLONE_NEWPID | libc::CLONE_NEWIPC;
    if request.specification.loopback {
        namespaces |= libc::CLONE_NEWNET;
    }
    let child = match sys::clone(namespaces) {
        Ok(None) => init::main(request, descriptors.into_iter().next(), filter),
        Ok(Some(child)) => child,
        Err(error) => {
            let what = "mount, pid and ipc namespaces";
            if let Err(fault) = Err::<(), _>(error).at(Step::Namespaces, what) {
                init::refuse(&descriptors, fault);
            }
            return Some(0);
        }
    };
    drop(descriptors);
    wait_for(socket, child)
}

/// Waits for the init `child`, after which no process of its namespace is left. Kills it where hbuild goes away.
fn wait_for(socket: BorrowedFd<'_>, child: sys::Pid) -> Option<i32> {
    let ended = Pid::from_raw(child).and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
    let mut left = ended.is_none();
    if let Some(ended) = &ended {
        loop {
            let mut polled =
                [PollFd::new(ended, PollFlags::IN), PollFd::from_borrowed_fd(socket, PollFlags::IN)];
            if poll(&mut polled, None).is_err() {
                continue;
            }
            // hbuild says nothing while a sandbox runs: whatever can be read is the end.
            left = polled[0].revents().is_empty();
            break;
        }
    }
    if left {
        sys::kill(child, libc::SIGKILL);
    }
    let (_, status) = sys::wait(child, 0)?;
    (!left).then_some(status)
}
