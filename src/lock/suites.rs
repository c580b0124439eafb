//! The suites that an update resolves against: refreshed, their indexes loaded, each once and in parallel.

use std::collections::{BTreeMap, BTreeSet};

use hbuild_lang::recipe::{Family, Repository};
use rayon::prelude::*;

use super::plan::{Group, Plan};
use super::signed::{File, Index, Signed};
use super::{Lock, LockError, Snapshot};
use crate::digest::Sha256;
use crate::distro::surroundings::Surroundings;
use crate::distro::{alpine, debian};
use crate::timestamp::Timestamp;

/// Transfers at once.
const TRANSFERS: usize = 8;
/// Indexes decoded at once: each takes three times its own size for that long.
const DECODERS: usize = 2;

/// Component and architecture of an index.
type Part = (String, String);

/// Identifies what is signed: repository, URL, suite; of Alpine the part, too.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SuiteKey {
    repository: String,
    url: Option<String>,
    suite: String,
    pub part: Option<Part>,
}

impl SuiteKey {
    /// Whether `snapshot` is a state of it.
    pub fn is_of(&self, snapshot: &Snapshot) -> bool {
        let part = snapshot.indexes.first().map(|index| (index.component.clone(), index.arch.clone()));
        (&snapshot.repository, &snapshot.url, &snapshot.suite) == (&self.repository, &self.url, &self.suite)
            && (self.part.is_none() || self.part == part)
    }
}

/// The suites of an update, with every index that one of its groups needs.
pub(super) struct Suites {
    suites: BTreeMap<SuiteKey, LoadedSuite>,
}

/// A refreshed suite.
struct LoadedSuite {
    signed: Signed,
    /// By component and architecture; sorted.
    indexes: BTreeMap<Part, (File, LoadedIndex)>,
}

/// A suite whose signed index is there, and its indexes that are needed.
struct Refreshed {
    key: SuiteKey,
    suite: Signed,
    files: Vec<File>,
}

/// An index of a suite.
#[derive(Clone)]
pub(super) struct LoadedIndex {
    /// Id of the snapshot it belongs to.
    pub snapshot: String,
    pub index: Index,
    /// The folder of Alpine's packages below the repository's base.
    pub folder: String,
    /// The tag of Alpine's repository.
    pub tag: Option<String>,
}

/// Suites that could not be had, for a reason that has nothing to do with others: no mirror gave a file of theirs.
pub(super) struct Unreachable {
    pub suites: BTreeSet<SuiteKey>,
    pub reason: LockError,
}

/// What is needed of one suite.
struct Need<'a> {
    family: Family,
    repository: &'a Repository,
    parts: BTreeSet<Part>,
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
            let signed = Signed::refresh((need.family, need.repository, key), old, surroundings, now)?;
            let mut files = Vec::new();
            for (component, arch) in &need.parts {
                files.extend(signed.files(component, arch)?);
            }
            files.sort_by_key(File::part);
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
            let snapshot = signed.id();
            let mut indexes = BTreeMap::new();
            for file in files {
                let part = file.part();
                let folder = file.folder(&key.suite);
                let index = loaded[&file.sha256()].clone();
                let loaded = LoadedIndex { snapshot: snapshot.clone(), index, folder, tag: None };
                indexes.insert(part, (file, loaded));
            }
            suites.insert(key, LoadedSuite { signed, indexes });
        }
        Ok((Self { suites }, unreachable))
    }

    /// The indexes for a group, in the order that apt and apk count them: by suite, there by component, there the
    /// image's architecture first.
    pub fn indexes_for(&self, group: &Group<'_>) -> Vec<LoadedIndex> {
        let asked = group.architectures();
        let mut architectures = asked.clone();
        architectures.insert(1, "all".to_owned());
        let mut found = Vec::new();
        for repository in &group.repositories {
            let suites: Vec<&LoadedSuite> = keys_of(group.request.family(), repository, &asked)
                .into_iter()
                .filter_map(|(key, _)| self.suites.get(&key))
                .collect();
            for component in components_of(group.request.family(), repository) {
                for arch in &architectures {
                    let part = (component.clone(), arch.clone());
                    let loaded = suites.iter().filter_map(|suite| suite.indexes.get(&part));
                    found.extend(
                        loaded
                            .map(|(_, loaded)| LoadedIndex { tag: repository.tag.clone(), ..loaded.clone() }),
                    );
                }
            }
        }
        found
    }

    /// The snapshots as the lock states them.
    pub fn snapshots(&self) -> Vec<Snapshot> {
        let files = |suite: &LoadedSuite| suite.signed.snapshot(suite.indexes.values().map(|(file, _)| file));
        self.suites.values().map(files).collect()
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
) -> Result<BTreeMap<Sha256, Index>, LockError> {
    let distinct = by_digest(suites);
    let files: Vec<(&Signed, &File)> = distinct.into_values().collect();
    let fetch = |(suite, file): &(&Signed, &File)| (file.sha256(), suite.fetch(file, surroundings));
    let mut missing = Vec::new();
    for (sha256, fetched) in with_threads(TRANSFERS, || files.par_iter().map(fetch).collect::<Vec<_>>()) {
        if let Err(reason) = reached(fetched)? {
            missing.push((sha256, reason));
        }
    }
    for (sha256, reason) in missing {
        let lacks = |suite: &mut Refreshed| suite.files.iter().any(|file| file.sha256() == sha256);
        let suites = suites.extract_if(.., lacks).map(|suite| suite.key).collect();
        unreachable.push(Unreachable { suites, reason });
    }
    let load = |(suite, file): &(&Signed, &File)| Ok((file.sha256(), suite.load(file, surroundings)?));
    let files: Vec<(&Signed, &File)> = by_digest(suites).into_values().collect();
    let loaded = with_threads(DECODERS, || first_error(files.par_iter().map(load).collect()))?;
    Ok(loaded.into_iter().collect())
}

fn by_digest(suites: &[Refreshed]) -> BTreeMap<Sha256, (&Signed, &File)> {
    let files =
        suites.iter().flat_map(|one| one.files.iter().map(|file| (file.sha256(), (&one.suite, file))));
    files.collect()
}

/// Tells what no mirror gave, the inner error, from what is wrong with what one gave.
fn reached<T>(result: Result<T, LockError>) -> Result<Result<T, LockError>, LockError> {
    match result {
        Err(LockError::Alpine(reason))
            if matches!(*reason, alpine::repository::RepositoryError::Fetch(_)) =>
        {
            Ok(Err(LockError::Alpine(reason)))
        }
        Err(reason @ LockError::Debian(debian::repository::RepositoryError::Fetch(_))) => Ok(Err(reason)),
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
        let (family, architectures) = (group.request.family(), group.architectures());
        for repository in &group.repositories {
            for (key, parts) in keys_of(family, repository, &architectures) {
                let need = Need { family, repository, parts: BTreeSet::new() };
                needs.entry(key).or_insert(need).parts.extend(parts);
            }
        }
    }
    needs
}

/// The components of `repository`. One of Alpine may have none: its indexes stand in the branch itself.
fn components_of(family: Family, repository: &Repository) -> Vec<String> {
    match family {
        Family::Alpine if repository.components.is_empty() => vec![String::new()],
        _ => repository.components.clone(),
    }
}

/// What is signed of `repository`, each with the parts of it that are for `architectures`.
pub(super) fn keys_of(
    family: Family,
    repository: &Repository,
    architectures: &[String],
) -> Vec<(SuiteKey, Vec<Part>)> {
    let key = |part| SuiteKey {
        repository: repository.name.clone(),
        url: repository.url.clone(),
        suite: repository.suite.clone(),
        part,
    };
    let components = components_of(family, repository).into_iter();
    let parts = components
        .flat_map(|component| architectures.iter().map(move |arch| (component.clone(), arch.clone())));
    match family {
        Family::Alpine => parts.map(|part| (key(Some(part.clone())), vec![part])).collect(),
        Family::Debian => vec![(key(None), parts.collect())],
    }
}

/// All values, or the first error in the order of the list, whichever was found first.
fn first_error<T>(results: Vec<Result<T, LockError>>) -> Result<Vec<T>, LockError> {
    results.into_iter().collect()
}
