//! The state of a resolution: for each package its candidate, whether it is to be installed, and why it may not
//! change any more.
//!
//! The root is empty: nothing is installed before, so a package is either marked for installation or not.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::dependency::{Dependency, groups};
use super::pool::{PackageId, Place, Pool, VersionId};
use super::{Cut, Request, Resolution, Universe};

/// Deepest chain of packages that call each other in; apt's own limit.
pub(super) const MAX_DEPTH: usize = 3000;

/// What is decided of a package.
#[derive(Debug, Clone, Default)]
pub(super) struct State {
    /// The package has been loaded and its candidate found.
    known: bool,
    /// The candidate before anything was ruled out.
    pub(super) original: Option<VersionId>,
    /// The version that would be taken.
    pub(super) candidate: Option<VersionId>,
    /// The version that is to be installed.
    pub(super) install: Option<VersionId>,
    /// Whether it is marked for installation; differs from `install` only where apt's own bookkeeping does.
    pub(super) marked: bool,
    /// Decided for good.
    pub(super) protected: bool,
    /// Came as a dependency.
    pub(super) automatic: bool,
    /// The repair has tried to bring it in.
    pub(super) tried: bool,
    /// Asked for.
    pub(super) requested: bool,
}

/// Whether a package is looked at as it is to be, or as it could be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    Install,
    Candidate,
}

/// A resolution in progress.
pub(super) struct Solver<'u> {
    pub(super) pool: Pool<'u>,
    states: Vec<State>,
    request: &'u Request,
    /// Packages that are, or once were, to be installed.
    pub(super) touched: BTreeSet<PackageId>,
}

impl<'u> Solver<'u> {
    pub(super) fn new(universe: &'u Universe, request: &'u Request) -> Self {
        let requested = request.packages.iter().map(|wanted| wanted.name.as_str()).collect();
        Self {
            pool: Pool::new(universe, &request.exclude, requested),
            states: Vec::new(),
            request,
            touched: BTreeSet::new(),
        }
    }

    /// The state of a package, which is loaded first.
    pub(super) fn state(&mut self, id: PackageId) -> &mut State {
        if self.states.len() < self.pool.len() {
            self.states.resize_with(self.pool.len(), State::default);
        }
        if !self.states[id.position()].known {
            self.pool.load(id);
            self.states[id.position()].known = true;
            let candidate = self.first_candidate(id);
            self.states[id.position()].candidate = candidate;
            self.states[id.position()].original = candidate;
        }
        &mut self.states[id.position()]
    }

    /// The favoured version, else the newest; none of an excluded package.
    fn first_candidate(&self, id: PackageId) -> Option<VersionId> {
        let package = self.pool.package(id);
        let Place::At(place) = package.place else { return None };
        if package.excluded {
            return None;
        }
        let favoured = |architecture: &str| {
            let key = (package.name.to_owned(), architecture.to_owned());
            let text = self.request.favoured.get(&key)?;
            package.versions.iter().copied().find(|version| self.pool.version(*version).text == text)
        };
        let newest = || package.versions.first().copied();
        if self.request.favoured.is_empty() {
            return newest();
        }
        let native = (place == 0).then(|| favoured("all")).flatten();
        favoured(&self.pool.universe.architectures[place]).or(native).or_else(newest)
    }

    /// The state of a package that has been loaded.
    pub(super) fn known_state(&self, id: PackageId) -> Option<&State> {
        self.states.get(id.position())
    }

    fn chosen(&mut self, id: PackageId, by: By) -> Option<VersionId> {
        let state = self.state(id);
        match by {
            By::Install => state.install,
            By::Candidate => state.candidate,
        }
    }

    /// Whether some chosen version is what a relation names: meets a dependency, or breaks a conflict.
    pub(super) fn names_chosen(&mut self, owner: VersionId, dependency: &Dependency<'u>, by: By) -> bool {
        if let Some(version) = self.chosen(dependency.target, by)
            && !self.pool.ignores_target(owner, dependency)
            && dependency.admits(Some(self.pool.version(version).text))
        {
            return true;
        }
        let providers = self.pool.providers(dependency.target);
        providers.iter().any(|provider| {
            dependency.admits(provider.provided)
                && !self.pool.ignores_provider(owner, dependency, provider)
                && self.chosen(provider.package, by) == Some(provider.version)
        })
    }

    /// Whether a relation is as it should be.
    pub(super) fn holds(&mut self, owner: VersionId, dependency: &Dependency<'u>, by: By) -> bool {
        self.names_chosen(owner, dependency, by) != dependency.kind.is_negative()
    }

    /// Whether a group of alternatives is as it should be.
    pub(super) fn group_holds(&mut self, owner: VersionId, group: &[Dependency<'u>], by: By) -> bool {
        group.iter().any(|dependency| self.holds(owner, dependency, by))
    }

    /// Whether a package is to be installed, and something it needs is not, or something it forbids is.
    pub(super) fn is_broken(&mut self, id: PackageId) -> bool {
        let Some(version) = self.state(id).install else { return false };
        let list = self.pool.dependencies(version);
        !groups(&list).all(|group| self.group_holds(version, group, By::Install))
    }

    /// How many packages are broken.
    pub(super) fn broken_count(&mut self) -> usize {
        self.installed().into_iter().filter(|id| self.is_broken(*id)).count()
    }

    /// The packages that are to be installed.
    pub(super) fn installed(&mut self) -> Vec<PackageId> {
        let touched: Vec<_> = self.touched.iter().copied().collect();
        touched.into_iter().filter(|id| self.state(*id).install.is_some()).collect()
    }

    /// The relations of a version.
    pub(super) fn dependencies(&mut self, version: VersionId) -> Rc<[Dependency<'u>]> {
        self.pool.dependencies(version)
    }

    /// Marks a package for installation in its candidate version.
    pub(super) fn install(&mut self, id: PackageId, automatic: bool) {
        let state = self.state(id);
        if state.protected && state.install == state.candidate {
            return;
        }
        state.marked = true;
        state.install = state.candidate;
        state.automatic = automatic;
        self.touched.insert(id);
    }

    /// Takes the mark off, unless the package is protected. Whether it is off.
    pub(super) fn keep_out(&mut self, id: PackageId) -> bool {
        let state = self.state(id);
        if !state.marked {
            return true;
        }
        if state.protected {
            return false;
        }
        state.marked = false;
        state.install = None;
        true
    }

    /// As [`Self::keep_out`], but neither for essential packages nor for those that were asked for.
    pub(super) fn remove(&mut self, id: PackageId) -> bool {
        let state = self.state(id).clone();
        let package = self.pool.package(id);
        if state.protected || package.essential || package.important {
            return false;
        }
        if state.install.is_none() {
            return true;
        }
        if !state.automatic {
            return false;
        }
        let state = self.state(id);
        state.marked = false;
        state.install = None;
        true
    }

    /// Gives up the candidate of a package that is not to be installed.
    pub(super) fn discard_candidate(&mut self, id: PackageId) {
        let state = self.state(id);
        state.candidate = state.install;
    }

    /// Gives up a package that was being marked.
    pub(super) fn discard_install(&mut self, id: PackageId) {
        let state = self.state(id);
        state.marked = false;
        state.install = None;
        state.candidate = None;
    }

    /// Decides a package for good: it was asked for, in this version.
    pub(super) fn ask_for(&mut self, id: PackageId, version: VersionId) {
        let state = self.state(id);
        state.candidate = Some(version);
        state.original = Some(version);
        state.requested = true;
        state.protected = true;
        self.mark(id, false, 0, true);
    }

    /// All that is decided now.
    pub(super) fn snapshot(&self) -> Vec<State> {
        self.states.clone()
    }

    /// Goes back to a snapshot. Packages met since keep their candidates.
    pub(super) fn restore(&mut self, snapshot: Vec<State>) {
        for (position, state) in self.states.iter_mut().enumerate() {
            *state = snapshot.get(position).cloned().unwrap_or_else(|| State {
                known: state.known,
                original: state.original,
                candidate: state.original,
                ..State::default()
            });
        }
    }

    /// The marked packages, and what was cut of their dependencies.
    pub(super) fn resolution(&mut self) -> Resolution {
        let mut packages = Vec::new();
        let mut cut = Vec::new();
        for id in self.installed() {
            let state = self.state(id);
            let (Some(version), true) = (state.install, state.marked) else { continue };
            let version = self.pool.version(version);
            let package = self.pool.package(id);
            packages.push(((package.name, version.stanza.architecture()), version.selected));
            let label = self.pool.label(id);
            cut.extend(
                version.cut.iter().map(|relation| Cut { package: label.clone(), relation: relation.clone() }),
            );
        }
        packages.sort_unstable();
        cut.sort_unstable();
        cut.dedup();
        Resolution { packages: packages.into_iter().map(|(_, selected)| selected).collect(), cut }
    }
}
