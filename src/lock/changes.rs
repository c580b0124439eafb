//! In what two locks differ, as values and as a table for people.

use std::collections::{BTreeMap, BTreeSet};

use hbuild_lang::recipe::Family;
use serde::Serialize;

use super::pairs::{Entry, Pair, pairs};
use super::{Lock, OciKey};
use crate::distro::version;

/// In what a lock differs from the one before it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Changes {
    /// Variants and roots that changed in the same way, together; sorted by the first of them.
    pub groups: Vec<ChangeGroup>,
    /// Git sources that changed, sorted.
    pub git: Vec<GitChange>,
    /// Images of registries that changed, sorted.
    pub oci: Vec<OciChange>,
    /// Signed indexes that the lock did not have before, by id.
    pub new_snapshots: Vec<String>,
}

/// Variants and roots with the same changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ChangeGroup {
    /// Each variant as `<image> (<labels>)`, each root as `root of <recipes>: <packages> (<arch>, <distro>)`; sorted.
    pub variants: Vec<String>,
    /// Whether they are new, changed or gone.
    pub kind: ChangeKind,
    /// Their packages that changed, sorted by name; none where only the request did, or who has it.
    pub packages: Vec<PackageChange>,
}

/// What became of a variant, a root or a git source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeKind {
    /// It was not locked before.
    New,
    /// Its packages changed, or what is asked for.
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
    /// Whether its version now is lower than before.
    #[serde(skip)]
    pub downgrade: bool,
}

/// A git source that a lock has and the other has not.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct GitChange {
    /// Its URL.
    pub url: String,
    /// The commit.
    pub commit: String,
    /// Whether the trees of submodules are there too.
    pub submodules: bool,
    /// Whether it is new or gone; changed where only the recipes did that have it.
    pub kind: ChangeKind,
}

/// An image of a registry that a lock has and the other has not.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct OciChange {
    /// Name and digest: `docker.io/library/alpine@sha256:…`.
    pub reference: String,
    /// Whether it is new or gone; changed where only the recipes did that have it.
    pub kind: ChangeKind,
}

impl Changes {
    /// In what `new` differs from `old`.
    pub fn between(old: &Lock, new: &Lock) -> Self {
        let mut groups: BTreeMap<(ChangeKind, Vec<PackageChange>), Vec<String>> = BTreeMap::new();
        for Pair { label, before, after } in pairs(old, new) {
            let kind = match (&before, &after) {
                (None, _) => ChangeKind::New,
                (_, None) => ChangeKind::Gone,
                (Some(one), Some(other)) if one == other => continue,
                _ => ChangeKind::Changed,
            };
            let request = after.as_ref().or(before.as_ref()).map(|entry| entry.request.family());
            let versions = |lock, entry: Option<Entry<'_>>| entry.map(|entry| versions(lock, entry));
            let packages = package_changes(
                request.unwrap_or(Family::Debian),
                versions(old, before).unwrap_or_default(),
                versions(new, after).unwrap_or_default(),
            );
            groups.entry((kind, packages)).or_default().push(label);
        }
        let mut groups: Vec<ChangeGroup> = groups
            .into_iter()
            .map(|((kind, packages), variants)| ChangeGroup { variants, kind, packages })
            .collect();
        groups.sort_by(|one, other| (&one.variants, one.kind).cmp(&(&other.variants, other.kind)));
        let known: BTreeSet<&str> = old.snapshots.iter().map(|snapshot| snapshot.id.as_str()).collect();
        let ids = new.snapshots.iter().map(|snapshot| snapshot.id.clone());
        let new_snapshots = ids.filter(|id| !known.contains(id.as_str())).collect();
        Self { groups, git: git_changes(old, new), oci: oci_changes(old, new), new_snapshots }
    }

    /// Whether nothing changed for any variant, root or git source.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty() && self.git.is_empty() && self.oci.is_empty()
    }

    /// The changes as a table for people: under each group of variants and roots its packages, `+` added, `-`
    /// removed, `^` upgraded, `v` downgraded, `=` all as before.
    pub fn table(&self) -> String {
        let mut text = String::new();
        for group in &self.groups {
            text.push_str(&format!("{}{}\n", group.kind.prefix(), group.variants.join(", ")));
            if group.kind == ChangeKind::Gone {
                continue;
            }
            if group.kind == ChangeKind::Changed && group.packages.is_empty() {
                text.push_str("  = the same packages\n");
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
        for GitChange { url, commit, submodules, kind } in &self.git {
            let with = if *submodules { " with submodules" } else { "" };
            text.push_str(&format!("{}git {url} {commit}{with}\n", kind.prefix()));
        }
        for OciChange { reference, kind } in &self.oci {
            text.push_str(&format!("{}oci {reference}\n", kind.prefix()));
        }
        text
    }
}

impl ChangeKind {
    fn prefix(self) -> &'static str {
        match self {
            Self::New => "new: ",
            Self::Changed => "",
            Self::Gone => "gone: ",
        }
    }
}

impl PackageChange {
    fn row(&self, names: usize, befores: usize) -> String {
        let name = &self.name;
        match (&self.before, &self.after) {
            (Some(before), Some(after)) => {
                let mark = if self.downgrade { 'v' } else { '^' };
                format!("  {mark} {name:names$}  {before:befores$} -> {after}")
            }
            (None, Some(after)) if befores == 0 => format!("  + {name:names$}  {after}"),
            (None, Some(after)) => format!("  + {name:names$}  {:befores$}    {after}", ""),
            (before, None) => format!("  - {name:names$}  {}", before.as_deref().unwrap_or_default()),
        }
    }
}

fn git_changes(old: &Lock, new: &Lock) -> Vec<GitChange> {
    let recipes = |lock: &Lock| lock.git.iter().map(|git| (git.key(), git.recipes.clone())).collect();
    let changes = changes_of(recipes(old), recipes(new)).into_iter();
    changes.map(|((url, commit, submodules), kind)| GitChange { url, commit, submodules, kind }).collect()
}

fn oci_changes(old: &Lock, new: &Lock) -> Vec<OciChange> {
    let recipes = |lock: &Lock| lock.oci.iter().map(|oci| (oci.key(), oci.recipes.clone())).collect();
    let changes = changes_of(recipes(old), recipes(new)).into_iter();
    let change = |((name, digest), kind): (OciKey, _)| OciChange {
        reference: format!("{name}@{}", digest.to_oci()),
        kind,
    };
    changes.map(change).collect()
}

/// What became of sources, by what they are known by and the recipes that have them.
fn changes_of<K: Ord + Clone>(
    before: BTreeMap<K, Vec<String>>,
    after: BTreeMap<K, Vec<String>>,
) -> Vec<(K, ChangeKind)> {
    let keys: BTreeSet<&K> = before.keys().chain(after.keys()).collect();
    let change = |key: &K| match (before.get(key), after.get(key)) {
        (None, _) => Some((key.clone(), ChangeKind::New)),
        (_, None) => Some((key.clone(), ChangeKind::Gone)),
        (one, other) if one == other => None,
        _ => Some((key.clone(), ChangeKind::Changed)),
    };
    keys.into_iter().filter_map(change).collect()
}

/// The versions of the packages by name; names of foreign architectures carry them.
fn versions(lock: &Lock, entry: Entry<'_>) -> BTreeMap<String, String> {
    let own = &entry.request.arch;
    let name = |package: &super::LockedPackage| {
        if package.arch == *own || matches!(package.arch.as_str(), "all" | "noarch") {
            package.name.clone()
        } else {
            format!("{}:{}", package.name, package.arch)
        }
    };
    let packages = lock.packages_of(entry.packages).into_iter();
    packages.map(|package| (name(package), package.version.clone())).collect()
}

fn package_changes(
    family: Family,
    before: BTreeMap<String, String>,
    after: BTreeMap<String, String>,
) -> Vec<PackageChange> {
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let change = |name: &String| {
        let (before, after) = (before.get(name), after.get(name));
        let pair = before.zip(after);
        PackageChange {
            name: name.clone(),
            before: before.cloned(),
            after: after.cloned(),
            downgrade: pair.is_some_and(|(before, after)| version::compare(family, before, after).is_gt()),
        }
    };
    names.into_iter().map(change).filter(|change| change.before != change.after).collect()
}
