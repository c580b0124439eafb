//! From what is asked for to packages and versions.

use std::collections::BTreeMap;

use super::pool::{NEVER_BORN, PackageId, Place, VersionId};
use super::solver::Solver;
use super::{Request, ResolveError, names};
use crate::distro::debian::relation::PackageRequest;

/// A package asked for, in the version to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) package: PackageId,
    pub(super) version: VersionId,
}

impl<'u> Solver<'u> {
    /// The packages and versions that a request names, each package once, in the order of the request.
    pub(super) fn find_targets(&mut self, request: &'u Request) -> Result<Vec<Target>, ResolveError> {
        let mut pins: BTreeMap<PackageId, &'u str> = BTreeMap::new();
        let mut targets: Vec<Target> = Vec::new();
        for wanted in &request.packages {
            let package = self.find_package(wanted)?;
            if let Some(text) = &wanted.version
                && let Some(first) = pins.insert(package, text)
                && first != text
            {
                let (name, first) = (wanted.name.clone(), first.to_owned());
                return Err(ResolveError::TwoPins { name, first, second: text.clone() });
            }
            let version = self.find_version(package, wanted)?;
            match targets.iter_mut().find(|target| target.package == package) {
                Some(target) if wanted.version.is_some() => target.version = version,
                Some(_) => {}
                None => targets.push(Target { package, version }),
            }
        }
        Ok(targets)
    }

    fn find_version(
        &mut self,
        package: PackageId,
        wanted: &'u PackageRequest,
    ) -> Result<VersionId, ResolveError> {
        let candidate = self.state(package).candidate;
        let versions = &self.pool.package(package).versions;
        let found = match &wanted.version {
            None => candidate,
            Some(text) => versions.iter().copied().find(|version| self.pool.version(*version).text == text),
        };
        found.ok_or_else(|| ResolveError::VersionNotAvailable {
            name: self.pool.label(package),
            version: wanted.version.clone().unwrap_or_default(),
            available: versions.iter().map(|version| self.pool.version(*version).text.to_owned()).collect(),
        })
    }

    /// The package of a request: at the architecture it says, else at the native one, else where there is one; else
    /// the only package that provides the name.
    fn find_package(&mut self, wanted: &'u PackageRequest) -> Result<PackageId, ResolveError> {
        let exists = |solver: &mut Self, place| {
            let id = solver.pool.id(&wanted.name, Place::At(place));
            solver.state(id);
            (!solver.pool.package(id).versions.is_empty()).then_some(id)
        };
        let places: Vec<_> = (0..self.pool.places()).filter(|place| exists(self, *place).is_some()).collect();
        let asked = wanted.arch.as_deref().map(|arch| match arch {
            "all" => Some(0),
            other => self.pool.architecture_place(other),
        });
        let place = match asked {
            None => places.first().copied(),
            Some(place) => place.filter(|place| places.contains(place)),
        };
        if let Some(place) = place {
            return Ok(self.pool.id(&wanted.name, Place::At(place)));
        }
        if places.is_empty() {
            return self.find_provider(wanted, asked.flatten().unwrap_or(0));
        }
        // A package that serves every architecture answers for one that others mention it at.
        if let Some(Some(place)) = asked {
            let id = self.pool.id(&wanted.name, Place::At(place));
            if self.pool.born(id) != NEVER_BORN && !self.pool.providers(id).is_empty() {
                return self.find_provider(wanted, place);
            }
        }
        let architectures = &self.pool.universe.architectures;
        Err(ResolveError::NoSuchArchitecture {
            name: wanted.name.clone(),
            arch: wanted.arch.clone().unwrap_or_default(),
            available: places.iter().map(|place| architectures[*place].clone()).collect(),
        })
    }

    fn find_provider(&mut self, wanted: &'u PackageRequest, place: usize) -> Result<PackageId, ResolveError> {
        let id = self.pool.id(&wanted.name, Place::At(place));
        let mut found: Vec<PackageId> = Vec::new();
        for provider in self.pool.providers(id).iter() {
            if self.state(provider.package).candidate == Some(provider.version) {
                found.push(provider.package);
            }
        }
        found.sort_unstable();
        found.dedup();
        let name = wanted.name.clone();
        let Some(first) = found.first().copied() else {
            let suggestions = names::similar(self.pool.universe, &name);
            return Err(ResolveError::UnknownPackage { name, suggestions });
        };
        let group = self.pool.package(first).name;
        if found.iter().any(|id| self.pool.package(*id).name != group) {
            let mut providers: Vec<_> = found.iter().map(|id| self.pool.label(*id)).collect();
            providers.sort();
            return Err(ResolveError::Virtual { name, providers });
        }
        Ok(found
            .into_iter()
            .min_by_key(|id| self.pool.package(*id).place != Place::At(place))
            .unwrap_or(first))
    }
}
