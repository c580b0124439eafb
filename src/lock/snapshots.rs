//! The signed indexes that a lock keeps.

use std::collections::{BTreeMap, BTreeSet};

use super::suites::Suites;
use super::{Lock, LockError, LockedPackage, Snapshot, SnapshotIndex};

/// The snapshots of the lock `new`: those that a package is of, and the newest of each suite that a variant or
/// root asks for, against which the next update judges whether a mirror went back in time.
pub(super) fn snapshots(
    old: &Lock,
    suites: &Suites,
    packages: &BTreeMap<String, LockedPackage>,
    new: &Lock,
) -> Result<Vec<Snapshot>, LockError> {
    let mut all: BTreeMap<String, Snapshot> =
        old.snapshots.iter().map(|snapshot| (snapshot.id.clone(), snapshot.clone())).collect();
    for fresh in suites.snapshots() {
        let merged = match all.remove(&fresh.id) {
            Some(locked) => merge(locked, fresh)?,
            None => fresh,
        };
        all.insert(merged.id.clone(), merged);
    }
    let variants = new.variants.iter().map(|variant| &variant.request);
    let asked: BTreeSet<(&str, &str)> = variants
        .chain(new.roots.iter().map(|root| &root.request))
        .flat_map(|request| &request.repositories)
        .filter_map(|repository| {
            let mut words = repository.split(' ');
            Some((words.next()?, words.next()?))
        })
        .collect();
    let mut newest: BTreeMap<(&str, &str, Option<&str>), &Snapshot> = BTreeMap::new();
    for snapshot in all.values() {
        let suite = (snapshot.repository.as_str(), snapshot.suite.as_str());
        if asked.contains(&suite) {
            let entry = newest.entry((suite.0, suite.1, snapshot.url.as_deref())).or_insert(snapshot);
            if entry.date < snapshot.date {
                *entry = snapshot;
            }
        }
    }
    let used: BTreeSet<&str> = packages
        .values()
        .map(|package| package.snapshot.as_str())
        .chain(newest.values().map(|snapshot| snapshot.id.as_str()))
        .collect();
    Ok(all.values().filter(|snapshot| used.contains(snapshot.id.as_str())).cloned().collect())
}

/// A snapshot of one date, as the lock and as the archive have it.
fn merge(locked: Snapshot, fresh: Snapshot) -> Result<Snapshot, LockError> {
    let mut indexes = fresh.indexes.clone();
    for index in locked.indexes {
        let same =
            |other: &&SnapshotIndex| (&other.component, &other.arch) == (&index.component, &index.arch);
        match fresh.indexes.iter().find(same) {
            Some(other) if other.sha256 != index.sha256 => {
                return Err(LockError::ChangedIndex { snapshot: fresh.id });
            }
            Some(_) => {}
            None => indexes.push(index),
        }
    }
    Ok(Snapshot { indexes, ..fresh })
}
