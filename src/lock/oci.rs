//! Images of registries in a lock: which of them a recipe takes, for which architectures, and what of them is not
//! locked yet.

use std::collections::{BTreeMap, BTreeSet};

use hbuild_lang::recipe::{Arch, Build, ContentKind, Image, Place, Point, Recipe, Source, SourceFrom};

use super::check::described;
use super::unlocked::unlocked_sources;
use super::{
    Difference, Lock, LockError, LockedOci, LockedPlatform, OciKey, RecipeFile, RecipeItems, UnlockedItem,
    UpdateOptions,
};

/// What `source` is known by in a lock, where it comes from a registry.
pub fn key_of(source: &Source) -> Option<OciKey> {
    match &source.from {
        SourceFrom::Oci { name, digest, .. } => {
            Some((name.clone(), digest.parse().expect("evaluation checked the digest")))
        }
        _ => None,
    }
}

/// The architecture that is taken of `source` for something that is for `arch`: its own where it varies over it.
pub fn arch_of(source: &Source, arch: Arch) -> Arch {
    let own = source.point.get("arch").map(String::as_str);
    [Arch::Amd64, Arch::Arm64].into_iter().find(|arch| own == Some(arch.as_str())).unwrap_or(arch)
}

/// The images of registries that `recipes` take and `old` does not know, sorted. Whoever calls
/// [`update`](super::update) looks at them first.
pub fn unlocked_oci(recipes: &[RecipeItems<'_>], old: Option<&Lock>) -> Vec<OciKey> {
    let wanted: BTreeSet<OciKey> =
        recipes.iter().flat_map(|recipe| recipe.sources).filter_map(key_of).collect();
    let known = |key: &OciKey| old.is_some_and(|old| old.oci(key).is_some());
    wanted.into_iter().filter(|key| !known(key)).collect()
}

/// The sources of `recipes` that are this image.
pub fn with_oci_key(recipes: &[RecipeItems<'_>], key: &OciKey) -> Vec<UnlockedItem> {
    unlocked_sources(recipes, |source| key_of(source).as_ref() == Some(key))
}

/// The images of registries of the new lock.
pub(super) fn locked_oci(
    recipes: &[RecipeItems<'_>],
    old: &Lock,
    options: &UpdateOptions,
) -> Result<Vec<LockedOci>, LockError> {
    let given: BTreeSet<&str> = recipes.iter().map(|recipe| recipe.name.as_str()).collect();
    let mut found: BTreeMap<OciKey, LockedOci> = BTreeMap::new();
    for oci in old.oci.iter().filter(|_| !options.whole_folder) {
        let others = oci.recipes.iter().filter(|recipe| !given.contains(recipe.as_str())).cloned();
        let recipes: Vec<String> = others.collect();
        if !recipes.is_empty() {
            found.insert(oci.key(), LockedOci { recipes, ..oci.clone() });
        }
    }
    for recipe in recipes {
        let keys: BTreeSet<OciKey> = recipe.sources.iter().filter_map(key_of).collect();
        for key in keys {
            let known = old.oci(&key).map(|oci| &oci.platforms).or_else(|| options.oci.get(&key));
            let Some(platforms) = known else { continue };
            let entry = found.entry(key.clone()).or_insert_with(|| LockedOci {
                name: key.0.clone(),
                digest: key.1,
                recipes: Vec::new(),
                platforms: platforms.clone(),
            });
            entry.recipes.push(recipe.name.clone());
        }
        let locked = |key: &OciKey| found.get(key);
        for used in uses(recipe.images.iter().chain(recipe.bases), recipe.builds, recipe.sources) {
            if let Some(oci) = locked(&used.key) {
                used.platform(oci)?;
            }
        }
    }
    Ok(found.into_values().collect())
}

/// Holds the images of registries that a recipe takes against its lock.
pub fn check_oci(recipe: RecipeFile<'_>, value: &Recipe, lock: Option<&Lock>) -> Result<(), LockError> {
    for source in &value.sources {
        let Some(key) = key_of(source) else { continue };
        let shown = recipe.shown.to_owned();
        let lock = lock.ok_or_else(|| LockError::Missing { recipe: shown.clone() })?;
        if lock.oci(&key).is_some() {
            continue;
        }
        let reference = |(name, digest): &OciKey| format!("{name}@{}", digest.to_oci());
        let wanted: BTreeSet<OciKey> = value.sources.iter().filter_map(key_of).collect();
        let same =
            |oci: &&LockedOci| oci.name == key.0 && oci.recipes.iter().any(|other| other == recipe.name);
        let old = lock.oci.iter().filter(same).map(LockedOci::key).filter(|old| !wanted.contains(old));
        return Err(LockError::Outgrown {
            recipe: shown,
            item: described("source", &source.name, &source.point),
            differences: vec![Difference {
                what: "oci",
                added: vec![reference(&key)],
                removed: old.map(|old| reference(&old)).collect(),
            }],
        });
    }
    for used in uses(value.images.iter().chain(&value.bases), &value.builds, &value.sources) {
        if let Some(oci) = lock.and_then(|lock| lock.oci(&used.key)) {
            used.platform(oci)?;
        }
    }
    Ok(())
}

/// What an image or build takes of a registry's image.
struct Use {
    key: OciKey,
    arch: Arch,
    item: String,
    place: Place,
}

impl Use {
    fn platform<'l>(&self, oci: &'l LockedOci) -> Result<&'l LockedPlatform, LockError> {
        oci.platform(self.arch).ok_or_else(|| LockError::Platform {
            reference: format!("{}@{}", oci.name, oci.digest.to_oci()),
            arch: self.arch,
            item: self.item.clone(),
            place: self.place.clone(),
            there: oci.platforms.iter().map(|it| it.arch.as_str()).collect::<Vec<_>>().join(", "),
        })
    }
}

fn uses<'i>(images: impl Iterator<Item = &'i Image>, builds: &[Build], sources: &[Source]) -> Vec<Use> {
    let by_name: BTreeMap<(&str, &Point), &Source> =
        sources.iter().map(|source| ((source.name.as_str(), &source.point), source)).collect();
    let mut found = Vec::new();
    let mut note = |name: &str, point: &Point, arch: Arch, place: &Place, item: &dyn Fn() -> String| {
        let Some(source) = by_name.get(&(name, point)) else { return };
        let Some(key) = key_of(source) else { return };
        found.push(Use { key, arch: arch_of(source, arch), item: item(), place: place.clone() });
    };
    for image in images {
        let contents = image.contents.iter().filter(|content| content.value.kind == ContentKind::Source);
        for content in contents {
            let item = || described("image", &image.name, &image.point);
            note(&content.value.source, &content.value.point, image.arch, &content.place, &item);
        }
    }
    for build in builds {
        let item = || described("build", &build.name, &build.point);
        let contents = build.contents.iter().filter(|content| content.value.kind == ContentKind::Source);
        for content in contents {
            note(&content.value.source, &content.value.point, build.arch, &content.place, &item);
        }
        for used in build.sources.values() {
            note(&used.value.source, &used.value.point, build.arch, &used.place, &item);
        }
    }
    found
}

impl Lock {
    /// What is locked of an image of a registry.
    pub fn oci(&self, key: &OciKey) -> Option<&LockedOci> {
        self.oci.iter().find(|oci| oci.name == key.0 && oci.digest == key.1)
    }
}
