//! The answers: one resolution for each group of a plan, as packages that a lock pins.

use std::collections::BTreeMap;
use std::sync::Arc;

use rayon::prelude::*;

use super::document::is_inside;
use super::plan::{Group, Plan};
use super::suites::{LoadedIndex, Suites};
use super::{LockError, LockedPackage, Unresolved};
use crate::distro::debian::index::{Index, Stanza};
use crate::distro::debian::resolver::{self, Universe, resolve};

/// The answer to one request.
pub(super) struct Answer {
    /// Its packages, sorted.
    pub packages: Vec<LockedPackage>,
    /// Dependencies that `exclude` cut, sorted.
    pub cut: Vec<String>,
}

/// The answer to each group of `plan`, in its order.
pub(super) fn answers(plan: &Plan<'_>, suites: &Suites) -> Result<Vec<Answer>, LockError> {
    let mut universes: BTreeMap<UniverseKey, (Universe, Vec<LoadedIndex>)> = BTreeMap::new();
    for group in &plan.groups {
        universes.entry(universe_key(group)).or_insert_with(|| {
            let indexes = suites.indexes_for(group);
            let parts: Vec<Arc<Index>> = indexes.iter().map(|loaded| loaded.index.clone()).collect();
            (Universe::new(&group.request.arch, &group.foreign(), parts), indexes)
        });
    }
    let answer = |group: &Group<'_>| {
        let (universe, indexes) = &universes[&universe_key(group)];
        answer(group, universe, indexes)
    };
    let answers: Vec<Result<Answer, LockError>> = plan.groups.par_iter().map(answer).collect();
    answers.into_iter().collect()
}

/// What a universe depends on: architecture, foreign architectures, repositories.
type UniverseKey = (String, Vec<String>, Vec<String>);

fn universe_key(group: &Group<'_>) -> UniverseKey {
    (group.request.arch.clone(), group.foreign(), group.request.repositories.clone())
}

fn answer(group: &Group<'_>, universe: &Universe, indexes: &[LoadedIndex]) -> Result<Answer, LockError> {
    let request = resolver::Request {
        packages: group.parsed.clone(),
        exclude: group.request.exclude.iter().cloned().collect(),
        listed: group.request.resolve == "listed",
        favoured: group.favoured.clone(),
    };
    let unresolved = |source| LockError::Resolve(Box::new(Unresolved::new(group.members[0].item(), source)));
    let resolution = resolve(universe, &request).map_err(unresolved)?;
    let mut packages = Vec::with_capacity(resolution.packages.len());
    for selected in &resolution.packages {
        let loaded = &indexes[selected.index];
        packages.push(locked_package(loaded.index.stanza(selected.stanza), &loaded.snapshot)?);
    }
    packages.sort();
    packages.dedup();
    Ok(Answer { packages, cut: resolution.cut.iter().map(ToString::to_string).collect() })
}

fn locked_package(stanza: Stanza<'_>, snapshot: &str) -> Result<LockedPackage, LockError> {
    let bad = |reason| LockError::Entry { package: stanza.package().to_owned(), reason };
    let file = stanza.filename().ok_or_else(|| bad("it has no file name"))?;
    let file = file.strip_prefix("./").unwrap_or(file);
    if !is_inside(file) {
        return Err(bad("its file name is not a path below the repository"));
    }
    let (version, source_version) = (stanza.version(), stanza.source_version());
    Ok(LockedPackage {
        name: stanza.package().to_owned(),
        version: version.to_owned(),
        arch: stanza.architecture().to_owned(),
        sha256: stanza.sha256().ok_or_else(|| bad("it has no SHA-256"))?,
        size: stanza.size().ok_or_else(|| bad("it has no size"))?,
        file: file.to_owned(),
        source: stanza.source().to_owned(),
        source_version: (source_version != version).then(|| source_version.to_owned()),
        snapshot: snapshot.to_owned(),
    })
}
