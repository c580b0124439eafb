//! Finding what was made before.

use std::collections::BTreeMap;
use std::fs::{File, FileTimes, Metadata};
use std::io::Read;
use std::path::Path;
use std::time::{Duration, SystemTime};

use rayon::prelude::*;

use super::{Record, Store};
use crate::graph::{DerivationId, DerivationKey};
use crate::timestamp::Timestamp;

/// A record's time of use is noted when the last note is older than this.
const NOTE_USE_AFTER: Duration = Duration::from_secs(3600);
/// Derivations that are recalled one after another sooner than threads are started for them.
const RECALL_ALONE: usize = 32;

impl Store {
    /// The record of `key`: whole, with all its outputs there. Anything else is a miss.
    pub fn record(&self, key: &DerivationKey) -> Option<Record> {
        self.usable(&self.layout.record(key)).filter(|record| record.key == *key)
    }

    /// The record that the derivation gave the last time, under the same conditions.
    pub fn recall(&self, id: &DerivationId) -> Option<Record> {
        // An entry of the memo is a second name of the record, or a copy of it.
        self.usable(&self.layout.memo(id))
    }

    /// Whether the derivation has given a record here, of which outputs may have been collected since.
    pub fn has_made(&self, id: &DerivationId) -> bool {
        self.layout.memo(id).exists()
    }

    /// When the derivation's record was written; `None` where there is none, or the file system keeps no such times.
    pub fn made_at(&self, id: &DerivationId) -> Option<Timestamp> {
        // Its time of modification is that of its last use.
        let made = self.layout.memo(id).metadata().ok()?.created().ok()?;
        let since = made.duration_since(SystemTime::UNIX_EPOCH).ok()?;
        Some(Timestamp(i64::try_from(since.as_secs()).ok()?))
    }

    /// [`Store::recall`] of every one of `ids` that gives something, several at once.
    pub fn recall_all(&self, ids: &[DerivationId]) -> BTreeMap<DerivationId, Record> {
        let recall = |id: &DerivationId| Some((*id, self.recall(id)?));
        if ids.len() <= RECALL_ALONE {
            return ids.iter().filter_map(recall).collect();
        }
        let found: Vec<_> = ids.par_iter().filter_map(recall).collect();
        found.into_iter().collect()
    }

    /// Whether every pack that the trees of `record` need is there.
    pub fn has_references(&self, record: &Record) -> bool {
        record.references.iter().all(|digest| self.size(digest).is_some())
    }

    /// The record in the file `path`, when it and its outputs can be used.
    fn usable(&self, path: &Path) -> Option<Record> {
        let mut file = File::open(path).ok()?;
        let metadata = file.metadata().ok()?;
        let mut bytes = vec![0; usize::try_from(metadata.len()).ok()?];
        file.read_exact(&mut bytes).ok()?;
        let record = Record::decode(&bytes)?;
        if !record.outputs.values().all(|object| self.contains(object)) {
            return None;
        }
        note_use_of(&file, &metadata);
        Some(record)
    }
}

/// Notes in the modification time that the file is of use, for the collector. Where the store cannot be written,
/// nothing is noted.
pub(crate) fn note_use(file: &File) {
    if let Ok(metadata) = file.metadata() {
        note_use_of(file, &metadata);
    }
}

fn note_use_of(file: &File, metadata: &Metadata) {
    let now = SystemTime::now();
    let noted = metadata.modified();
    if noted.is_ok_and(|noted| now.duration_since(noted).is_ok_and(|age| age > NOTE_USE_AFTER)) {
        let _ = file.set_times(FileTimes::new().set_modified(now));
    }
}
