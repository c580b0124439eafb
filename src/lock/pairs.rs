//! What of one lock is what of another: variants by their names, roots, which have none, by what they are asked for.

use std::collections::{BTreeMap, BTreeSet};

use hbuild_lang::recipe::Point;

use super::check::describe_point;
use super::{Lock, LockedRoot, LockedVariant, Request};

/// Requested packages that a label names at most.
const NAMED: usize = 3;

/// A variant or root.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry<'a> {
    pub request: &'a Request,
    pub packages: &'a [String],
    /// Those of a root.
    recipes: &'a [String],
}

/// A variant or root as one lock has it, and as the other has it.
pub(super) struct Pair<'a> {
    /// What it is, for people.
    pub label: String,
    pub before: Option<Entry<'a>>,
    pub after: Option<Entry<'a>>,
}

impl<'a> From<&'a LockedVariant> for Entry<'a> {
    fn from(variant: &'a LockedVariant) -> Self {
        Self { request: &variant.request, packages: &variant.packages, recipes: &[] }
    }
}

impl<'a> From<&'a LockedRoot> for Entry<'a> {
    fn from(root: &'a LockedRoot) -> Self {
        Self { request: &root.request, packages: &root.packages, recipes: &root.recipes }
    }
}

/// Everything that `old` or `new` has: variants, then roots.
pub(super) fn pairs<'a>(old: &'a Lock, new: &'a Lock) -> Vec<Pair<'a>> {
    let (before, after) = (variants(old), variants(new));
    let identities: BTreeSet<&Identity<'_>> = before.keys().chain(after.keys()).collect();
    let pair = |identity: &Identity<'_>| Pair {
        label: format!("{} ({})", identity.1, describe_point(identity.2)),
        before: before.get(identity).copied(),
        after: after.get(identity).copied(),
    };
    let mut found: Vec<Pair<'a>> = identities.into_iter().map(pair).collect();
    found.extend(roots(old, new));
    found
}

/// Recipe, image and point.
type Identity<'a> = (&'a str, &'a str, &'a Point);

fn variants(lock: &Lock) -> BTreeMap<Identity<'_>, Entry<'_>> {
    let mut found = BTreeMap::new();
    for variant in &lock.variants {
        found.insert((variant.recipe.as_str(), variant.image.as_str(), &variant.point), variant.into());
    }
    found
}

/// Roots with one request are the same. One whose request is new was before, where a recipe has both, the one
/// that is gone and asked for the most of the same packages.
fn roots<'a>(old: &'a Lock, new: &'a Lock) -> Vec<Pair<'a>> {
    let mut gone: Vec<&LockedRoot> =
        old.roots.iter().filter(|root| new.root(&root.request).is_none()).collect();
    let mut found = Vec::new();
    for root in &new.roots {
        let same = old.root(&root.request);
        let before = same.or_else(|| {
            let at = (0..gone.len()).filter(|&at| may_be(gone[at], root));
            at.max_by_key(|&at| in_common(gone[at], root)).map(|at| gone.remove(at))
        });
        let before = before.map(Entry::from);
        found.push(Pair { label: label(root), before, after: Some(root.into()) });
    }
    found.extend(gone.into_iter().map(|root| Pair {
        label: label(root),
        before: Some(root.into()),
        after: None,
    }));
    found
}

fn may_be(old: &LockedRoot, new: &LockedRoot) -> bool {
    (&old.request.distro, &old.request.arch) == (&new.request.distro, &new.request.arch)
        && old.recipes.iter().any(|recipe| new.recipes.contains(recipe))
}

fn in_common(old: &LockedRoot, new: &LockedRoot) -> usize {
    old.request.packages.iter().filter(|package| new.request.packages.contains(package)).count()
}

/// `root of redis.hb: gcc, libc6-dev, make and 4 more (amd64, debian13)`.
fn label(root: &LockedRoot) -> String {
    let request = &root.request;
    let named: Vec<&str> = request.packages.iter().take(NAMED).map(String::as_str).collect();
    let more = match request.packages.len() - named.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let packages = if named.is_empty() { "no packages".to_owned() } else { named.join(", ") };
    format!("root of {}: {packages}{more} ({}, {})", root.recipes.join(", "), request.arch, request.distro)
}
