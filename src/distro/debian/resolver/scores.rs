//! How much each package matters when two cannot both stay.

use std::collections::BTreeMap;

use super::dependency::{Dependency, Kind};
use super::pool::{PackageId, Place, Pool, VersionId};
use super::repair::table_order;
use super::solver::Solver;
use crate::distro::debian::index::Priority;

/// Scores of packages; higher ones stay.
pub(super) struct Scores {
    /// As they stood when the repair began; the order of the work.
    first: Vec<i64>,
    current: Vec<i64>,
}

/// The place of a package in the order of the work.
pub(super) type Rank<'u> = (i64, (u32, usize, &'u str, Place));

impl Scores {
    pub(super) fn get(&self, id: PackageId) -> i64 {
        self.current.get(id.position()).copied().unwrap_or(0)
    }

    pub(super) fn set(&mut self, id: PackageId, score: i64) {
        if self.current.len() <= id.position() {
            self.current.resize(id.position() + 1, 0);
        }
        self.current[id.position()] = score;
    }

    /// Smaller is earlier.
    pub(super) fn rank<'u>(&self, pool: &Pool<'u>, id: PackageId) -> Rank<'u> {
        let package = pool.package(id);
        let score = self.first.get(id.position()).copied().unwrap_or(0);
        (-score, table_order(package.name, package.place))
    }
}

impl<'u> Solver<'u> {
    /// The scores of all packages as things are marked now.
    pub(super) fn scores(&mut self) -> Scores {
        let installed = self.installed();
        let mut scores = Scores { first: Vec::new(), current: Vec::new() };
        for id in &installed {
            self.score_itself(*id, &mut scores);
        }
        let base = scores.current.clone();
        let base_of = |id: PackageId| base.get(id.position()).copied().unwrap_or(0);
        for id in &installed {
            let inherited = base_of(*id);
            if inherited <= 0 {
                continue;
            }
            for (dependency, _) in self.all_relations(*id) {
                let heir = dependency.target;
                let needs = matches!(dependency.kind, Kind::Depends | Kind::PreDepends | Kind::Recommends);
                if needs && self.state(heir).install.is_some() {
                    let score = scores.get(heir) + inherited;
                    scores.set(heir, score);
                }
            }
        }
        self.pass_on_to_providers(&installed, &base, &mut scores);
        for id in installed {
            let package = self.pool.package(id);
            let essential = package.essential || package.important;
            let requested = self.state(id).requested;
            let bonus = i64::from(requested) * 10_000 + i64::from(essential) * 5_000;
            let score = scores.get(id) + bonus;
            scores.set(id, score);
        }
        scores.first.clone_from(&scores.current);
        scores
    }

    /// Hard and soft relations of the version to be installed.
    fn all_relations(&mut self, id: PackageId) -> Vec<(Dependency<'u>, VersionId)> {
        let Some(version) = self.state(id).install else { return Vec::new() };
        let hard = self.pool.dependencies(version);
        let soft = self.pool.soft_dependencies(version);
        hard.iter().chain(soft.iter()).map(|dependency| (*dependency, version)).collect()
    }

    /// A package's own points, and those it gives to what it names.
    fn score_itself(&mut self, id: PackageId, scores: &mut Scores) {
        let Some(version) = self.state(id).install else { return };
        let package = self.pool.package(id);
        let essential = if package.essential || package.important { 100 } else { 0 };
        let own = match self.pool.version(version).priority {
            Priority::Unstated => 0,
            Priority::Required => 3,
            Priority::Important => 2,
            Priority::Standard => 1,
            Priority::Optional => -1,
            Priority::Extra => -2,
        };
        let score = scores.get(id) + essential + own;
        scores.set(id, score);
        for (dependency, version) in self.all_relations(id) {
            let points = match dependency.kind {
                Kind::Depends | Kind::PreDepends | Kind::Recommends => 1,
                Kind::Conflicts | Kind::Breaks => -1,
                Kind::Suggests => continue,
            };
            for named in self.named_installed(version, &dependency) {
                let score = scores.get(named) + points;
                scores.set(named, score);
            }
        }
    }

    /// The packages that a relation gives points to: its target, if no version is asked for or the right one is to
    /// be installed, and the providers that are.
    fn named_installed(&mut self, owner: VersionId, dependency: &Dependency<'u>) -> Vec<PackageId> {
        let target = dependency.target;
        let install = self.state(target).install;
        let unbounded = dependency.admits(None);
        let admitted =
            install.is_some_and(|version| dependency.admits(Some(self.pool.version(version).text)));
        let mut named = Vec::new();
        if !self.pool.ignores_target(owner, dependency) {
            if !unbounded && !admitted {
                return named;
            }
            named.push(target);
        }
        let mut providers = Vec::new();
        for provider in self.pool.providers(target).iter() {
            if !self.pool.ignores_provider(owner, dependency, provider)
                && dependency.admits(provider.provided)
                && self.state(provider.package).install == Some(provider.version)
            {
                providers.push(provider.package);
            }
        }
        providers.sort_unstable();
        providers.dedup();
        named.extend(providers);
        named
    }

    /// What a package gained beyond its own points goes to those that provide it.
    fn pass_on_to_providers(&mut self, installed: &[PackageId], base: &[i64], scores: &mut Scores) {
        let order: BTreeMap<_, _> = installed
            .iter()
            .map(|id| (table_order(self.pool.package(*id).name, self.pool.package(*id).place), *id))
            .collect();
        for id in order.into_values() {
            let gained = (scores.get(id) - base.get(id.position()).copied().unwrap_or(0)).abs();
            if gained == 0 {
                continue;
            }
            let mut providers = Vec::new();
            for provider in self.pool.providers(id).iter().filter(|provider| !provider.implicit) {
                if self.state(provider.package).install == Some(provider.version) {
                    providers.push(provider.package);
                }
            }
            providers.sort_unstable();
            providers.dedup();
            for provider in providers {
                let score = scores.get(provider) + gained;
                scores.set(provider, score);
            }
        }
    }
}
