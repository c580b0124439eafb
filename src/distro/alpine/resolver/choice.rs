//! Which provider of a name is the best.

use std::cmp::Ordering;

use super::pool::{NameId, PackageId, Provider};
use super::solver::Solver;
use crate::distro::alpine::version;

impl<'u> Solver<'u> {
    /// The package to take for a name; none where nothing may be taken, or where a person has to choose.
    pub(super) fn best_provider(&self, id: NameId) -> Option<PackageId> {
        let name = self.name(id);
        if name.requirers == 0 && !name.is_triggered {
            return None;
        }
        let providers = &self.pool.name(id).providers;
        let mut best: Option<Provider<'u>> = None;
        for provider in providers.iter() {
            let state = self.package(provider.package);
            if name.requirers == 0 && !(state.is_triggered && state.is_allowed) {
                continue;
            }
            if self.needs_a_choice(provider) {
                continue;
            }
            if best.is_none_or(|best| self.compare(provider, &best) == Ordering::Greater) {
                best = Some(*provider);
            }
        }
        best.map(|provider| provider.package)
    }

    /// Whether a provider only provides a name without a version, and has no priority: such a one is taken only where
    /// it is itself asked for.
    pub(super) fn needs_a_choice(&self, provider: &Provider<'u>) -> bool {
        let package = self.pool.package(provider.package);
        provider.version.is_none() && package.priority == 0 && self.name(package.name).requirers == 0
    }

    /// The better provider is the greater one.
    fn compare(&self, left: &Provider<'u>, right: &Provider<'u>) -> Ordering {
        let (one, other) = (self.package(left.package), self.package(right.package));
        let (package, rival) = (self.pool.package(left.package), self.pool.package(right.package));
        let by_principal_version = || match package.name == rival.name {
            true => version::compare(package.version, rival.version),
            false => Ordering::Equal,
        };
        one.is_selectable
            .cmp(&other.is_selectable)
            .then_with(|| one.was_used.cmp(&other.was_used))
            .then_with(|| other.conflicts.cmp(&one.conflicts))
            .then_with(|| one.is_allowed.cmp(&other.is_allowed))
            .then_with(|| one.is_preferred.cmp(&other.is_preferred))
            .then_with(|| package.is_favoured.cmp(&rival.is_favoured))
            .then_with(|| match (left.version, right.version) {
                (Some(left), Some(right)) => version::compare(left, right),
                _ => Ordering::Equal,
            })
            .then_with(by_principal_version)
            .then_with(|| package.priority.cmp(&rival.priority))
            .then_with(|| rival.selected.index.cmp(&package.selected.index))
    }
}
