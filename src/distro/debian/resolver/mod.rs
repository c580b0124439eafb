//! The resolver: which packages `apt-get install --no-install-recommends` would put into an empty root.
//!
//! Receives indexes and a request, returns packages or the reason why there are none. It follows apt's own order
//! of choice (`docs/src/debian-resolver.md`); it is a pure function, and never fetches, writes or looks at the
//! machine.

mod dependency;
mod error;
mod explain;
mod mark;
mod names;
mod pool;
mod prune;
mod repair;
mod request;
mod scores;
mod solver;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

pub use error::ResolveError;
use explain::Explanation;
use solver::Solver;

use super::index::{Index, StanzaRef};
use super::relation::PackageRequest;

/// All packages there are for an image: indexes in order of preference, for its architecture and for others.
#[derive(Debug, Clone)]
pub struct Universe {
    /// The image's architecture first, then the foreign ones.
    architectures: Vec<String>,
    indexes: Vec<Arc<Index>>,
}

impl Universe {
    /// The universe of an image of architecture `native` that may also hold packages of the `foreign` ones. Where
    /// one version stands in several indexes, the first is taken. For apt's order, list for each suite the index of
    /// each architecture, the native one first.
    pub fn new(native: &str, foreign: &[String], indexes: Vec<Arc<Index>>) -> Self {
        let mut architectures = vec![native.to_owned()];
        for architecture in foreign {
            if !architectures.contains(architecture) {
                architectures.push(architecture.clone());
            }
        }
        Self { architectures, indexes }
    }

    /// The image's architecture.
    pub fn native(&self) -> &str {
        &self.architectures[0]
    }

    /// The indexes, in the order in which they were given.
    pub fn indexes(&self) -> &[Arc<Index>] {
        &self.indexes
    }
}

/// What to resolve.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Packages asked for. Where they clash over a choice, the earlier one has its way.
    pub packages: Vec<PackageRequest>,
    /// Names, or `name:arch`, never to be taken unless asked for by name.
    pub exclude: BTreeSet<String>,
    /// Takes the packages without their dependencies.
    pub listed: bool,
    /// Versions to keep where they still can be had, by name and architecture (`all` packages by the image's
    /// architecture or by `all`).
    pub favoured: BTreeMap<(String, String), String>,
}

/// A package that was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Selected {
    /// Position of its index in [`Universe::indexes`].
    pub index: usize,
    /// Its stanza there.
    pub stanza: StanzaRef,
}

/// A dependency that was given up because only excluded packages could satisfy it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cut {
    /// The package that has it.
    pub package: String,
    /// The dependency, with all its alternatives.
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
    /// The packages, sorted by name, then architecture.
    pub packages: Vec<Selected>,
    /// Dependencies of these packages that were cut, sorted.
    pub cut: Vec<Cut>,
}

/// The packages that answer a request, or the reason why none do. Equal universes and requests have equal answers.
///
/// Where favoured versions stand in the way, those of the packages that clash are let go, then all.
pub fn resolve(universe: &Universe, request: &Request) -> Result<Resolution, ResolveError> {
    let mut request = request.clone();
    loop {
        let failure = match on_deep_stack(|| attempt(universe, &request)) {
            Ok(resolution) => return Ok(resolution),
            Err(failure) => failure,
        };
        if request.favoured.is_empty() || !matches!(failure.error, ResolveError::Unsolvable { .. }) {
            return Err(failure.error);
        }
        let before = request.favoured.len();
        request.favoured.retain(|(name, _), _| !failure.involved.contains(name));
        if request.favoured.len() == before {
            request.favoured.clear();
        }
    }
}

/// Why an attempt failed, and which packages clash.
struct Failure {
    error: ResolveError,
    involved: BTreeSet<String>,
}

impl From<ResolveError> for Failure {
    fn from(error: ResolveError) -> Self {
        Self { error, involved: BTreeSet::new() }
    }
}

/// Marking follows chains of dependencies as deep as they are, so it gets a stack for the deepest one allowed.
fn on_deep_stack<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    const STACK: usize = 64 << 20;
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work);
        match thread.expect("a process may have one more thread").join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

fn attempt(universe: &Universe, request: &Request) -> Result<Resolution, Failure> {
    let mut solver = Solver::new(universe, request);
    let targets = solver.find_targets(request)?;
    for target in &targets {
        solver.ask_for(target.package, target.version);
    }
    if !request.listed {
        for target in &targets {
            solver.mark(target.package, true, 0, true);
        }
        let marked = solver.snapshot();
        if !solver.repair() {
            solver.restore(marked);
            let Explanation { reasons, involved } = solver.explain();
            return Err(Failure {
                error: solver.pool.error.unwrap_or(ResolveError::Unsolvable { reasons }),
                involved,
            });
        }
        solver.prune();
    }
    match solver.pool.error.take() {
        Some(error) => Err(error.into()),
        None => Ok(solver.resolution()),
    }
}
