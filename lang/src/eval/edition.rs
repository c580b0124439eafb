//! Defaults of the edition that stand in `std/edition`: what a flavor drops, and the effects of packages.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use super::machine::{Machine, Scope};
use super::point::Point;
use super::value::{Kind, Map, Value};
use crate::modules::{Binding, releases};
use crate::recipe::{Distro, Family, Flavor, Located, PathRule, Repository};

/// What the builds of one distro have in common, made once.
#[derive(Debug, Default)]
pub struct Shared {
    rules: Option<Arc<BTreeMap<String, PathRule>>>,
    effects: BTreeMap<Family, Arc<BTreeMap<String, Vec<String>>>>,
    exclude: BTreeMap<Family, Arc<Vec<Located<String>>>>,
    repositories: BTreeMap<Distro, Arc<Vec<Repository>>>,
    last_repositories: Option<Arc<Vec<Repository>>>,
}

impl Machine<'_> {
    /// The rules below a recipe's own, and the effects of the distro's packages.
    pub fn edition_defaults(
        &mut self,
        distro: &Distro,
        flavor: Flavor,
    ) -> (BTreeMap<String, PathRule>, BTreeMap<String, Vec<String>>) {
        (self.rules(&format!("{flavor}-rules")), self.effects(distro.family))
    }

    /// What of the packages no root of a build needs.
    pub fn root_rules(&mut self) -> Arc<BTreeMap<String, PathRule>> {
        if let Some(known) = &self.shared.rules {
            return Arc::clone(known);
        }
        let rules = Arc::new(self.rules("root-rules"));
        self.shared.rules.insert(rules).clone()
    }

    /// The effects of a distro's packages for builds.
    pub fn root_effects(&mut self, family: Family) -> Arc<BTreeMap<String, Vec<String>>> {
        if let Some(known) = self.shared.effects.get(&family) {
            return Arc::clone(known);
        }
        let effects = Arc::new(self.effects(family));
        self.shared.effects.insert(family, Arc::clone(&effects));
        effects
    }

    /// The repositories of a build that says nothing of them.
    pub fn root_repositories(&mut self, distro: &Distro) -> Arc<Vec<Repository>> {
        if let Some(known) = self.shared.repositories.get(distro) {
            return Arc::clone(known);
        }
        let repositories = Arc::new(releases::all(distro));
        self.shared.repositories.insert(distro.clone(), Arc::clone(&repositories));
        repositories
    }

    /// The repositories that a build sets, shared with the build before it where they are the same.
    pub fn share_repositories(&mut self, found: Vec<Repository>) -> Arc<Vec<Repository>> {
        match &self.shared.last_repositories {
            Some(known) if **known == found => Arc::clone(known),
            _ => self.shared.last_repositories.insert(Arc::new(found)).clone(),
        }
    }

    /// The packages that no root of a build has unless it asks for them.
    pub fn root_exclude(&mut self, family: Family) -> Arc<Vec<Located<String>>> {
        if let Some(known) = self.shared.exclude.get(&family) {
            return Arc::clone(known);
        }
        let value = self.edition_value("edition/packages", &format!("{family}-root-exclude"));
        let names = value.and_then(|value| super::call::texts(&value)).unwrap_or_default();
        let place = |site| self.program.place(site);
        let exclude: Vec<_> =
            names.into_iter().map(|(value, site)| Located { value, place: place(site) }).collect();
        let exclude = Arc::new(exclude);
        self.shared.exclude.insert(family, Arc::clone(&exclude));
        exclude
    }

    fn rules(&mut self, name: &str) -> BTreeMap<String, PathRule> {
        let rules = self.edition_table("edition/paths", name);
        let rules = rules.entries.iter().filter_map(|entry| match &entry.value.kind {
            Kind::Rule(rule) => Some((entry.key.to_string(), PathRule::clone(rule))),
            _ => None,
        });
        rules.collect()
    }

    fn effects(&mut self, family: Family) -> BTreeMap<String, Vec<String>> {
        let effects = self.edition_table("edition/effects", &format!("{family}-packages"));
        let effects = effects.entries.iter().map(|entry| {
            let names = super::call::texts(&entry.value).unwrap_or_default();
            (entry.key.to_string(), names.into_iter().map(|(name, _)| name).collect())
        });
        effects.collect()
    }

    /// The table called `name` of a module of the edition; empty where there is none.
    fn edition_table(&mut self, module: &str, name: &str) -> Rc<Map> {
        match self.edition_value(module, name).map(|value| value.kind) {
            Some(Kind::Map(map)) => map,
            _ => Rc::default(),
        }
    }

    /// The `let` called `name` of a module of the edition.
    fn edition_value(&mut self, module: &str, name: &str) -> Option<Value> {
        let file = self.program.edition.get(module).copied()?;
        if !matches!(self.program.file(file).names.get(name), Some(Binding::Let(_))) {
            return None;
        }
        let scope = Scope::new(file, Rc::new(Point::default()), "the edition");
        self.name(name, file.site(Default::default()), &scope).ok()
    }
}
