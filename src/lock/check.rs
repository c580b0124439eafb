//! Whether a lock still answers what the recipe asks.

use std::collections::BTreeMap;

use hbuild_lang::recipe::{Build, Image, Point};

use super::{
    Difference, GitKey, Lock, LockError, LockedGit, LockedPackage, LockedRoot, LockedVariant, Request,
    request_of, request_of_build,
};
use crate::digest::Sha256;

/// A recipe file beside a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecipeFile<'a> {
    /// Its file name in the lock's folder.
    pub name: &'a str,
    /// As the user named it, for messages.
    pub shown: &'a str,
}

/// The locked variant of `image`, which extends `bases`; its request is the recipe's. Never resolves and needs no index: a lock
/// that does not fit is an error that names the difference and the command to run.
pub fn check<'a>(
    recipe: RecipeFile<'_>,
    (image, bases): (&Image, &[&Image]),
    lock: Option<&'a Lock>,
) -> Result<&'a LockedVariant, LockError> {
    let shown = || recipe.shown.to_owned();
    let lock = lock.ok_or_else(|| LockError::Missing { recipe: shown() })?;
    let item = || described("image", &image.name, &image.point);
    let variant = lock
        .variant(recipe.name, &image.name, &image.point)
        .ok_or_else(|| LockError::NoVariant { recipe: shown(), item: item() })?;
    let mut differences = variant.request.differences(&request_of(image, bases));
    if let Some((base, further)) = bases.split_first() {
        let base = check(recipe, (base, further), Some(lock))?;
        let missing = base.packages.iter().filter(|package| !variant.packages.contains(package));
        let added: Vec<String> = missing.cloned().collect();
        if !added.is_empty() {
            differences.push(Difference { what: "packages of what it extends", added, removed: Vec::new() });
        }
    }
    if differences.is_empty() {
        Ok(variant)
    } else {
        Err(LockError::Outgrown { recipe: shown(), item: item(), differences })
    }
}

/// The locked root of `build`, as [`check`] finds the variant of an image.
pub fn check_build<'a>(
    recipe: RecipeFile<'_>,
    build: &Build,
    lock: Option<&'a Lock>,
) -> Result<&'a LockedRoot, LockError> {
    let shown = || recipe.shown.to_owned();
    let lock = lock.ok_or_else(|| LockError::Missing { recipe: shown() })?;
    let request = request_of_build(build);
    let has = |root: &&LockedRoot| root.recipes.iter().any(|other| other == recipe.name);
    if let Some(root) = lock.root(&request).filter(has) {
        return Ok(root);
    }
    // Roots have no names: what this one was before is the one that differs least.
    let alike = |root: &&LockedRoot| {
        root.request.distro == request.distro && root.request.arch == request.arch && root.request != request
    };
    let nearest = lock
        .roots
        .iter()
        .filter(has)
        .filter(alike)
        .map(|root| root.request.differences(&request))
        .min_by_key(|differences| {
            differences.iter().map(|one| one.added.len() + one.removed.len()).sum::<usize>()
        });
    let item = described("build", &build.name, &build.point);
    Err(match nearest {
        Some(differences) => LockError::Outgrown { recipe: shown(), item, differences },
        None => LockError::NoVariant { recipe: shown(), item },
    })
}

impl Lock {
    /// The entry for the image `image` of the recipe file `recipe` at `point`.
    pub fn variant(&self, recipe: &str, image: &str, point: &Point) -> Option<&LockedVariant> {
        self.variants
            .iter()
            .find(|entry| entry.recipe == recipe && entry.image == image && entry.point == *point)
    }

    /// The digests of all git sources.
    pub fn git_digests(&self) -> BTreeMap<GitKey, Sha256> {
        self.git.iter().map(|git| (LockedGit::key(git), git.sha256)).collect()
    }

    /// The packages of the root that `request` asks for.
    pub fn root(&self, request: &Request) -> Option<&LockedRoot> {
        let found = self.roots.binary_search_by(|root| root.request.cmp(request));
        found.ok().map(|at| &self.roots[at])
    }

    /// The package that a variant or root names by `reference`.
    pub fn package(&self, reference: &str) -> Option<&LockedPackage> {
        let name = reference.split('=').next().unwrap_or_default();
        let start = self.packages.partition_point(|package| package.name.as_str() < name);
        self.packages[start..]
            .iter()
            .take_while(|package| package.name == name)
            .find(|package| package.reference() == reference)
    }

    /// The packages that a variant or root names by `references`, in this order.
    pub fn packages_of(&self, references: &[String]) -> Vec<&LockedPackage> {
        references.iter().filter_map(|reference| self.package(reference)).collect()
    }
}

/// A point in words: `amd64, debian12`.
pub(super) fn describe_point(point: &Point) -> String {
    point.values().map(String::as_str).collect::<Vec<_>>().join(", ")
}

/// An item at its point in messages: ``image `redis` (amd64, debian12)``.
pub(super) fn described(kind: &str, name: &str, point: &Point) -> String {
    match point.is_empty() {
        true => format!("{kind} `{name}`"),
        false => format!("{kind} `{name}` ({})", describe_point(point)),
    }
}
