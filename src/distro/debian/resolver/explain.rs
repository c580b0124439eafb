//! Why packages cannot be installed together, in words.
//!
//! Receives the state right after marking, before the repair took anything back.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::dependency::{Dependency, groups};
use super::pool::{PackageId, VersionId};
use super::solver::{By, Solver};

/// At most this many reasons are given.
const REASONS: usize = 5;

/// At most this many versions are looked at to find the end of a chain.
const SEARCHED: usize = 300;

/// Why a resolution failed.
pub(super) struct Explanation {
    /// One sentence for each broken package.
    pub(super) reasons: Vec<String>,
    /// The names of packages that take part in a broken relation.
    pub(super) involved: BTreeSet<String>,
}

impl<'u> Solver<'u> {
    /// The reasons why packages are broken, nearest to the request first.
    pub(super) fn explain(&mut self) -> Explanation {
        let parents = self.parents();
        let mut broken: Vec<_> = self.installed().into_iter().filter(|id| self.is_broken(*id)).collect();
        broken.sort_by_cached_key(|id| (path(&parents, *id).len(), self.pool.label(*id)));
        let mut explanation = Explanation { reasons: Vec::new(), involved: BTreeSet::new() };
        for id in broken {
            self.involve(id, &mut explanation.involved);
            if explanation.reasons.len() < REASONS {
                let reason = self.explain_one(id, &parents);
                explanation.reasons.push(reason);
            }
        }
        explanation
    }

    /// For each package to be installed, one that needs it; none for those asked for.
    fn parents(&mut self) -> BTreeMap<PackageId, Option<PackageId>> {
        let mut parents = BTreeMap::new();
        let mut waiting = VecDeque::new();
        for id in self.installed() {
            if self.state(id).requested {
                parents.insert(id, None);
                waiting.push_back(id);
            }
        }
        while let Some(id) = waiting.pop_front() {
            let Some(version) = self.state(id).install else { continue };
            let list = self.dependencies(version);
            for dependency in list.iter().filter(|dependency| !dependency.kind.is_negative()) {
                for target in self.pool.targets(version, dependency, false) {
                    let package = self.pool.version(target).package;
                    if self.state(package).install == Some(target) && !parents.contains_key(&package) {
                        parents.insert(package, Some(id));
                        waiting.push_back(package);
                    }
                }
            }
        }
        parents
    }

    fn explain_one(&mut self, id: PackageId, parents: &BTreeMap<PackageId, Option<PackageId>>) -> String {
        let path = path(parents, id);
        let mut clauses = Vec::new();
        for pair in path.windows(2) {
            clauses.push(format!("`{}` needs `{}`", self.pool.label(pair[0]), self.pool.label(pair[1])));
        }
        if let Some(version) = self.state(id).install {
            clauses.push(self.broken_relation(version, parents));
        }
        let first = path.first().copied().unwrap_or(id);
        if self.state(first).requested {
            clauses.push(format!("`{}` is requested by the recipe", self.pool.label(first)));
        }
        clauses.join("; ")
    }

    /// The relations of a version that do not hold; those that no candidate could meet, if there are such, and those
    /// that forbid something.
    fn broken_groups(&mut self, version: VersionId) -> Vec<Vec<Dependency<'u>>> {
        let list = self.dependencies(version);
        let (mut hopeless, mut broken) = (Vec::new(), Vec::new());
        for group in groups(&list) {
            if self.group_holds(version, group, By::Install) {
                continue;
            }
            if group[0].kind.is_negative() || !self.has_original(version, group) {
                hopeless.push(group.to_vec());
            }
            broken.push(group.to_vec());
        }
        if hopeless.is_empty() { broken } else { hopeless }
    }

    /// Whether a group names a version that was a candidate at the beginning.
    fn has_original(&mut self, owner: VersionId, group: &[Dependency<'u>]) -> bool {
        group.iter().any(|dependency| {
            self.pool.targets(owner, dependency, false).into_iter().any(|target| {
                let package = self.pool.version(target).package;
                self.state(package).original == Some(target)
            })
        })
    }

    /// The first relation of a version that is to blame, and why.
    fn broken_relation(
        &mut self,
        version: VersionId,
        parents: &BTreeMap<PackageId, Option<PackageId>>,
    ) -> String {
        let label = self.pool.label(self.pool.version(version).package);
        let Some(group) = self.broken_groups(version).into_iter().next() else {
            return format!("`{label}` cannot be installed");
        };
        if !group[0].kind.is_negative() {
            let reason = self.unmet(version, &group, &mut BTreeSet::from([version]));
            return format!("`{label}` needs `{}`, {reason}", self.pool.describe(&group));
        }
        let rivals = self.pool.targets(version, &group[0], false);
        let rival = rivals.into_iter().find(|target| {
            let package = self.pool.version(*target).package;
            self.state(package).install == Some(*target)
        });
        let Some(rival) = rival else { return format!("`{label}` cannot be installed") };
        let (package, text) = (self.pool.version(rival).package, self.pool.version(rival).text);
        let needed_by = match parents.get(&package) {
            Some(Some(parent)) => format!("needed by `{}`", self.pool.label(*parent)),
            _ => "requested by the recipe".to_owned(),
        };
        format!("`{label}` cannot stand beside `{}` {text}, which is {needed_by}", self.pool.label(package))
    }

    /// Why no alternative of a dependency could be taken; the first alternative speaks for all.
    fn unmet(
        &mut self,
        owner: VersionId,
        group: &[Dependency<'u>],
        seen: &mut BTreeSet<VersionId>,
    ) -> String {
        let mut targets = Vec::new();
        for dependency in group {
            targets.extend(self.pool.targets(owner, dependency, true));
        }
        let Some(first) = targets.first().copied() else { return self.unavailable(&group[0]) };
        for target in &targets {
            let package = self.pool.version(*target).package;
            if self.state(package).original == Some(*target) {
                let why = self.impossible(*target, seen);
                let standing = format!("which `{}` would meet", self.pool.label(package));
                return match why {
                    Some(why) => format!("which `{}` would meet; {why}", self.pool.label(package)),
                    None => format!("{standing}, but it was ruled out by the packages asked for"),
                };
            }
        }
        let package = self.pool.version(first).package;
        let (label, text) = (self.pool.label(package), self.pool.version(first).text);
        if self.pool.package(package).excluded {
            return format!("which only the excluded `{label}` would meet");
        }
        match self.state(package).original {
            Some(chosen) => {
                let chosen = self.pool.version(chosen).text;
                format!("which `{label}` {text} would meet, but version {chosen} is chosen")
            }
            None => "which cannot be met".to_owned(),
        }
    }

    /// Words for a target that no index has in a fitting version.
    fn unavailable(&mut self, dependency: &Dependency<'u>) -> String {
        let versions = &self.pool.package(dependency.target).versions;
        let known: Vec<_> = versions.iter().map(|version| self.pool.version(*version).text).collect();
        match known[..] {
            [] => "which no repository of the image has".to_owned(),
            [only] => format!("but only version {only} is available"),
            _ => format!("but only the versions {} are available", known.join(", ")),
        }
    }

    /// Why a version cannot be installed beside what is, or none if nothing speaks against it.
    fn impossible(&mut self, version: VersionId, seen: &mut BTreeSet<VersionId>) -> Option<String> {
        if seen.len() > SEARCHED || !seen.insert(version) {
            return None;
        }
        let label = self.pool.label(self.pool.version(version).package);
        let list = self.dependencies(version);
        for group in groups(&list) {
            let first = &group[0];
            if first.kind.is_negative() {
                if !self.holds(version, first, By::Install) {
                    return Some(format!("`{label}` conflicts with `{}`", self.pool.describe(group)));
                }
                continue;
            }
            if self.group_holds(version, group, By::Install) {
                continue;
            }
            let mut possible = false;
            let mut nested = None;
            for dependency in group {
                for target in self.pool.targets(version, dependency, false) {
                    let package = self.pool.version(target).package;
                    if self.state(package).original == Some(target) {
                        match self.impossible(target, seen) {
                            None => possible = true,
                            why => nested = nested.or(why),
                        }
                    }
                }
            }
            if !possible {
                let described = self.pool.describe(group);
                let tail = match nested {
                    Some(nested) => format!("; {nested}"),
                    None => format!(", {}", self.unmet(version, group, seen)),
                };
                return Some(format!("`{label}` needs `{described}`{tail}"));
            }
        }
        self.rival_of(version).map(|rival| format!("`{rival}` conflicts with `{label}`"))
    }

    /// A package to be installed that forbids a version.
    fn rival_of(&mut self, version: VersionId) -> Option<String> {
        for id in self.installed() {
            let Some(owner) = self.state(id).install else { continue };
            let list = self.dependencies(owner);
            for dependency in list.iter().filter(|dependency| dependency.kind.is_negative()) {
                if self.pool.targets(owner, dependency, false).contains(&version) {
                    return Some(self.pool.label(id));
                }
            }
        }
        None
    }

    fn involve(&mut self, id: PackageId, names: &mut BTreeSet<String>) {
        names.insert(self.pool.package(id).name.to_owned());
        let Some(version) = self.state(id).install else { return };
        for dependency in self.broken_groups(version).into_iter().flatten() {
            names.insert(self.pool.package(dependency.target).name.to_owned());
            for target in self.pool.targets(version, &dependency, false) {
                let package = self.pool.version(target).package;
                names.insert(self.pool.package(package).name.to_owned());
            }
        }
    }
}

/// From a package asked for to this one.
fn path(parents: &BTreeMap<PackageId, Option<PackageId>>, id: PackageId) -> Vec<PackageId> {
    let mut path = vec![id];
    let mut current = id;
    while let Some(Some(parent)) = parents.get(&current) {
        path.push(*parent);
        current = *parent;
    }
    path.reverse();
    path
}
