//! Locks between processes: one a key, and the collector's against all builds.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::process::{Resource, getrlimit, setrlimit};

use super::Store;
use super::error::{IoContext, StoreError};
use super::layout;
use super::scratch::remove_stale;
use crate::graph::DerivationKey;

/// How often a lock that another process holds is tried.
const RETRY: Duration = Duration::from_millis(20);

/// The right to make the record of one key. Its file becomes the record: on ext4 every file that is made and
/// removed slows the making of others for a minute. Dropped without a record, the key is free and the file gone.
#[derive(Debug)]
pub struct KeyLock {
    /// Where it lies, until it is the record.
    path: Option<PathBuf>,
    file: File,
}

impl KeyLock {
    /// Writes the record's bytes and moves the file to `target`, unless that is there, which is an error of kind
    /// `AlreadyExists`. The lock is held until it is dropped.
    pub(super) fn become_record(&mut self, bytes: &[u8], target: &Path) -> io::Result<()> {
        let path = self.path.as_ref().expect("it becomes a record once");
        self.file.write_all(bytes)?;
        layout::in_shard(target, || layout::rename_new(path, target))?;
        self.path = None;
        Ok(())
    }
}

impl Drop for KeyLock {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            // Removed while it is still held, so that whoever gets the lock next sees that it is another file.
            let _ = fs::remove_file(path);
        }
    }
}

/// Keeps the collector out, or, held by the collector, all builds.
#[derive(Debug)]
pub struct StoreLock {
    _file: File,
}

impl Store {
    /// The lock of `key`, or `None` while another holds it, be it in this process or another.
    pub fn try_lock_key(&self, key: &DerivationKey) -> Result<Option<KeyLock>, StoreError> {
        let path = self.layout.lock(key);
        loop {
            match OpenOptions::new().write(true).create_new(true).mode(0o444).open(&path) {
                Ok(file) => match file.try_lock() {
                    Ok(()) if file.metadata().at("read", &path)?.nlink() > 0 => {
                        return Ok(Some(KeyLock { path: Some(path), file }));
                    }
                    // Another took it for a dead process's before it was locked.
                    Ok(()) => continue,
                    Err(TryLockError::WouldBlock) => return Ok(None),
                    Err(TryLockError::Error(error)) => return Err(StoreError::io("lock", &path, error)),
                },
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(StoreError::io("make", &path, error)),
            }
            if !remove_dead_lock(&path)? {
                return Ok(None);
            }
        }
    }

    /// Held by a build from its first look-up until its results are used. Waits while the collector runs. What
    /// dead processes left is removed, and the process may from now on open as many files as the system lets it,
    /// for a build holds all packs open that it reads from.
    pub fn share(&self, cancel: &AtomicBool) -> Result<StoreLock, StoreError> {
        let lock = self.wait_for(cancel, true, File::try_lock_shared)?;
        remove_stale(&self.layout.folder("tmp"));
        let mut limit = getrlimit(Resource::Nofile);
        limit.current = limit.maximum;
        // Where that is refused, the limit of before will have to do.
        let _ = setrlimit(Resource::Nofile, limit);
        Ok(lock)
    }

    /// Held by the collector. Without `wait`, a build that holds the store is [`StoreError::InUse`].
    pub(crate) fn exclude(&self, cancel: &AtomicBool, wait: bool) -> Result<StoreLock, StoreError> {
        self.wait_for(cancel, wait, File::try_lock)
    }

    fn wait_for(
        &self,
        cancel: &AtomicBool,
        wait: bool,
        lock: fn(&File) -> Result<(), TryLockError>,
    ) -> Result<StoreLock, StoreError> {
        let path = self.layout.gc_lock();
        // Reading is enough for a lock, so that a read-only store has one too.
        let file = File::open(&path).at("open", &path)?;
        loop {
            match lock(&file) {
                Ok(()) => return Ok(StoreLock { _file: file }),
                Err(TryLockError::WouldBlock) if !wait => {
                    return Err(StoreError::InUse { path: self.layout.root.clone() });
                }
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(StoreError::io("lock", &path, error)),
            }
            if cancel.load(Ordering::Relaxed) {
                return Err(StoreError::Stopped);
            }
            std::thread::sleep(RETRY);
        }
    }
}

/// Removes the lock file at `path` when its process is dead; says whether it is gone.
fn remove_dead_lock(path: &Path) -> Result<bool, StoreError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(StoreError::io("open", path, error)),
    };
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(false),
        Err(TryLockError::Error(error)) => return Err(StoreError::io("lock", path, error)),
    }
    // It may have become a record, or been removed, since it was opened.
    if is_same_file(&file, path) {
        layout::remove(path)?;
    }
    Ok(true)
}

/// Whether `path` names the open file.
pub(super) fn is_same_file(file: &File, path: &Path) -> bool {
    let identity = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    match (file.metadata(), fs::symlink_metadata(path)) {
        (Ok(file), Ok(named)) => identity(file) == identity(named),
        _ => false,
    }
}
