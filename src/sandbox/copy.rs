//! A root on a file system of its own, as another machine might have it: another device, other inode numbers, and
//! directories that list their entries in another order.

use std::fs::{self, DirEntry};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Timespec, Timestamps};
use rustix::mount::UnmountFlags;

use super::mounts::{COPY, READ_ONLY, ROOTS, mount_tmpfs, protect};
use super::wire::{At, Fault, Step};

/// The root that a stage has a copy of, the last one that was asked for.
#[derive(Default)]
pub(super) struct Copied {
    name: Option<String>,
}

impl Copied {
    /// Makes the copy of the root `name` unless it is there. `stop` is asked at each directory.
    pub(super) fn have(&mut self, name: &str, stop: &dyn Fn() -> bool) -> Result<(), Fault> {
        if self.name.as_deref() == Some(name) {
            return Ok(());
        }
        if self.name.take().is_some() {
            rustix::mount::unmount(COPY, UnmountFlags::DETACH).at(Step::Mounts, "old copy of a root")?;
        }
        mount_tmpfs(COPY, c"mode=0755").at(Step::Mounts, "tmpfs of a root")?;
        // From here on there is something to unmount.
        self.name = Some(String::new());
        copy(&Path::new(ROOTS).join(name), Path::new(COPY), stop)?;
        protect(COPY, READ_ONLY | libc::MOUNT_ATTR_NODEV).at(Step::Mounts, "copy of a root read-only")?;
        self.name = Some(name.to_owned());
        Ok(())
    }
}

/// Copies what is in the folder `from` to the folder `to`, last names first.
fn copy(from: &Path, to: &Path, stop: &dyn Fn() -> bool) -> Result<(), Fault> {
    let shown = |path: &Path| path.strip_prefix(COPY).unwrap_or(path).display().to_string();
    if stop() {
        return Err(io::Error::from_raw_os_error(libc::ECANCELED)).at(Step::Copy, &shown(to));
    }
    let entries: Result<Vec<DirEntry>, io::Error> = fs::read_dir(from).and_then(Iterator::collect);
    let mut entries = entries.at(Step::Copy, &shown(to))?;
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.file_name()));
    for entry in entries {
        let place = to.join(entry.file_name());
        let kind = entry.file_type().at(Step::Copy, &shown(&place))?;
        if kind.is_dir() {
            fs::create_dir(&place).at(Step::Copy, &shown(&place))?;
            copy(&entry.path(), &place, stop)?;
        } else if kind.is_symlink() {
            let copied = fs::read_link(entry.path())
                .and_then(|target| Ok(rustix::fs::symlinkat(&target, CWD, &place)?));
            copied.at(Step::Copy, &shown(&place))?;
            keep_state(&entry.path(), &place).at(Step::Copy, &shown(&place))?;
        } else {
            fs::copy(entry.path(), &place).at(Step::Copy, &shown(&place))?;
            keep_state(&entry.path(), &place).at(Step::Copy, &shown(&place))?;
        }
    }
    keep_state(from, to).at(Step::Copy, &shown(to))
}

/// Gives `to` the mode and the times of `from`.
fn keep_state(from: &Path, to: &Path) -> io::Result<()> {
    let state = fs::symlink_metadata(from)?;
    if !state.is_symlink() {
        fs::set_permissions(to, state.permissions())?;
    }
    let time = |seconds, nanoseconds| Timespec { tv_sec: seconds, tv_nsec: nanoseconds as _ };
    let times = Timestamps {
        last_access: time(state.mtime(), state.mtime_nsec()),
        last_modification: time(state.mtime(), state.mtime_nsec()),
    };
    Ok(rustix::fs::utimensat(CWD, to, &times, AtFlags::SYMLINK_NOFOLLOW)?)
}
