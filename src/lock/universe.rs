//! The packages that a request can choose from, and the choice, by distribution.

use std::sync::Arc;

use super::document::is_inside;
use super::plan::Group;
use super::requested::Packages;
use super::resolve::Answer;
use super::signed::Index;
use super::suites::LoadedIndex;
use super::{LockError, LockedPackage, Unresolved};
use crate::distro::alpine::relation::Dependency;
use crate::distro::debian::index::{Stanza, StanzaRef};
use crate::distro::debian::relation::PackageRequest;
use crate::distro::{alpine, debian};

/// All packages there are for some requests.
pub(super) struct Universe {
    /// In the order of repositories.
    indexes: Vec<LoadedIndex>,
    resolver: Resolver,
}

/// The packages as the resolver of their distribution takes them.
enum Resolver {
    Alpine(alpine::resolver::Universe),
    Debian(debian::resolver::Universe),
}

impl Universe {
    /// The universe of these indexes, for requests like `group`'s.
    pub fn new(group: &Group<'_>, indexes: Vec<LoadedIndex>) -> Self {
        let resolver = match &group.packages {
            Packages::Alpine(_) => Resolver::Alpine(alpine::resolver::Universe::new(
                indexes
                    .iter()
                    .filter_map(|loaded| {
                        let Index::Alpine(index) = &loaded.index else { return None };
                        Some(alpine::resolver::Part { index: index.clone(), tag: loaded.tag.clone() })
                    })
                    .collect(),
            )),
            Packages::Debian(_) => {
                let parts: Vec<Arc<_>> = indexes
                    .iter()
                    .filter_map(|loaded| match &loaded.index {
                        Index::Debian(index) => Some(index.clone()),
                        Index::Alpine(_) => None,
                    })
                    .collect();
                let (arch, foreign) = (&group.request.arch, &group.architectures()[1..]);
                Resolver::Debian(debian::resolver::Universe::new(arch, foreign, parts))
            }
        };
        Self { indexes, resolver }
    }

    /// What answers the request of `group`, whose image extends one with the packages `base`.
    pub fn resolve(&self, group: &Group<'_>, base: &[LockedPackage]) -> Result<Answer, LockError> {
        let exclude = group.request.exclude.iter().cloned().collect();
        let listed = group.request.resolve == "listed";
        match (&self.resolver, &group.packages) {
            (Resolver::Alpine(universe), Packages::Alpine(packages)) => {
                let (mut packages, mut favoured) = (packages.clone(), alpine_versions(group));
                for package in base {
                    if !packages.iter().any(|asked| asked.name == package.name) {
                        let name = package.name.clone();
                        packages.push(Dependency { name, conflict: false, constraint: None, tag: None });
                    }
                    favoured.insert(package.name.clone(), package.version.clone());
                }
                let request = alpine::resolver::Request { packages, exclude, listed, favoured };
                let resolution = alpine::resolver::resolve(universe, &request)
                    .map_err(|source| Unresolved::alpine(group.members[0].item(), source))?;
                let chosen = resolution.packages.iter();
                let packages = chosen.map(|one| self.alpine_package(one.index, one.package));
                let cut = resolution.cut.iter().map(ToString::to_string).collect();
                Ok(Answer { packages: packages.collect::<Result<_, _>>()?, cut })
            }
            (Resolver::Debian(universe), Packages::Debian(packages)) => {
                let (mut packages, mut favoured) = (packages.clone(), group.favoured.clone());
                for package in base {
                    let native = package.arch == group.request.arch || package.arch == "all";
                    let arch = (!native).then(|| package.arch.clone());
                    if !packages.iter().any(|asked| asked.name == package.name && asked.arch == arch) {
                        packages.push(PackageRequest { name: package.name.clone(), arch, version: None });
                    }
                    favoured.insert((package.name.clone(), package.arch.clone()), package.version.clone());
                }
                let request = debian::resolver::Request { packages, exclude, listed, favoured };
                let resolution = debian::resolver::resolve(universe, &request)
                    .map_err(|source| Unresolved::debian(group.members[0].item(), source))?;
                let chosen = resolution.packages.iter();
                let packages = chosen.map(|one| self.debian_package(one.index, one.stanza));
                let cut = resolution.cut.iter().map(ToString::to_string).collect();
                Ok(Answer { packages: packages.collect::<Result<_, _>>()?, cut })
            }
            _ => unreachable!("the universe was made for requests of its own distribution"),
        }
    }

    fn alpine_package(&self, index: usize, number: usize) -> Result<LockedPackage, LockError> {
        let loaded = &self.indexes[index];
        let Index::Alpine(index) = &loaded.index else { unreachable!("its resolver has Alpine's indexes") };
        let package = index.package(number);
        let (name, version) = (package.name(), package.version());
        let file = format!("{}/{name}-{version}.apk", loaded.folder);
        let origin = package.origin();
        checked(LockedPackage {
            name: name.to_owned(),
            version: version.to_owned(),
            arch: package.arch().to_owned(),
            sha256: None,
            checksum: Some(package.checksum()),
            size: package.size(),
            file,
            source: origin.to_owned(),
            source_version: None,
            snapshot: loaded.snapshot.clone(),
        })
    }

    fn debian_package(&self, index: usize, number: StanzaRef) -> Result<LockedPackage, LockError> {
        let loaded = &self.indexes[index];
        let Index::Debian(index) = &loaded.index else { unreachable!("its resolver has Debian's indexes") };
        let stanza: Stanza<'_> = index.stanza(number);
        let bad = |reason| LockError::Entry { package: stanza.package().to_owned(), reason };
        let file = stanza.filename().ok_or_else(|| bad("it has no file name"))?;
        let (version, source_version) = (stanza.version(), stanza.source_version());
        checked(LockedPackage {
            name: stanza.package().to_owned(),
            version: version.to_owned(),
            arch: stanza.architecture().to_owned(),
            sha256: Some(stanza.sha256().ok_or_else(|| bad("it has no SHA-256"))?),
            checksum: None,
            size: stanza.size().ok_or_else(|| bad("it has no size"))?,
            file: file.strip_prefix("./").unwrap_or(file).to_owned(),
            source: stanza.source().to_owned(),
            source_version: (source_version != version).then(|| source_version.to_owned()),
            snapshot: loaded.snapshot.clone(),
        })
    }
}

/// The versions to keep, by name alone: there are no foreign architectures.
fn alpine_versions(group: &Group<'_>) -> std::collections::BTreeMap<String, String> {
    let versions = group.favoured.iter();
    versions.map(|((name, _), version)| (name.clone(), version.clone())).collect()
}

/// The package, if the lock can name its file.
fn checked(package: LockedPackage) -> Result<LockedPackage, LockError> {
    if is_inside(&package.file) {
        return Ok(package);
    }
    let reason = "its file name is not a path below the repository";
    Err(LockError::Entry { package: package.name, reason })
}
