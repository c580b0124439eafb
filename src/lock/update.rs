//! Making a lock: the entry of `hbuild lock`.

use std::collections::{BTreeMap, BTreeSet};

use hbuild_lang::recipe::Image;

use super::plan::{Plan, plan};
use super::resolve::{Answer, answers};
use super::suites::Suites;
use super::{Changes, Lock, LockError, LockedPackage, LockedVariant, Snapshot};
use crate::distro::debian::repository::Surroundings;
use crate::timestamp::Timestamp;

/// The images of one recipe file.
#[derive(Debug, Clone)]
pub struct RecipeImages<'a> {
    /// Its file name in the lock's folder.
    pub name: String,
    /// Its images at every point.
    pub images: &'a [Image],
}

/// What is to be locked anew.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Updated {
    /// What the recipes have outgrown: variants that are new or ask for something else than before.
    #[default]
    Outgrown,
    /// These packages, and what must move with them.
    Named(Vec<String>),
    /// Everything.
    All,
}

/// How a lock is made.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UpdateOptions {
    /// What is to be locked anew.
    pub update: Updated,
    /// Whether the recipes given are all there are beside the lock, so that what it has of others goes.
    pub whole_folder: bool,
}

/// A lock, and how it came to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockOutcome {
    /// The lock.
    pub lock: Lock,
    /// In what it differs from the one there was.
    pub changes: Changes,
}

/// The lock for `recipes`, given the one there was. A variant whose request is unchanged keeps its answer unless
/// `options` ask for more, so that the same call again changes nothing, whatever the archive does; with nothing
/// to resolve, the network is not used. `now` judges signatures and validity, and goes nowhere else.
pub fn update(
    recipes: &[RecipeImages<'_>],
    old: Option<&Lock>,
    options: &UpdateOptions,
    surroundings: Surroundings<'_>,
    now: Timestamp,
) -> Result<LockOutcome, LockError> {
    let empty = Lock::empty();
    let old = old.unwrap_or(&empty);
    let plan = plan(recipes, old, options)?;
    let suites = Suites::load(&plan, old, surroundings, now)?;
    let answers = answers(&plan, &suites)?;
    let lock = assemble(old, &plan, &suites, answers, options)?;
    let changes = Changes::between(old, &lock);
    Ok(LockOutcome { lock, changes })
}

fn assemble(
    old: &Lock,
    plan: &Plan<'_>,
    suites: &Suites,
    answers: Vec<Answer>,
    options: &UpdateOptions,
) -> Result<Lock, LockError> {
    let mut packages: BTreeMap<String, LockedPackage> = BTreeMap::new();
    let mut variants: Vec<LockedVariant> = plan.kept.iter().map(|variant| (*variant).clone()).collect();
    for package in plan.kept.iter().flat_map(|variant| old.packages_of(variant)) {
        packages.insert(package.reference(), package.clone());
    }
    for (group, answer) in plan.groups.iter().zip(answers) {
        let references: Vec<String> = answer.packages.iter().map(LockedPackage::reference).collect();
        for (reference, package) in references.iter().zip(answer.packages) {
            // What is locked already stays as it is, down to the index that vouches for it.
            let locked = packages.get(reference).or_else(|| old.package(reference));
            let same = locked.is_some_and(|locked| is_same_file(locked, &package));
            match locked {
                Some(locked) if same && options.update != Updated::All => {
                    packages.insert(reference.clone(), locked.clone());
                }
                Some(_) if !same && packages.contains_key(reference) => {
                    return Err(LockError::ChangedBytes { package: reference.clone() });
                }
                _ => {
                    packages.insert(reference.clone(), package);
                }
            }
        }
        variants.extend(group.members.iter().map(|member| LockedVariant {
            image: member.image.name.clone(),
            recipe: member.recipe.to_owned(),
            point: member.image.point.clone(),
            request: group.request.clone(),
            packages: references.clone(),
            cut: answer.cut.clone(),
        }));
    }
    let mut lock = Lock {
        version: old.version,
        snapshots: snapshots(old, suites, &packages, &variants)?,
        packages: packages.into_values().collect(),
        variants,
        roots: Vec::new(),
        git: Vec::new(),
    };
    lock.sort();
    Ok(lock)
}

fn is_same_file(one: &LockedPackage, other: &LockedPackage) -> bool {
    (one.sha256, one.size, &one.file) == (other.sha256, other.size, &other.file)
}

/// The snapshots of the new lock: those that a package is of, and the newest of each suite that a variant asks
/// for, against which the next update judges whether a mirror went back in time.
fn snapshots(
    old: &Lock,
    suites: &Suites,
    packages: &BTreeMap<String, LockedPackage>,
    variants: &[LockedVariant],
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
    let asked: BTreeSet<(&str, &str)> = variants
        .iter()
        .flat_map(|variant| &variant.request.repositories)
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
        let same = |other: &&super::SnapshotIndex| {
            (&other.component, &other.arch) == (&index.component, &index.arch)
        };
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
