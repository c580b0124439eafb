//! Trees as folders: files written from packs, with the modes and times of their entries.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use rustix::fs::{AtFlags, Gid, Mode, OFlags, Timespec, Timestamps, Uid};

use super::error::{IoContext, StoreError};
use crate::digest::Digest;
use crate::tree::{ContentError, Contents, Entry, EntryKind, Tree, TreePath};

/// Contents up to this length are read at once.
const SMALL: u64 = 1 << 20;
/// What a folder's owner must be allowed for as long as it is filled, and when it is removed.
const ALL: u32 = 0o700;

/// How a tree becomes a folder.
pub(super) struct Wanted<'a> {
    /// The time of the folder itself.
    pub epoch: i64,
    /// Who it belongs to, or the user that hbuild runs as.
    pub owner: Option<u32>,
    /// How many threads may make it.
    pub threads: usize,
    /// Whether to stop.
    pub cancelled: &'a (dyn Fn() -> bool + Sync),
}

/// A directory of the tree, with what is in it but directories.
struct Folder<'t> {
    path: PathBuf,
    mode: u32,
    time: i64,
    entries: Vec<&'t Entry>,
}

/// Makes the folder `root` of `tree`: directories first, then what is in each, then their times.
pub(super) fn explode(
    root: &Path,
    tree: &Tree,
    wanted: &Wanted<'_>,
    contents: &dyn Contents,
) -> Result<(), ContentError> {
    let at = |path: &TreePath| root.join(std::ffi::OsStr::from_bytes(path.as_bytes()));
    fs::create_dir(root).at("make", root)?;
    let mut folders =
        vec![Folder { path: root.to_owned(), mode: 0o755, time: wanted.epoch, entries: Vec::new() }];
    let mut open = vec![0];
    for entry in tree.entries() {
        // The open folders are the way to the entry: parents stand before what is in them.
        let depth = entry.path.as_bytes().iter().filter(|&&byte| byte == b'/').count();
        open.truncate(depth + 1);
        let parent = *open.last().expect("the root stays open");
        if entry.is_directory() {
            let path = at(&entry.path);
            fs::create_dir(&path).at("make", &path)?;
            open.push(folders.len());
            folders.push(Folder {
                path,
                mode: u32::from(entry.mode),
                time: entry.mtime,
                entries: Vec::new(),
            });
        } else {
            folders[parent].entries.push(entry);
        }
    }
    let fill = |folder: &Folder<'_>| fill(folder, wanted, contents);
    // More pieces than threads, for folders differ much in size.
    let pieces = folders.len().div_ceil(wanted.threads.max(1) * 8).max(1);
    if wanted.threads > 1 {
        folders.par_chunks(pieces).try_for_each(|piece| piece.iter().try_for_each(fill))?;
    } else {
        folders.iter().try_for_each(fill)?;
    }
    // Last, and from below: nothing can be reached any more through a folder that its owner may not enter.
    for folder in folders.iter().rev().filter(|folder| folder.mode & ALL != ALL) {
        let mode = fs::Permissions::from_mode(folder.mode);
        fs::set_permissions(&folder.path, mode).at("write", &folder.path)?;
    }
    Ok(())
}

/// Makes the files and symlinks of `folder`, then gives it its owner, its mode as far as its owner may do everything, and
/// its time.
fn fill(
    Folder { path, mode, time, entries }: &Folder<'_>,
    wanted: &Wanted<'_>,
    contents: &dyn Contents,
) -> Result<(), ContentError> {
    if (wanted.cancelled)() {
        return Err(StoreError::Stopped.into());
    }
    let folder = File::open(path).at("open", path)?;
    let owner = wanted.owner.map(|id| (Uid::from_raw(id), Gid::from_raw(id)));
    for entry in entries {
        let name = std::ffi::OsStr::from_bytes(entry.path.file_name());
        let named = |error: rustix::io::Errno| StoreError::io("write", &path.join(name), error.into());
        let times = times(entry.mtime);
        match &entry.kind {
            EntryKind::Directory => {}
            EntryKind::Symlink { target } => {
                rustix::fs::symlinkat(target.as_slice(), &folder, name).map_err(named)?;
                if let Some((uid, gid)) = owner {
                    let flags = AtFlags::SYMLINK_NOFOLLOW;
                    rustix::fs::chownat(&folder, name, Some(uid), Some(gid), flags).map_err(named)?;
                }
                rustix::fs::utimensat(&folder, name, &times, AtFlags::SYMLINK_NOFOLLOW).map_err(named)?;
            }
            EntryKind::File { digest, size, .. } => {
                let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
                let mode = Mode::from_raw_mode(u32::from(entry.mode));
                let mut file = File::from(rustix::fs::openat(&folder, name, flags, mode).map_err(named)?);
                write(&mut file, (digest, *size), contents, &path.join(name))?;
                rustix::fs::fchmod(&file, mode).map_err(named)?;
                finish(&file, owner, &times).map_err(named)?;
            }
        }
    }
    let named = |error: rustix::io::Errno| StoreError::io("write", path, error.into());
    rustix::fs::fchmod(&folder, Mode::from_raw_mode(mode | ALL)).map_err(named)?;
    Ok(finish(&folder, owner, &times(*time)).map_err(named)?)
}

fn times(seconds: i64) -> Timestamps {
    let time = Timespec { tv_sec: seconds, tv_nsec: 0 };
    Timestamps { last_access: time, last_modification: time }
}

fn finish(file: &File, owner: Option<(Uid, Gid)>, times: &Timestamps) -> rustix::io::Result<()> {
    if let Some((uid, gid)) = owner {
        rustix::fs::fchown(file, Some(uid), Some(gid))?;
    }
    rustix::fs::futimens(file, times)
}

fn write(
    file: &mut File,
    (digest, size): (&Digest, u64),
    contents: &dyn Contents,
    path: &Path,
) -> Result<(), ContentError> {
    if size <= SMALL {
        return Ok(file.write_all(&contents.read(digest)?).at("write", path)?);
    }
    let mut content = contents.open(digest)?;
    let mut block = vec![0; SMALL as usize];
    loop {
        let count = content.read(&mut block)?;
        if count == 0 {
            return Ok(());
        }
        file.write_all(&block[..count]).at("write", path)?;
    }
}

/// Removes a folder with all that is in it; that it is not there is no error.
pub(super) fn remove_folder(path: &Path) -> Result<(), StoreError> {
    let removed = match fs::remove_dir_all(path) {
        // Folders that their owner may not enter.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            open_up(path);
            fs::remove_dir_all(path)
        }
        other => other,
    };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(StoreError::io("remove", path, error)),
        _ => Ok(()),
    }
}

/// Lets the owner of the folder `path`, and of all below it, do everything there, as far as that can be done.
fn open_up(path: &Path) {
    let _ = fs::set_permissions(path, fs::Permissions::from_mode(ALL));
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            open_up(&entry.path());
        }
    }
}
