//! Making a lock: the entry of `hbuild lock`.

use std::collections::{BTreeMap, BTreeSet};

use hbuild_lang::recipe::{Build, Image, Source};

use super::git::locked_git;
use super::oci::locked_oci;
use super::plan::{Group, Member, Plan, plan};
use super::resolve::{Answer, answers};
use super::snapshots::snapshots;
use super::suites::Suites;
use super::{
    Changes, GitKey, Lock, LockError, LockedPackage, LockedPlatform, LockedRoot, LockedVariant, OciKey,
    Unlocked,
};
use crate::digest::Sha256;
use crate::distro::surroundings::Surroundings;
use crate::timestamp::Timestamp;

/// What one recipe file has that is locked.
#[derive(Debug, Clone, Default)]
pub struct RecipeItems<'a> {
    /// Its file name in the lock's folder.
    pub name: String,
    /// Its images at every point.
    pub images: &'a [Image],
    /// The images of imported files that those extend.
    pub bases: &'a [Image],
    /// Its builds at every point.
    pub builds: &'a [Build],
    /// Its sources at every point.
    pub sources: &'a [Source],
}

/// What is to be locked anew.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Updated {
    /// What the recipes have outgrown: variants and roots that are new or ask for something else than before.
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
    /// The digests of git sources that the lock there was does not have; those that could not be had are left out,
    /// others are left alone.
    pub git: BTreeMap<GitKey, Sha256>,
    /// What every image of a registry has that the lock there was does not know; others are left alone.
    pub oci: BTreeMap<OciKey, Vec<LockedPlatform>>,
}

/// A lock, and how it came to be.
#[derive(Debug)]
pub struct LockOutcome {
    /// The lock.
    pub lock: Lock,
    /// In what it differs from the one there was.
    pub changes: Changes,
    /// What it does not have, or not as the recipes have it now.
    pub unlocked: Vec<Unlocked>,
}

/// The lock for `recipes`, given the one there was. A variant whose request is unchanged keeps its answer unless
/// `options` ask for more, so that the same call again changes nothing, whatever the archive does; with nothing
/// to resolve, the network is not used. What is of a suite that no mirror gives is left as it was, and named; where
/// nothing else is left, that is the error. `now` judges signatures and validity, and goes nowhere else.
pub fn update(
    recipes: &[RecipeItems<'_>],
    old: Option<&Lock>,
    options: &UpdateOptions,
    surroundings: Surroundings<'_>,
    now: Timestamp,
) -> Result<LockOutcome, LockError> {
    let empty = Lock::empty();
    let old = old.unwrap_or(&empty);
    let mut plan = plan(recipes, old, options)?;
    let (suites, unreachable) = Suites::load(&plan, old, surroundings, now)?;
    plan.without(unreachable, old);
    let nothing = plan.kept.is_empty() && plan.kept_roots.is_empty() && plan.groups.is_empty();
    if nothing && !plan.unlocked.is_empty() {
        return Err(plan.unlocked.swap_remove(0).reason);
    }
    let answers = answers(&plan, old, &suites)?;
    let lock = assemble(recipes, old, &plan, (&suites, answers), options)?;
    let changes = Changes::between(old, &lock);
    Ok(LockOutcome { lock, changes, unlocked: plan.unlocked })
}

fn assemble(
    recipes: &[RecipeItems<'_>],
    old: &Lock,
    plan: &Plan<'_>,
    (suites, answers): (&Suites, Vec<Answer>),
    options: &UpdateOptions,
) -> Result<Lock, LockError> {
    let mut packages: BTreeMap<String, LockedPackage> = BTreeMap::new();
    let mut lock = Lock {
        version: old.version,
        variants: plan.kept.iter().map(|variant| (*variant).clone()).collect(),
        roots: plan.kept_roots.clone(),
        git: locked_git(recipes, old, options),
        oci: locked_oci(recipes, old, options)?,
        ..Lock::default()
    };
    let kept = lock.variants.iter().map(|variant| &variant.packages);
    let kept: BTreeSet<&String> =
        kept.chain(lock.roots.iter().map(|root| &root.packages)).flatten().collect();
    for reference in kept {
        packages.extend(old.package(reference).map(|package| (reference.clone(), package.clone())));
    }
    for (group, Answer { packages: answer, cut }) in plan.groups.iter().zip(answers) {
        let references: Vec<String> = answer.iter().map(LockedPackage::reference).collect();
        for (reference, package) in references.iter().zip(answer) {
            take(&mut packages, reference, package, old, options)?;
        }
        add_members(&mut lock, group, &references, &cut);
    }
    lock.snapshots = snapshots(old, suites, &packages, &lock)?;
    lock.packages = packages.into_values().collect();
    lock.sort();
    Ok(lock)
}

/// Takes a package of an answer. What is locked already stays as it is, down to the index that vouches for it.
fn take(
    packages: &mut BTreeMap<String, LockedPackage>,
    reference: &str,
    package: LockedPackage,
    old: &Lock,
    options: &UpdateOptions,
) -> Result<(), LockError> {
    let locked = packages.get(reference).or_else(|| old.package(reference));
    let same = locked.is_some_and(|locked| is_same_file(locked, &package));
    let taken = match locked {
        Some(locked) if same && options.update != Updated::All => locked.clone(),
        Some(_) if !same && packages.contains_key(reference) => {
            return Err(LockError::ChangedBytes { package: reference.to_owned() });
        }
        _ => package,
    };
    packages.insert(reference.to_owned(), taken);
    Ok(())
}

/// Gives the members of `group` their answer.
fn add_members(lock: &mut Lock, group: &Group<'_>, packages: &[String], cut: &[String]) {
    for member in &group.members {
        let (request, packages, cut) = (group.request.clone(), packages.to_vec(), cut.to_vec());
        match member {
            Member::Variant { recipe, image } => lock.variants.push(LockedVariant {
                image: image.name.clone(),
                recipe: (*recipe).to_owned(),
                point: image.point.clone(),
                request,
                packages,
                cut,
            }),
            Member::Root { recipes, .. } => {
                let recipes = recipes.iter().map(|&recipe| recipe.to_owned()).collect();
                lock.roots.push(LockedRoot { recipes, request, packages, cut });
            }
        }
    }
}

fn is_same_file(one: &LockedPackage, other: &LockedPackage) -> bool {
    (one.sha256, one.checksum, one.size, &one.file) == (other.sha256, other.checksum, other.size, &other.file)
}
