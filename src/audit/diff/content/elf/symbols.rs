//! Symbols, and the functions whose code differs.

use std::collections::BTreeMap;

use super::part;
use super::view::{Symbol, View};
use crate::audit::diff::content::text::compare_lines;
use crate::audit::diff::report::{Cause, Part};

/// Names of functions and objects whose bytes differ, by the name of their section.
pub type Functions = BTreeMap<String, Vec<(String, usize)>>;

/// In what the symbols differ: names, kinds, lengths, and their order. Addresses are not compared: one byte more moves
/// all behind it.
pub fn compare(left: &View<'_>, right: &View<'_>) -> Option<Part> {
    let lines = |view: &View<'_>| -> Vec<String> {
        let named = view.symbols.iter().filter(|symbol| !symbol.name.is_empty());
        named
            .map(|symbol| match symbol.place {
                Some(_) => format!("{} {} {}", symbol.kind, symbol.name, symbol.size),
                None => format!("{} {}, not defined here", symbol.kind, symbol.name),
            })
            .collect()
    };
    let (one, other) = (lines(left), lines(right));
    if one == other {
        return None;
    }
    fn borrowed(lines: &[String]) -> Vec<&str> {
        lines.iter().map(String::as_str).collect()
    }
    let sorted = |mut lines: Vec<String>| {
        lines.sort_unstable();
        lines
    };
    let mut part = part("symbols".to_owned(), true, true);
    let (one_sorted, other_sorted) = (sorted(one.clone()), sorted(other.clone()));
    if one_sorted == other_sorted {
        part.cause(Cause::MemberOrder);
        compare_lines(&mut part, &borrowed(&one), &borrowed(&other));
    } else {
        compare_lines(&mut part, &borrowed(&one_sorted), &borrowed(&other_sorted));
    }
    Some(part)
}

/// The functions and objects that both files have, with as many bytes, of which some differ.
pub fn changed_functions(left: &View<'_>, right: &View<'_>) -> Functions {
    let (one, other) = (by_name(left), by_name(right));
    let mut found = Functions::new();
    for (name, symbol) in &one {
        let Some(second) = other.get(name) else { continue };
        let (Some((section, bytes)), Some((_, second_bytes))) = (bytes(left, symbol), bytes(right, second))
        else {
            continue;
        };
        if bytes != second_bytes {
            let differing = bytes.iter().zip(second_bytes).filter(|(one, other)| one != other).count();
            let differing = differing + bytes.len().abs_diff(second_bytes.len());
            found.entry(section.to_owned()).or_default().push(((*name).to_owned(), differing));
        }
    }
    found
}

/// The symbols with a content whose name stands once.
fn by_name<'a>(view: &'a View<'_>) -> BTreeMap<&'a str, &'a Symbol> {
    let mut found: BTreeMap<&str, Option<&Symbol>> = BTreeMap::new();
    let named =
        |symbol: &&Symbol| !symbol.name.is_empty() && matches!(symbol.kind, "FUNC" | "OBJECT" | "IFUNC");
    for symbol in view.symbols.iter().filter(named) {
        found.entry(&symbol.name).and_modify(|found| *found = None).or_insert(Some(symbol));
    }
    found.into_iter().filter_map(|(name, symbol)| Some((name, symbol?))).collect()
}

/// The name of a symbol's section, and its bytes there.
fn bytes<'a>(view: &'a View<'_>, symbol: &Symbol) -> Option<(&'a str, &'a [u8])> {
    let (number, from) = symbol.place?;
    let section = view.sections.get(number)?;
    let from = usize::try_from(from).ok()?;
    let to = from.checked_add(usize::try_from(symbol.size).ok()?)?;
    Some((&section.name, section.content.get(from..to)?))
}
