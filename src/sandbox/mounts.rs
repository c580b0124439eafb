//! Mounts: the small tree of a stage, made once, and the tree of a sandbox, made for each.

use std::ffi::CString;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags};
use rustix::mount::{MountFlags, MountPropagationFlags, UnmountFlags};
use rustix::process::{chdir, fchdir, pivot_root};

use super::wire::{At, Fault, Step};
use super::{Attachment, Inside, Specification, sys};
use crate::store::Applied;

/// An empty folder beside the roots, made by hbuild.
pub(super) const EMPTY_ROOT: &str = "empty";
/// Folders in the stage's root.
pub(super) const ROOTS: &str = "/roots";
/// Where a copy of a root is, if there is one.
pub(super) const COPY: &str = "/copy";
const ROOT: &str = "/root";
/// As [`EMPTY_ROOT`], beside the copy.
const EMPTY: &str = "/empty";
const DEVICES: &str = "/dev";
const SPACE: &str = "/space";

/// Device nodes that every sandbox has. They are the host's, since none can be made in a user namespace.
const NODES: &[&str] = &["full", "null", "random", "urandom", "zero"];
/// One that containers may lack.
const TERMINAL: &str = "tty";
/// Where terminals are, below the folder of devices.
const TERMINALS: &str = "/pts";
const LINKS: &[(&str, &str)] = &[
    ("fd", "/proc/self/fd"),
    ("stderr", "/proc/self/fd/2"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
];

/// Where sources of builds are on the tmpfs.
const SOURCES: &str = "build/src";

pub(super) const READ_ONLY: u64 = libc::MOUNT_ATTR_RDONLY | libc::MOUNT_ATTR_NOSUID;

/// Leaves the host's mounts behind: afterwards `/` is a small tree that holds the folder of roots (the working
/// directory before), read-only, the device nodes, and the host's procfs, without which the kernel allows no other.
/// Where sandboxes are to have terminals, there is a place for those too.
pub(super) fn prepare(terminal: bool) -> Result<(), Fault> {
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    rustix::mount::mount_change("/", private).at(Step::Mounts, "/ private")?;
    let base = ["/tmp", "/run", "/mnt", "/var", "/usr"].into_iter().find(|path| Path::new(path).is_dir());
    let base = base.ok_or(io::Error::from_raw_os_error(libc::ENOENT)).at(Step::Mounts, "/tmp")?;
    // The roots are bound before anything is mounted, since their folder may lie below it.
    mount_tmpfs(base, c"mode=0755,size=1m,nr_inodes=100").at(Step::Mounts, "tmpfs of the stage")?;
    let below = |path: &str| format!("{base}{path}");
    for folder in [ROOTS, COPY, ROOT, EMPTY, DEVICES, SPACE, "/proc"] {
        make_folder(&below(folder), 0o755).at(Step::Mounts, folder)?;
    }
    rustix::mount::mount_bind(".", below(ROOTS)).at(Step::Mounts, "folder of roots")?;
    protect(&below(ROOTS), READ_ONLY | libc::MOUNT_ATTR_NODEV)
        .at(Step::Mounts, "folder of roots read-only")?;
    prepare_devices(&below(DEVICES), terminal)?;
    rustix::mount::mount_bind_recursive("/proc", below("/proc")).at(Step::Proc, "/proc of the host")?;
    chdir(base).at(Step::Mounts, base)?;
    enter().at(Step::Mounts, "root of the stage")?;
    protect("/", READ_ONLY).at(Step::Mounts, "root of the stage read-only")
}

fn prepare_devices(folder: &str, terminal: bool) -> Result<(), Fault> {
    for node in NODES.iter().chain([&TERMINAL]) {
        let (device, place) = (format!("/dev/{node}"), format!("{folder}/{node}"));
        if *node == TERMINAL && !Path::new(&device).exists() {
            continue;
        }
        let flags = OFlags::CREATE | OFlags::WRONLY | OFlags::CLOEXEC;
        rustix::fs::openat(CWD, &place, flags, Mode::from_raw_mode(0o444)).at(Step::Mounts, &device)?;
        rustix::mount::mount_bind(&device, &place).at(Step::Mounts, &device)?;
    }
    for (name, target) in LINKS {
        rustix::fs::symlinkat(*target, CWD, format!("{folder}/{name}")).at(Step::Mounts, name)?;
    }
    make_folder(&format!("{folder}/shm"), 0o755).at(Step::Mounts, "/dev/shm")?;
    if terminal {
        make_folder(&format!("{folder}{TERMINALS}"), 0o755).at(Step::Mounts, "/dev/pts")?;
        rustix::fs::symlinkat("pts/ptmx", CWD, format!("{folder}/ptmx")).at(Step::Mounts, "/dev/ptmx")?;
    }
    rustix::mount::mount_bind_recursive(folder, folder).at(Step::Mounts, "/dev")?;
    let attributes = READ_ONLY | libc::MOUNT_ATTR_NOEXEC;
    sys::add_mount_attributes(&c_string(folder), attributes, true).at(Step::Mounts, "/dev read-only")
}

/// Mounts the sandbox of `specification` and enters it; returns the writable file system's root. Notes in `applied`
/// what was mounted where, in order.
pub(super) fn enter_sandbox(specification: &Specification, applied: &mut Applied) -> Result<OwnedFd, Fault> {
    let space = make_space(specification)?;
    let root = format!("{ROOTS}/{}", specification.root);
    if specification.root.contains('/') || !is_folder(&root) {
        return Err(io::Error::from_raw_os_error(libc::ENOENT)).at(Step::Root, &specification.root);
    }
    let root = if specification.other_machine { COPY } else { &root };
    mount_root(root, applied).at(Step::Root, &specification.root)?;

    let mounts = &mut applied.mounts;
    let device = mount_point("/dev")?;
    rustix::mount::mount_bind_recursive(DEVICES, &device).at(Step::Mounts, "/dev")?;
    mounts.push("/dev nodes read-only".to_owned());
    if specification.attachment == Attachment::Terminal {
        let flags = MountFlags::NOSUID | MountFlags::NOEXEC;
        let options = c"newinstance,ptmxmode=0666,mode=0620";
        rustix::mount::mount("devpts", format!("{device}{TERMINALS}"), "devpts", flags, options)
            .at(Step::Mounts, "/dev/pts")?;
        mounts.push("/dev/pts own".to_owned());
    }
    let outputs = specification.outputs.iter().map(|path| (path.trim_start_matches('/'), path.as_str()));
    let folders = specification.folders();
    let folders = folders.iter().map(|(name, path, _)| (name.as_str(), path.as_str()));
    for (name, path) in folders.chain(outputs) {
        rustix::mount::mount_bind(format!("{SPACE}/{name}"), mount_point(path)?).at(Step::Mounts, path)?;
        mounts.push(format!("{path} tmpfs"));
    }
    mounts.push(mount_proc(&mount_point("/proc")?)?);
    chdir(ROOT).at(Step::Mounts, "/")?;
    enter().at(Step::Mounts, "/")?;
    Ok(space)
}

/// Mounts the folder `root` at [`ROOT`], read-only. Of a bind mount the table of mounts shows inside where the folder
/// lies on the host; of an overlay it shows the layers as they are named here, and the folder is `.`.
fn mount_root(root: &str, applied: &mut Applied) -> io::Result<()> {
    chdir(root)?;
    let flags = MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::NODEV;
    // Without a layer to write to, the kernel wants two. On one file system, so that all files are of one device.
    let layers = c_string(&format!("lowerdir=.:../{EMPTY_ROOT}"));
    if rustix::mount::mount("root", ROOT, "overlay", flags, &*layers).is_ok() {
        applied.mounts.push("/ root, overlay read-only".to_owned());
        return Ok(());
    }
    rustix::mount::mount_bind(root, ROOT)?;
    applied.mounts.push("/ root, bind read-only".to_owned());
    applied.missing.push("overlay of the root".to_owned());
    Ok(())
}

/// The one bounded file system of a sandbox, with its folders.
fn make_space(specification: &Specification) -> Result<OwnedFd, Fault> {
    let bytes = specification.limits.space;
    let inodes = (bytes / 4096).clamp(1 << 14, 1 << 23);
    let options = format!("mode=0755,size={bytes},nr_inodes={inodes}");
    mount_tmpfs(SPACE, &c_string(&options)).at(Step::Mounts, "tmpfs")?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let space = rustix::fs::openat(CWD, SPACE, flags, Mode::empty()).at(Step::Mounts, "tmpfs")?;
    for (name, _, mode) in specification.folders() {
        let place = format!("{SPACE}/{name}");
        let (parent, _) = place.rsplit_once('/').unwrap_or_default();
        make_folders(parent).and_then(|()| make_folder(&place, mode)).at(Step::Mounts, &name)?;
    }
    if specification.inside == Inside::Build {
        make_folder(&format!("{SPACE}/{SOURCES}"), 0o755).at(Step::Mounts, SOURCES)?;
    }
    for path in &specification.outputs {
        make_folder(&format!("{SPACE}{path}"), 0o755).at(Step::Mounts, path)?;
    }
    for path in &specification.directories {
        make_folders(&format!("{SPACE}{path}")).at(Step::Mounts, path)?;
    }
    Ok(space)
}

/// The folders that [`enter_sandbox`] made on the writable file system, parents first.
pub(super) fn folders(specification: &Specification) -> Vec<Vec<u8>> {
    let folders = specification.folders().into_iter().map(|(name, _, _)| name);
    let sources = (specification.inside == Inside::Build).then(|| SOURCES.to_owned());
    let asked = specification.outputs.iter().chain(&specification.directories);
    let asked = asked.map(|path| path.trim_start_matches('/').to_owned());
    folders.chain(sources).chain(asked).map(String::into_bytes).collect()
}

/// Mounts a procfs that shows the processes of this sandbox and nothing else; where the kernel is too old for that, the
/// whole of it with the parts about the machine covered.
fn mount_proc(place: &str) -> Result<String, Fault> {
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    match rustix::mount::mount("proc", place, "proc", flags, c"subset=pid") {
        Ok(()) => return Ok("/proc processes only".to_owned()),
        Err(rustix::io::Errno::INVAL) => {}
        Err(error) => return Err(error).at(Step::Proc, "/proc"),
    }
    rustix::mount::mount("proc", place, "proc", flags, None).at(Step::Proc, "/proc")?;
    for name in ["acpi", "asound", "bus", "driver", "fs", "irq", "scsi", "sys", "tty"] {
        let path = format!("{place}/{name}");
        if is_folder(&path) {
            mount_tmpfs(&path, c"mode=0555,size=4k,nr_inodes=1").at(Step::Proc, &path)?;
            protect(&path, READ_ONLY).at(Step::Proc, &path)?;
        }
    }
    for name in
        ["kallsyms", "kcore", "keys", "kmsg", "latency_stats", "sched_debug", "sysrq-trigger", "timer_list"]
    {
        let path = format!("{place}/{name}");
        if Path::new(&path).exists() {
            rustix::mount::mount_bind(format!("{DEVICES}/null"), &path).at(Step::Proc, &path)?;
        }
    }
    Ok("/proc masked".to_owned())
}

/// Makes the working directory the root, and detaches the old one with all below it.
fn enter() -> io::Result<()> {
    let old =
        rustix::fs::openat(CWD, "/", OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    pivot_root(".", ".")?;
    fchdir(&old)?;
    rustix::mount::unmount(".", UnmountFlags::DETACH)?;
    chdir("/")?;
    Ok(())
}

/// Where `path` of the sandbox is before it is entered: a directory of the root, reached through no link.
fn mount_point(path: &str) -> Result<String, Fault> {
    let place = format!("{ROOT}{path}");
    if is_folder(&place) {
        Ok(place)
    } else {
        Err(io::Error::from_raw_os_error(libc::ENOTDIR)).at(Step::MountPoint, path)
    }
}

fn is_folder(path: &str) -> bool {
    let state = rustix::fs::statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW);
    state.is_ok_and(|state| FileType::from_raw_mode(state.st_mode).is_dir())
}

fn make_folder(path: &str, mode: u32) -> io::Result<()> {
    Ok(rustix::fs::mkdirat(CWD, path, Mode::from_raw_mode(mode))?)
}

fn make_folders(path: &str) -> io::Result<()> {
    match make_folder(path, 0o755) {
        Err(error) if error.raw_os_error() == Some(libc::EEXIST) => Ok(()),
        Err(error) if error.raw_os_error() == Some(libc::ENOENT) => {
            let (parent, _) = path.rsplit_once('/').unwrap_or_default();
            make_folders(parent)?;
            make_folder(path, 0o755)
        }
        other => other,
    }
}

pub(super) fn mount_tmpfs(place: &str, options: &std::ffi::CStr) -> io::Result<()> {
    // With times of access the first look at a source could be seen.
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOATIME;
    Ok(rustix::mount::mount("tmpfs", place, "tmpfs", flags, options)?)
}

/// Adds attributes to the mount at `path` alone.
pub(super) fn protect(path: &str, attributes: u64) -> io::Result<()> {
    sys::add_mount_attributes(&c_string(path), attributes, false)
}

fn c_string(text: &str) -> CString {
    CString::new(text.replace('\0', "?")).expect("no NUL is left")
}
