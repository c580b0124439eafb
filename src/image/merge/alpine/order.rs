//! The order in which apk installs packages: what a package needs comes before it, and what is there because of
//! others (`install_if`) right behind the last of them. Who owns a file that several have and which ids accounts get
//! hang on it.

use std::collections::{BTreeMap, BTreeSet};

use super::super::Package;
use super::apk::meets;
use crate::distro::alpine::relation::Dependency;

/// The numbers of `packages` in order of installation; `world` are the packages that were asked for.
pub fn installation_order(packages: &[Package], world: &[String]) -> Vec<usize> {
    let mut providers: BTreeMap<String, Vec<(usize, Option<String>)>> = BTreeMap::new();
    let mut by_name: Vec<usize> = (0..packages.len()).collect();
    by_name.sort_by(|a, b| packages[*a].name.cmp(&packages[*b].name));
    for &number in &by_name {
        let Some(apk) = &packages[number].apk else { continue };
        let own = (number, Some(apk.info.pkgver.clone()));
        // A package is the first of those that provide its name.
        providers.entry(packages[number].name.clone()).or_default().insert(0, own);
        for provided in words(&apk.info.provides) {
            let version = provided.constraint.map(|(_, version)| version);
            providers.entry(provided.name).or_default().push((number, version));
        }
    }
    let conditions = |&number: &usize| {
        let apk = packages[number].apk.as_ref().filter(|apk| !apk.info.install_if.is_empty())?;
        Some((number, words(&apk.info.install_if)))
    };
    let triggered = by_name.iter().filter_map(conditions).collect();
    let mut order = Order {
        packages,
        providers,
        triggered,
        begun: BTreeSet::new(),
        done: Vec::with_capacity(packages.len()),
    };
    let mut world: Vec<Dependency> = words(world);
    world.sort_by(|a, b| a.name.cmp(&b.name));
    for wanted in &world {
        order.dependency(wanted);
    }
    for number in by_name {
        order.package(number);
    }
    order.done
}

struct Order<'a> {
    packages: &'a [Package],
    /// Who provides a name, in which version.
    providers: BTreeMap<String, Vec<(usize, Option<String>)>>,
    /// The packages with an `install_if`, by name, and what it says.
    triggered: Vec<(usize, Vec<Dependency>)>,
    /// The packages that are done or whose dependencies are being looked at.
    begun: BTreeSet<usize>,
    done: Vec<usize>,
}

impl Order<'_> {
    fn dependency(&mut self, wanted: &Dependency) {
        if !wanted.conflict
            && let Some(number) = self.provider(wanted)
        {
            self.package(number);
        }
    }

    fn provider(&self, wanted: &Dependency) -> Option<usize> {
        let providers = self.providers.get(&wanted.name)?;
        let fits = |(_, version): &&(usize, Option<String>)| match version {
            Some(version) => meets(version, wanted),
            None => wanted.constraint.is_none(),
        };
        providers.iter().find(fits).map(|(number, _)| *number)
    }

    fn package(&mut self, number: usize) {
        let packages = self.packages;
        let Some(apk) = packages[number].apk.as_ref().filter(|_| self.begun.insert(number)) else { return };
        for wanted in words(&apk.info.depend) {
            self.dependency(&wanted);
        }
        self.done.push(number);
        for at in 0..self.triggered.len() {
            let (triggered, conditions) = &self.triggered[at];
            let begun =
                |wanted: &Dependency| self.provider(wanted).filter(|number| self.begun.contains(number));
            let concerned = conditions.iter().any(|wanted| self.provider(wanted) == Some(number));
            if concerned && conditions.iter().all(|wanted| begun(wanted).is_some()) {
                self.package(*triggered);
            }
        }
    }
}

fn words(words: &[String]) -> Vec<Dependency> {
    words.iter().filter_map(|word| word.parse().ok()).collect()
}
