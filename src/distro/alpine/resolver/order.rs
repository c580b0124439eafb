//! The order of installation: what is needed before what needs it, as far as there are no cycles.

use std::rc::Rc;

use super::pool::{Dependency, NameId, PackageId};
use super::solver::{Solver, Wanted};

/// What is left to do, the next thing last.
enum Step<'u> {
    Meet(Option<PackageId>, Dependency<'u>),
    FailWith(Option<PackageId>, PackageId),
    Install(PackageId),
    Trigger(NameId),
}

impl<'u> Solver<'u> {
    /// The chosen packages in the order in which apk installs them. Dependencies that do not hold are failures.
    pub(super) fn in_order(&mut self, world: &[Wanted<'u>]) -> Vec<PackageId> {
        let mut order = Vec::new();
        let mut steps: Vec<_> =
            world.iter().rev().map(|wanted| Step::Meet(None, wanted.dependency)).collect();
        while let Some(step) = steps.pop() {
            match step {
                Step::Meet(parent, dependency) => {
                    let chosen = self.name(dependency.name).chosen;
                    if let (false, Some(parent)) = (dependency.holds(chosen), parent) {
                        self.fail(parent);
                    } else if !dependency.holds(chosen) {
                        self.failures += 1;
                    }
                    if let Some(chosen) = chosen {
                        steps.push(Step::FailWith(parent, chosen.package));
                    }
                    self.change(dependency.name, &mut steps);
                }
                Step::FailWith(Some(parent), package) if self.package(package).has_failed => {
                    self.fail(parent)
                }
                Step::FailWith(..) => {}
                Step::Install(package) => {
                    order.push(package);
                    let name = self.pool.package(package).name;
                    let provides = Rc::clone(&self.pool.package(package).provides);
                    for (provided, _) in provides.iter().rev() {
                        push_triggers(&self.triggered(*provided), &mut steps);
                    }
                    push_triggers(&self.triggered(name), &mut steps);
                }
                Step::Trigger(name) => self.trigger(name, &mut steps),
            }
        }
        order
    }

    /// Installs what was chosen for a name, after what it needs.
    fn change(&mut self, name: NameId, steps: &mut Vec<Step<'u>>) {
        if std::mem::replace(&mut self.name_mut(name).is_ordered, true) {
            return;
        }
        let Some(chosen) = self.name(name).chosen else { return };
        if std::mem::replace(&mut self.package_mut(chosen.package).is_ordered, true) {
            return;
        }
        let package = self.pool.package(chosen.package);
        let (own, provides, depends) =
            (package.name, Rc::clone(&package.provides), Rc::clone(&package.depends));
        self.name_mut(own).is_ordered = true;
        for (provided, _) in provides.iter() {
            self.name_mut(*provided).is_ordered = true;
        }
        steps.push(Step::Install(chosen.package));
        let needs = depends.iter().rev();
        steps.extend(needs.map(|dependency| Step::Meet(Some(chosen.package), *dependency)));
    }

    /// Installs what was chosen for a name if everything that triggers it is installed, or about to be.
    fn trigger(&mut self, name: NameId, steps: &mut Vec<Step<'u>>) {
        let state = self.name(name);
        let Some(chosen) = state.chosen.filter(|_| state.is_seen && !state.is_ordered) else { return };
        let install_if = Rc::clone(&self.pool.package(chosen.package).install_if);
        let is_triggered = install_if.iter().all(|dependency| {
            let trigger = self.name(dependency.name);
            trigger.is_ordered && dependency.holds(trigger.chosen)
        });
        if is_triggered {
            self.change(name, steps);
        }
    }
}

fn push_triggers(triggered: &[NameId], steps: &mut Vec<Step<'_>>) {
    steps.extend(triggered.iter().rev().map(|name| Step::Trigger(*name)));
}
