//! The fields of one item over its variants, put into as few statements as will do, and those into `when`s.

use std::collections::BTreeMap;

use hbuild_lang::recipe::Flavor;

use super::code;
use super::grid::{Axis, Grid, Set};
use super::levels::{Levels, Occurrence};

/// What `use` brings at a variant: outside of a `when`, and in that of the dev flavor.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Given {
    /// By `use` at the item.
    pub always: Option<String>,
    /// By `use` in the `when` of the dev flavor, where it says otherwise.
    pub in_dev: Option<String>,
}

/// The statements of an item.
pub struct Block<'g> {
    levels: &'g Levels<'g>,
    grid: &'g Grid,
    /// The variants that the item has.
    pub variants: Set,
    /// The architecture that statements are limited to from now on.
    pub arch: Option<&'static str>,
    /// Statements by condition, the conditions in the order they came; the empty one is first.
    parts: Vec<(String, Vec<String>)>,
}

/// The statement that opens a `when` of the dev flavor before all others.
const DEV: &str = "flavor == dev";

impl<'g> Block<'g> {
    /// A block without statements.
    pub fn new(levels: &'g Levels<'g>, variants: Set) -> Self {
        Self { levels, grid: levels.grid, variants, arch: None, parts: vec![(String::new(), Vec::new())] }
    }

    /// Adds a statement under a condition.
    pub fn push(&mut self, condition: &str, statement: String) {
        let condition = match (self.arch, condition) {
            (None, condition) => condition.to_owned(),
            (Some(arch), "") => format!("arch == {arch}"),
            (Some(arch), condition) if condition.contains(" or ") => {
                format!("({condition}) and arch == {arch}")
            }
            (Some(arch), condition) => format!("{condition} and arch == {arch}"),
        };
        match self.parts.iter_mut().find(|(known, _)| *known == condition) {
            Some((_, statements)) => statements.push(statement),
            None => self.parts.push((condition, vec![statement])),
        }
    }

    /// The text of all statements, those without condition first, then those of the dev flavor.
    pub fn text(&self) -> String {
        let mut out = String::new();
        let mut parts: Vec<&(String, Vec<String>)> = self.parts.iter().collect();
        parts.sort_by_key(|(condition, _)| match condition.as_str() {
            "" => 0,
            DEV => 1,
            _ => 2,
        });
        for (condition, statements) in parts {
            if condition.is_empty() {
                statements.iter().for_each(|statement| out.push_str(&format!("  {statement}\n")));
            } else if !statements.is_empty() {
                out.push_str(&format!("  when {condition} {{\n"));
                statements.iter().for_each(|statement| out.push_str(&format!("    {statement}\n")));
                out.push_str("  }\n");
            }
        }
        out
    }

    /// The condition that holds for the variants of `set` among those of the item.
    pub fn conditions(&self, set: &Set) -> Vec<(String, Set)> {
        if set.is_superset(&self.variants) {
            return vec![(String::new(), set.clone())];
        }
        self.grid.conditions(set)
    }

    fn unified(&self, values: &[Occurrence]) -> BTreeMap<usize, String> {
        let unified = self.levels.unify(values);
        values.iter().map(|(variant, _)| *variant).zip(unified).collect()
    }

    /// A field of one value: `wanted` where a variant has it, `given` what is there without a statement.
    pub fn scalar(&mut self, field: &str, wanted: &[Occurrence], given: &dyn Fn(usize) -> Given, hint: &str) {
        let wanted = self.unified(wanted);
        self.ranked(field, &wanted, given, hint, false);
    }

    /// A field of one value that stays as it is given where a variant has none.
    pub fn scalar_or_given(
        &mut self,
        field: &str,
        wanted: &[Occurrence],
        given: &dyn Fn(usize) -> Given,
        hint: &str,
    ) {
        let wanted = self.unified(wanted);
        self.ranked(field, &wanted, given, hint, true);
    }

    /// Statements as they are, at their variants.
    pub fn statements(&mut self, statements: &[Occurrence]) {
        let unified = self.levels.unify(statements);
        let mut order: Vec<&String> = Vec::new();
        let mut sets: BTreeMap<&String, Set> = BTreeMap::new();
        for ((variant, _), text) in statements.iter().zip(&unified) {
            if !sets.contains_key(text) {
                order.push(text);
            }
            sets.entry(text).or_default().insert(*variant);
        }
        for text in order {
            for (condition, _) in self.conditions(&sets[text]) {
                self.push(&condition, text.clone());
            }
        }
    }

    /// Statements for a field or a key, by the ranks of the language: `=`, and `=` in the `when` of the dev flavor.
    /// With `keep`, what is given stays where nothing else is wanted.
    fn ranked(
        &mut self,
        field: &str,
        wanted: &BTreeMap<usize, String>,
        given: &dyn Fn(usize) -> Given,
        hint: &str,
        keep: bool,
    ) {
        let dev = self.grid.of_flavor(Flavor::Dev);
        let main: Vec<usize> = self.variants.difference(&dev).copied().collect();
        let dev: Vec<usize> = self.variants.intersection(&dev).copied().collect();
        // What is to be there; with `keep`, what is there anyway where nothing else is wanted.
        let target = |variant: &usize| -> Option<String> {
            let given = given(*variant);
            let kept = || given.in_dev.or(given.always).filter(|_| keep);
            wanted.get(variant).cloned().or_else(kept).filter(|value| value != "none")
        };
        let values = |variants: &[usize]| -> BTreeMap<usize, String> {
            variants.iter().map(|at| (*at, target(at).unwrap_or_else(|| "none".to_owned()))).collect()
        };
        let mut plain = BTreeMap::new();
        if main.iter().any(|variant| target(variant) != given(*variant).always) {
            plain = values(&main);
            let value = self.grid.value(&plain, "none", hint);
            self.push("", format!("{field} = {value}"));
        }
        let twin = |variant: usize| {
            let cell = |other: &usize| {
                [Axis::Release, Axis::Distro, Axis::Profile]
                    .iter()
                    .all(|axis| self.grid.at(*other, *axis) == self.grid.at(variant, *axis))
            };
            main.iter().find(|other| cell(other)).and_then(|other| plain.get(other)).cloned()
        };
        let there = |variant: &usize| {
            let given = given(*variant);
            let there = match (given.in_dev, plain.is_empty()) {
                (Some(value), _) => Some(value),
                (None, true) => given.always,
                (None, false) => Some(twin(*variant).unwrap_or_else(|| "?".to_owned())),
            };
            there.filter(|value| value != "none")
        };
        if dev.iter().any(|variant| there(variant) != target(variant)) {
            let value = self.grid.value(&values(&dev), "none", hint);
            self.push(DEV, format!("{field} = {value}"));
        }
    }

    /// A map: entries as keys with their code, at each variant. `given` says what is there for a key.
    pub fn map(
        &mut self,
        field: &str,
        entries: &[(usize, String, String)],
        given: &dyn Fn(&str, usize) -> Given,
        hint: &dyn Fn(&str) -> String,
    ) {
        let occurrences: Vec<Occurrence> =
            entries.iter().map(|(variant, key, _)| (*variant, code::key(key))).collect();
        let keys = self.levels.unify(&occurrences);
        let mut order: Vec<(&String, &str)> = Vec::new();
        let mut values: BTreeMap<&String, Vec<Occurrence>> = BTreeMap::new();
        for ((variant, plain, value), key) in entries.iter().zip(&keys) {
            if !values.contains_key(key) {
                order.push((key, plain));
            }
            values.entry(key).or_default().push((*variant, value.clone()));
        }
        let mut together: Vec<(String, Vec<String>)> = Vec::new();
        for (key, plain) in order {
            let found = self.unified(&values[key]);
            let of_key = |variant: usize| given(plain, variant);
            let touched = self.variants.iter().any(|variant| of_key(*variant) != Given::default());
            let set: Set = found.keys().copied().collect();
            if touched {
                self.ranked(&format!("{field}.{key}"), &found, &of_key, &hint(plain), true);
                continue;
            }
            for (condition, part) in self.conditions(&set) {
                let here = found.iter().filter(|(variant, _)| part.contains(variant));
                let here: BTreeMap<usize, String> = here.map(|(at, value)| (*at, value.clone())).collect();
                let entry = format!("{key} = {}", self.grid.value(&here, "none", &hint(plain)));
                match together.iter_mut().find(|(known, _)| *known == condition) {
                    Some((_, entries)) => entries.push(entry),
                    None => together.push((condition, vec![entry])),
                }
            }
        }
        for (condition, entries) in together {
            let sign = if condition.is_empty() && self.arch.is_none() { "=" } else { "+=" };
            let short = entries.iter().map(|entry| entry.len() + 2).sum::<usize>() < 80;
            if short && !entries.iter().any(|entry| entry.contains('\n')) {
                self.push(&condition, format!("{field} {sign} {{ {} }}", entries.join(", ")));
                continue;
            }
            let lines = entries.iter().map(|entry| format!("      {entry}\n")).collect::<String>();
            self.push(&condition, format!("{field} {sign} {{\n{lines}    }}"));
        }
    }

    /// A list whose order tells nothing between elements of different conditions. `given` are the elements that are
    /// there without a statement; `sign` is `=` or `+=`.
    pub fn list(
        &mut self,
        field: &str,
        elements: &[Occurrence],
        given: &dyn Fn(&str, usize) -> bool,
        sign: &str,
    ) {
        let unified = self.levels.unify(elements);
        let mut order: Vec<&String> = Vec::new();
        let mut sets: BTreeMap<&String, (Set, Set)> = BTreeMap::new();
        for ((variant, plain), code) in elements.iter().zip(&unified) {
            let (may, need) = sets.entry(code).or_insert_with(|| {
                order.push(code);
                Default::default()
            });
            may.insert(*variant);
            if !given(plain, *variant) {
                need.insert(*variant);
            }
        }
        let mut parts: Vec<(String, Vec<(String, Set)>)> = Vec::new();
        for code in order {
            let (may, need) = &sets[code];
            for (condition, part) in self.spread(may, need) {
                match parts.iter_mut().find(|(known, _)| *known == condition) {
                    Some((_, elements)) => elements.push((code.clone(), part)),
                    None => parts.push((condition, vec![(code.clone(), part)])),
                }
            }
        }
        for (condition, elements) in parts {
            let value = self.list_value(&condition, &elements);
            let sign = if condition.is_empty() { sign } else { "+=" };
            self.push(&condition, format!("{field} {sign} {value}"));
        }
    }

    /// Conditions over flavor and profile, each with the variants it is for, that put an element where it is needed
    /// and nowhere it may not be.
    fn spread(&self, may: &Set, need: &Set) -> Vec<(String, Set)> {
        let mut cells: BTreeMap<(usize, usize), Set> = BTreeMap::new();
        for variant in &self.variants {
            let at = self.grid.variants[*variant];
            cells.entry((at.row, at.distro)).or_default().insert(*variant);
        }
        let mut found: Vec<(String, Set)> = Vec::new();
        let mut add =
            |condition: String, set: Set| match found.iter_mut().find(|(known, _)| *known == condition) {
                Some((_, known)) => known.extend(set),
                None => found.push((condition, set)),
            };
        for cell in cells.values() {
            let mut need: Set = cell.intersection(need).copied().collect();
            if need.is_empty() {
                continue;
            }
            if cell.is_subset(may) {
                add(String::new(), cell.clone());
                continue;
            }
            let mut covered = Set::new();
            for axis in [Axis::Flavor, Axis::Profile] {
                let places: Set = cell.iter().map(|variant| self.grid.at(*variant, axis)).collect();
                for place in places {
                    let part: Set =
                        cell.iter().copied().filter(|at| self.grid.at(*at, axis) == place).collect();
                    // No two conditions give an element twice.
                    if part.is_subset(may) && !part.is_disjoint(&need) && part.is_disjoint(&covered) {
                        need = need.difference(&part).copied().collect();
                        covered.extend(&part);
                        add(self.test(axis, place), part);
                    }
                }
            }
            for variant in need {
                let flavor = self.test(Axis::Flavor, self.grid.at(variant, Axis::Flavor));
                let profile = self.test(Axis::Profile, self.grid.at(variant, Axis::Profile));
                add(format!("{profile} and {flavor}"), Set::from([variant]));
            }
        }
        found
    }

    fn test(&self, axis: Axis, place: usize) -> String {
        match axis {
            Axis::Flavor if place == Flavor::Dev as usize => DEV.to_owned(),
            Axis::Flavor => "flavor == runtime".to_owned(),
            _ => format!("profile == {}", code::string(&self.grid.profiles[place])),
        }
    }

    /// The variants that a condition of `spread` holds for.
    fn holding(&self, condition: &str) -> Set {
        let holds = |variant: &usize| {
            condition.is_empty()
                || condition.split(" and ").all(|test| {
                    [Axis::Flavor, Axis::Profile]
                        .iter()
                        .any(|axis| self.test(*axis, self.grid.at(*variant, *axis)) == test)
                })
        };
        self.variants.iter().copied().filter(holds).collect()
    }

    fn list_value(&self, condition: &str, elements: &[(String, Set)]) -> String {
        let all = self.holding(condition);
        let covers = |set: &Set| all.is_subset(set);
        let common: Vec<String> =
            elements.iter().filter(|(_, set)| covers(set)).map(|(element, _)| element.clone()).collect();
        let rest: Vec<(String, Set)> = elements.iter().filter(|(_, set)| !covers(set)).cloned().collect();
        let mut terms = Vec::new();
        if !common.is_empty() {
            terms.push(code::list(&common));
        }
        let (rows, rest): (Vec<_>, Vec<_>) = rest.into_iter().partition(|(_, set)| {
            self.follows(set, &all, Axis::Release) && !self.follows(set, &all, Axis::Distro)
        });
        terms.extend(self.matched(Axis::Distro, &all, &rest));
        terms.extend(self.matched(Axis::Release, &all, &rows));
        if terms.is_empty() { "[]".to_owned() } else { terms.join(" + ") }
    }

    /// Whether the set within `all` depends on the one axis and on no other.
    fn follows(&self, set: &Set, all: &Set, axis: Axis) -> bool {
        let places: Set = set.iter().map(|variant| self.grid.at(*variant, axis)).collect();
        all.iter().all(|variant| !places.contains(&self.grid.at(*variant, axis)) || set.contains(variant))
    }

    /// A `match` that gives each place of an axis its elements; those that depend on more inside of it.
    fn matched(&self, axis: Axis, all: &Set, elements: &[(String, Set)]) -> Option<String> {
        if elements.is_empty() {
            return None;
        }
        let arm = |place: usize| {
            let here: Set = all.iter().copied().filter(|at| self.grid.at(*at, axis) == place).collect();
            if here.is_empty() {
                return None;
            }
            let inside: Vec<(String, Set)> = elements
                .iter()
                .map(|(element, set)| (element.clone(), set.intersection(&here).copied().collect::<Set>()))
                .filter(|(_, set)| !set.is_empty())
                .collect();
            let (whole, part): (Vec<_>, Vec<_>) =
                inside.into_iter().partition(|(_, set)| here.is_subset(set));
            let mut terms = Vec::new();
            if !whole.is_empty() || part.is_empty() {
                terms.push(code::list(&whole.into_iter().map(|(element, _)| element).collect::<Vec<_>>()));
            }
            let other = if axis == Axis::Distro { Axis::Release } else { Axis::Distro };
            terms.extend(self.matched(other, &here, &part));
            Some(terms.join(" + "))
        };
        Some(self.grid.arms(axis, arm, "[]"))
    }
}
