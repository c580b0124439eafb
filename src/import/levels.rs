//! What follows from the version is taken from the release instead of being repeated: `python-3.14` becomes
//! `python-{{release.version.prefix(2)}}` where that makes one text of several.

use std::collections::{BTreeMap, BTreeSet};

use super::code::{MAJOR, PREFIX, Piece, VARIABLES, VERSION, pieces};
use super::grid::{Grid, Set};

/// A variable of the definitions that varies with the release.
#[derive(Debug, Clone)]
pub struct Variable {
    /// What it is called in the recipe.
    pub name: String,
    /// Its value at the variants that have it.
    pub values: BTreeMap<usize, String>,
}

/// What texts may be written with.
pub struct Levels<'g> {
    /// The axes.
    pub grid: &'g Grid,
    /// Variables, longest values first.
    pub variables: Vec<Variable>,
}

/// Code at a variant.
pub type Occurrence = (usize, String);

/// A text as written; with the version; with its first number, too; with variables, too.
const FORMS: usize = 4;

impl Levels<'_> {
    /// For each occurrence the form that most variants share, the plainest of those.
    pub fn unify(&self, occurrences: &[Occurrence]) -> Vec<String> {
        let forms: Vec<[String; FORMS]> =
            occurrences.iter().map(|(variant, code)| self.forms(*variant, code)).collect();
        let mut covered: [BTreeMap<&str, Set>; FORMS] = Default::default();
        for ((variant, _), forms) in occurrences.iter().zip(&forms) {
            for (level, form) in forms.iter().enumerate() {
                covered[level].entry(form).or_default().insert(*variant);
            }
        }
        let choose = |forms: &[String; FORMS]| {
            let size = |level: usize| covered[level].get(forms[level].as_str()).map_or(0, BTreeSet::len);
            let rows = |level: usize| -> usize {
                let set = covered[level].get(forms[level].as_str());
                let row = |variant: &usize| self.grid.variants[*variant].row;
                set.map_or(0, |set| set.iter().map(row).collect::<BTreeSet<_>>().len())
            };
            let most = (0..FORMS).map(size).max().unwrap_or_default();
            let preferred =
                if rows(0) > 1 || self.grid.rows.is_empty() { [0, 1, 2, 3] } else { [1, 0, 2, 3] };
            let level = preferred.into_iter().find(|level| size(*level) == most).unwrap_or_default();
            forms[level].clone()
        };
        forms.iter().map(choose).collect()
    }

    fn forms(&self, variant: usize, code: &str) -> [String; FORMS] {
        let Some(row) = self.grid.rows.get(self.grid.variants[variant].row) else {
            return [(); FORMS].map(|()| code.to_owned());
        };
        let mut short: Vec<(String, char)> = vec![(row.version.clone(), VERSION)];
        let numbers: Vec<&str> = row.version.split('.').collect();
        if self.grid.numeric && numbers.len() > 2 {
            short.push((numbers[..2].join("."), PREFIX));
        }
        let mut long = short.clone();
        if self.grid.numeric && numbers.len() > 1 {
            long.push((numbers[0].to_owned(), MAJOR));
        }
        let mut longest = Vec::new();
        for (index, variable) in self.variables.iter().enumerate() {
            let sign = u32::try_from(index).ok().and_then(|index| char::from_u32(VARIABLES + index));
            longest.extend(variable.values.get(&variant).cloned().zip(sign));
        }
        longest.sort_by_key(|(value, _)| std::cmp::Reverse(value.len()));
        longest.extend(long.iter().cloned());
        [code.to_owned(), with(code, &short), with(code, &long), with(code, &longest)]
    }
}

/// The code with the texts replaced by their signs, in its strings, where they stand for themselves.
fn with(code: &str, replaced: &[(String, char)]) -> String {
    if !replaced.iter().any(|(text, _)| code.contains(text.as_str())) {
        return code.to_owned();
    }
    let mut out = String::with_capacity(code.len());
    for piece in pieces(code) {
        match piece {
            Piece::Code(code) => out.push_str(code),
            Piece::String { inner, block } => {
                let quotes = if block { "\"\"\"" } else { "\"" };
                out.push_str(quotes);
                out.push_str(&replace(inner, replaced));
                out.push_str(quotes);
            }
        }
    }
    out
}

fn replace(text: &str, replaced: &[(String, char)]) -> String {
    let mut text = text.to_owned();
    for (value, sign) in replaced {
        let mut out = String::with_capacity(text.len());
        let mut from = 0;
        while let Some(at) = text[from..].find(value.as_str()).map(|at| from + at) {
            let end = at + value.len();
            out.push_str(&text[from..at]);
            if stands_alone(&text, at, end) {
                out.push(*sign);
            } else {
                out.push_str(value);
            }
            from = end;
        }
        out.push_str(&text[from..]);
        text = out;
    }
    text
}

/// Whether the number from `at` to `end` is no part of a longer one, and no brace stands before it.
fn stands_alone(text: &str, at: usize, end: usize) -> bool {
    let before: Vec<char> = text[..at].chars().rev().take(2).collect();
    let mut after = text[end..].chars();
    let longer_before = match before.as_slice() {
        ['{', ..] | ['\\', ..] => true,
        [first, ..] if first.is_ascii_digit() => true,
        ['.', second, ..] => second.is_ascii_digit(),
        _ => false,
    };
    let longer_after = match after.next() {
        Some(first) if first.is_ascii_digit() => true,
        Some('.') => after.next().is_some_and(|second| second.is_ascii_digit()),
        _ => false,
    };
    !longer_before && !longer_after
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_where_they_stand_alone() {
        let signs = [("8.8.2".to_owned(), VERSION), ("8.8".to_owned(), PREFIX), ("8".to_owned(), MAJOR)];
        let found = |text: &str| {
            replace(text, &signs).replace(VERSION, "<v>").replace(PREFIX, "<p>").replace(MAJOR, "<m>")
        };
        assert_eq!(found("redis-8.8.2.tar.gz"), "redis-<v>.tar.gz");
        assert_eq!(found("8.8.2.1 18.8.2 8.8.20 8.8 8"), "8.8.2.1 18.8.2 8.8.20 <p> <m>");
        assert_eq!(found("v8.8-r0 1.8 lib88"), "v<p>-r0 1.8 lib88");
    }
}
