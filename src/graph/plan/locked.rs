//! What the lock says of the packages of one image or of one root.

use std::collections::BTreeMap;

use super::PlanError;
use crate::lock::{Lock, LockedPackage, Snapshot};

/// The packages of a lock by the references that variants and roots have, and its snapshots.
pub(super) struct LockIndex<'a> {
    packages: BTreeMap<String, &'a LockedPackage>,
    snapshots: BTreeMap<&'a str, &'a Snapshot>,
}

impl<'a> LockIndex<'a> {
    pub fn new(lock: Option<&'a Lock>) -> Self {
        let packages = lock.iter().flat_map(|lock| &lock.packages);
        let snapshots = lock.iter().flat_map(|lock| &lock.snapshots);
        Self {
            packages: packages.map(|package| (package.reference(), package)).collect(),
            snapshots: snapshots.map(|snapshot| (snapshot.id.as_str(), snapshot)).collect(),
        }
    }

    /// The entries for `references`. `whose` names the image or build in the message of a lock that lacks one.
    pub fn find(&self, references: &[String], whose: &dyn Fn() -> String) -> Result<Locked<'a>, PlanError> {
        let missing =
            |reference: &str| PlanError::LockIncomplete { whose: whose(), reference: reference.to_owned() };
        let mut packages = Vec::with_capacity(references.len());
        let mut snapshots = BTreeMap::new();
        for reference in references {
            let package = self.packages.get(reference).copied().ok_or_else(|| missing(reference))?;
            if !snapshots.contains_key(package.snapshot.as_str()) {
                let found = self.snapshots.get(package.snapshot.as_str()).copied();
                snapshots.insert(package.snapshot.as_str(), found.ok_or_else(|| missing(&package.snapshot))?);
            }
            packages.push(package);
        }
        packages.sort_by_cached_key(|package| (package.name != "base-files", package.reference()));
        Ok(Locked { packages, snapshots })
    }
}

/// The lock's entries for one image or root.
#[derive(Debug, Clone, Default)]
pub(super) struct Locked<'a> {
    /// base-files first, the others by reference.
    pub packages: Vec<&'a LockedPackage>,
    /// The snapshots that they come from, by id.
    pub snapshots: BTreeMap<&'a str, &'a Snapshot>,
}

impl<'a> Locked<'a> {
    /// Where `package`, one of [`Locked::packages`], comes from.
    pub fn snapshot(&self, package: &LockedPackage) -> &'a Snapshot {
        self.snapshots[package.snapshot.as_str()]
    }
}

/// The date of the newest of these signed indexes; the epoch of hbuild where no index was needed.
pub(super) fn newest<'a>(snapshots: impl Iterator<Item = &'a Snapshot>) -> String {
    let newest = snapshots.map(|snapshot| snapshot.date.as_str()).max();
    newest.unwrap_or("1980-01-01T00:00:00Z").to_owned()
}
