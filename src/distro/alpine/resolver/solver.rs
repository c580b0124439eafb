//! The decisions: which packages are had for the names that are asked for.
//!
//! A name is considered whenever something about it has changed: providers that have become impossible are ruled
//! out, and what all possible ones have in common is asked for. Then the most pressing name is decided, once and for
//! all, and so on. The order in which names are considered decides between equals, so it is apk's own.

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::rc::Rc;

use super::pool::{Dependency, NameId, PackageId, Pool, Provider};
use super::state::{NameState, PackageState, RuledOut};
use super::{Request, Universe};

/// A dependency of the request, and the tag it is asked for with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'u> {
    pub(super) dependency: Dependency<'u>,
    pub(super) tag: u64,
}

/// A request being solved.
pub(super) struct Solver<'u> {
    pub(super) pool: Pool<'u>,
    pub(super) names: Vec<NameState<'u>>,
    pub(super) packages: Vec<PackageState<'u>>,
    /// Names that the request leads to.
    pub(super) seen: Vec<NameId>,
    /// Names to consider, the next one first.
    dirty: VecDeque<NameId>,
    /// Names to decide, the newest last.
    unresolved: Vec<NameId>,
    /// How much went wrong.
    pub(super) failures: u32,
}

impl<'u> Solver<'u> {
    pub(super) fn new(universe: &'u Universe, request: &'u Request) -> Self {
        Self {
            pool: Pool::new(universe, request),
            names: Vec::new(),
            packages: Vec::new(),
            seen: Vec::new(),
            dirty: VecDeque::new(),
            unresolved: Vec::new(),
            failures: 0,
        }
    }

    pub(super) fn name(&self, id: NameId) -> &NameState<'u> {
        &self.names[id.position()]
    }

    pub(super) fn name_mut(&mut self, id: NameId) -> &mut NameState<'u> {
        &mut self.names[id.position()]
    }

    pub(super) fn package(&self, id: PackageId) -> &PackageState<'u> {
        &self.packages[id.position()]
    }

    pub(super) fn package_mut(&mut self, id: PackageId) -> &mut PackageState<'u> {
        &mut self.packages[id.position()]
    }

    /// Decides everything that the wanted dependencies lead to.
    pub(super) fn solve(&mut self, world: &[Wanted<'u>]) {
        self.grow();
        for wanted in world {
            let name = wanted.dependency.name;
            self.name_mut(name).is_requested = true;
            if !self.name(name).is_seen {
                self.discover(name);
            }
        }
        self.relate();
        for wanted in world {
            self.apply(None, &wanted.dependency, wanted.tag);
        }
        loop {
            while let Some(name) = self.dirty.pop_front() {
                if std::mem::take(&mut self.name_mut(name).is_dirty) {
                    self.consider(name);
                }
            }
            match self.next_to_decide() {
                Some(name) => self.decide(name),
                None => break,
            }
        }
    }

    /// The newest name that leaves no choice; else the most pressing one, the newer one of equals.
    fn next_to_decide(&self) -> Option<NameId> {
        let mut best: Option<NameId> = None;
        for id in self.unresolved.iter().rev().copied() {
            let name = self.name(id);
            if name.is_settled && name.requirers > 0 && !name.has_options {
                return Some(id);
            }
            let pressing = |id| {
                let name = self.name(id);
                (!name.is_requested, name.rank, Reverse(name.chain), name.requirers == 0)
            };
            if best.is_none_or(|best| pressing(id) < pressing(best)) {
                best = Some(id);
            }
        }
        best
    }

    /// Has a name considered again, unless it is decided or nothing asks for it.
    fn queue(&mut self, id: NameId) {
        let name = self.name_mut(id);
        if !name.is_dirty && !name.is_locked && (name.requirers > 0 || name.check_triggers) {
            name.is_dirty = true;
            self.dirty.push_back(id);
        }
    }

    /// Has a name decided if it is asked for, and only then.
    fn queue_decision(&mut self, id: NameId) {
        let name = self.name_mut(id);
        if name.is_locked {
            return;
        }
        let is_wanted = name.requirers > 0 || name.is_triggered;
        if is_wanted != name.is_unresolved {
            name.is_unresolved = is_wanted;
            if is_wanted {
                self.unresolved.push(id);
            } else {
                self.unresolved.retain(|other| *other != id);
            }
        }
    }

    fn dependents_changed(&mut self, id: NameId) {
        for position in 0..self.name(id).dependents.len() {
            let dependent = self.name(id).dependents[position];
            self.name_mut(dependent).check_dependencies = true;
            self.queue(dependent);
        }
    }

    fn triggers_changed(&mut self, id: NameId) {
        for name in self.triggered(id).iter() {
            if self.name(*name).is_seen && !self.name(*name).never_triggered {
                self.name_mut(*name).check_triggers = true;
                self.queue(*name);
            }
        }
    }

    fn triggers_of_package_changed(&mut self, id: PackageId) {
        self.triggers_changed(self.pool.package(id).name);
        for (provided, _) in Rc::clone(&self.pool.package(id).provides).iter() {
            self.triggers_changed(*provided);
        }
    }

    fn requirers_changed(&mut self, id: NameId) {
        self.queue_decision(id);
        self.triggers_changed(id);
        self.queue(id);
    }

    fn rule_out(&mut self, id: PackageId, why: RuledOut<'u>) {
        let state = self.package_mut(id);
        state.is_selectable = false;
        state.ruled_out.get_or_insert(why);
        let name = self.pool.package(id).name;
        self.dependents_changed(name);
        for (provided, _) in Rc::clone(&self.pool.package(id).provides).iter() {
            self.dependents_changed(*provided);
        }
        self.triggers_of_package_changed(id);
    }

    fn can_hold(&self, dependency: &Dependency<'u>) -> bool {
        let name = self.name(dependency.name);
        if name.is_locked {
            return dependency.holds(name.chosen);
        }
        (name.requirers == 0 && dependency.holds(None))
            || self.pool.name(dependency.name).providers.iter().any(|provider| {
                self.package(provider.package).is_selectable && dependency.holds(Some(*provider))
            })
    }

    /// What is needed may come from where the one that needs it may come from.
    fn inherit_tags(&mut self, id: PackageId, parent: Option<PackageId>, wanted: u64) {
        let tags = self.pool.package(id).tags;
        let inherited = parent.map_or(wanted, |parent| self.package(parent).allowed_tags);
        let state = self.package_mut(id);
        state.allowed_tags |= inherited;
        if parent.is_none() {
            state.is_preferred = tags & wanted != 0;
        }
        state.is_allowed |= tags & state.allowed_tags != 0;
    }

    /// Asks for a dependency, of a package or of the request.
    fn apply(&mut self, parent: Option<PackageId>, dependency: &Dependency<'u>, tag: u64) {
        if !dependency.conflict {
            let name = self.name_mut(dependency.name);
            name.requirers = name.requirers.saturating_add(1);
            if name.requirers == 1 {
                self.requirers_changed(dependency.name);
            }
        }
        for provider in Rc::clone(&self.pool.name(dependency.name).providers).iter() {
            let holds = dependency.holds(Some(*provider));
            let state = self.package_mut(provider.package);
            state.conflicts = state.conflicts.saturating_add(u32::from(!holds));
            if state.is_selectable && state.conflicts > 0 {
                self.rule_out(provider.package, RuledOut::By(parent, *dependency));
            }
            if holds {
                self.inherit_tags(provider.package, parent, tag);
            }
        }
    }

    /// Looks at a name again: rules out what has become impossible, asks for what all options have in common.
    fn consider(&mut self, id: NameId) {
        let check_dependencies = std::mem::take(&mut self.name_mut(id).check_dependencies);
        let check_triggers = std::mem::take(&mut self.name_mut(id).check_triggers);
        let (mut options, mut not_allowed, mut first) = (0, 0, None);
        let (mut is_triggered, mut never_triggered) = (false, true);
        for provider in Rc::clone(&self.pool.name(id).providers).iter() {
            let package = provider.package;
            self.package_mut(package).was_merged = false;
            if check_dependencies && self.package(package).is_selectable {
                self.check_dependencies(package);
            }
            if !self.package(package).is_selectable {
                continue;
            }
            if check_triggers {
                self.check_triggers(package);
            }
            is_triggered |= self.package(package).is_triggered;
            never_triggered &= self.package(package).never_triggered;
            if self.name(id).requirers == 0 {
                continue;
            }
            self.package_mut(package).was_merged = true;
            first = first.or(Some(package));
            self.merge(*provider, options);
            not_allowed += u32::from(!self.package(package).is_allowed);
            options += 1;
        }
        let name = self.name_mut(id);
        name.has_options = options > 1 || not_allowed > 0;
        name.is_triggered = is_triggered;
        name.never_triggered = never_triggered;
        self.queue_decision(id);
        if let Some(first) = first {
            for provider in Rc::clone(&self.pool.name(id).providers).iter() {
                let state = self.package_mut(provider.package);
                state.was_used = state.was_merged;
            }
            self.ask_for_common(first, options);
            self.keep_common(id, first, options);
        }
        let dependents = &self.name(id).dependents;
        let is_settled =
            dependents.iter().all(|name| !self.name(*name).is_seen || self.name(*name).is_locked);
        self.name_mut(id).is_settled = is_settled;
    }

    fn check_dependencies(&mut self, id: PackageId) {
        let depends = Rc::clone(&self.pool.package(id).depends);
        if let Some(lost) = depends.iter().find(|dependency| !self.can_hold(dependency)) {
            self.rule_out(id, RuledOut::Needs(*lost));
        }
    }

    /// Finds whether everything that triggers a package is chosen, or whether that cannot come to pass.
    fn check_triggers(&mut self, id: PackageId) {
        let install_if = Rc::clone(&self.pool.package(id).install_if);
        let state = self.package(id);
        if !state.is_triggered && !state.never_triggered {
            let decided = install_if.iter().find_map(|dependency| {
                let name = self.name(dependency.name);
                match name.is_locked {
                    false => Some((false, false)),
                    true => (!dependency.holds(name.chosen)).then_some((false, true)),
                }
            });
            let (is_triggered, never_triggered) = decided.unwrap_or((true, false));
            let state = self.package_mut(id);
            (state.is_triggered, state.never_triggered) = (is_triggered, never_triggered);
        }
        if self.package(id).is_triggered {
            for dependency in install_if.iter() {
                if let Some(chosen) = self.name(dependency.name).chosen {
                    self.inherit_tags(id, Some(chosen.package), 0);
                }
            }
        }
    }

    /// Counts what the option number `options` depends on and provides, as long as all before it do so too.
    fn merge(&mut self, provider: Provider<'u>, options: u32) {
        let package = self.pool.package(provider.package);
        let own = (package.name, provider.version);
        let (depends, provides) = (Rc::clone(&package.depends), Rc::clone(&package.provides));
        for dependency in depends.iter().filter(|dependency| !dependency.conflict) {
            let merged = &mut self.name_mut(dependency.name).merged_depends;
            if *merged == options {
                *merged = options + 1;
            }
        }
        for (name, version) in std::iter::once(own).chain(provides.iter().copied()) {
            let state = self.name_mut(name);
            if state.merged_provides == options {
                state.merged_provides = options + 1;
                state.has_virtual |= version.is_none();
            }
        }
    }

    /// Asks for what all options depend on: for the dependencies themselves if there is one option alone, else for
    /// the names.
    fn ask_for_common(&mut self, first: PackageId, options: u32) {
        for dependency in Rc::clone(&self.pool.package(first).depends).iter() {
            let is_common = std::mem::take(&mut self.name_mut(dependency.name).merged_depends) == options;
            if is_common && options == 1 {
                self.apply(Some(first), dependency, 0);
            } else if is_common && self.name(dependency.name).requirers == 0 {
                self.name_mut(dependency.name).requirers = 1;
                self.requirers_changed(dependency.name);
                for provider in Rc::clone(&self.pool.name(dependency.name).providers).iter() {
                    self.inherit_tags(provider.package, Some(first), 0);
                }
            }
        }
    }

    /// Whatever all options provide is provided by one of them: other providers of it are ruled out.
    fn keep_common(&mut self, id: NameId, first: PackageId, options: u32) {
        let package = self.pool.package(first);
        let own = package.name;
        let provides = Rc::clone(&package.provides);
        let names = || std::iter::once(own).chain(provides.iter().map(|(name, _)| *name));
        for name in names() {
            if std::mem::take(&mut self.name_mut(name).merged_provides) == options {
                self.rule_out_others(name, id);
            }
        }
        for name in names() {
            self.name_mut(name).has_virtual = false;
        }
    }

    /// Rules out the providers of a name that do not provide another, except virtual ones where it is virtual.
    fn rule_out_others(&mut self, name: NameId, must_provide: NameId) {
        if name == must_provide {
            return;
        }
        let skips_virtual = self.name(name).has_virtual;
        for provider in self.providers(name).iter() {
            let package = self.pool.package(provider.package);
            let stays = package.name == must_provide
                || !self.package(provider.package).is_selectable
                || (skips_virtual && provider.version.is_none())
                || package.provides.iter().any(|(provided, version)| {
                    *provided == must_provide || (skips_virtual && version.is_none())
                });
            if !stays {
                self.rule_out(provider.package, RuledOut::Within(name, must_provide));
            }
        }
    }

    /// Decides a name: takes the best provider, with everything it provides, and asks for what it needs.
    fn decide(&mut self, id: NameId) {
        let Some(chosen) = self.best_provider(id) else {
            self.lock(id, None);
            self.failures += u32::from(self.name(id).requirers > 0);
            return;
        };
        let state = self.package(chosen);
        if !state.is_selectable || !state.is_allowed {
            self.fail(chosen);
        }
        let package = self.pool.package(chosen);
        let own = (package.name, Some(package.version));
        let (provides, depends) = (Rc::clone(&package.provides), Rc::clone(&package.depends));
        for (name, version) in std::iter::once(own).chain(provides.iter().copied()) {
            self.lock(name, Some(Provider { package: chosen, version }));
        }
        for dependency in depends.iter() {
            self.apply(Some(chosen), dependency, 0);
        }
    }

    /// The providers of a name that the request need not lead to.
    fn providers(&mut self, id: NameId) -> Rc<[Provider<'u>]> {
        self.pool.load_name(id);
        self.grow();
        Rc::clone(&self.pool.name(id).providers)
    }

    fn lock(&mut self, id: NameId, provider: Option<Provider<'u>>) {
        let is_virtual = |provider: Option<Provider<'u>>| provider.is_none_or(|one| one.version.is_none());
        let name = self.name_mut(id);
        if name.is_locked {
            let before = name.chosen;
            if !(is_virtual(provider) && is_virtual(before)) {
                for failed in [provider, before].into_iter().flatten() {
                    self.fail(failed.package);
                }
            }
            return;
        }
        name.is_locked = true;
        name.chosen = provider;
        name.is_dirty = false;
        if std::mem::take(&mut name.is_unresolved) {
            self.unresolved.retain(|other| *other != id);
        }
        for other in self.providers(id).iter() {
            let is_chosen = provider.is_some_and(|provider| provider.package == other.package);
            let stays = is_chosen || (is_virtual(provider) && other.version.is_none());
            if !stays {
                let why =
                    provider.map_or(RuledOut::Without(id), |chosen| RuledOut::Beside(id, chosen.package));
                self.rule_out(other.package, why);
            }
        }
        self.dependents_changed(id);
        match provider {
            Some(provider) => self.triggers_of_package_changed(provider.package),
            None => self.triggers_changed(id),
        }
    }

    pub(super) fn fail(&mut self, id: PackageId) {
        let state = self.package_mut(id);
        if !std::mem::replace(&mut state.has_failed, true) {
            self.failures += 1;
        }
    }
}
