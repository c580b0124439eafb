//! Everything a request leads to, met in apk's order: the length of chains depends on it where they are cycles.

use std::rc::Rc;

use super::pool::{NameId, PackageId, Provider, UNTAGGED};
use super::solver::Solver;
use super::state::{NameState, PackageState, RuledOut};

/// How far a name has been looked at.
struct Visit {
    name: NameId,
    provider: usize,
    /// The dependency of that provider to look at next; none before the first.
    dependency: Option<usize>,
    /// Once all providers were looked at, what they trigger: the provider, its name (0) or what it provides (from
    /// 1), and the name that this triggers, to look at next.
    triggers: (usize, usize, usize),
}

impl<'u> Solver<'u> {
    /// Looks at a name and at everything it leads to.
    pub(super) fn discover(&mut self, name: NameId) {
        let mut visits = Vec::new();
        self.visit(name, &mut visits);
        while let Some(visit) = visits.last_mut() {
            match self.advance(visit) {
                Some(next) => self.visit(next, &mut visits),
                None => _ = visits.pop(),
            }
        }
    }

    fn visit(&mut self, name: NameId, visits: &mut Vec<Visit>) {
        self.pool.load_name(name);
        self.grow();
        let state = self.name_mut(name);
        state.is_seen = true;
        state.never_triggered = true;
        self.seen.push(name);
        visits.push(Visit { name, provider: 0, dependency: None, triggers: (0, 0, 0) });
    }

    /// The next name that this one leads to and that was not met yet; none at its end.
    fn advance(&mut self, visit: &mut Visit) -> Option<NameId> {
        let providers = Rc::clone(&self.pool.name(visit.name).providers);
        while let Some(provider) = providers.get(visit.provider) {
            let package = provider.package;
            if visit.dependency.is_none() && !self.package(package).is_seen {
                self.begin(package);
                visit.dependency = Some(0);
            }
            if let Some(position) = &mut visit.dependency {
                let depends = Rc::clone(&self.pool.package(package).depends);
                while let Some(dependency) = depends.get(*position) {
                    if !self.name(dependency.name).is_seen {
                        return Some(dependency.name);
                    }
                    let below = self.name(dependency.name).chain.saturating_add(1);
                    let state = self.package_mut(package);
                    state.chain = state.chain.max(below);
                    *position += 1;
                }
            }
            let (chain, never_triggered) =
                (self.package(package).chain, self.package(package).never_triggered);
            let state = self.name_mut(visit.name);
            state.chain = state.chain.max(chain);
            state.never_triggered &= never_triggered;
            visit.dependency = None;
            visit.provider += 1;
        }
        self.advance_triggers(visit, &providers)
    }

    /// The next name that the providers trigger. What is provided under a name that was met before triggers nothing
    /// more.
    fn advance_triggers(&mut self, visit: &mut Visit, providers: &[Provider<'u>]) -> Option<NameId> {
        let (provider, position, next) = &mut visit.triggers;
        while let Some(package) = providers.get(*provider).map(|provider| provider.package) {
            let package = self.pool.package(package);
            let (own, provides) = (package.name, Rc::clone(&package.provides));
            while *position <= provides.len() {
                let name = position.checked_sub(1).map_or(own, |position| provides[position].0);
                let is_known = *position > 0 && *next == 0 && self.name(name).is_seen;
                if !is_known {
                    let triggered = self.triggered(name);
                    while let Some(name) = triggered.get(*next) {
                        *next += 1;
                        if !self.name(*name).is_seen {
                            return Some(*name);
                        }
                    }
                }
                *position += 1;
                *next = 0;
            }
            *provider += 1;
            *position = 0;
        }
        None
    }

    /// The names whose providers mention a name in `install_if`.
    pub(super) fn triggered(&mut self, name: NameId) -> Rc<[NameId]> {
        if let Some(known) = &self.name(name).triggered {
            return Rc::clone(known);
        }
        let triggered: Rc<[NameId]> = self.pool.triggered(name).into();
        self.grow();
        self.name_mut(name).triggered = Some(Rc::clone(&triggered));
        triggered
    }

    fn begin(&mut self, id: PackageId) {
        self.pool.load_package(id);
        self.grow();
        let package = self.pool.package(id);
        let is_preferred = package.is_empty || package.tags & UNTAGGED != 0;
        *self.package_mut(id) = PackageState {
            is_seen: true,
            is_selectable: package.is_usable,
            is_preferred,
            is_allowed: is_preferred,
            never_triggered: package.install_if.is_empty(),
            ruled_out: (!package.is_usable).then_some(RuledOut::Unusable),
            ..PackageState::default()
        };
    }

    /// Room for what the pool has met.
    pub(super) fn grow(&mut self) {
        let (names, packages) = self.pool.counts();
        self.names.resize_with(names, NameState::default);
        self.packages.resize_with(packages, PackageState::default);
    }

    /// Finds for each name seen which others depend on it, in the order of apk's table, and how it is had.
    pub(super) fn relate(&mut self) {
        let mut seen = std::mem::take(&mut self.seen);
        seen.sort_by_cached_key(|name| self.pool.table_order(*name));
        for name in seen {
            let providers = Rc::clone(&self.pool.name(name).providers);
            let is_virtual = |package| self.pool.package(package).name != name;
            let count = providers.iter().filter(|provider| is_virtual(provider.package)).count();
            self.name_mut(name).rank = match count {
                0 => 0,
                count if count == providers.len() => 2,
                _ => 1,
            };
            for provider in providers.iter() {
                for dependency in Rc::clone(&self.pool.package(provider.package).depends).iter() {
                    let dependents = &mut self.name_mut(dependency.name).dependents;
                    if dependents.last() != Some(&name) {
                        dependents.push(name);
                    }
                }
            }
        }
    }
}
