//! Exec roots: exec trees as folders, made from packs once, that sandboxes mount read-only.
//!
//! `exec/NAME/` is the folder and `exec/NAME.boot` its marker, where NAME is the tree's digest, and behind it a
//! digest of the mount points where these are not the usual ones alone. A folder counts only while the marker holds
//! the boot that it was made in: nothing is synced, so a crash of the machine may have torn it. The marker is locked
//! while the folder is made.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rayon::prelude::*;

use super::error::{IoContext, StoreError};
use super::explode::{Wanted, explode, remove_folder};
use super::layout::{self, list};
use super::{ObjectRef, Store};
use crate::digest::Digest;
use crate::tree::{ContentError, Contents, Entry, EntryKind, Tree, TreePath};

/// Folders that every root has.
const MOUNT_POINTS: [&str; 5] = ["build", "dev", "out", "proc", "tmp"];
/// How often a root that another makes is looked at.
const RETRY: Duration = Duration::from_millis(20);

/// What a root is made of.
pub struct ExecRoot<'a> {
    /// The object that the tree is encoded in.
    pub object: ObjectRef,
    /// The exec tree.
    pub tree: &'a Tree,
    /// Names of further folders of `/` to be there as mount points, sorted.
    pub mount_points: &'a [String],
    /// The time of what is there.
    pub epoch: i64,
    /// Who it belongs to, or the user that hbuild runs as.
    pub owner: Option<u32>,
    /// How many threads may make it.
    pub threads: usize,
    /// Whether to stop.
    pub cancelled: &'a (dyn Fn() -> bool + Sync),
}

impl ExecRoot<'_> {
    /// The folder's name.
    fn name(&self) -> String {
        let hex = self.object.digest.to_hex();
        if self.mount_points.is_empty() && self.owner.is_none() {
            return hex;
        }
        let variant = format!("{:?} {:?}", self.owner, self.mount_points);
        format!("{hex}-{}", &Digest::of(variant.as_bytes()).to_hex()[..16])
    }

    fn wanted(&self) -> Wanted<'_> {
        let Self { owner, threads, cancelled, .. } = *self;
        Wanted { epoch: self.epoch, owner, threads, cancelled }
    }

    /// The entries that are to be there, parents first.
    fn whole(&self) -> Result<Tree, StoreError> {
        let mut entries = self.tree.entries().to_vec();
        let further = self.mount_points.iter().map(String::as_str);
        for name in MOUNT_POINTS.into_iter().chain(further) {
            let path = TreePath::new(name.as_bytes()).expect("mount points are plain names");
            match self.tree.get(&path) {
                None => entries.push(Entry::directory(path, self.epoch)),
                Some(entry) if entry.is_directory() => {}
                Some(_) => return Err(StoreError::NoMountPoint { path: path.absolute() }),
            }
        }
        Ok(Tree::new(entries).expect("names at the top stand below nothing"))
    }
}

impl Store {
    /// The folder of all exec roots, which any user may pass through.
    pub fn exec_roots(&self) -> Result<PathBuf, StoreError> {
        let folder = self.layout.folder("exec");
        fs::create_dir_all(&folder).at("make", &folder)?;
        if fs::metadata(&folder).at("read", &folder)?.permissions().mode() & 0o777 != 0o755 {
            fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).at("change", &folder)?;
        }
        Ok(folder)
    }

    /// The name of the folder of `root` below [`Store::exec_roots`], made where it is not there. What is wanted
    /// twice at once is made once. The caller holds [`Store::share`] as long as it is used.
    pub fn exec_root(&self, root: &ExecRoot<'_>, contents: &dyn Contents) -> Result<String, ContentError> {
        let name = root.name();
        let boot = boot_id();
        let exec = self.exec_roots()?;
        if self.has_exec_root(&name, &boot) {
            return Ok(name);
        }
        let marker = exec.join(format!("{name}.boot"));
        let mut file = loop {
            let file =
                fs::OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&marker);
            let file = file.at("make", &marker)?;
            match file.try_lock() {
                Ok(()) => break file,
                Err(fs::TryLockError::WouldBlock) => {}
                Err(fs::TryLockError::Error(error)) => {
                    return Err(StoreError::io("lock", &marker, error).into());
                }
            }
            if (root.cancelled)() {
                return Err(StoreError::Stopped.into());
            }
            std::thread::sleep(RETRY);
        };
        if self.has_exec_root(&name, &boot) {
            return Ok(name);
        }
        file.set_len(0).at("write", &marker)?;
        let target = exec.join(&name);
        let new = self.scratch()?.path();
        let made = remove_folder(&target)
            .and_then(|()| root.whole())
            .map_err(ContentError::from)
            .and_then(|whole| explode(&new, &whole, &root.wanted(), contents));
        let made = made.and_then(|()| Ok(fs::rename(&new, &target).at("write", &target)?));
        if let Err(error) = made {
            let _ = remove_folder(&new);
            return Err(error);
        }
        if boot == SYNCED {
            let folder = File::open(&target).at("open", &target)?;
            rustix::fs::syncfs(&folder).map_err(io::Error::from).at("sync", &target)?;
        }
        file.write_all(boot.as_bytes()).at("write", &marker)?;
        Ok(name)
    }

    /// Whether the root `name` is there, made since the machine was started.
    pub fn is_exec_root(&self, name: &str) -> bool {
        self.has_exec_root(name, &boot_id())
    }

    fn has_exec_root(&self, name: &str, boot: &str) -> bool {
        let marker = self.layout.folder("exec").join(format!("{name}.boot"));
        fs::read(marker).is_ok_and(|marker| marker == boot.as_bytes())
    }

    /// Every exec root: its name, its tree's digest, its folder. Only folders with a marker are given, for the others
    /// are being made.
    pub(super) fn list_exec_roots(&self) -> Result<Vec<(String, Option<Digest>, PathBuf)>, StoreError> {
        let mut found = Vec::new();
        for (file, path) in list(&self.layout.folder("exec"))? {
            let Some(name) = file.strip_suffix(".boot") else { continue };
            let digest = name.get(..64).and_then(|hex| hex.parse().ok());
            found.push((name.to_owned(), digest, path.with_extension("")));
        }
        Ok(found)
    }

    /// Removes the exec root `name`.
    pub(super) fn remove_exec_root(&self, name: &str) -> Result<(), StoreError> {
        let exec = self.layout.folder("exec");
        // The marker goes first: a folder without one is no root.
        layout::remove(&exec.join(format!("{name}.boot")))?;
        remove_folder(&exec.join(name))
    }

    /// Whether every bit of the exec root `name`, whose tree is the object `digest`, is right. A root of an earlier
    /// start of the machine is never used, and so never wrong; nor is one whose tree is not there, as after a build
    /// that was killed before it committed: it is used again only once its tree was made again.
    pub(super) fn check_exec_root(
        &self,
        name: &str,
        digest: &Digest,
        folder: &Path,
    ) -> Result<bool, StoreError> {
        if !self.is_exec_root(name) {
            return Ok(true);
        }
        let Some(size) = self.size(digest) else { return Ok(true) };
        if !folder.is_dir() {
            return Ok(false);
        }
        let tree = match self.read(&ObjectRef { digest: *digest, size }) {
            Ok(bytes) => Tree::decode(&bytes).ok(),
            Err(StoreError::DamagedObject(_)) => None,
            Err(error) => return Err(error),
        };
        let Some(tree) = tree else { return Ok(false) };
        let right = tree.entries().par_iter().map(|entry| is_right(entry, folder));
        let right = right.try_reduce(|| true, |a, b| Ok(a && b))?;
        let mut there = 0;
        count(folder, &mut there)?;
        let added = MOUNT_POINTS.iter().filter(|name| !tree_has(&tree, name)).count();
        let further = list(folder)?
            .iter()
            .filter(|(name, path)| name.starts_with("out-") && !tree_has(&tree, name) && is_empty(path))
            .count();
        Ok(right && there == tree.entries().len() + added + further)
    }
}

fn tree_has(tree: &Tree, name: &str) -> bool {
    TreePath::new(name.as_bytes()).is_ok_and(|path| tree.get(&path).is_some())
}

fn is_empty(path: &Path) -> bool {
    fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none())
}

/// Adds the number of names below `folder`.
fn count(folder: &Path, there: &mut usize) -> Result<(), StoreError> {
    for entry in fs::read_dir(folder).at("list", folder)? {
        let entry = entry.at("list", folder)?;
        *there += 1;
        if entry.file_type().at("read", folder)?.is_dir() {
            count(&entry.path(), there)?;
        }
    }
    Ok(())
}

/// Whether what stands for `entry` below `folder` is what it should be.
fn is_right(entry: &Entry, folder: &Path) -> Result<bool, StoreError> {
    let path = folder.join(std::ffi::OsStr::from_bytes(entry.path.as_bytes()));
    let metadata = match fs::symlink_metadata(&path) {
        Ok(metadata) => metadata,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(false);
        }
        Err(error) => return Err(StoreError::io("read", &path, error)),
    };
    let mode = metadata.permissions().mode() & 0o7777 == u32::from(entry.mode);
    Ok(match &entry.kind {
        EntryKind::Directory => metadata.is_dir() && mode,
        EntryKind::Symlink { target } => {
            metadata.is_symlink() && fs::read_link(&path).at("read", &path)?.as_os_str().as_bytes() == target
        }
        EntryKind::File { digest, size, .. } => {
            let file = metadata.is_file() && metadata.len() == *size && mode;
            file && super::verify::hash(&path, false)?.0 == *digest
        }
    })
}

/// Stands for the boot where the kernel does not tell it: what is so marked was synced.
const SYNCED: &str = "synced";

/// What tells this start of the machine from all others.
fn boot_id() -> String {
    static BOOT: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    let read = || {
        let text = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        if text.trim().is_empty() { SYNCED.to_owned() } else { text.trim().to_owned() }
    };
    BOOT.get_or_init(read).clone()
}
