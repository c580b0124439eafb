//! Locks between processes: one a key, and the collector's against all builds.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::process::{Resource, getrlimit, setrlimit};

use super::Store;
use super::error::{IoContext, StoreError};
use super::scratch::remove_stale;
use crate::graph::DerivationKey;

/// How often a lock that another process holds is tried.
const RETRY: Duration = Duration::from_millis(20);

/// The right to make the record of one key. Dropped, the key is free and its lock file gone.
#[derive(Debug)]
pub struct KeyLock {
    path: PathBuf,
    _file: File,
}

impl Drop for KeyLock {
    fn drop(&mut self) {
        // Removed while it is still held, so that whoever gets the lock next sees a file without a name.
        let _ = fs::remove_file(&self.path);
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
            let file = OpenOptions::new().append(true).create(true).open(&path).at("make", &path)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(StoreError::io("lock", &path, error)),
            }
            if file.metadata().at("read", &path)?.nlink() > 0 {
                return Ok(Some(KeyLock { path, _file: file }));
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
