//! What an update has to do: which variants keep their answer, which requests are to be resolved, and what each
//! of them keeps where it can.

use std::collections::{BTreeMap, BTreeSet};

use hbuild_lang::recipe::{Family, Image, Repository};

use super::{Lock, LockError, LockedVariant, RecipeImages, Request, UpdateOptions, Updated, request_of};
use crate::distro::debian::relation::PackageRequest;
use crate::distro::debian::version;

/// Versions to keep, by name and architecture.
pub(super) type Favoured = BTreeMap<(String, String), String>;

/// Everything an update has to do.
pub(super) struct Plan<'a> {
    /// Variants that keep their answer.
    pub kept: Vec<&'a LockedVariant>,
    /// Requests to resolve, each once, in a fixed order.
    pub groups: Vec<Group<'a>>,
}

/// A request to resolve, and the variants that have it.
pub(super) struct Group<'a> {
    pub request: Request,
    pub parsed: Vec<PackageRequest>,
    pub favoured: Favoured,
    pub repositories: &'a [Repository],
    /// Never empty.
    pub members: Vec<Member<'a>>,
}

/// A variant to be locked anew.
#[derive(Clone, Copy)]
pub(super) struct Member<'a> {
    pub recipe: &'a str,
    pub image: &'a Image,
}

impl Group<'_> {
    /// The foreign architectures that packages are asked for of.
    pub fn foreign(&self) -> Vec<String> {
        let named = self.parsed.iter().filter_map(|package| package.arch.as_deref());
        let foreign =
            named.filter(|arch| !matches!(*arch, "all" | "any" | "native") && *arch != self.request.arch);
        foreign.map(str::to_owned).collect::<BTreeSet<_>>().into_iter().collect()
    }
}

/// The plan for `recipes` given the lock there was.
pub(super) fn plan<'a>(
    recipes: &'a [RecipeImages<'a>],
    old: &'a Lock,
    options: &UpdateOptions,
) -> Result<Plan<'a>, LockError> {
    let given: BTreeSet<&str> = recipes.iter().map(|recipe| recipe.name.as_str()).collect();
    let mut kept: Vec<&LockedVariant> = Vec::new();
    if !options.whole_folder {
        kept.extend(old.variants.iter().filter(|variant| !given.contains(variant.recipe.as_str())));
    }
    check_names(old, options)?;
    let mut groups: BTreeMap<(Request, Favoured), Group<'a>> = BTreeMap::new();
    for recipe in recipes {
        for image in recipe.images {
            refuse_unlockable(image)?;
            let request = request_of(image);
            let locked = old.variant(&recipe.name, &image.name, &image.point);
            let unchanged = locked.filter(|variant| variant.request == request);
            if let Some(variant) = unchanged.filter(|variant| !moves(variant, &options.update)) {
                kept.push(variant);
                continue;
            }
            let favoured = favoured(old, locked, &request, &options.update);
            let parse = |text: &String| text.parse::<PackageRequest>();
            let parsed = request.packages.iter().map(parse).collect::<Result<Vec<_>, _>>()?;
            let group = groups.entry((request.clone(), favoured.clone())).or_insert_with(|| Group {
                request,
                parsed,
                favoured,
                repositories: &image.repositories,
                members: Vec::new(),
            });
            group.members.push(Member { recipe: &recipe.name, image });
        }
    }
    Ok(Plan { kept, groups: groups.into_values().collect() })
}

/// Whether the update is to look at a variant whose request is unchanged.
fn moves(variant: &LockedVariant, update: &Updated) -> bool {
    match update {
        Updated::Outgrown => false,
        Updated::All => true,
        Updated::Named(names) => {
            variant.packages.iter().any(|reference| names.iter().any(|name| *name == name_of(reference)))
        }
    }
}

fn name_of(reference: &str) -> &str {
    reference.split('=').next().unwrap_or_default()
}

/// The versions that the answer to `request` keeps where it can: the variant's own, and for packages new to it
/// those that other variants of the same distribution and architecture have.
fn favoured(old: &Lock, locked: Option<&LockedVariant>, request: &Request, update: &Updated) -> Favoured {
    let names: &[String] = match update {
        Updated::All => return Favoured::new(),
        Updated::Named(names) => names,
        Updated::Outgrown => &[],
    };
    let alike = |variant: &&LockedVariant| {
        variant.request.distro == request.distro && variant.request.arch == request.arch
    };
    let mut favoured = Favoured::new();
    for variant in old.variants.iter().filter(alike) {
        for package in old.packages_of(variant) {
            let newest = favoured.entry((package.name.clone(), package.arch.clone())).or_default();
            if newest.is_empty() || version::compare(newest, &package.version).is_lt() {
                newest.clone_from(&package.version);
            }
        }
    }
    for package in
        locked.filter(|variant| alike(variant)).map(|variant| old.packages_of(variant)).into_iter().flatten()
    {
        favoured.insert((package.name.clone(), package.arch.clone()), package.version.clone());
    }
    favoured.retain(|(name, _), _| !names.contains(name));
    favoured
}

fn check_names(old: &Lock, options: &UpdateOptions) -> Result<(), LockError> {
    let Updated::Named(names) = &options.update else { return Ok(()) };
    for name in names {
        if !old.packages.iter().any(|package| package.name == *name) {
            let known: BTreeSet<&str> = old.packages.iter().map(|package| package.name.as_str()).collect();
            let close =
                known.into_iter().filter(|other| other.contains(name.as_str()) || name.contains(other));
            let suggestions = close.take(3).map(str::to_owned).collect();
            return Err(LockError::UnknownUpdate { name: name.clone(), suggestions });
        }
    }
    Ok(())
}

fn refuse_unlockable(image: &Image) -> Result<(), LockError> {
    if image.distro.family != Family::Debian {
        return Err(LockError::Distro { image: image.name.clone(), distro: image.distro.to_string() });
    }
    let with_credential = |repository: &&Repository| {
        let url = repository.url.as_deref().unwrap_or_default();
        super::request::without_credential(url) != url
    };
    match image.repositories.iter().find(with_credential) {
        Some(repository) => Err(LockError::Credential { repository: repository.name.clone() }),
        None => Ok(()),
    }
}
