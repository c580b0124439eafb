//! Why packages cannot be installed together, in words.
//!
//! Receives the state at the end of an attempt that failed: what was chosen, and why the rest was ruled out.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::ResolveError;
use super::pool::{Dependency, PackageId, Provider};
use super::request::newest_first;
use super::solver::{Solver, Wanted};
use super::state::RuledOut;

/// At most this many reasons are given, and at most this many names in one of them.
const REASONS: usize = 5;
const NAMES: usize = 8;

/// Why a resolution failed.
pub(super) struct Explanation {
    pub(super) error: ResolveError,
    /// The names of packages that take part in what is wrong.
    pub(super) involved: BTreeSet<String>,
}

/// Something that is wrong with a package, or with the request.
struct Problem {
    owner: Option<PackageId>,
    text: String,
}

/// For each package met, what needs it; none for those that the request names.
type Parents = BTreeMap<PackageId, Option<PackageId>>;

impl<'u> Solver<'u> {
    /// The reasons why an attempt failed, nearest to the request first.
    pub(super) fn explain(&self, world: &[Wanted<'u>]) -> Explanation {
        let mut involved = BTreeSet::new();
        if let Some(error) = world.iter().find_map(|wanted| self.choice(&wanted.dependency)) {
            return Explanation { error, involved };
        }
        let (mut parents, mut problems) = (Parents::new(), Vec::new());
        let mut waiting = VecDeque::from([None]);
        while let Some(owner) = waiting.pop_front() {
            let dependencies: Vec<_> = match owner {
                None => world.iter().map(|wanted| wanted.dependency).collect(),
                Some(package) => self.pool.package(package).depends.to_vec(),
            };
            if let Some(text) = owner.and_then(|package| self.why_wrong(package, &mut involved)) {
                problems.push(Problem { owner, text });
            }
            for dependency in dependencies {
                let chosen = self.name(dependency.name).chosen;
                if !dependency.holds(chosen) {
                    let text = self.why_unmet(owner, &dependency, &mut involved);
                    problems.push(Problem { owner, text });
                } else if let Some(chosen) = chosen.filter(|_| !dependency.conflict)
                    && !parents.contains_key(&chosen.package)
                {
                    parents.insert(chosen.package, owner);
                    waiting.push_back(Some(chosen.package));
                }
            }
        }
        let mut reasons = Vec::new();
        for problem in &problems {
            let reason = self.chain(problem, &parents);
            if reasons.len() < REASONS && !reasons.contains(&reason) {
                reasons.push(reason);
            }
        }
        if reasons.is_empty() {
            reasons.push("the choice of apk's solver contradicts itself".to_owned());
        }
        Explanation { error: ResolveError::Unsolvable { reasons }, involved }
    }

    /// The error for a name of the request that several packages provide, none of which apk takes of itself.
    fn choice(&self, dependency: &Dependency<'u>) -> Option<ResolveError> {
        let providers = self.open_choice(dependency)?;
        let name = self.pool.name(dependency.name).text.to_owned();
        Some(ResolveError::Virtual { name, providers: providers.into_iter().map(str::to_owned).collect() })
    }

    /// The packages of which one has to be asked for by name, if that is what a dependency lacks.
    fn open_choice(&self, dependency: &Dependency<'u>) -> Option<BTreeSet<&'u str>> {
        if dependency.conflict || self.name(dependency.name).chosen.is_some() {
            return None;
        }
        let open =
            |provider: &&Provider<'u>| dependency.holds(Some(**provider)) && self.needs_a_choice(provider);
        let providers = self.pool.name(dependency.name).providers.iter();
        let names: BTreeSet<_> = providers.filter(open).map(|one| self.pool.label(one.package)).collect();
        Some(names).filter(|names| !names.is_empty())
    }

    /// The clauses from the request to a problem.
    fn chain(&self, problem: &Problem, parents: &Parents) -> String {
        let Some(owner) = problem.owner else { return problem.text.clone() };
        let mut path = vec![owner];
        while let Some(Some(parent)) = path.last().and_then(|last| parents.get(last)) {
            path.push(*parent);
        }
        path.reverse();
        let needs = |pair: &[PackageId]| {
            format!("`{}` needs `{}`", self.pool.label(pair[0]), self.pool.label(pair[1]))
        };
        let mut clauses: Vec<_> = path.windows(2).map(needs).collect();
        clauses.push(problem.text.clone());
        clauses.push(format!("`{}` is requested by the recipe", self.pool.label(path[0])));
        clauses.join("; ")
    }

    /// What is wrong with a chosen package other than that its dependencies are not met.
    fn why_wrong(&self, id: PackageId, involved: &mut BTreeSet<String>) -> Option<String> {
        let label = self.pool.label(id);
        let state = self.package(id);
        if !state.is_allowed {
            let tags = self.pool.tag_names(self.pool.package(id).tags);
            let tags: Vec<_> = tags.iter().map(|tag| format!("`{label}@{tag}`")).collect();
            return Some(format!(
                "`{label}` is only in repositories with a tag: ask for {}",
                tags.join(" or ")
            ));
        }
        match state.ruled_out? {
            RuledOut::Needs(_) => None,
            why => {
                involved.insert(label.to_owned());
                Some(format!("`{label}` {}", self.why_ruled_out(id, why, involved)))
            }
        }
    }

    /// Why a dependency does not hold.
    fn why_unmet(
        &self,
        owner: Option<PackageId>,
        dependency: &Dependency<'u>,
        involved: &mut BTreeSet<String>,
    ) -> String {
        let described = self.pool.describe(dependency);
        let subject = match owner {
            Some(owner) => {
                involved.insert(self.pool.label(owner).to_owned());
                format!("`{}`", self.pool.label(owner))
            }
            None => "the recipe".to_owned(),
        };
        let name = self.pool.name(dependency.name);
        for provider in name.providers.iter() {
            involved.insert(self.pool.label(provider.package).to_owned());
        }
        if dependency.conflict {
            let rival = self.name(dependency.name).chosen.map_or("it", |one| self.pool.label(one.package));
            return format!("{subject} cannot stand beside `{rival}` (`{described}`)");
        }
        if let Some(names) = self.open_choice(dependency) {
            let names: Vec<_> = names.into_iter().take(NAMES).collect();
            let names = names.join(", ");
            return format!(
                "{subject} needs `{described}`, which several packages provide: ask for one of {names}"
            );
        }
        let fitting: Vec<_> = name.providers.iter().filter(|one| dependency.holds(Some(**one))).collect();
        let Some(first) = fitting.first() else {
            return format!("{subject} needs `{described}`, {}", self.why_none(dependency));
        };
        let ruled_out = fitting.iter().find_map(|one| {
            let why = self.package(one.package).ruled_out?;
            Some((one.package, self.why_ruled_out(one.package, why, involved)))
        });
        let (meets, why) = match ruled_out {
            Some((package, why)) => (package, format!("; it {why}")),
            None => (first.package, ", but another package was chosen".to_owned()),
        };
        let version = self.pool.package(meets).version;
        format!("{subject} needs `{described}`, which `{}` {version} would meet{why}", self.pool.label(meets))
    }

    /// Words for a dependency that no provider could meet.
    fn why_none(&self, dependency: &Dependency<'u>) -> String {
        let name = self.pool.name(dependency.name);
        if let Some(excluded) = name.excluded.iter().find(|one| dependency.holds(Some(**one))) {
            return format!("which only the excluded `{}` would meet", self.pool.label(excluded.package));
        }
        let versions = newest_first(name.providers.iter().filter_map(|provider| provider.version));
        match versions[..] {
            [] if name.providers.is_empty() => "which no repository of the image has".to_owned(),
            [] => "but what provides it says no version".to_owned(),
            [only] => format!("but only version {only} is available"),
            _ => format!(
                "but only the versions {} are available",
                versions[..versions.len().min(NAMES)].join(", ")
            ),
        }
    }

    /// Why a package was ruled out; the package is the subject.
    fn why_ruled_out(&self, id: PackageId, why: RuledOut<'u>, involved: &mut BTreeSet<String>) -> String {
        let mut note = |package: PackageId| {
            involved.insert(self.pool.label(package).to_owned());
            self.pool.label(package)
        };
        note(id);
        match why {
            RuledOut::Unusable => "has an entry in the index that apk 2.14 could not read".to_owned(),
            RuledOut::By(None, dependency) => {
                format!("is ruled out: the recipe asks for `{}`", self.pool.describe(&dependency))
            }
            RuledOut::By(Some(parent), dependency) => {
                let parent = note(parent);
                format!("is ruled out: `{parent}` needs `{}`", self.pool.describe(&dependency))
            }
            RuledOut::Needs(dependency) => self.why_needs(&dependency),
            RuledOut::Beside(name, rival) => {
                let rival = note(rival);
                format!("provides `{}`, as does `{rival}`, which was chosen", self.pool.name(name).text)
            }
            RuledOut::Within(name, needed) => {
                let (name, needed) = (self.pool.name(name).text, self.pool.name(needed).text);
                format!("provides `{name}`, as does `{needed}`, which is needed")
            }
            RuledOut::Without(name) => {
                format!("provides `{}`, of which apk takes none of itself", self.pool.name(name).text)
            }
        }
    }

    /// Words for a dependency of a package that was ruled out for it.
    fn why_needs(&self, dependency: &Dependency<'u>) -> String {
        let described = self.pool.describe(dependency);
        let name = self.pool.name(dependency.name);
        let fits = |one: &&Provider<'u>| dependency.holds(Some(**one));
        let chosen = self.name(dependency.name).chosen;
        match (name.providers.iter().find(fits), chosen) {
            _ if dependency.conflict => {
                let rival = chosen.map_or("it", |one| self.pool.label(one.package));
                format!("cannot stand beside `{rival}` (`{described}`)")
            }
            (None, _) => format!("needs `{described}`, {}", self.why_none(dependency)),
            (Some(_), Some(chosen)) => {
                let (label, version) =
                    (self.pool.label(chosen.package), self.pool.package(chosen.package).version);
                format!("needs `{described}`, but `{label}` {version} is chosen")
            }
            (Some(one), None) => {
                let label = self.pool.label(one.package);
                format!("needs `{described}`, and `{label}`, which would meet it, is ruled out")
            }
        }
    }
}
