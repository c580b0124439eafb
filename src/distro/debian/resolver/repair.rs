//! Repairing what marking left broken: packages are looked at from the most important to the least, and one side
//! of each broken relation gives way.

use super::dependency::{Dependency, Kind, groups};
use super::pool::{PackageId, Place, VersionId};
use super::scores::{Rank, Scores};
use super::solver::{By, MAX_DEPTH, Solver};

/// So often the packages are gone through.
const PASSES: usize = 20;

/// What looking at one relation came to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// Go on with the next alternative or relation.
    Next,
    /// This package is done with.
    Done,
}

/// The work on one broken package.
struct Case {
    package: PackageId,
    pass: usize,
    /// Packages to keep out so that a conflict ends.
    rivals: Vec<PackageId>,
    /// What to do when no alternative of a group worked out.
    keep: bool,
    changed: bool,
}

impl<'u> Solver<'u> {
    /// Repairs all that is broken. Whether nothing is broken after.
    pub(super) fn repair(&mut self) -> bool {
        if self.broken_count() == 0 {
            return true;
        }
        let mut scores = self.scores();
        let mut changed = true;
        let mut pass = 0;
        while changed && pass < PASSES {
            changed = self.repair_pass(pass, &mut scores);
            pass += 1;
        }
        self.broken_count() == 0
    }

    /// Goes once through all packages, highest score first; those that come in on the way have their turn too.
    fn repair_pass(&mut self, pass: usize, scores: &mut Scores) -> bool {
        let mut changed = false;
        let mut last = None;
        while let Some((rank, package)) = self.next_broken(last.as_ref(), scores) {
            last = Some(rank);
            changed |= self.repair_package(package, pass, scores);
        }
        changed
    }

    /// The first broken package after a rank.
    fn next_broken(&mut self, last: Option<&Rank<'u>>, scores: &Scores) -> Option<(Rank<'u>, PackageId)> {
        let broken: Vec<_> = self.installed().into_iter().filter(|id| self.is_broken(*id)).collect();
        let ranked = broken.into_iter().map(|id| (scores.rank(&self.pool, id), id));
        ranked.filter(|(rank, _)| last.is_none_or(|last| rank > last)).min()
    }

    fn repair_package(&mut self, package: PackageId, pass: usize, scores: &mut Scores) -> bool {
        let Some(version) = self.state(package).install else { return false };
        let mut case = Case { package, pass, rivals: Vec::new(), keep: false, changed: false };
        let list = self.dependencies(version);
        for group in groups(&list) {
            if self.group_holds(version, group, By::Install) {
                continue;
            }
            if self.repair_group(version, group, &mut case, scores) == Outcome::Done {
                break;
            }
        }
        if self.state(package).install.is_some() {
            self.keep_rivals_out(&mut case, scores);
        }
        case.changed
    }

    fn repair_group(
        &mut self,
        version: VersionId,
        group: &[Dependency<'u>],
        case: &mut Case,
        scores: &mut Scores,
    ) -> Outcome {
        let rivals_before = case.rivals.len();
        let alternatives = group.len() > 1;
        case.keep = false;
        for (position, dependency) in group.iter().enumerate() {
            if position > 0 && self.group_holds(version, group, By::Install) {
                return Outcome::Next;
            }
            let outcome = self.repair_alternative(version, group, dependency, case, scores);
            if outcome == Outcome::Done && !alternatives {
                return Outcome::Done;
            }
        }
        if alternatives && rivals_before == case.rivals.len() {
            if case.keep {
                self.keep_out(case.package);
                case.changed = true;
            } else if !self.state(case.package).protected {
                self.remove(case.package);
                case.changed = true;
            }
        }
        Outcome::Next
    }

    fn repair_alternative(
        &mut self,
        version: VersionId,
        group: &[Dependency<'u>],
        dependency: &Dependency<'u>,
        case: &mut Case,
        scores: &mut Scores,
    ) -> Outcome {
        let (package, alternatives) = (case.package, group.len() > 1);
        let negative = dependency.kind.is_negative();
        let targets = self.pool.targets(version, dependency, false);
        if targets.is_empty() && !negative && !self.state(package).protected {
            if alternatives {
                return Outcome::Next;
            }
            case.changed = true;
            self.keep_out(package);
            return Outcome::Done;
        }
        for target in targets {
            let other = self.pool.version(target).package;
            if negative && self.state(other).install != Some(target) {
                continue;
            }
            if !negative || scores.get(package) <= scores.get(other) {
                if !self.state(package).protected {
                    self.give_way(other, dependency, alternatives, case, scores);
                    return Outcome::Done;
                }
                if self.bring_in(other, 0) {
                    let lower = scores.get(other).min(scores.get(package));
                    scores.set(other, lower);
                    break;
                }
                continue;
            }
            if dependency.kind == Kind::Breaks && self.holds(version, dependency, By::Candidate) {
                self.mark(other, false, 0, false);
                continue;
            }
            if !self.state(other).protected {
                case.rivals.push(other);
            }
        }
        Outcome::Next
    }

    /// Takes the broken package itself back, or if that cannot be, tries something else.
    fn give_way(
        &mut self,
        other: PackageId,
        dependency: &Dependency<'u>,
        alternatives: bool,
        case: &mut Case,
        scores: &mut Scores,
    ) {
        let package = case.package;
        let was_marked = self.state(package).marked;
        self.keep_out(package);
        case.changed = true;
        if !self.is_broken(package) {
            case.keep = true;
            if alternatives && was_marked {
                self.mark(package, false, 0, false);
            }
        } else if !self.bring_in(package, 0) {
            if !alternatives {
                self.remove(package);
                if case.pass > 1 && scores.get(other) > scores.get(package) {
                    scores.set(package, scores.get(other));
                }
            } else if self.state(dependency.target).candidate.is_some() {
                let before = self.broken_count();
                self.mark(dependency.target, true, 1, false);
                if self.is_broken(dependency.target) || self.broken_count() > before {
                    self.remove(dependency.target);
                }
            }
        }
    }

    fn keep_rivals_out(&mut self, case: &mut Case, scores: &mut Scores) {
        for rival in std::mem::take(&mut case.rivals) {
            let kept_out = self.keep_out(rival);
            if (!kept_out || case.pass > 1) && scores.get(case.package) > scores.get(rival) {
                scores.set(rival, scores.get(case.package));
                case.changed = true;
            }
            case.changed |= kept_out;
        }
    }

    /// Tries once to install a package after all, with what it needs. Whether that worked.
    fn bring_in(&mut self, package: PackageId, depth: usize) -> bool {
        let state = self.state(package).clone();
        if depth > MAX_DEPTH || state.tried || state.candidate.is_none() || state.requested {
            return false;
        }
        self.state(package).tried = true;
        if !self.mark(package, false, 0, false) {
            return false;
        }
        let Some(version) = self.state(package).install else { return false };
        let list = self.dependencies(version);
        let complete = groups(&list).all(|group| self.bring_in_group(version, group, depth));
        if !complete {
            if state.marked {
                self.remove(package);
            } else {
                self.keep_out(package);
            }
        }
        complete
    }

    fn bring_in_group(&mut self, version: VersionId, group: &[Dependency<'u>], depth: usize) -> bool {
        let mut complete = true;
        for dependency in group {
            if self.group_holds(version, group, By::Install) {
                break;
            }
            let target = self.likely_target(version, dependency);
            if self.state(target).protected {
                complete = false;
            } else if self.holds(version, dependency, By::Candidate) {
                complete = self.bring_in(target, depth + 1);
                if complete {
                    break;
                }
            } else if dependency.kind.is_negative() {
                break;
            } else {
                complete = false;
            }
        }
        complete
    }

    /// The target of a relation, or where it is virtual, its first provider.
    fn likely_target(&mut self, owner: VersionId, dependency: &Dependency<'u>) -> PackageId {
        let target = dependency.target;
        self.state(target);
        if !self.pool.package(target).versions.is_empty() {
            return target;
        }
        let own = self.pool.version(owner).package;
        let providers = self.pool.providers(target);
        providers.iter().map(|provider| provider.package).find(|package| *package != own).unwrap_or(target)
    }
}

/// The order of packages of equal score in apt's tables: by a hash of the name, then its length, then itself.
pub(super) fn table_order(name: &str, place: Place) -> (u32, usize, &str, Place) {
    let hash =
        name.bytes().fold(5381_u32, |hash, byte| hash.wrapping_mul(33).wrapping_add(u32::from(byte | 0x20)));
    (hash % 196_613, name.len(), name, place)
}
