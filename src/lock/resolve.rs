//! The answers: one resolution for each group of a plan, as packages that a lock pins.

use std::collections::BTreeMap;
use std::sync::Arc;

use rayon::prelude::*;

use super::check::described;
use super::document::is_inside;
use super::plan::{Group, Member, Plan};
use super::suites::{LoadedIndex, Suites};
use super::{Lock, LockError, LockedPackage, Unresolved};
use crate::distro::debian::index::{Index, Stanza};
use crate::distro::debian::relation::PackageRequest;
use crate::distro::debian::resolver::{self, Universe, resolve};

/// The answer to one request.
pub(super) struct Answer {
    /// Its packages, sorted.
    pub packages: Vec<LockedPackage>,
    /// Dependencies that `exclude` cut, sorted.
    pub cut: Vec<String>,
}

/// The answer to each group of `plan`, in its order.
pub(super) fn answers(plan: &Plan<'_>, old: &Lock, suites: &Suites) -> Result<Vec<Answer>, LockError> {
    let mut universes: BTreeMap<UniverseKey, (Universe, Vec<LoadedIndex>)> = BTreeMap::new();
    for group in &plan.groups {
        universes.entry(universe_key(group)).or_insert_with(|| {
            let indexes = suites.indexes_for(group);
            let parts: Vec<Arc<Index>> = indexes.iter().map(|loaded| loaded.index.clone()).collect();
            (Universe::new(&group.request.arch, &group.foreign(), parts), indexes)
        });
    }
    let mut done: Vec<Option<Answer>> = plan.groups.iter().map(|_| None).collect();
    // What an image extends is answered before it.
    while done.iter().any(Option::is_none) {
        let ready: Vec<(usize, Option<Vec<LockedPackage>>)> = (0..plan.groups.len())
            .filter(|&at| done[at].is_none())
            .filter_map(|at| Some((at, base_of(&plan.groups[at], plan, old, &done)?)))
            .collect();
        let answer = |(at, base): &(usize, Option<Vec<LockedPackage>>)| {
            let group = &plan.groups[*at];
            let (universe, indexes) = &universes[&universe_key(group)];
            Ok((*at, answer(group, base.as_deref(), universe, indexes)?))
        };
        let answers: Vec<Result<(usize, Answer), LockError>> = ready.par_iter().map(answer).collect();
        for found in answers {
            let (at, answer) = found?;
            done[at] = Some(answer);
        }
    }
    Ok(done.into_iter().flatten().collect())
}

/// The packages of what the group's image extends: `Some(None)` where it extends nothing, `None` where they are not
/// known yet.
fn base_of(
    group: &Group<'_>,
    plan: &Plan<'_>,
    old: &Lock,
    done: &[Option<Answer>],
) -> Option<Option<Vec<LockedPackage>>> {
    let Some((recipe, image, point)) = group.base else { return Some(None) };
    let is_base = |member: &Member<'_>| match member {
        Member::Variant { recipe: its, image: it } => {
            (*its, it.name.as_str(), &it.point) == (recipe, image, point)
        }
        Member::Root { .. } => false,
    };
    if let Some(at) = plan.groups.iter().position(|group| group.members.iter().any(is_base)) {
        return done[at].as_ref().map(|answer| Some(answer.packages.clone()));
    }
    let kept = old.variant(recipe, image, point).map(|variant| old.packages_of(&variant.packages));
    Some(Some(kept.unwrap_or_default().into_iter().cloned().collect()))
}

/// What a universe depends on: architecture, foreign architectures, repositories.
type UniverseKey = (String, Vec<String>, Vec<String>);

fn universe_key(group: &Group<'_>) -> UniverseKey {
    (group.request.arch.clone(), group.foreign(), group.request.repositories.clone())
}

fn answer(
    group: &Group<'_>,
    base: Option<&[LockedPackage]>,
    universe: &Universe,
    indexes: &[LoadedIndex],
) -> Result<Answer, LockError> {
    let mut packages = group.parsed.clone();
    let mut favoured = group.favoured.clone();
    for package in base.unwrap_or_default() {
        let native = package.arch == group.request.arch || package.arch == "all";
        let arch = (!native).then(|| package.arch.clone());
        let asked = packages.iter().any(|asked| asked.name == package.name && asked.arch == arch);
        if !asked {
            packages.push(PackageRequest { name: package.name.clone(), arch, version: None });
        }
        favoured.insert((package.name.clone(), package.arch.clone()), package.version.clone());
    }
    let request = resolver::Request {
        packages,
        exclude: group.request.exclude.iter().cloned().collect(),
        listed: group.request.resolve == "listed",
        favoured,
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
    for package in base.unwrap_or_default() {
        agrees(group, package, &packages)?;
    }
    Ok(Answer { packages, cut: resolution.cut.iter().map(ToString::to_string).collect() })
}

/// Whether the answer has a package of what the image extends as that has it.
fn agrees(group: &Group<'_>, package: &LockedPackage, answer: &[LockedPackage]) -> Result<(), LockError> {
    let same = |other: &&LockedPackage| other.name == package.name && other.arch == package.arch;
    let found = answer.iter().filter(same).map(|other| other.version.clone()).next();
    if found.as_ref() == Some(&package.version) {
        return Ok(());
    }
    let base = group.base.map(|(_, image, point)| described("image", image, point)).unwrap_or_default();
    Err(LockError::Extends {
        item: group.members[0].item().shown(),
        base,
        package: package.name.clone(),
        theirs: package.version.clone(),
        own: found.unwrap_or_else(|| "no version of it".to_owned()),
    })
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
        sha256: Some(stanza.sha256().ok_or_else(|| bad("it has no SHA-256"))?),
        checksum: None,
        size: stanza.size().ok_or_else(|| bad("it has no size"))?,
        file: file.to_owned(),
        source: stanza.source().to_owned(),
        source_version: (source_version != version).then(|| source_version.to_owned()),
        snapshot: snapshot.to_owned(),
    })
}
