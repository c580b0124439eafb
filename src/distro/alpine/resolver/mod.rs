//! The resolver: which packages `apk add` would put into an empty root.
//!
//! Receives indexes and a request, returns packages or the reason why there are none. It follows apk's own order of
//! choice (`docs/src/alpine-resolver.md`); it is a pure function, and never fetches, writes or looks at the machine.

mod choice;
mod discover;
mod error;
mod explain;
mod names;
mod order;
mod pool;
mod request;
mod solver;
mod state;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

pub use error::ResolveError;
use explain::Explanation;
use solver::Solver;

use super::index::Index;
use super::relation::Dependency;

/// One index of a universe.
#[derive(Debug, Clone)]
pub struct Part {
    /// The index.
    pub index: Arc<Index>,
    /// The tag of its repository; its packages are taken where a request says `@tag`, and what those need.
    pub tag: Option<String>,
}

/// All packages there are for an image.
#[derive(Debug, Clone)]
pub struct Universe {
    parts: Vec<Part>,
}

impl Universe {
    /// The universe of these indexes, in the order of their repositories. Where one package stands in several
    /// indexes, the first is taken.
    pub fn new(parts: Vec<Part>) -> Self {
        Self { parts }
    }

    /// The indexes, in the order in which they were given.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }
}

/// What to resolve.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Packages asked for, and conflicts (`!name`).
    pub packages: Vec<Dependency>,
    /// Names of packages never to be taken unless asked for by name; what needs them goes without.
    pub exclude: BTreeSet<String>,
    /// Takes the packages without their dependencies.
    pub listed: bool,
    /// Versions to keep where they still can be had, by name.
    pub favoured: BTreeMap<String, String>,
}

/// A package that was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Selected {
    /// Position of its index in [`Universe::parts`].
    pub index: usize,
    /// Its number there.
    pub package: usize,
}

/// A dependency that was given up because only excluded packages could satisfy it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cut {
    /// The package that has it.
    pub package: String,
    /// The dependency.
    pub relation: String,
}

impl fmt::Display for Cut {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.package, self.relation)
    }
}

/// The answer to a request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Resolution {
    /// The packages in the order in which apk installs them.
    pub packages: Vec<Selected>,
    /// Dependencies of these packages that were cut, sorted.
    pub cut: Vec<Cut>,
}

/// The packages that answer a request, or the reason why none do. Equal universes and requests have equal answers.
///
/// Where favoured versions stand in the way, those of the packages that take part are let go, then all.
pub fn resolve(universe: &Universe, request: &Request) -> Result<Resolution, ResolveError> {
    let mut request = request.clone();
    loop {
        let failure = match attempt(universe, &request) {
            Ok(resolution) => return Ok(resolution),
            Err(failure) => failure,
        };
        if request.favoured.is_empty() || !matches!(failure.error, ResolveError::Unsolvable { .. }) {
            return Err(failure.error);
        }
        let before = request.favoured.len();
        request.favoured.retain(|name, _| !failure.involved.contains(name));
        if request.favoured.len() == before {
            request.favoured.clear();
        }
    }
}

impl From<ResolveError> for Explanation {
    fn from(error: ResolveError) -> Self {
        Self { error, involved: BTreeSet::new() }
    }
}

fn attempt(universe: &Universe, request: &Request) -> Result<Resolution, Explanation> {
    let mut solver = Solver::new(universe, request);
    let world = solver.read(request)?;
    solver.solve(&world);
    let packages = solver.in_order(&world);
    if solver.failures > 0 {
        return Err(solver.explain(&world));
    }
    let mut cut = Vec::new();
    for id in &packages {
        cut.extend(solver.pool.package(*id).cut.iter().map(|dependency| Cut {
            package: solver.pool.label(*id).to_owned(),
            relation: solver.pool.describe(dependency),
        }));
    }
    cut.sort_unstable();
    cut.dedup();
    let packages = packages.into_iter().map(|id| solver.pool.package(id).selected).collect();
    Ok(Resolution { packages, cut })
}
