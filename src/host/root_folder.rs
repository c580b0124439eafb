//! Root file systems unpacked on this host.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt, lchown, symlink};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, UTIME_OMIT, XattrFlags, lsetxattr, utimensat};
use tempfile::TempDir;

use crate::digest::Digest;
use crate::image::formats::{NewRoot, RootState, RootTarget};
use crate::image::layout::FolderError;
use crate::tree::{Entry, EntryKind, TreePath};

/// A place for a root file system: a folder, and beside it the file `<folder>.tree` with the digest of the
/// tree it was written from and the bytes of its files.
#[derive(Debug, Clone)]
pub struct HostRoot {
    path: PathBuf,
    owners: bool,
}

impl HostRoot {
    /// The place `path`. Owners are kept where the process runs as root.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), owners: rustix::process::geteuid().is_root() }
    }

    /// The same place, with all files owned by who runs it.
    pub fn without_owners(self) -> Self {
        Self { owners: false, ..self }
    }

    /// The bytes of the files, where what stands there was written from `tree`.
    pub fn stands(&self, tree: Digest) -> Option<u64> {
        let note = self.read_note()?;
        let (digest, size) = note.split_once(' ')?;
        let folder = fs::symlink_metadata(&self.path).is_ok_and(|metadata| metadata.is_dir());
        (folder && digest.parse() == Ok(tree)).then(|| size.parse().ok())?
    }

    fn read_note(&self) -> Option<String> {
        let mut bytes = [0; 128];
        let length = File::open(self.note()).ok()?.read(&mut bytes).ok()?;
        Some(String::from_utf8_lossy(&bytes[..length]).trim().to_owned())
    }

    fn note(&self) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(".tree");
        name.into()
    }
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FolderError {
    let path = path.to_owned();
    move |source| FolderError { action, path, source }
}

impl RootTarget for HostRoot {
    fn state(&self) -> Result<RootState, FolderError> {
        let metadata = match fs::symlink_metadata(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(RootState::Free),
            other => other.map_err(failed("read", &self.path))?,
        };
        if !metadata.is_dir() {
            return Ok(RootState::Foreign);
        }
        if let Some(note) = self.read_note() {
            // A note without a digest was left by a run that was killed: what stands there is of no tree.
            let digest = note.split(' ').next().unwrap_or_default();
            return Ok(RootState::Written(digest.parse().unwrap_or(Digest([0; 32]))));
        }
        let mut entries = fs::read_dir(&self.path).map_err(failed("list", &self.path))?;
        Ok(if entries.next().is_none() { RootState::Free } else { RootState::Foreign })
    }

    fn keeps_owners(&self) -> bool {
        self.owners
    }

    fn begin(&self) -> Result<Box<dyn NewRoot + '_>, FolderError> {
        let parent = self.path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(parent).map_err(failed("make", parent))?;
        let made = tempfile::Builder::new().prefix(".tmp-").tempdir_in(parent);
        let folder = made.map_err(failed("make", parent))?;
        Ok(Box::new(HostNewRoot { target: self, folder }))
    }
}

/// A root below a folder that only this user may enter until it is renamed.
struct HostNewRoot<'a> {
    target: &'a HostRoot,
    folder: TempDir,
}

impl HostNewRoot<'_> {
    fn at(&self, path: &TreePath) -> PathBuf {
        self.folder.path().join(std::ffi::OsStr::from_bytes(path.as_bytes()))
    }
}

impl NewRoot for HostNewRoot<'_> {
    fn make(&mut self, entry: &Entry, content: &mut dyn Read) -> Result<(), FolderError> {
        let path = self.at(&entry.path);
        let made = match &entry.kind {
            EntryKind::Directory => DirBuilder::new().mode(0o700).create(&path),
            EntryKind::Symlink { target } => symlink(std::ffi::OsStr::from_bytes(target), &path),
            EntryKind::File { .. } => OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&path)
                .and_then(|mut file: File| io::copy(content, &mut file))
                .map(drop),
        };
        made.map_err(failed("write", &path))
    }

    fn link(&mut self, first: &TreePath, path: &TreePath) -> Result<(), FolderError> {
        let path = self.at(path);
        fs::hard_link(self.at(first), &path).map_err(failed("write", &path))
    }

    fn set_metadata(&mut self, entry: &Entry) -> Result<(), FolderError> {
        let path = self.at(&entry.path);
        if self.target.owners {
            lchown(&path, Some(entry.uid), Some(entry.gid)).map_err(failed("set the owner of", &path))?;
        }
        if !matches!(entry.kind, EntryKind::Symlink { .. }) {
            let kept = if self.target.owners || entry.is_directory() { 0o7777 } else { 0o1777 };
            let mode = Permissions::from_mode(u32::from(entry.mode & kept));
            fs::set_permissions(&path, mode).map_err(failed("set the mode of", &path))?;
        }
        if self.target.owners {
            for (name, value) in &entry.xattrs {
                lsetxattr(&path, name.as_slice(), value, XattrFlags::empty())
                    .map_err(|error| failed("set an attribute of", &path)(error.into()))?;
            }
        }
        let times = Timestamps {
            last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
            last_modification: Timespec { tv_sec: entry.mtime, tv_nsec: 0 },
        };
        utimensat(CWD, &path, &times, AtFlags::SYMLINK_NOFOLLOW)
            .map_err(|error| failed("set the time of", &path)(error.into()))
    }

    fn finish(self: Box<Self>, tree: Digest, size: u64) -> Result<(), FolderError> {
        let path = &self.target.path;
        let open = Permissions::from_mode(0o755);
        fs::set_permissions(self.folder.path(), open).map_err(failed("set the mode of", path))?;
        let note = self.target.note();
        fs::write(&note, "unfinished\n").map_err(failed("write", &note))?;
        if fs::symlink_metadata(path).is_ok() {
            fs::remove_dir_all(path).map_err(failed("remove", path))?;
        }
        let made = self.folder.keep();
        fs::rename(&made, path).map_err(failed("write", path))?;
        fs::write(&note, format!("{tree} {size}\n")).map_err(failed("write", &note))
    }
}
