//! The probes: each does on trial what a sandbox does, in a process of its own with one thread.
//!
//! A probe's process is this program again with the argument [`PROBE_ARGUMENT`] and the probe's name. It writes one
//! line, `works`, perhaps with a detail, or `refused CALL ERRNO`, and ends; with it ends whatever it made.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use rustix::fs::{CWD, Mode};
use rustix::io::Errno;
use rustix::mount::{MountFlags, MountPropagationFlags, UnmountFlags};
use rustix::thread::UnshareFlags;

use super::findings::Probe;

/// The first argument of a probe's process.
pub const PROBE_ARGUMENT: &str = "__sandbox-probe";

/// The user that root becomes.
const UNPRIVILEGED: u32 = 65534;

/// A call that the kernel refused.
struct Refusal {
    call: &'static str,
    errno: Errno,
}

/// Names the call of a result.
fn call<T>(call: &'static str, result: Result<T, Errno>) -> Result<T, Refusal> {
    result.map_err(|errno| Refusal { call, errno })
}

/// Names the call of a result of the standard library.
fn call_io<T>(name: &'static str, result: std::io::Result<T>) -> Result<T, Refusal> {
    let errno = |error: std::io::Error| Errno::from_io_error(&error).unwrap_or(Errno::IO);
    call(name, result.map_err(errno))
}

/// Runs the probe called `name`. To be called before any thread is started.
pub fn probe_main(name: &str) -> ExitCode {
    let Some(probe) = Probe::ALL.into_iter().find(|probe| probe.name() == name) else {
        return ExitCode::from(2);
    };
    let line = match run(probe) {
        Ok(detail) => format!("works {detail}"),
        Err(Refusal { call, errno }) => format!("refused {call} {}", errno.raw_os_error()),
    };
    match writeln!(std::io::stdout(), "{}", line.trim_end()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn run(probe: Probe) -> Result<String, Refusal> {
    let nothing = |()| String::new();
    match probe {
        Probe::OtherUser => become_other_user().map(nothing),
        Probe::UserNamespace => enter_user_namespace().map(nothing),
        Probe::MountNamespace => enter_mount_namespace().map(nothing),
        Probe::ProcessNamespace => {
            namespace(UnshareFlags::NEWPID).and_then(|()| first_process(|| Ok(()))).map(nothing)
        }
        Probe::NetworkNamespace => namespace(UnshareFlags::NEWNET).map(nothing),
        Probe::IpcNamespace => namespace(UnshareFlags::NEWIPC).map(nothing),
        Probe::NameNamespace => {
            namespace(UnshareFlags::NEWUTS)?;
            call("sethostname", rustix::system::sethostname(b"hbuild")).map(nothing)
        }
        Probe::CgroupNamespace => namespace(UnshareFlags::NEWCGROUP).map(nothing),
        Probe::Tmpfs => enter_mount_namespace().and_then(|()| mount_tmpfs()).map(nothing),
        Probe::BindMount => bind_mount().map(nothing),
        Probe::PivotRoot => pivot_root().map(nothing),
        Probe::Procfs => mount_procfs().map(nothing),
        Probe::NoNewPrivileges => no_new_privileges().map(nothing),
        Probe::Seccomp => seccomp().map(nothing),
        Probe::Personality => personality().map(nothing),
        Probe::Landlock => landlock(),
        Probe::Cgroup => control_group(),
        Probe::Overlay => overlay().map(nothing),
    }
}

/// Becomes an unprivileged user if this is root. Root of a user namespace that maps no other user stays: outside
/// of it it is an ordinary user already.
fn become_other_user() -> Result<(), Refusal> {
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    // SAFETY: the three calls take plain numbers and an empty list; the process has one thread.
    let (step, result) = unsafe {
        if libc::setgroups(0, std::ptr::null()) != 0 {
            ("setgroups", -1)
        } else if libc::setresgid(UNPRIVILEGED, UNPRIVILEGED, UNPRIVILEGED) != 0 {
            ("setresgid", -1)
        } else {
            ("setresuid", libc::setresuid(UNPRIVILEGED, UNPRIVILEGED, UNPRIVILEGED))
        }
    };
    match std::io::Error::last_os_error().raw_os_error() {
        _ if result == 0 => {}
        Some(libc::EINVAL) => return Ok(()),
        Some(libc::EPERM) if step == "setgroups" && maps_one_user() => return Ok(()),
        errno => return call(step, Err(Errno::from_raw_os_error(errno.unwrap_or(libc::EIO)))),
    }
    // Another user's process is not dumpable, and its files below /proc belong to root.
    call("prctl", rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::Dumpable))
}

/// Whether this is a user namespace of a single user, where the list of groups cannot be changed.
fn maps_one_user() -> bool {
    let map = std::fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    map.lines().count() == 1 && map.split_whitespace().nth(2) == Some("1")
}

fn unshare(name: &'static str, flags: UnshareFlags) -> Result<(), Refusal> {
    // SAFETY: the process has one thread and shares no descriptors, so nothing of it is torn apart.
    call(name, unsafe { rustix::thread::unshare_unsafe(flags) })
}

fn enter_user_namespace() -> Result<(), Refusal> {
    // What becoming another user comes to is a probe of its own.
    let _ = become_other_user();
    let (user, group) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    unshare("unshare(CLONE_NEWUSER)", UnshareFlags::NEWUSER)?;
    call_io("write(setgroups)", std::fs::write("/proc/self/setgroups", "deny"))?;
    call_io("write(uid_map)", std::fs::write("/proc/self/uid_map", format!("1000 {user} 1")))?;
    call_io("write(gid_map)", std::fs::write("/proc/self/gid_map", format!("1000 {group} 1")))
}

/// Makes one more namespace in a user namespace.
fn namespace(flags: UnshareFlags) -> Result<(), Refusal> {
    enter_user_namespace()?;
    let name = match flags {
        UnshareFlags::NEWPID => "unshare(CLONE_NEWPID)",
        UnshareFlags::NEWNET => "unshare(CLONE_NEWNET)",
        UnshareFlags::NEWIPC => "unshare(CLONE_NEWIPC)",
        UnshareFlags::NEWUTS => "unshare(CLONE_NEWUTS)",
        UnshareFlags::NEWCGROUP => "unshare(CLONE_NEWCGROUP)",
        _ => "unshare(CLONE_NEWNS)",
    };
    unshare(name, flags)
}

fn enter_mount_namespace() -> Result<(), Refusal> {
    namespace(UnshareFlags::NEWNS)?;
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    call("mount(MS_PRIVATE)", rustix::mount::mount_change("/", private))
}

/// Runs `work` as the first process of the process namespace made before; returns what it came to.
fn first_process(work: impl FnOnce() -> Result<(), Refusal>) -> Result<(), Refusal> {
    // SAFETY: the process has one thread, so the child is a whole copy of it and may do anything.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let status = work().err().map_or(0, |refusal| refusal.errno.raw_os_error());
        // SAFETY: ends the child at once, without the parent's buffers.
        unsafe { libc::_exit(status) };
    }
    let pid = call("fork", rustix::process::Pid::from_raw(child).ok_or(Errno::AGAIN))?;
    let waited = call("waitpid", rustix::process::waitpid(Some(pid), rustix::process::WaitOptions::empty()))?;
    match waited.and_then(|(_, status)| status.exit_status()) {
        Some(0) => Ok(()),
        Some(errno) => call("mount(proc)", Err(Errno::from_raw_os_error(errno))),
        None => call("fork", Err(Errno::INTR)),
    }
}

/// Over `/proc`, as it is the one folder that is there for certain: nobody else sees it.
fn mount_tmpfs() -> Result<(), Refusal> {
    let flags = MountFlags::NOSUID | MountFlags::NODEV;
    call("mount(tmpfs)", rustix::mount::mount("tmpfs", "/proc", "tmpfs", flags, c"size=1m,mode=0755"))
}

fn folder(path: &str) -> Result<(), Refusal> {
    call("mkdir", rustix::fs::mkdirat(CWD, path, Mode::from_raw_mode(0o755)))
}

fn bind_mount() -> Result<(), Refusal> {
    enter_mount_namespace()?;
    mount_tmpfs()?;
    folder("/proc/root")?;
    call("mount(MS_BIND)", rustix::mount::mount_bind_recursive("/", "/proc/root"))?;
    let kept = kept_flags("/");
    let flags = MountFlags::BIND | MountFlags::RDONLY | kept;
    call("mount(MS_REMOUNT)", rustix::mount::mount_remount("/proc/root", flags, c""))
}

/// The restrictions of the mount at `path`, which a remount in a user namespace must repeat.
fn kept_flags(path: &str) -> MountFlags {
    use rustix::fs::StatVfsMountFlags;
    let Ok(found) = rustix::fs::statvfs(path) else { return MountFlags::empty() };
    let pairs = [
        (StatVfsMountFlags::NOSUID, MountFlags::NOSUID),
        (StatVfsMountFlags::NODEV, MountFlags::NODEV),
        (StatVfsMountFlags::NOEXEC, MountFlags::NOEXEC),
        (StatVfsMountFlags::NOATIME, MountFlags::NOATIME),
        (StatVfsMountFlags::NODIRATIME, MountFlags::NODIRATIME),
        (StatVfsMountFlags::RELATIME, MountFlags::RELATIME),
    ];
    pairs.into_iter().filter(|(has, _)| found.f_flag.contains(*has)).map(|(_, flag)| flag).collect()
}

fn pivot_root() -> Result<(), Refusal> {
    enter_mount_namespace()?;
    mount_tmpfs()?;
    call("chdir", rustix::process::chdir("/proc"))?;
    call("pivot_root", rustix::process::pivot_root(".", "."))?;
    call("umount", rustix::mount::unmount(".", UnmountFlags::DETACH))
}

fn mount_procfs() -> Result<(), Refusal> {
    enter_mount_namespace()?;
    unshare("unshare(CLONE_NEWPID)", UnshareFlags::NEWPID)?;
    let mount = |options: &std::ffi::CStr| {
        let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
        call("mount(proc)", rustix::mount::mount("proc", "/proc", "proc", flags, options))
    };
    // Before Linux 5.8 procfs has no subsets.
    first_process(|| match mount(c"subset=pid") {
        Err(Refusal { errno: Errno::INVAL, .. }) => mount(c""),
        other => other,
    })
}

fn no_new_privileges() -> Result<(), Refusal> {
    call("prctl(PR_SET_NO_NEW_PRIVS)", rustix::thread::set_no_new_privs(true))
}

fn seccomp() -> Result<(), Refusal> {
    no_new_privileges()?;
    let mut allow = [libc::sock_filter {
        code: (libc::BPF_RET | libc::BPF_K) as u16,
        jt: 0,
        jf: 0,
        k: libc::SECCOMP_RET_ALLOW,
    }];
    let program = libc::sock_fprog { len: 1, filter: allow.as_mut_ptr() };
    // SAFETY: the kernel copies the program, which lives until the call returns.
    let result = unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, 0, &program) };
    call("seccomp", if result == 0 { Ok(()) } else { Err(last()) })
}

fn last() -> Errno {
    Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)
}

fn personality() -> Result<(), Refusal> {
    // SAFETY: takes and gives plain numbers.
    let result = unsafe { libc::personality(libc::ADDR_NO_RANDOMIZE as libc::c_ulong) };
    call("personality", if result >= 0 { Ok(()) } else { Err(last()) })
}

/// The detail is the version of its interface.
fn landlock() -> Result<String, Refusal> {
    const CREATE_RULESET_VERSION: libc::c_uint = 1;
    let (none, size): (*const libc::c_void, libc::size_t) = (std::ptr::null(), 0);
    // SAFETY: with this flag the kernel reads nothing and gives a number.
    let version =
        unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, none, size, CREATE_RULESET_VERSION) };
    call("landlock_create_ruleset", if version > 0 { Ok(version.to_string()) } else { Err(last()) })
}

/// The detail names the controllers of a control group made below the own one.
fn control_group() -> Result<String, Refusal> {
    let own = super::facts::own_cgroup().folder;
    let own = call("open(cgroup)", own.ok_or(Errno::NOENT))?;
    let made = own.join(format!("hbuild-probe-{}", std::process::id()));
    call_io("mkdir(cgroup)", std::fs::create_dir(&made))?;
    let text = std::fs::read_to_string(made.join("cgroup.controllers")).unwrap_or_default();
    call_io("rmdir(cgroup)", std::fs::remove_dir(&made))?;
    Ok(text.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn overlay() -> Result<(), Refusal> {
    enter_mount_namespace()?;
    mount_tmpfs()?;
    let below: PathBuf = Path::new("/proc").into();
    for name in ["root", "empty", "merged"] {
        folder(&below.join(name).display().to_string())?;
    }
    let options = c"lowerdir=/proc/root:/proc/empty";
    let flags = MountFlags::RDONLY;
    call("mount(overlay)", rustix::mount::mount("overlay", "/proc/merged", "overlay", flags, options))
}
