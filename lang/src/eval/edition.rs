//! Defaults of the edition that stand in `std/edition`: what a flavor drops, and the effects of packages. They are
//! the same for every recipe, and evaluated once.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::{Arc, OnceLock};

use super::machine::{Machine, Scope};
use super::point::Point;
use super::value::{Kind, Map, Value};
use crate::check::definitions::Definitions;
use crate::modules::{self, Binding, NoFiles, Reports, releases};
use crate::recipe::{Distro, Family, Flavor, Located, PathRule, Repository};

/// Rules for paths.
type Rules = Arc<BTreeMap<String, PathRule>>;
/// The effects of packages.
type Effects = Arc<BTreeMap<String, Vec<String>>>;

/// The defaults.
#[derive(Debug, Default)]
pub struct Edition {
    rules: BTreeMap<Flavor, Rules>,
    root_rules: Rules,
    effects: BTreeMap<Family, Effects>,
    root_exclude: BTreeMap<Family, Arc<Vec<Located<String>>>>,
}

/// The defaults of the edition.
pub fn edition() -> &'static Edition {
    static EDITION: OnceLock<Edition> = OnceLock::new();
    EDITION.get_or_init(Edition::evaluate)
}

/// The repositories of a recipe's items, each made once.
#[derive(Debug, Default)]
pub struct Shared {
    distros: BTreeMap<Distro, Arc<Vec<Repository>>>,
    last: Option<Arc<Vec<Repository>>>,
}

impl Shared {
    /// The repositories of a distro, for items that say nothing of them.
    pub fn of_distro(&mut self, distro: &Distro) -> Arc<Vec<Repository>> {
        if let Some(known) = self.distros.get(distro) {
            return Arc::clone(known);
        }
        let repositories = Arc::new(releases::all(distro));
        self.distros.insert(distro.clone(), Arc::clone(&repositories));
        repositories
    }

    /// The repositories that an item sets, shared with the item before it where they are the same.
    pub fn share(&mut self, found: Vec<Repository>) -> Arc<Vec<Repository>> {
        match &self.last {
            Some(known) if **known == found => Arc::clone(known),
            _ => self.last.insert(Arc::new(found)).clone(),
        }
    }
}

impl Edition {
    /// The rules below a recipe's own.
    pub fn rules(&self, flavor: Flavor) -> Rules {
        self.rules.get(&flavor).cloned().unwrap_or_default()
    }

    /// What of the packages no root of a build needs.
    pub fn root_rules(&self) -> Rules {
        Arc::clone(&self.root_rules)
    }

    /// The effects of a distro's packages.
    pub fn effects(&self, family: Family) -> Effects {
        self.effects.get(&family).cloned().unwrap_or_default()
    }

    /// The packages that no root of a build has unless it asks for them.
    pub fn root_exclude(&self, family: Family) -> Arc<Vec<Located<String>>> {
        self.root_exclude.get(&family).cloned().unwrap_or_default()
    }

    fn evaluate() -> Edition {
        let mut reports = Reports::default();
        let program = modules::edition(&mut reports);
        let definitions = Definitions::new(&program, &mut reports);
        let mut machine = Machine::new(&program, &definitions, &NoFiles, &mut reports);
        let families = [Family::Alpine, Family::Debian];
        Edition {
            rules: [Flavor::Runtime, Flavor::Dev]
                .map(|flavor| (flavor, machine.rules(&format!("{flavor}-rules"))))
                .into(),
            root_rules: machine.rules("root-rules"),
            effects: families.map(|family| (family, machine.effects(family))).into(),
            root_exclude: families.map(|family| (family, machine.root_exclude(family))).into(),
        }
    }
}

impl Machine<'_> {
    fn rules(&mut self, name: &str) -> Rules {
        let rules = self.edition_table("edition/paths", name);
        let rules = rules.entries.iter().filter_map(|entry| match &entry.value.kind {
            Kind::Rule(rule) => Some((entry.key.to_string(), PathRule::clone(rule))),
            _ => None,
        });
        Arc::new(rules.collect())
    }

    fn effects(&mut self, family: Family) -> Effects {
        let effects = self.edition_table("edition/effects", &format!("{family}-packages"));
        let effects = effects.entries.iter().map(|entry| {
            let names = super::call::texts(&entry.value).unwrap_or_default();
            (entry.key.to_string(), names.into_iter().map(|(name, _)| name).collect())
        });
        Arc::new(effects.collect())
    }

    fn root_exclude(&mut self, family: Family) -> Arc<Vec<Located<String>>> {
        let value = self.edition_value("edition/packages", &format!("{family}-root-exclude"));
        let names = value.and_then(|value| super::call::texts(&value)).unwrap_or_default();
        let located = |(value, site)| Located { value, place: self.program.place(site) };
        Arc::new(names.into_iter().map(located).collect())
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
        let file = self.program.named(&format!("std/{module}"))?;
        if !matches!(self.program.file(file).names.get(name), Some(Binding::Let(_))) {
            return None;
        }
        let scope = Scope::new(file, Rc::new(Point::default()), "the edition");
        self.name(name, file.site(Default::default()), &scope).ok()
    }
}
