//! System calls that no crate wraps in the way needed. Single-threaded processes alone may use this.

use std::ffi::{CStr, CString, c_char, c_int, c_long, c_ulong};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use crate::store::Usage;

/// A process's number.
pub(super) type Pid = libc::pid_t;

fn check(result: c_long) -> io::Result<c_long> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// Forks into new namespaces: the child's number, `None` in the child. It has a copy of all memory, as after
/// fork(2), and the process has one thread, so that the child may do anything.
pub(super) fn clone(namespaces: c_int) -> io::Result<Option<Pid>> {
    let flags = c_long::from(namespaces | libc::SIGCHLD);
    // SAFETY: without CLONE_VM and with no stack given, this is fork(2); all pointers are null.
    let pid = check(unsafe {
        libc::syscall(libc::SYS_clone, flags, 0 as c_long, 0 as c_long, 0 as c_long, 0 as c_long)
    })?;
    Ok((pid != 0).then_some(pid as Pid))
}

/// Ends the process without running anything.
pub(super) fn exit_now(status: c_int) -> ! {
    // SAFETY: takes no pointer and does not return.
    unsafe { libc::_exit(status) }
}

/// Waits for a child, any where `pid` is -1: its number and wait status. `None` where there is none, or with
/// `WNOHANG` none that ended.
pub(super) fn wait(pid: Pid, options: c_int) -> Option<(Pid, c_int)> {
    let mut status = 0;
    loop {
        // SAFETY: `status` outlives the call.
        match unsafe { libc::waitpid(pid, &mut status, options) } {
            0 => return None,
            ended if ended > 0 => return Some((ended, status)),
            _ if io::Error::last_os_error().kind() == io::ErrorKind::Interrupted => {}
            _ => return None,
        }
    }
}

/// Sends a signal, to every process that may be reached where `pid` is -1.
pub(super) fn kill(pid: Pid, signal: c_int) {
    // SAFETY: takes no pointer.
    unsafe { libc::kill(pid, signal) };
}

/// What all children waited for used.
pub(super) fn usage_of_children() -> Usage {
    // SAFETY: all bytes zero are a value of this plain structure.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: `usage` outlives the call.
    unsafe { libc::getrusage(libc::RUSAGE_CHILDREN, &mut usage) };
    let micros = |time: libc::timeval| time.tv_sec as u64 * 1_000_000 + time.tv_usec as u64;
    Usage {
        wall_ms: 0,
        cpu_ms: (micros(usage.ru_utime) + micros(usage.ru_stime)) / 1000,
        peak_memory: usage.ru_maxrss as u64 * 1024,
    }
}

/// Sets what `signal` does to its default, or to nothing.
pub(super) fn set_signal(signal: c_int, ignored: bool) {
    let handler = if ignored { libc::SIG_IGN } else { libc::SIG_DFL };
    // SAFETY: no handler is a function of ours. Numbers that are no signals are refused.
    unsafe { libc::signal(signal, handler) };
}

/// The signals that are blocked: `SIGCHLD` alone, or none.
pub(super) fn block_child_signal(blocked: bool) {
    let set = if blocked { signals(&[libc::SIGCHLD]) } else { signals(&[]) };
    // SAFETY: `set` outlives the call.
    unsafe { libc::sigprocmask(libc::SIG_SETMASK, &set, std::ptr::null_mut()) };
}

fn signals(numbers: &[c_int]) -> libc::sigset_t {
    // SAFETY: all bytes zero are a value of this plain structure, and both calls write to it alone.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&mut set);
        for number in numbers {
            libc::sigaddset(&mut set, *number);
        }
        set
    }
}

/// A descriptor that is readable when a child ended. [`block_child_signal`] comes first.
pub(super) fn child_descriptor() -> io::Result<OwnedFd> {
    let set = signals(&[libc::SIGCHLD]);
    // SAFETY: `set` outlives the call.
    let fd = check(unsafe { libc::signalfd(-1, &set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK) }.into())?;
    // SAFETY: the descriptor is new.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as c_int) })
}

/// Closes every descriptor from `first` on.
pub(super) fn close_from(first: c_int) -> io::Result<()> {
    // SAFETY: takes no pointer; the caller owns none of them as a value.
    let result = unsafe {
        libc::syscall(libc::SYS_close_range, c_long::from(first), c_long::from(c_int::MAX), 0 as c_long)
    };
    if check(result).is_ok() {
        return Ok(());
    }
    for fd in std::fs::read_dir("/proc/self/fd")?.flatten() {
        if let Some(number) = fd.file_name().to_str().and_then(|name| name.parse::<c_int>().ok())
            && number >= first
        {
            // SAFETY: as above. The directory's own descriptor may be closed early: the listing then ends.
            unsafe { libc::close(number) };
        }
    }
    Ok(())
}

/// Takes a variable out of the environment and overwrites where it stood.
pub(super) fn take_variable(name: &CStr) -> Option<Vec<u8>> {
    // SAFETY: `name` ends with a zero. No other thread reads or changes the environment meanwhile.
    let value = unsafe { libc::getenv(name.as_ptr()) };
    if value.is_null() {
        return None;
    }
    // SAFETY: the environment's strings end with a zero, and nothing changes this one before the copy is made.
    let taken = unsafe { CStr::from_ptr(value) }.to_bytes().to_vec();
    for at in 0..taken.len() {
        // SAFETY: `at` is within the string, which is memory of this process that may be written (environ(7)).
        unsafe { value.add(at).write_volatile(0) };
    }
    // SAFETY: as for getenv.
    unsafe { libc::unsetenv(name.as_ptr()) };
    Some(taken)
}

/// Makes `fd` the descriptor `number`, kept over an execve(2).
pub(super) fn duplicate_to(fd: BorrowedFd<'_>, number: c_int) -> io::Result<()> {
    if fd.as_raw_fd() == number {
        // SAFETY: takes no pointer.
        return check(unsafe { libc::fcntl(number, libc::F_SETFD, 0) }.into()).map(drop);
    }
    // SAFETY: `number` is 0, 1 or 2, which nothing here owns as a value.
    check(unsafe { libc::dup2(fd.as_raw_fd(), number) }.into()).map(drop)
}

/// Adds attributes (`MOUNT_ATTR_*`) to the mount at `path`, and to all below it where `recursive`.
pub(super) fn add_mount_attributes(path: &CStr, attributes: u64, recursive: bool) -> io::Result<()> {
    let attributes = libc::mount_attr { attr_set: attributes, attr_clr: 0, propagation: 0, userns_fd: 0 };
    let flags = if recursive { libc::AT_RECURSIVE } else { 0 };
    // SAFETY: both pointers outlive the call, and the size is that of the structure.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            c_long::from(libc::AT_FDCWD),
            path.as_ptr(),
            flags as c_ulong,
            &attributes,
            size_of::<libc::mount_attr>(),
        )
    };
    check(result).map(drop)
}

/// Becomes user and group `id` for good, without further groups.
pub(super) fn become_user(id: u32) -> io::Result<()> {
    // SAFETY: no groups, so the pointer is not read. The process has one thread.
    check(unsafe { libc::setgroups(0, std::ptr::null()) }.into())?;
    // SAFETY: takes no pointer.
    check(unsafe { libc::setresgid(id, id, id) }.into())?;
    // SAFETY: takes no pointer.
    check(unsafe { libc::setresuid(id, id, id) }.into()).map(drop)
}

/// Whether addresses are laid out the same way from the next execve(2) on.
pub(super) fn fix_addresses() -> bool {
    // SAFETY: takes no pointer.
    unsafe { libc::personality(libc::ADDR_NO_RANDOMIZE as c_ulong) >= 0 }
}

/// Installs a seccomp program; `no_new_privs` comes first.
pub(super) fn install_filter(program: &[libc::sock_filter]) -> io::Result<()> {
    let program = libc::sock_fprog { len: program.len() as u16, filter: program.as_ptr().cast_mut() };
    // SAFETY: the kernel copies `len` instructions from `filter` and writes to none.
    let result = unsafe {
        libc::syscall(libc::SYS_seccomp, c_long::from(libc::SECCOMP_SET_MODE_FILTER), 0 as c_long, &program)
    };
    check(result).map(drop)
}

/// The ABI of Landlock that the kernel has, where it has any.
pub(super) fn landlock_abi() -> Option<u32> {
    const VERSION: c_long = 1;
    // SAFETY: with this flag the kernel reads no structure.
    let abi = unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, 0 as c_long, 0 as c_long, VERSION) };
    u32::try_from(abi).ok().filter(|abi| *abi > 0)
}

/// Brings the loopback interface of this network namespace up.
pub(super) fn raise_loopback() -> io::Result<()> {
    // SAFETY: takes no pointer.
    let socket =
        check(unsafe { libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0) }.into())?;
    // SAFETY: the descriptor is new.
    let socket = unsafe { OwnedFd::from_raw_fd(socket as c_int) };
    // SAFETY: all bytes zero are a value of this plain structure.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    request.ifr_name[0] = b'l' as c_char;
    request.ifr_name[1] = b'o' as c_char;
    request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as i16;
    // SAFETY: `request` outlives the call and is what it asks for.
    check(unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS as _, &request) }.into()).map(drop)
}

/// Bytes in use, and whether bytes or inodes ran out, of the file system of `fd`.
pub(super) fn space_used(fd: BorrowedFd<'_>) -> (u64, bool) {
    let Ok(state) = rustix::fs::fstatvfs(fd) else { return (0, false) };
    let used = state.f_blocks.saturating_sub(state.f_bfree) * state.f_frsize;
    (used, state.f_bfree < 4 || state.f_files > 0 && state.f_ffree == 0)
}

/// What a new process begins with, as posix_spawn(3) wants it.
pub(super) struct Image {
    /// Tried in turn.
    pub(super) programs: Vec<CString>,
    pub(super) arguments: Vec<CString>,
    pub(super) environment: Vec<CString>,
    pub(super) directory: CString,
    /// Whether it gets a session of its own.
    pub(super) session: bool,
}

impl Image {
    /// Starts it with `streams` as standard input, output and error, and `defaults` not ignored any more. Nothing of
    /// this process is copied, which is why this is no fork(2): its pages would all have to be found anew.
    pub(super) fn spawn(&self, streams: [BorrowedFd<'_>; 3], defaults: &[c_int]) -> io::Result<Pid> {
        let pointers = |strings: &[CString]| {
            let pointers = strings.iter().map(|string| string.as_ptr().cast_mut());
            pointers.chain([std::ptr::null_mut()]).collect::<Vec<_>>()
        };
        let (arguments, environment) = (pointers(&self.arguments), pointers(&self.environment));
        let told = |errno: c_int| if errno == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(errno)) };
        let mut worst = io::Error::from_raw_os_error(libc::ENOENT);
        // SAFETY: both structures are initialised before they are used and destroyed after it; all pointers, the
        // arrays' with a null pointer at their end, outlive the calls.
        unsafe {
            let mut actions = std::mem::zeroed();
            told(libc::posix_spawn_file_actions_init(&mut actions))?;
            for (number, stream) in streams.iter().enumerate() {
                let number = number as c_int;
                told(libc::posix_spawn_file_actions_adddup2(&mut actions, stream.as_raw_fd(), number))?;
            }
            told(libc::posix_spawn_file_actions_addchdir_np(&mut actions, self.directory.as_ptr()))?;
            let mut attributes = std::mem::zeroed();
            told(libc::posix_spawnattr_init(&mut attributes))?;
            let session = if self.session { libc::POSIX_SPAWN_SETSID } else { 0 };
            let flags = libc::POSIX_SPAWN_SETSIGDEF as i16 | libc::POSIX_SPAWN_SETSIGMASK as i16 | session;
            told(libc::posix_spawnattr_setflags(&mut attributes, flags))?;
            told(libc::posix_spawnattr_setsigmask(&mut attributes, &signals(&[])))?;
            told(libc::posix_spawnattr_setsigdefault(&mut attributes, &signals(defaults)))?;
            let mut pid = 0;
            let mut spawned = None;
            for program in &self.programs {
                let (arguments, environment) = (arguments.as_ptr(), environment.as_ptr());
                let program = program.as_ptr();
                match told(libc::posix_spawn(
                    &mut pid,
                    program,
                    &actions,
                    &attributes,
                    arguments,
                    environment,
                )) {
                    Ok(()) => {
                        spawned = Some(pid);
                        break;
                    }
                    Err(error) if matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ENOTDIR)) => {}
                    Err(error) => worst = error,
                }
            }
            libc::posix_spawnattr_destroy(&mut attributes);
            libc::posix_spawn_file_actions_destroy(&mut actions);
            spawned.ok_or(worst)
        }
    }
}
