//! From what is asked for to names of the indexes.

use super::names;
use super::pool::Dependency;
use super::solver::{Solver, Wanted};
use super::{Request, ResolveError};
use crate::distro::alpine::relation;
use crate::distro::alpine::version;

impl<'u> Solver<'u> {
    /// What a request asks for, in the order of names, in which apk keeps it. Conflicts with what there is not are
    /// left out.
    pub(super) fn read(&mut self, request: &'u Request) -> Result<Vec<Wanted<'u>>, ResolveError> {
        let mut packages: Vec<_> = request.packages.iter().collect();
        packages.sort_by_cached_key(|wanted| (wanted.name.to_ascii_lowercase(), &wanted.name));
        packages.dedup();
        let mut world = Vec::with_capacity(packages.len());
        for wanted in packages {
            let Some(tag) = self.pool.tag(wanted.tag.as_deref()) else {
                let tag = wanted.tag.clone().unwrap_or_default();
                return Err(ResolveError::UnknownTag { request: wanted.to_string(), tag });
            };
            if let Some(dependency) = self.find(wanted)? {
                world.push(Wanted { dependency, tag });
            }
        }
        Ok(world)
    }

    fn find(&mut self, wanted: &'u relation::Dependency) -> Result<Option<Dependency<'u>>, ResolveError> {
        let found = self.pool.find(&wanted.name);
        let Some(name) = found else {
            return if wanted.conflict { Ok(None) } else { Err(self.unknown(wanted)) };
        };
        self.pool.load_name(name);
        let constraint = wanted.constraint.as_ref().map(|(operator, version)| (*operator, version.as_str()));
        let dependency = Dependency { name, conflict: wanted.conflict, constraint };
        let known = self.pool.name(name);
        let everyone = || known.providers.iter().chain(known.excluded.iter());
        if wanted.conflict || everyone().any(|provider| dependency.holds(Some(*provider))) {
            return Ok(Some(dependency));
        }
        let mut available = newest_first(everyone().filter_map(|provider| provider.version));
        if available.is_empty() {
            available = everyone().map(|provider| self.pool.label(provider.package)).collect();
        }
        if available.is_empty() {
            return Err(self.unknown(wanted));
        }
        Err(ResolveError::VersionNotAvailable {
            request: wanted.to_string(),
            name: wanted.name.clone(),
            available: available.into_iter().map(str::to_owned).collect(),
        })
    }

    fn unknown(&self, wanted: &relation::Dependency) -> ResolveError {
        let suggestions = names::similar(self.pool.universe, &wanted.name);
        ResolveError::UnknownPackage { name: wanted.name.clone(), suggestions }
    }
}

/// Each version once, the newest first as far as apk's order is one.
pub(super) fn newest_first<'u>(versions: impl Iterator<Item = &'u str>) -> Vec<&'u str> {
    let mut sorted: Vec<&str> = Vec::new();
    for new in versions {
        if !sorted.contains(&new) {
            let older = sorted.iter().position(|known| version::compare(known, new).is_lt());
            sorted.insert(older.unwrap_or(sorted.len()), new);
        }
    }
    sorted
}
