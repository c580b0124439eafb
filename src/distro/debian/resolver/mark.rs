//! Marking a package for installation with all that it needs, depth first, as apt does.

use std::cmp::Ordering;
use std::rc::Rc;

use super::dependency::{Dependency, groups};
use super::pool::{PackageId, Place, VersionId};
use super::solver::{By, MAX_DEPTH, Solver};

/// What a step of marking is about.
#[derive(Clone, Copy)]
struct Step {
    package: PackageId,
    version: VersionId,
    depth: usize,
    by_request: bool,
    /// The package was decided for good before this step, and hands that on to what it alone can rely on.
    decided: bool,
}

impl<'u> Solver<'u> {
    /// Marks a package, `with_dependencies` or alone. Whether it and they could be marked.
    pub(super) fn mark(
        &mut self,
        package: PackageId,
        with_dependencies: bool,
        depth: usize,
        by_request: bool,
    ) -> bool {
        if depth > MAX_DEPTH || !self.may_mark(package, by_request) {
            return false;
        }
        let state = self.state(package).clone();
        let Some(version) = state.candidate else { return false };
        if !state.protected && state.marked && !self.is_broken(package) {
            return true;
        }
        if with_dependencies && !self.has_candidates(package, version) {
            return false;
        }
        if !with_dependencies {
            self.install(package, !by_request);
            return true;
        }
        self.mark_with_dependencies(Step { package, version, depth, by_request, decided: state.protected })
    }

    fn may_mark(&mut self, package: PackageId, by_request: bool) -> bool {
        let state = self.state(package);
        let free = by_request || state.marked || !state.protected;
        free && !self.pool.package(package).versions.is_empty()
    }

    /// Whether every dependency has a candidate, or something marked, that meets it. A package of which that is not
    /// so is given up, unless it is decided.
    fn has_candidates(&mut self, package: PackageId, version: VersionId) -> bool {
        let list = self.dependencies(version);
        let complete = groups(&list).filter(|group| !group[0].kind.is_negative()).all(|group| {
            group.iter().any(|dependency| {
                self.names_chosen(version, dependency, By::Install)
                    || self.names_chosen(version, dependency, By::Candidate)
            })
        });
        if !complete {
            let state = self.state(package);
            if !state.protected {
                state.candidate = None;
                state.marked = false;
            }
        }
        complete
    }

    fn mark_with_dependencies(&mut self, step: Step) -> bool {
        let Step { package, version, by_request, decided, .. } = step;
        if by_request {
            self.install(package, false);
        }
        let gives_up = !decided && !by_request;
        let list = self.dependencies(version);
        let (forbidden, needed) = self.open_groups(version, &list, decided);
        let mut failed = !self.rule_out(version, &list, &forbidden, step);
        if failed && gives_up {
            return false;
        }
        if !by_request {
            self.install(package, true);
        }
        // While its dependencies are marked, the package cannot be taken back by one of them.
        self.state(package).protected = true;
        let complete = self.mark_needed(&list, &needed, step);
        if !decided {
            self.state(package).protected = false;
        }
        if !complete {
            if gives_up {
                self.discard_install(package);
                return false;
            }
            failed = true;
        }
        !failed
    }

    /// The groups to work on, as ranges of the list: conflicts and breaks, then dependencies. A decided package
    /// looks at all of them, any other at those that do not hold.
    fn open_groups(
        &mut self,
        version: VersionId,
        list: &[Dependency<'u>],
        decided: bool,
    ) -> (Vec<usize>, Vec<std::ops::Range<usize>>) {
        let (mut forbidden, mut needed) = (Vec::new(), Vec::new());
        let mut start = 0;
        for group in groups(list) {
            let end = start + group.len();
            if decided || !self.group_holds(version, group, By::Install) {
                if group[0].kind.is_negative() {
                    forbidden.push(start);
                } else {
                    needed.push(start..end);
                }
            }
            start = end;
        }
        (forbidden, needed)
    }

    /// Takes back what conflicts with a version, and where the package is decided, rules it out for good. Whether
    /// nothing stood fast.
    fn rule_out(
        &mut self,
        version: VersionId,
        list: &[Dependency<'u>],
        forbidden: &[usize],
        step: Step,
    ) -> bool {
        let mut complete = true;
        for position in forbidden {
            for rival in self.possible(version, &list[*position..=*position], true) {
                let package = self.pool.version(rival).package;
                if self.state(package).candidate != Some(rival) {
                    continue;
                }
                if self.state(package).marked && !self.keep_out(package) {
                    complete = false;
                    if !step.decided && !step.by_request {
                        return false;
                    }
                } else if step.decided {
                    self.discard_candidate(package);
                    self.state(package).protected = true;
                }
            }
        }
        complete
    }

    fn mark_needed(
        &mut self,
        list: &Rc<[Dependency<'u>]>,
        needed: &[std::ops::Range<usize>],
        step: Step,
    ) -> bool {
        let mut complete = true;
        for range in needed {
            let group = &list[range.clone()];
            let met = self.group_holds(step.version, group, By::Install);
            let marked =
                if met { !step.decided || self.decide_only(group, step) } else { self.mark_one(group, step) };
            if !marked {
                complete = false;
                if !step.decided && !step.by_request {
                    break;
                }
            }
        }
        complete
    }

    /// Hands the decision on to the one version that can meet a dependency that is met already.
    fn decide_only(&mut self, group: &[Dependency<'u>], step: Step) -> bool {
        let possible = self.possible(step.version, group, false);
        let [only] = possible[..] else { return true };
        let package = self.pool.version(only).package;
        if self.state(package).protected {
            return true;
        }
        self.state(package).protected = true;
        self.mark(package, true, step.depth + 1, false)
    }

    /// Marks the first version that can be marked of those that meet a dependency.
    fn mark_one(&mut self, group: &[Dependency<'u>], step: Step) -> bool {
        let possible = self.possible(step.version, group, true);
        for version in &possible {
            let package = self.pool.version(*version).package;
            if self.state(package).candidate != Some(*version) {
                continue;
            }
            if step.decided && possible.len() == 1 {
                if !self.mark(package, false, step.depth + 1, false) {
                    continue;
                }
                self.state(package).protected = true;
            }
            if self.mark(package, true, step.depth + 1, false) {
                return true;
            }
        }
        false
    }

    /// The candidates that a group names, in the order in which they are tried (`ranked`), or in any order, each
    /// once. Packages that are ruled out are no way to meet a dependency.
    fn possible(&mut self, owner: VersionId, group: &[Dependency<'u>], ranked: bool) -> Vec<VersionId> {
        let mut found = Vec::new();
        for dependency in group {
            let mut named = self.named_candidates(owner, dependency);
            named.sort_by(|left, right| self.compare_candidates(*left, *right, dependency.target));
            found.append(&mut named);
        }
        if !ranked {
            found.sort_unstable();
        }
        found.dedup();
        if !group[0].kind.is_negative() {
            found.retain(|version| {
                let package = self.pool.version(*version).package;
                let state = self.state(package);
                state.marked || !state.protected
            });
        }
        found
    }

    fn named_candidates(&mut self, owner: VersionId, dependency: &Dependency<'u>) -> Vec<VersionId> {
        let mut found = Vec::new();
        if let Some(version) = self.state(dependency.target).candidate
            && !self.pool.ignores_target(owner, dependency)
            && dependency.admits(Some(self.pool.version(version).text))
        {
            found.push(version);
        }
        for provider in self.pool.providers(dependency.target).iter() {
            if dependency.admits(provider.provided)
                && !self.pool.ignores_provider(owner, dependency, provider)
                && self.state(provider.package).candidate == Some(provider.version)
            {
                found.push(provider.version);
            }
        }
        found
    }

    /// apt's order among the candidates that one relation names: what is decided; the target itself before its
    /// providers; essential, then protected packages; the native architecture; the higher priority; and else what
    /// the indexes mention last.
    fn compare_candidates(&self, left: VersionId, right: VersionId, target: PackageId) -> Ordering {
        let [left, right] = [left, right].map(|version| {
            let version = self.pool.version(version);
            (version, self.pool.package(version.package))
        });
        let target = self.pool.package(target);
        let protected = |id: PackageId| self.known_state(id).is_some_and(|state| state.protected);
        let same_name = |name: &str| matches!(target.place, Place::At(_)) && target.name == name;
        let order = protected(right.0.package)
            .cmp(&protected(left.0.package))
            .then_with(|| same_name(right.1.name).cmp(&same_name(left.1.name)))
            .then_with(|| right.1.essential.cmp(&left.1.essential))
            .then_with(|| right.1.important.cmp(&left.1.important))
            .then_with(|| left.1.place.cmp(&right.1.place))
            .then_with(|| left.0.priority.cmp(&right.0.priority));
        order.then_with(|| {
            if left.0.package == right.0.package {
                return Ordering::Equal;
            }
            self.pool.born(right.0.package).cmp(&self.pool.born(left.0.package))
        })
    }
}
