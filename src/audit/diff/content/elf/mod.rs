//! Programs, libraries and object files, by section and symbol.

mod sections;
mod symbols;
mod view;

use std::collections::BTreeMap;

use super::Budget;
use crate::audit::diff::report::{Cause, Change, Part};
use view::{Section, View};

/// Says in `part` in what the ELF files `left` and `right` differ; nothing where one is damaged.
pub fn compare_elf(part: &mut Part, left: &[u8], right: &[u8], budget: &mut Budget) {
    let (Some(one), Some(other)) = (View::read(left, budget), View::read(right, budget)) else {
        part.note = Some("one of both is damaged".to_owned());
        return;
    };
    for ((name, left), (_, right)) in one.header.iter().zip(&other.header) {
        part.field(name, Some(left.clone()), Some(right.clone()));
    }
    let (first, second) = (by_name(&one.sections), by_name(&other.sections));
    let order = |sections: &[Section<'_>], there: &ByName<'_, '_>| -> Vec<String> {
        let names = sections.iter().map(|section| section.name.clone());
        names.filter(|name| there.contains_key(&(name.as_str(), 0))).collect()
    };
    if order(&one.sections, &second) != order(&other.sections, &first) {
        part.cause(Cause::MemberOrder);
    }
    let functions = symbols::changed_functions(&one, &other);
    let mut parts = Vec::new();
    let only = second.keys().filter(|key| !first.contains_key(*key));
    for key in first.keys().chain(only) {
        let (left, right) = (first.get(key).copied(), second.get(key).copied());
        parts.extend(sections::compare(left, right, &functions, budget));
    }
    parts.extend(symbols::compare(&one, &other));
    // What a person asks for first comes first.
    parts.sort_by_key(|part: &Part| sections::rank(&part.name));
    for inner in parts {
        for cause in &inner.causes {
            part.cause(cause.clone());
        }
        match budget.parts {
            0 => part.more += 1,
            _ => {
                budget.parts -= 1;
                part.parts.push(inner);
            }
        }
    }
}

type ByName<'a, 'b> = BTreeMap<(&'b str, usize), &'b Section<'a>>;

fn by_name<'a, 'b>(sections: &'b [Section<'a>]) -> ByName<'a, 'b> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut found = BTreeMap::new();
    for section in sections {
        let count = counts.entry(&section.name).or_default();
        found.insert((section.name.as_str(), *count), section);
        *count += 1;
    }
    found
}

/// A part for something that one side alone has, or both.
fn part(name: String, left: bool, right: bool) -> Part {
    Part::new(name, "", Change::of(left, right))
}
