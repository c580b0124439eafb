//! The folder of one process below `tmp`, held by a file lock; what dead processes left there is removed.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use super::error::{IoContext, StoreError};
use super::explode::remove_folder;
use super::layout::list;

/// A private folder on the store's file system. Dropped, it is gone with all that is in it.
#[derive(Debug)]
pub(crate) struct Scratch {
    folder: PathBuf,
    lock_path: PathBuf,
    /// Holds the lock while it is open.
    _lock: File,
    next: AtomicU64,
}

impl Scratch {
    /// A new folder below `tmp`. Folders whose process is dead are removed first.
    pub fn create(tmp: &Path) -> Result<Self, StoreError> {
        remove_stale(tmp);
        loop {
            let nanos = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_nanos() as u64);
            let name = format!("{}-{nanos:x}", std::process::id());
            let lock_path = tmp.join(format!("{name}.lock"));
            let lock = match File::create_new(&lock_path) {
                Ok(lock) => lock,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(StoreError::io("make", &lock_path, error)),
            };
            // Another process may have taken the file for a dead one's before it was locked.
            if lock.try_lock().is_err() || lock.metadata().at("read", &lock_path)?.nlink() == 0 {
                continue;
            }
            let folder = tmp.join(&name);
            if let Err(error) = fs::create_dir(&folder) {
                let _ = fs::remove_file(&lock_path);
                return Err(StoreError::io("make", &folder, error));
            }
            return Ok(Self { folder, lock_path, _lock: lock, next: AtomicU64::new(0) });
        }
    }

    /// Its path.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The path of a file that is not there yet.
    pub fn path(&self) -> PathBuf {
        self.folder.join(self.next.fetch_add(1, Ordering::Relaxed).to_string())
    }

    /// Removes the folder before its owner is dropped; what still writes there fails.
    pub fn remove(&self) {
        let _ = remove_folder(&self.folder);
        let _ = fs::remove_file(&self.lock_path);
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        self.remove();
    }
}

/// Removes what dead processes left in `tmp`. A folder is a dead one's when its lock can be taken. What cannot
/// be removed now is tried again by the next process.
pub(crate) fn remove_stale(tmp: &Path) {
    for (name, path) in list(tmp).unwrap_or_default() {
        let Some(folder) = name.strip_suffix(".lock") else { continue };
        let Ok(lock) = File::open(&path) else { continue };
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => continue,
        }
        if lock.metadata().is_ok_and(|metadata| metadata.nlink() > 0) {
            let _ = remove_folder(&tmp.join(folder));
            let _ = fs::remove_file(&path);
        }
    }
}

/// A file in the scratch folder that is removed when it is dropped without [`TemporaryFile::keep`].
#[derive(Debug)]
pub(crate) struct TemporaryFile {
    pub file: File,
    path: Option<PathBuf>,
}

impl TemporaryFile {
    /// A new file at `path`, open for writing, of mode 0444.
    pub fn create(path: PathBuf) -> Result<Self, StoreError> {
        use std::os::unix::fs::OpenOptionsExt;
        let file = fs::OpenOptions::new().read(true).write(true).create_new(true).mode(0o444).open(&path);
        let file = file.at("write", &path)?;
        Ok(Self { file, path: Some(path) })
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        self.path.as_deref().expect("the path is taken only with the whole value")
    }

    /// Its path, the file staying.
    pub fn keep(mut self) -> PathBuf {
        self.path.take().expect("the path is taken only with the whole value")
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            let _ = fs::remove_file(path);
        }
    }
}
