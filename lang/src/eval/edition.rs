//! Defaults of the edition that stand in `std/edition`: what a flavor drops, and the effects of packages.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::machine::{Machine, Scope};
use super::point::Point;
use super::value::{Kind, Map};
use crate::modules::Binding;
use crate::recipe::{Distro, Flavor, PathRule};

impl Machine<'_> {
    /// The rules below a recipe's own, and the effects of the distro's packages.
    pub fn edition_defaults(
        &mut self,
        distro: &Distro,
        flavor: Flavor,
    ) -> (BTreeMap<String, PathRule>, BTreeMap<String, Vec<String>>) {
        let rules = self.edition_table("edition/paths", &format!("{flavor}-rules"));
        let effects = self.edition_table("edition/effects", &format!("{}-packages", distro.family));
        let rules = rules.entries.iter().filter_map(|entry| match &entry.value.kind {
            Kind::Rule(rule) => Some((entry.key.to_string(), PathRule::clone(rule))),
            _ => None,
        });
        let effects = effects.entries.iter().map(|entry| {
            let names = super::call::texts(&entry.value).unwrap_or_default();
            (entry.key.to_string(), names.into_iter().map(|(name, _)| name).collect())
        });
        (rules.collect(), effects.collect())
    }

    /// The `let` called `name` of a module of the edition; empty where there is none.
    fn edition_table(&mut self, module: &str, name: &str) -> Rc<Map> {
        let Some(file) = self.program.edition.get(module).copied() else { return Rc::default() };
        if !matches!(self.program.file(file).names.get(name), Some(Binding::Let(_))) {
            return Rc::default();
        }
        let scope = Scope::new(file, Rc::new(Point::default()), "the edition");
        match self.name(name, file.site(Default::default()), &scope) {
            Ok(value) => match value.kind {
                Kind::Map(map) => map,
                _ => Rc::default(),
            },
            Err(_) => Rc::default(),
        }
    }
}
