//! Making outputs durable, in groups.
//!
//! Objects are written to the scratch folder and not synced. A commit takes the records of everything that was
//! finished in the meantime: it syncs their objects, each file for itself and several at once, moves them to their
//! final places, and only then writes the records. So an object that stands at its final place is whole, and a
//! record that can be read names only objects that were whole when it was written. Records are not synced: one
//! that a power cut tears fails its checksum, one whose objects' names were lost does not find them, and both are
//! misses. A power cut costs work of the last half minute, never a wrong answer.
//!
//! Many files are synced by one `syncfs` where the machine has little else to write: on an idle disk it takes 20 ms for
//! 1,000 where 110 ms are needed for each by itself. But it waits for whatever else was written to the file system: with
//! 400 MB of another process's data underway it took 140 ms where syncing 45 objects took 15.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::error::{IoContext, StoreError};
use super::layout;
use super::locks::is_same_file;
use super::scratch::TemporaryFile;
use super::{Finished, KeyLock, Record, Store};
use crate::digest::Digest;
use crate::graph::{DerivationId, DerivationKey};

/// Threads that sync the files of one group.
const SYNC_THREADS: usize = 8;
/// Files from which on one `syncfs` may be quicker.
const SYNC_TOGETHER: usize = 8;
/// So many bytes that the whole machine has yet to write are none to wait for.
const SMALL_UNWRITTEN: u64 = 64 << 20;
/// Files for which one thread is enough.
const SYNC_ALONE: usize = 2;

impl Store {
    /// Makes the objects that the records name durable, then writes the records, and remembers each under its
    /// derivation id. Where a whole record of the key stands already, that one stays.
    pub fn commit(&self, finished: &mut [Finished]) -> Result<(), StoreError> {
        let outputs = finished.iter().flat_map(|finished| finished.record.outputs.values());
        self.settle_objects(outputs.map(|object| object.digest))?;
        for Finished { id, record, lock } in finished {
            if let Some(lock) = lock {
                self.write_record(record, lock)?;
            }
            self.remember(id, &record.key)?;
        }
        Ok(())
    }

    /// Moves the objects among `digests` that this process wrote to their final places, synced.
    pub(crate) fn settle_objects(&self, digests: impl Iterator<Item = Digest>) -> Result<(), StoreError> {
        let _settling = self.settling();
        let pending = self.pending(digests);
        sync_all(pending.iter().map(|(_, path)| path.as_path()).collect())?;
        for (digest, path) in &pending {
            let target = self.layout.object(digest);
            layout::rename(path, &target).at("write", &target)?;
            self.settle(digest);
        }
        Ok(())
    }

    /// Writes a record unless a whole one of its key stands.
    fn write_record(&self, record: &Record, lock: &mut KeyLock) -> Result<(), StoreError> {
        let target = self.layout.record(&record.key);
        let bytes = record.encode();
        match lock.become_record(&bytes, &target) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            written => return written.at("write", &target),
        }
        if self.record(&record.key).is_some() {
            return Ok(());
        }
        let path = self.write_scratch(&bytes)?.keep();
        fs::rename(&path, &target).at("write", &target)
    }

    /// Notes that the derivation gave the record of `key`, which stands: a second name of the record's file.
    pub fn remember(&self, id: &DerivationId, key: &DerivationKey) -> Result<(), StoreError> {
        let (link, target) = (self.layout.memo(id), self.layout.record(key));
        match layout::in_shard(&link, || fs::hard_link(&target, &link)) {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) if is_unlinkable(&error) => {}
            Err(error) => return Err(StoreError::io("write", &link, error)),
        }
        if File::open(&target).is_ok_and(|record| is_same_file(&record, &link)) {
            return Ok(());
        }
        let new = self.scratch()?.path();
        match fs::hard_link(&target, &new) {
            Err(error) if is_unlinkable(&error) => drop(fs::copy(&target, &new).at("write", &new)?),
            linked => linked.at("write", &new)?,
        }
        layout::rename(&new, &link).at("write", &link)
    }

    /// Makes `link` a symlink to `target`, whatever it was before.
    pub(crate) fn point(&self, link: &Path, target: &Path) -> Result<(), StoreError> {
        use std::os::unix::fs::symlink;
        match layout::in_shard(link, || symlink(target, link)) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => return made.at("write", link),
        }
        if fs::read_link(link).is_ok_and(|old| old == target) {
            return Ok(());
        }
        let new = self.scratch()?.path();
        symlink(target, &new).at("write", &new)?;
        fs::rename(&new, link).at("write", link)
    }

    /// A temporary file with these bytes.
    pub(crate) fn write_scratch(&self, bytes: &[u8]) -> Result<TemporaryFile, StoreError> {
        use std::io::Write;
        let mut file = TemporaryFile::create(self.scratch()?.path())?;
        file.file.write_all(bytes).at("write", file.path())?;
        Ok(file)
    }
}

/// Bytes that the machine has yet to write to its disks. `None` where the system does not say.
fn unwritten() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let field = |name: &str| {
        let value = text.lines().find_map(|line| line.strip_prefix(name))?;
        value.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()
    };
    Some((field("Dirty:")? + field("Writeback:")?) * 1024)
}

/// Whether a file can have no further name: the file system knows no hard links, or counts no more of them.
fn is_unlinkable(error: &io::Error) -> bool {
    use io::ErrorKind::{PermissionDenied, TooManyLinks, Unsupported};
    matches!(error.kind(), PermissionDenied | TooManyLinks | Unsupported)
}

/// Syncs the bytes of every file: all at once where that is quicker, else several at a time, so that their journal
/// entries are written together.
fn sync_all(files: Vec<&Path>) -> Result<(), StoreError> {
    if let [first, .., _] = files.as_slice()
        && files.len() >= SYNC_TOGETHER
        && unwritten().is_some_and(|bytes| bytes <= SMALL_UNWRITTEN)
        && let Ok(any) = File::open(first)
    {
        return rustix::fs::syncfs(&any).map_err(io::Error::from).at("sync", first);
    }
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some(path) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            match File::open(path) {
                // Synced and moved by another thread, or gone: the move to its place finds out.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                file => file.and_then(|file| file.sync_data()).at("sync", path)?,
            }
        }
        Ok(())
    };
    if files.len() <= SYNC_ALONE {
        return work();
    }
    thread::scope(|scope| {
        let threads: Vec<_> = (0..SYNC_THREADS.min(files.len() / 2)).map(|_| scope.spawn(work)).collect();
        threads
            .into_iter()
            .try_for_each(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}
