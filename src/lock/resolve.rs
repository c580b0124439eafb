//! The answers: one resolution for each group of a plan, as packages that a lock pins.

use std::collections::BTreeMap;

use hbuild_lang::recipe::Family;
use rayon::prelude::*;

use super::check::described;
use super::plan::{Group, Member, Plan};
use super::suites::Suites;
use super::universe::Universe;
use super::{Lock, LockError, LockedPackage};

/// The answer to one request.
pub(super) struct Answer {
    /// Its packages, sorted.
    pub packages: Vec<LockedPackage>,
    /// Dependencies that `exclude` cut, sorted.
    pub cut: Vec<String>,
}

/// The answer to each group of `plan`, in its order.
pub(super) fn answers(plan: &Plan<'_>, old: &Lock, suites: &Suites) -> Result<Vec<Answer>, LockError> {
    let mut universes: BTreeMap<UniverseKey, Universe> = BTreeMap::new();
    for group in &plan.groups {
        let made = || Universe::new(group, suites.indexes_for(group));
        universes.entry(universe_key(group)).or_insert_with(made);
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
            let universe = &universes[&universe_key(group)];
            Ok((*at, answer(group, base.as_deref(), universe)?))
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

/// What a universe depends on: family, architectures, repositories.
type UniverseKey = (Family, Vec<String>, Vec<String>);

fn universe_key(group: &Group<'_>) -> UniverseKey {
    (group.request.family(), group.architectures(), group.request.repositories.clone())
}

fn answer(
    group: &Group<'_>,
    base: Option<&[LockedPackage]>,
    universe: &Universe,
) -> Result<Answer, LockError> {
    let mut answer = universe.resolve(group, base.unwrap_or_default())?;
    answer.packages.sort();
    answer.packages.dedup();
    for package in base.unwrap_or_default() {
        agrees(group, package, &answer.packages)?;
    }
    Ok(answer)
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
