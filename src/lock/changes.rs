//! In what two locks differ, as values and as a table for people.

use std::collections::{BTreeMap, BTreeSet};

use hbuild_lang::recipe::Point;
use serde::Serialize;

use super::{Lock, LockedVariant};
use crate::distro::debian::version;

/// In what a lock differs from the one before it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Changes {
    /// Variants that changed in the same way, together; sorted by the first of them.
    pub groups: Vec<ChangeGroup>,
    /// Signed indexes that the lock did not have before, by id.
    pub new_snapshots: Vec<String>,
}

/// Variants with the same changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ChangeGroup {
    /// Each variant as `<image> (<labels>)`, sorted.
    pub variants: Vec<String>,
    /// Whether the variants are new, changed or gone.
    pub kind: ChangeKind,
    /// Their packages that changed, sorted by name.
    pub packages: Vec<PackageChange>,
}

/// What became of a variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeKind {
    /// It was not locked before.
    New,
    /// Its packages changed.
    Changed,
    /// It is not locked any more.
    Gone,
}

/// A package that changed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct PackageChange {
    /// Its name, with `:<architecture>` where that is not the variant's.
    pub name: String,
    /// Its version before, if it was there.
    pub before: Option<String>,
    /// Its version now, if it is there.
    pub after: Option<String>,
}

type Identity<'a> = (&'a str, &'a str, &'a Point);

impl Changes {
    /// In what `new` differs from `old`.
    pub fn between(old: &Lock, new: &Lock) -> Self {
        let (before, after) = (variants(old), variants(new));
        let identities: BTreeSet<&Identity<'_>> = before.keys().chain(after.keys()).collect();
        let mut groups: BTreeMap<(ChangeKind, Vec<PackageChange>), Vec<String>> = BTreeMap::new();
        for identity in identities {
            let (old_variant, new_variant) = (before.get(identity), after.get(identity));
            let kind = match (old_variant, new_variant) {
                (None, _) => ChangeKind::New,
                (_, None) => ChangeKind::Gone,
                _ => ChangeKind::Changed,
            };
            let packages = package_changes(
                old_variant.map(|variant| versions(old, variant)).unwrap_or_default(),
                new_variant.map(|variant| versions(new, variant)).unwrap_or_default(),
            );
            if kind != ChangeKind::Changed || !packages.is_empty() {
                let label = format!("{} ({})", identity.1, super::check::describe_point(identity.2));
                groups.entry((kind, packages)).or_default().push(label);
            }
        }
        let mut groups: Vec<ChangeGroup> = groups
            .into_iter()
            .map(|((kind, packages), variants)| ChangeGroup { variants, kind, packages })
            .collect();
        groups.sort_by(|one, other| (&one.variants, one.kind).cmp(&(&other.variants, other.kind)));
        let known: BTreeSet<&str> = old.snapshots.iter().map(|snapshot| snapshot.id.as_str()).collect();
        let ids = new.snapshots.iter().map(|snapshot| snapshot.id.clone());
        Self { groups, new_snapshots: ids.filter(|id| !known.contains(id.as_str())).collect() }
    }

    /// Whether nothing changed for any variant.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// The changes as a table for people: under each group of variants its packages, `+` added, `-` removed,
    /// `^` upgraded, `v` downgraded.
    pub fn table(&self) -> String {
        let mut text = String::new();
        for group in &self.groups {
            let kind = match group.kind {
                ChangeKind::New => "new: ",
                ChangeKind::Changed => "",
                ChangeKind::Gone => "gone: ",
            };
            text.push_str(&format!("{kind}{}\n", group.variants.join(", ")));
            if group.kind == ChangeKind::Gone {
                continue;
            }
            let width = |cell: fn(&PackageChange) -> &str| {
                group.packages.iter().map(|change| cell(change).chars().count()).max().unwrap_or_default()
            };
            let names = width(|change| &change.name);
            let befores = width(|change| change.before.as_deref().unwrap_or_default());
            for change in &group.packages {
                text.push_str(change.row(names, befores).trim_end());
                text.push('\n');
            }
        }
        text
    }
}

impl PackageChange {
    fn row(&self, names: usize, befores: usize) -> String {
        let name = &self.name;
        match (&self.before, &self.after) {
            (Some(before), Some(after)) => {
                let mark = if version::compare(before, after).is_le() { '^' } else { 'v' };
                format!("  {mark} {name:names$}  {before:befores$} -> {after}")
            }
            (None, Some(after)) if befores == 0 => format!("  + {name:names$}  {after}"),
            (None, Some(after)) => format!("  + {name:names$}  {:befores$}    {after}", ""),
            (before, None) => format!("  - {name:names$}  {}", before.as_deref().unwrap_or_default()),
        }
    }
}

fn variants(lock: &Lock) -> BTreeMap<Identity<'_>, &LockedVariant> {
    let mut found = BTreeMap::new();
    for variant in &lock.variants {
        found.insert((variant.recipe.as_str(), variant.image.as_str(), &variant.point), variant);
    }
    found
}

/// The versions of a variant's packages by name; names of foreign architectures carry them.
fn versions(lock: &Lock, variant: &LockedVariant) -> BTreeMap<String, String> {
    let own = &variant.request.arch;
    let name = |package: &super::LockedPackage| {
        if package.arch == *own || package.arch == "all" {
            package.name.clone()
        } else {
            format!("{}:{}", package.name, package.arch)
        }
    };
    lock.packages_of(variant).into_iter().map(|package| (name(package), package.version.clone())).collect()
}

fn package_changes(before: BTreeMap<String, String>, after: BTreeMap<String, String>) -> Vec<PackageChange> {
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let change = |name: &String| PackageChange {
        name: name.clone(),
        before: before.get(name).cloned(),
        after: after.get(name).cloned(),
    };
    names.into_iter().map(change).filter(|change| change.before != change.after).collect()
}
