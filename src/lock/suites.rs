//! The suites that an update resolves against: refreshed, their indexes loaded, each once and in parallel.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hbuild_lang::recipe::Repository;
use rayon::prelude::*;

use super::plan::{Group, Plan};
use super::{Lock, LockError, Snapshot, SnapshotIndex};
use crate::digest::Sha256;
use crate::distro::debian::index::Index;
use crate::distro::debian::repository::{
    IndexFile, KnownSuite, RepositoryError, SignedSuite, fetch_index, load_index,
};
use crate::distro::surroundings::Surroundings;
use crate::timestamp::Timestamp;

/// Transfers at once.
const TRANSFERS: usize = 8;
/// Indexes decoded at once: each takes three times its own size for that long.
const DECODERS: usize = 2;

/// Identifies a suite: repository, URL, suite.
pub(super) type SuiteKey = (String, Option<String>, String);

/// The suites of an update, with every index that one of its groups needs.
pub(super) struct Suites {
    suites: BTreeMap<SuiteKey, LoadedSuite>,
}

/// A refreshed suite.
struct LoadedSuite {
    signed: SignedSuite,
    /// By component and architecture; sorted.
    indexes: BTreeMap<(String, String), LoadedIndex>,
}

/// A suite whose signed index is there, and its indexes that are needed.
struct Refreshed {
    key: SuiteKey,
    suite: SignedSuite,
    files: Vec<IndexFile>,
}

/// An index of a suite.
#[derive(Clone)]
pub(super) struct LoadedIndex {
    /// Id of the snapshot it belongs to.
    pub snapshot: String,
    pub index: Arc<Index>,
    file: IndexFile,
}

/// Suites that could not be had, for a reason that has nothing to do with others: no mirror gave a file of theirs.
pub(super) struct Unreachable {
    pub suites: BTreeSet<SuiteKey>,
    pub reason: LockError,
}

/// What is needed of one suite.
struct Need<'a> {
    repository: &'a Repository,
    /// Component and architecture.
    parts: BTreeSet<(&'a str, String)>,
}

impl Suites {
    /// The suites that the groups of `plan` need, and those of them that could not be had. Whatever else is wrong
    /// with one of them is an error.
    pub fn load(
        plan: &Plan<'_>,
        old: &Lock,
        surroundings: Surroundings<'_>,
        now: Timestamp,
    ) -> Result<(Self, Vec<Unreachable>), LockError> {
        let needs: Vec<(SuiteKey, Need<'_>)> = needs(plan).into_iter().collect();
        keep_keys(&needs, surroundings)?;
        let refresh = |(key, need): &(SuiteKey, Need<'_>)| {
            let signed = refresh_suite(key, need.repository, old, surroundings, now)?;
            let mut files = Vec::new();
            for (component, arch) in &need.parts {
                files.extend(signed.index_files(component, arch)?);
            }
            files.sort_by(|one, other| one.path.cmp(&other.path));
            files.dedup();
            Ok((signed, files))
        };
        let refreshed = with_threads(TRANSFERS, || needs.par_iter().map(refresh).collect::<Vec<_>>());
        let (mut signed, mut unreachable) = (Vec::new(), Vec::new());
        for ((key, _), refreshed) in needs.into_iter().zip(refreshed) {
            match reached(refreshed)? {
                Ok((suite, files)) => signed.push(Refreshed { key, suite, files }),
                Err(reason) => unreachable.push(Unreachable { suites: BTreeSet::from([key]), reason }),
            }
        }
        let loaded = load_indexes(&mut signed, &mut unreachable, surroundings)?;
        let mut suites = BTreeMap::new();
        for Refreshed { key, suite: signed, files } in signed {
            let snapshot = snapshot_id(&signed);
            let mut indexes = BTreeMap::new();
            for file in files {
                let part = (file.component.clone(), file.arch.clone());
                let index = loaded[&file.sha256].clone();
                indexes.insert(part, LoadedIndex { snapshot: snapshot.clone(), index, file });
            }
            suites.insert(key, LoadedSuite { signed, indexes });
        }
        Ok((Self { suites }, unreachable))
    }

    /// The indexes for a group, in the order that apt counts them: by suite, there by component, there the
    /// image's architecture first.
    pub fn indexes_for(&self, group: &Group<'_>) -> Vec<LoadedIndex> {
        let mut architectures = vec![group.request.arch.clone(), "all".to_owned()];
        architectures.extend(group.foreign());
        let mut found = Vec::new();
        for repository in &group.repositories {
            let Some(suite) = self.suites.get(&key_of(repository)) else { continue };
            for component in &repository.components {
                for arch in &architectures {
                    found.extend(suite.indexes.get(&(component.clone(), arch.clone())).cloned());
                }
            }
        }
        found
    }

    /// The snapshots as the lock states them.
    pub fn snapshots(&self) -> Vec<Snapshot> {
        self.suites.values().map(snapshot).collect()
    }
}

/// Keeps the certificates of every repository, each once.
fn keep_keys(needs: &[(SuiteKey, Need<'_>)], surroundings: Surroundings<'_>) -> Result<(), LockError> {
    let keys = needs.iter().flat_map(|(_, need)| &need.repository.keys);
    let texts: BTreeSet<&str> = keys.map(|key| &*key.text).collect();
    for text in texts {
        let kept = surroundings.cache.keep_file(Sha256::of(text.as_bytes()), text.as_bytes());
        kept.map_err(|source| LockError::Cache { source })?;
    }
    Ok(())
}

/// Every index that the suites name, by its digest: suites often share one, such as an empty one. Suites with an
/// index that no mirror gives are moved to `unreachable`.
fn load_indexes(
    suites: &mut Vec<Refreshed>,
    unreachable: &mut Vec<Unreachable>,
    surroundings: Surroundings<'_>,
) -> Result<BTreeMap<Sha256, Arc<Index>>, LockError> {
    let distinct = by_digest(suites);
    let files: Vec<(&SignedSuite, &IndexFile)> = distinct.into_values().collect();
    let fetch = |(suite, file): &(&SignedSuite, &IndexFile)| {
        (file.sha256, fetch_index(suite, file, surroundings).map_err(LockError::from))
    };
    let mut missing = Vec::new();
    for (sha256, fetched) in with_threads(TRANSFERS, || files.par_iter().map(fetch).collect::<Vec<_>>()) {
        if let Err(reason) = reached(fetched)? {
            missing.push((sha256, reason));
        }
    }
    for (sha256, reason) in missing {
        let lacks = |suite: &mut Refreshed| suite.files.iter().any(|file| file.sha256 == sha256);
        let suites = suites.extract_if(.., lacks).map(|suite| suite.key).collect();
        unreachable.push(Unreachable { suites, reason });
    }
    let load = |(suite, file): &(&SignedSuite, &IndexFile)| {
        Ok((file.sha256, Arc::new(load_index(suite, file, surroundings)?)))
    };
    let files: Vec<(&SignedSuite, &IndexFile)> = by_digest(suites).into_values().collect();
    let loaded = with_threads(DECODERS, || first_error(files.par_iter().map(load).collect()))?;
    Ok(loaded.into_iter().collect())
}

fn by_digest(suites: &[Refreshed]) -> BTreeMap<Sha256, (&SignedSuite, &IndexFile)> {
    let files = suites.iter().flat_map(|one| one.files.iter().map(|file| (file.sha256, (&one.suite, file))));
    files.collect()
}

/// Tells what no mirror gave, the inner error, from what is wrong with what one gave.
fn reached<T>(result: Result<T, LockError>) -> Result<Result<T, LockError>, LockError> {
    match result {
        Err(reason @ LockError::Repository(RepositoryError::Fetch(_))) => Ok(Err(reason)),
        other => other.map(Ok),
    }
}

/// Runs `work` with this many threads, or with those there are where no more can be had.
fn with_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    match rayon::ThreadPoolBuilder::new().num_threads(threads).build() {
        Ok(pool) => pool.install(work),
        Err(_) => work(),
    }
}

/// What each suite has to give, by suite.
fn needs<'a>(plan: &'a Plan<'_>) -> BTreeMap<SuiteKey, Need<'a>> {
    let mut needs: BTreeMap<SuiteKey, Need<'a>> = BTreeMap::new();
    for group in &plan.groups {
        let architectures = [vec![group.request.arch.clone()], group.foreign()].concat();
        for repository in &group.repositories {
            let need = needs
                .entry(key_of(repository))
                .or_insert_with(|| Need { repository, parts: BTreeSet::new() });
            for component in &repository.components {
                for arch in &architectures {
                    need.parts.insert((component, arch.clone()));
                }
            }
        }
    }
    needs
}

pub(super) fn key_of(repository: &Repository) -> SuiteKey {
    (repository.name.clone(), repository.url.clone(), repository.suite.clone())
}

/// The suite as it is now, held against the newest state of it that the lock has.
fn refresh_suite(
    key: &SuiteKey,
    repository: &Repository,
    old: &Lock,
    surroundings: Surroundings<'_>,
    now: Timestamp,
) -> Result<SignedSuite, LockError> {
    let dated =
        |snapshot: &Snapshot| Some((snapshot.date.parse::<Timestamp>().ok()?, snapshot.codename.clone()?));
    let same = |snapshot: &&Snapshot| {
        (&snapshot.repository, &snapshot.url, &snapshot.suite) == (&key.0, &key.1, &key.2)
    };
    let newest = old.snapshots.iter().filter(same).filter_map(dated).max();
    let known = newest.as_ref().map(|(date, codename)| KnownSuite { codename, date: *date });
    Ok(SignedSuite::refresh(repository, known, surroundings, now)?)
}

/// All values, or the first error in the order of the list, whichever was found first.
fn first_error<T>(results: Vec<Result<T, LockError>>) -> Result<Vec<T>, LockError> {
    results.into_iter().collect()
}

/// `debian/bookworm@2026-01-10T10:12:52Z`.
fn snapshot_id(suite: &SignedSuite) -> String {
    format!("{}/{}@{}", suite.repository, suite.suite, suite.release.date)
}

fn snapshot(suite: &LoadedSuite) -> Snapshot {
    let signed = &suite.signed;
    let index = |loaded: &LoadedIndex| SnapshotIndex {
        component: loaded.file.component.clone(),
        arch: loaded.file.arch.clone(),
        path: loaded.file.path.clone(),
        sha256: loaded.file.sha256,
        size: loaded.file.size,
    };
    Snapshot {
        id: snapshot_id(signed),
        repository: signed.repository.clone(),
        url: signed.url.clone(),
        suite: signed.suite.clone(),
        codename: Some(signed.release.codename.clone()),
        date: signed.release.date.to_string(),
        valid_until: signed.release.valid_until.map(|end| end.to_string()),
        in_release: Some(signed.in_release),
        in_release_size: Some(signed.in_release_size),
        signed_by: signed.signed_by.clone(),
        indexes: suite.indexes.values().map(index).collect(),
    }
}
