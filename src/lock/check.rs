//! Whether a lock still answers what the recipe asks.

use std::collections::BTreeMap;

use hbuild_lang::recipe::{Image, Point};

use super::{Lock, LockError, LockedGit, LockedPackage, LockedRoot, LockedVariant, Request, request_of};
use crate::digest::Sha256;

/// A recipe file beside a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecipeFile<'a> {
    /// Its file name in the lock's folder.
    pub name: &'a str,
    /// As the user named it, for messages.
    pub shown: &'a str,
}

/// The locked variant of `image`, whose request is the recipe's. Never resolves and needs no index: a lock
/// that does not fit is an error that names the difference and the command to run.
pub fn check<'a>(
    recipe: RecipeFile<'_>,
    image: &Image,
    lock: Option<&'a Lock>,
) -> Result<&'a LockedVariant, LockError> {
    let shown = || recipe.shown.to_owned();
    let lock = lock.ok_or_else(|| LockError::Missing { recipe: shown() })?;
    let (name, point) = (|| image.name.clone(), || describe_point(&image.point));
    let variant = lock
        .variant(recipe.name, &image.name, &image.point)
        .ok_or_else(|| LockError::NoVariant { recipe: shown(), image: name(), point: point() })?;
    let differences = variant.request.differences(&request_of(image));
    if differences.is_empty() {
        Ok(variant)
    } else {
        Err(LockError::Outgrown { recipe: shown(), image: name(), point: point(), differences })
    }
}

impl Lock {
    /// The entry for the image `image` of the recipe file `recipe` at `point`.
    pub fn variant(&self, recipe: &str, image: &str, point: &Point) -> Option<&LockedVariant> {
        self.variants
            .iter()
            .find(|entry| entry.recipe == recipe && entry.image == image && entry.point == *point)
    }

    /// The digests of all git sources, by URL, commit, and whether submodules are there.
    pub fn git_digests(&self) -> BTreeMap<(String, String, bool), Sha256> {
        let key = |git: &LockedGit| (git.url.clone(), git.commit.clone(), git.submodules);
        self.git.iter().map(|git| (key(git), git.sha256)).collect()
    }

    /// The packages of the root that `request` asks for.
    pub fn root(&self, request: &Request) -> Option<&LockedRoot> {
        self.roots.iter().find(|root| root.request == *request)
    }

    /// The package that a variant names by `reference`.
    pub fn package(&self, reference: &str) -> Option<&LockedPackage> {
        let name = reference.split('=').next().unwrap_or_default();
        let start = self.packages.partition_point(|package| package.name.as_str() < name);
        self.packages[start..]
            .iter()
            .take_while(|package| package.name == name)
            .find(|package| package.reference() == reference)
    }

    /// The packages of a variant, in its order.
    pub fn packages_of(&self, variant: &LockedVariant) -> Vec<&LockedPackage> {
        variant.packages.iter().filter_map(|reference| self.package(reference)).collect()
    }
}

/// A point in words: `amd64, debian12`.
pub(super) fn describe_point(point: &Point) -> String {
    point.values().map(String::as_str).collect::<Vec<_>>().join(", ")
}
