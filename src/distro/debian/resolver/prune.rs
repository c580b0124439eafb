//! Taking out what came in as a dependency and is none any more, because another way was found.

use std::collections::{BTreeMap, BTreeSet};

use super::dependency::Dependency;
use super::pool::{PackageId, VersionId};
use super::solver::Solver;
use crate::distro::debian::version;

impl<'u> Solver<'u> {
    /// Removes packages that nothing leads to: no package asked for, no essential one, and nothing that these need,
    /// recommend or suggest.
    pub(super) fn prune(&mut self) {
        let marked: Vec<_> = self.installed().into_iter().filter(|id| self.state(*id).marked).collect();
        let mut reached = BTreeSet::new();
        self.reach(&marked, false, &mut reached);
        if reached.len() < marked.len() {
            self.reach(&marked, true, &mut reached);
        }
        let unreached: Vec<_> = marked.into_iter().filter(|id| !reached.contains(id)).collect();
        for id in &unreached {
            self.remove(*id);
        }
        if self.broken_count() > 0 {
            for id in unreached {
                self.mark(id, false, 0, false);
            }
        }
    }

    /// Adds all that can be reached, `softly` over recommendations and suggestions too.
    fn reach(&mut self, marked: &[PackageId], softly: bool, reached: &mut BTreeSet<PackageId>) {
        let mut waiting = Vec::new();
        for id in marked {
            let package = self.pool.package(*id);
            let stays = package.essential || package.important;
            if stays || !self.state(*id).automatic {
                waiting.push(*id);
            }
        }
        let mut seen = BTreeSet::new();
        while let Some(id) = waiting.pop() {
            let Some(version) = self.state(id).install else { continue };
            if !seen.insert(id) {
                continue;
            }
            reached.insert(id);
            let hard = self.pool.dependencies(version);
            for dependency in hard.iter().filter(|dependency| !dependency.kind.is_negative()) {
                waiting.extend(self.leads_to(version, dependency));
            }
            if softly {
                let soft = self.pool.soft_dependencies(version);
                for dependency in soft.iter() {
                    waiting.extend(self.leads_to(version, dependency));
                }
            }
        }
    }

    /// The marked packages that meet a relation; of several from one source package, those of its newest version.
    fn leads_to(&mut self, owner: VersionId, dependency: &Dependency<'u>) -> Vec<PackageId> {
        let mut by_source: BTreeMap<&str, Vec<(VersionId, &str)>> = BTreeMap::new();
        for found in self.pool.targets(owner, dependency, false) {
            let package = self.pool.version(found).package;
            let state = self.state(package);
            if state.marked && state.install == Some(found) {
                let stanza = &self.pool.version(found).stanza;
                by_source.entry(stanza.source()).or_default().push((found, stanza.source_version()));
            }
        }
        let mut packages = Vec::new();
        for providers in by_source.into_values() {
            let newest = providers.iter().map(|it| it.1).max_by(|left, right| version::compare(left, right));
            let kept = providers.into_iter().filter(|it| Some(it.1) == newest);
            packages.extend(kept.map(|it| self.pool.version(it.0).package));
        }
        packages
    }
}
