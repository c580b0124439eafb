//! The signed indexes that a lock keeps.

use std::collections::{BTreeMap, BTreeSet};

use hbuild_lang::recipe::Family;

use super::suites::Suites;
use super::{Lock, LockError, LockedPackage, Request, Snapshot, SnapshotIndex};

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
    let asked: BTreeSet<Asked<'_>> =
        variants.chain(new.roots.iter().map(|root| &root.request)).flat_map(asked).collect();
    let mut newest: BTreeMap<(Asked<'_>, Option<&str>), &Snapshot> = BTreeMap::new();
    for snapshot in all.values() {
        let is = described(snapshot);
        if asked.contains(&is) {
            let entry = newest.entry((is, snapshot.url.as_deref())).or_insert(snapshot);
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

/// What is signed, as a request names it: repository and suite; of Alpine component and architecture, too.
type Asked<'a> = (&'a str, &'a str, Option<(&'a str, &'a str)>);

/// What is signed of the repositories of `request`.
fn asked(request: &Request) -> Vec<Asked<'_>> {
    let mut found = Vec::new();
    for repository in &request.repositories {
        let mut words = repository.split(' ');
        let (Some(name), Some(suite)) = (words.next(), words.next()) else { continue };
        match request.family() {
            // Behind the components stand a tag, a URL and its keys.
            Family::Alpine => {
                let words = words.take_while(|word| !word.starts_with('@') && !word.contains(':'));
                let mut components: Vec<&str> = words.collect();
                if components.is_empty() {
                    components.push("");
                }
                let part = |component| (name, suite, Some((component, request.arch.as_str())));
                found.extend(components.into_iter().map(part));
            }
            Family::Debian => found.push((name, suite, None)),
        }
    }
    found
}

/// What `snapshot` is a state of.
fn described(snapshot: &Snapshot) -> Asked<'_> {
    let own = snapshot.indexes.first().filter(|_| snapshot.in_release.is_none());
    let part = own.map(|index| (index.component.as_str(), index.arch.as_str()));
    (&snapshot.repository, &snapshot.suite, part)
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
