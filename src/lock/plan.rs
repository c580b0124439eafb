//! What an update has to do: which variants and roots keep their answer, which requests are to be resolved, and
//! what each of them keeps where it can.

use std::collections::{BTreeMap, BTreeSet};

use hbuild_lang::recipe::{Build, Image, Located, Point, Repository};

use super::check::described;
use super::requested::Packages;
use super::suites::{SuiteKey, Unreachable, keys_of};
use super::{
    Lock, LockError, LockedRoot, LockedVariant, RecipeItems, Request, Unlocked, UnlockedItem, UpdateOptions,
    Updated, repositories_of, request_of, request_of_build,
};
use crate::distro::version;

/// Versions to keep, by name and architecture.
pub(super) type Favoured = BTreeMap<(String, String), String>;

/// Recipe, image and point of a variant.
pub(super) type VariantKey<'a> = (&'a str, &'a str, &'a Point);

/// Everything an update has to do.
pub(super) struct Plan<'a> {
    /// Variants that keep their answer.
    pub kept: Vec<&'a LockedVariant>,
    /// Roots that keep their answer, with the recipes that have them now.
    pub kept_roots: Vec<LockedRoot>,
    /// Requests to resolve, each once, in a fixed order.
    pub groups: Vec<Group<'a>>,
    /// What cannot be locked; what the lock had of it is among what is kept.
    pub unlocked: Vec<Unlocked>,
}

/// A request to resolve, and the variants and the root that have it.
pub(super) struct Group<'a> {
    pub request: Request,
    pub packages: Packages,
    pub favoured: Favoured,
    pub repositories: Vec<Repository>,
    /// The variant that its one member extends.
    pub base: Option<VariantKey<'a>>,
    /// Never empty.
    pub members: Vec<Member<'a>>,
}

/// What is to be locked anew.
pub(super) enum Member<'a> {
    /// A variant of an image.
    Variant { recipe: &'a str, image: &'a Image },
    /// The root of builds, of which the first stands for all.
    Root { recipes: BTreeSet<&'a str>, build: &'a Build },
}

/// What images and builds have alike.
#[derive(Clone, Copy)]
pub(super) struct Item<'a> {
    /// `image` or `build`.
    kind: &'static str,
    name: &'a str,
    point: &'a Point,
    repositories: &'a [Repository],
    /// Requested packages, in one list or two.
    pub requested: [&'a [Located<String>]; 2],
}

impl<'a> From<&'a Image> for Item<'a> {
    fn from(image: &'a Image) -> Self {
        Self {
            kind: "image",
            name: &image.name,
            point: &image.point,
            repositories: &image.repositories,
            requested: [&image.packages, &[]],
        }
    }
}

impl<'a> From<&'a Build> for Item<'a> {
    fn from(build: &'a Build) -> Self {
        Self {
            kind: "build",
            name: &build.name,
            point: &build.point,
            repositories: &build.repositories,
            requested: [&build.tools, &build.inputs],
        }
    }
}

impl Item<'_> {
    /// The item in messages.
    pub fn shown(&self) -> String {
        described(self.kind, self.name, self.point)
    }

    /// The item as one that the lock of `recipe` lacks.
    fn unlocked(&self, recipe: &str) -> UnlockedItem {
        UnlockedItem {
            recipe: recipe.to_owned(),
            kind: self.kind,
            name: self.name.to_owned(),
            point: self.point.clone(),
        }
    }
}

impl<'a> Member<'a> {
    pub fn item(&self) -> Item<'a> {
        match self {
            Self::Variant { image, .. } => (*image).into(),
            Self::Root { build, .. } => (*build).into(),
        }
    }
}

impl Group<'_> {
    /// The architectures that packages are asked for of: the request's own, and foreign ones behind it.
    pub fn architectures(&self) -> Vec<String> {
        let foreign = self.packages.architectures().filter(|arch| *arch != self.request.arch);
        let foreign: BTreeSet<String> = foreign.map(str::to_owned).collect();
        std::iter::once(self.request.arch.clone()).chain(foreign).collect()
    }

    /// What must be there to resolve it.
    fn suites(&self) -> BTreeSet<SuiteKey> {
        let architectures = self.architectures();
        let keys = |repository| keys_of(self.request.family(), repository, &architectures);
        self.repositories.iter().flat_map(keys).map(|(key, _)| key).collect()
    }
}

/// A plan under construction.
struct Planning<'a> {
    old: &'a Lock,
    update: &'a Updated,
    pools: BTreeMap<(&'a str, &'a str), Favoured>,
    groups: BTreeMap<(Request, Favoured, Option<VariantKey<'a>>), Group<'a>>,
}

/// The plan for `recipes` given the lock there was.
pub(super) fn plan<'a>(
    recipes: &'a [RecipeItems<'a>],
    old: &'a Lock,
    options: &'a UpdateOptions,
) -> Result<Plan<'a>, LockError> {
    let given: BTreeSet<&str> = recipes.iter().map(|recipe| recipe.name.as_str()).collect();
    let stays = |recipe: &str| !options.whole_folder && !given.contains(recipe);
    let mut kept: Vec<_> = old.variants.iter().filter(|variant| stays(&variant.recipe)).collect();
    check_names(old, options)?;
    let update = &options.update;
    let mut planning = Planning { old, update, pools: pools(old, update), groups: BTreeMap::new() };
    for recipe in recipes {
        let mut images: Vec<(Vec<&Image>, &Image)> =
            recipe.images.iter().chain(recipe.bases).map(|image| (bases_of(recipe, image), image)).collect();
        // What an image extends comes before it.
        images.sort_by_key(|(bases, _)| bases.len());
        let mut moving: BTreeSet<(&str, &Point)> = BTreeSet::new();
        for (bases, image) in images {
            refuse_credential(image.into())?;
            let locked = old.variant(&recipe.name, &image.name, &image.point);
            let request = request_of(image, &bases);
            let unchanged = locked.filter(|variant| variant.request == request);
            let base = bases.first().map(|base| (recipe.name.as_str(), base.name.as_str(), &base.point));
            let stays = |variant: &&LockedVariant| {
                base.is_none_or(|(recipe, name, point)| {
                    let base = old.variant(recipe, name, point);
                    let holds =
                        |base: &LockedVariant| base.packages.iter().all(|it| variant.packages.contains(it));
                    !moving.contains(&(name, point)) && base.is_some_and(holds)
                })
            };
            if let Some(variant) = unchanged.filter(|it| !moves(&it.packages, update)).filter(stays) {
                kept.push(variant);
                continue;
            }
            moving.insert((&image.name, &image.point));
            let own = locked.map(|variant| (&variant.request, &variant.packages[..]));
            let repositories = repositories_of(image, &bases);
            planning.add(
                (request, repositories, base),
                own,
                Member::Variant { recipe: &recipe.name, image },
            )?;
        }
    }
    let mut kept_roots = Vec::new();
    for (request, WantedRoot { recipes, build }) in wanted_roots(recipes, old, stays)? {
        let locked = old.root(&request);
        match (locked, build) {
            (Some(root), build) if build.is_none() || !moves(&root.packages, update) => {
                kept_roots.push(with_recipes(root, &recipes));
            }
            (_, Some(build)) => {
                let own = locked.map(|root| (&root.request, &root.packages[..]));
                let repositories = build.repositories.to_vec();
                planning.add((request, repositories, None), own, Member::Root { recipes, build })?;
            }
            (_, None) => {}
        }
    }
    let groups = planning.groups.into_values().collect();
    Ok(Plan { kept, kept_roots, groups, unlocked: Vec::new() })
}

fn with_recipes(root: &LockedRoot, recipes: &BTreeSet<&str>) -> LockedRoot {
    let recipes = recipes.iter().map(|&recipe| recipe.to_owned()).collect();
    LockedRoot { recipes, ..root.clone() }
}

impl<'a> Plan<'a> {
    /// Takes out the groups that need a suite which could not be had. What `old` has for them stays.
    pub fn without(&mut self, unreachable: Vec<Unreachable>, old: &'a Lock) {
        for Unreachable { suites, reason } in unreachable {
            let needs = |group: &mut Group<'_>| !group.suites().is_disjoint(&suites);
            let mut items = Vec::new();
            for member in self.groups.extract_if(.., needs).flat_map(|group| group.members) {
                let item = member.item();
                match &member {
                    Member::Variant { recipe, image } => {
                        items.push(item.unlocked(recipe));
                        self.kept.extend(old.variant(recipe, &image.name, &image.point));
                    }
                    Member::Root { recipes, build } => {
                        items.extend(recipes.iter().map(|recipe| item.unlocked(recipe)));
                        let locked = old.root(&request_of_build(build));
                        self.kept_roots.extend(locked.map(|root| with_recipes(root, recipes)));
                    }
                }
            }
            if !items.is_empty() {
                self.unlocked.push(Unlocked { items, reason });
            }
        }
    }
}

/// The images that `image` extends, the nearest first.
fn bases_of<'a>(recipe: &RecipeItems<'a>, image: &'a Image) -> Vec<&'a Image> {
    let (images, bases) = (recipe.images, recipe.bases);
    hbuild_lang::recipe::chain(image, &|base| {
        images.iter().chain(bases).find(|image| image.name == base.image && image.point == base.point)
    })
}

/// Who wants a root.
#[derive(Default)]
struct WantedRoot<'a> {
    recipes: BTreeSet<&'a str>,
    /// The first of the builds given that has it; none where only other recipes do.
    build: Option<&'a Build>,
}

/// Every root that a build has, by its request; with those of the recipes that are not given and stay.
fn wanted_roots<'a>(
    recipes: &'a [RecipeItems<'a>],
    old: &'a Lock,
    stays: impl Fn(&str) -> bool,
) -> Result<BTreeMap<Request, WantedRoot<'a>>, LockError> {
    let mut wanted: BTreeMap<Request, WantedRoot<'a>> = BTreeMap::new();
    for root in &old.roots {
        let recipes: BTreeSet<&str> =
            root.recipes.iter().map(String::as_str).filter(|recipe| stays(recipe)).collect();
        if !recipes.is_empty() {
            wanted.insert(root.request.clone(), WantedRoot { recipes, build: None });
        }
    }
    for recipe in recipes {
        for build in recipe.builds {
            refuse_credential(build.into())?;
            let root = wanted.entry(request_of_build(build)).or_default();
            root.recipes.insert(&recipe.name);
            root.build.get_or_insert(build);
        }
    }
    Ok(wanted)
}

impl<'a> Planning<'a> {
    /// Has `request` resolved for `member`, which had the answer `own` before.
    fn add(
        &mut self,
        (request, repositories, base): (Request, Vec<Repository>, Option<VariantKey<'a>>),
        own: Option<(&Request, &[String])>,
        member: Member<'a>,
    ) -> Result<(), LockError> {
        let favoured = self.favoured(&request, own);
        let packages = Packages::parse(request.family(), &request.packages)?;
        let key = (request.clone(), favoured.clone(), base);
        let group = Group { request, packages, favoured, repositories, base, members: Vec::new() };
        self.groups.entry(key).or_insert(group).members.push(member);
        Ok(())
    }

    /// The versions that the answer to `request` keeps where it can: those it had, and for packages new to it
    /// those that others of the same distribution and architecture have.
    fn favoured(&self, request: &Request, own: Option<(&Request, &[String])>) -> Favoured {
        let mut favoured = self.pools.get(&pool_of(request)).cloned().unwrap_or_default();
        let own = own.filter(|(locked, _)| pool_of(locked) == pool_of(request));
        if *self.update != Updated::All {
            for package in own.map(|(_, packages)| self.old.packages_of(packages)).unwrap_or_default() {
                favoured.insert((package.name.clone(), package.arch.clone()), package.version.clone());
            }
        }
        if let Updated::Named(names) = self.update {
            favoured.retain(|(name, _), _| !names.contains(name));
        }
        favoured
    }
}

/// What requests must have alike for their answers to share versions: distribution and architecture.
fn pool_of(request: &Request) -> (&str, &str) {
    (&request.distro, &request.arch)
}

/// The newest locked version of each package, for each distribution and architecture; none where all move.
fn pools<'a>(old: &'a Lock, update: &Updated) -> BTreeMap<(&'a str, &'a str), Favoured> {
    if *update == Updated::All {
        return BTreeMap::new();
    }
    let variants = old.variants.iter().map(|variant| (&variant.request, &variant.packages));
    let roots = old.roots.iter().map(|root| (&root.request, &root.packages));
    let mut used: BTreeMap<(&str, &str), BTreeSet<&String>> = BTreeMap::new();
    for (request, packages) in variants.chain(roots) {
        used.entry(pool_of(request)).or_default().extend(packages);
    }
    let mut pools = BTreeMap::new();
    for (key, references) in used {
        let mut pool = Favoured::new();
        for package in references.into_iter().filter_map(|reference| old.package(reference)) {
            let newest = pool.entry((package.name.clone(), package.arch.clone())).or_default();
            if newest.is_empty() || version::compare(package.family(), newest, &package.version).is_lt() {
                newest.clone_from(&package.version);
            }
        }
        pools.insert(key, pool);
    }
    pools
}

/// Whether the update is to look at an answer whose request is unchanged.
fn moves(packages: &[String], update: &Updated) -> bool {
    match update {
        Updated::Outgrown => false,
        Updated::All => true,
        Updated::Named(names) => {
            packages.iter().any(|reference| names.iter().any(|name| *name == name_of(reference)))
        }
    }
}

fn name_of(reference: &str) -> &str {
    reference.split('=').next().unwrap_or_default()
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

fn refuse_credential(item: Item<'_>) -> Result<(), LockError> {
    let with_credential = |repository: &&Repository| {
        let url = repository.url.as_deref().unwrap_or_default();
        super::request::without_credential(url) != url
    };
    match item.repositories.iter().find(with_credential) {
        Some(repository) => Err(LockError::Credential { item: format!("repository `{}`", repository.name) }),
        None => Ok(()),
    }
}
