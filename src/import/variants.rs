//! Definitions of one image on the axes of one recipe.

use std::collections::{BTreeMap, BTreeSet};

use hbuild_lang::recipe::{Arch, Distro};

use super::code;
use super::definition::Definition;
use super::grid::{Grid, Row, Variant};
use super::levels::Variable;
use super::remark::{Problem, ProblemKind};
use super::version::{self, Identity};

/// A definition with its place.
#[derive(Debug)]
pub struct Entry {
    /// What it says.
    pub definition: Definition,
    /// Which variant it is.
    pub identity: Identity,
    /// Its architectures.
    pub arches: Vec<Arch>,
}

/// The ordinary profile.
pub const STANDARD: &str = "standard";

/// The entries in the order of the axes, the axes, and what is wrong: files for one and the same variant.
pub fn arrange(mut entries: Vec<Entry>) -> (Vec<Entry>, Grid, Vec<Problem>) {
    tell_apart(&mut entries);
    let profiles = profiles(&entries);
    if profiles.len() < 2 {
        entries.iter_mut().for_each(|entry| entry.identity.profile.clear());
    }
    let versions: BTreeSet<&str> =
        entries.iter().filter_map(|entry| entry.identity.version.as_deref()).collect();
    let numeric = versions.iter().all(|version| is_numeric(version));
    let complete = entries.iter().all(|entry| entry.identity.version.is_some());
    let rows = if complete { rows(&entries, &versions, numeric) } else { Vec::new() };
    let distros: BTreeSet<Distro> = entries.iter().map(|entry| entry.identity.distro.clone()).collect();
    let mut grid = Grid { rows, numeric, distros: distros.into_iter().collect(), ..Grid::default() };
    grid.profiles = if profiles.len() < 2 { vec![STANDARD.to_owned()] } else { profiles };
    let mut placed: Vec<(Variant, Entry)> =
        entries.into_iter().map(|entry| (place(&grid, &entry), entry)).collect();
    placed.sort_by_key(|(variant, _)| *variant);
    let mut problems = Vec::new();
    let mut kept: Vec<Entry> = Vec::new();
    for (variant, entry) in placed {
        if grid.variants.last() == Some(&variant) {
            let first = kept.last().map_or("", |first| first.definition.file.as_str());
            problems.push(same_variant(&entry, first));
            continue;
        }
        grid.variants.push(variant);
        kept.push(entry);
    }
    (kept, grid, problems)
}

fn same_variant(entry: &Entry, first: &str) -> Problem {
    let identity = &entry.identity;
    let mut words = vec![identity.version.clone().unwrap_or_default(), identity.distro.to_string()];
    words.push(identity.flavor.to_string());
    words.push(identity.profile.clone());
    words.retain(|word| !word.is_empty());
    Problem {
        file: entry.definition.file.clone(),
        line: 0,
        column: 0,
        kind: ProblemKind::Variant,
        message: format!("`{first}` describes the same variant: {}", words.join(" ")),
    }
}

/// Gives definitions that seem to be one variant profiles of their own, where their tags say they are not.
fn tell_apart(entries: &mut [Entry]) {
    let mut same: BTreeMap<Identity, Vec<usize>> = BTreeMap::new();
    for (index, entry) in entries.iter().enumerate() {
        same.entry(entry.identity.clone()).or_default().push(index);
    }
    for members in same.into_values().filter(|members| members.len() > 1) {
        let tags = |index: &usize| -> BTreeSet<String> {
            entries[*index].definition.tags.iter().map(|tag| tag.value.clone()).collect()
        };
        let mut seen = BTreeSet::new();
        let disjoint = members.iter().all(|index| {
            let tags = tags(index);
            !tags.is_empty() && tags.into_iter().all(|tag| seen.insert(tag))
        });
        let stems: BTreeSet<String> = members
            .iter()
            .map(|index| version::stem(&entries[*index].definition, &entries[*index].identity).to_owned())
            .collect();
        if !disjoint || stems.len() < members.len() {
            continue;
        }
        for index in members {
            let entry = &mut entries[index];
            let stem = version::label(version::stem(&entry.definition, &entry.identity));
            let parts = [entry.identity.profile.clone(), stem];
            entry.identity.profile =
                parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-");
        }
    }
}

/// The profiles that tell definitions apart, the ordinary one first; none where the other axes do.
fn profiles(entries: &[Entry]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let needed = entries.iter().any(|entry| {
        let Identity { version, distro, flavor, .. } = &entry.identity;
        !seen.insert((version, distro, flavor))
    });
    if !needed {
        return Vec::new();
    }
    let mut found: Vec<String> = entries.iter().map(|entry| profile(entry).to_owned()).collect();
    found.sort_by_key(|profile| (profile != STANDARD, profile.clone()));
    found.dedup();
    found
}

fn profile(entry: &Entry) -> &str {
    if entry.identity.profile.is_empty() { STANDARD } else { &entry.identity.profile }
}

/// Whether the language can order the version.
fn is_numeric(version: &str) -> bool {
    version.split('.').all(|part| {
        let plain = part == "0" || !part.starts_with('0');
        plain && !part.is_empty() && part.len() < 10 && part.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// The rows, newest first; a label is the file's own name where it begins the version and no other one.
fn rows(entries: &[Entry], versions: &BTreeSet<&str>, numeric: bool) -> Vec<Row> {
    let label = |version: &str| {
        let own = entries.iter().filter(|entry| entry.identity.version.as_deref() == Some(version));
        let stems: BTreeSet<&str> =
            own.map(|entry| version::stem(&entry.definition, &entry.identity)).collect();
        let begins =
            |label: &str, version: &str| version == label || version.starts_with(&format!("{label}."));
        let unique = |label: &str| versions.iter().filter(|other| begins(label, other)).count() == 1;
        let numbers: Vec<&str> = version.split('.').collect();
        let shorter = (2.min(numbers.len())..=numbers.len()).map(|count| numbers[..count].join("."));
        let stems = stems.into_iter().map(str::to_owned).filter(|stem| begins(stem, version));
        stems.chain(shorter).find(|label| unique(label)).unwrap_or_else(|| version.to_owned())
    };
    let mut rows: Vec<Row> = versions
        .iter()
        .map(|version| Row { label: label(version), version: (*version).to_owned() })
        .collect();
    let numbers =
        |row: &Row| -> Vec<u64> { row.version.split('.').map(|part| part.parse().unwrap_or(0)).collect() };
    if numeric {
        rows.sort_by_key(|row| std::cmp::Reverse(numbers(row)));
    }
    rows
}

fn place(grid: &Grid, entry: &Entry) -> Variant {
    let at = |found: Option<usize>| found.unwrap_or_default();
    Variant {
        row: at(grid.rows.iter().position(|row| Some(&row.version) == entry.identity.version.as_ref())),
        distro: at(grid.distros.iter().position(|distro| *distro == entry.identity.distro)),
        profile: at(grid.profiles.iter().position(|name| name == profile(entry))),
        flavor: entry.identity.flavor,
    }
}

/// The variables that differ between releases and may stand in packages and texts.
pub fn variables(entries: &[Entry], grid: &Grid) -> Vec<Variable> {
    if grid.rows.len() < 2 {
        return Vec::new();
    }
    let mut found: BTreeMap<&str, BTreeMap<usize, String>> = BTreeMap::new();
    for (variant, entry) in entries.iter().enumerate() {
        for (key, value) in &entry.definition.vars {
            let version = entry.identity.version.as_deref().unwrap_or_default();
            let plain = !value.value.contains(['$', '#', '{', '"', '\\', '\n']);
            let follows = value.value == version || version.starts_with(&value.value);
            if plain
                && !follows
                && value.value.len() > 3
                && value.value.contains(|letter: char| letter.is_ascii_digit())
            {
                found.entry(&key.value).or_default().insert(variant, value.value.clone());
            }
        }
    }
    let differs = |values: &BTreeMap<usize, String>| values.values().collect::<BTreeSet<_>>().len() > 1;
    let mut variables: Vec<Variable> = Vec::new();
    for (key, values) in found.into_iter().filter(|(_, values)| differs(values)).take(200) {
        let name = if key == "VERSION" { "package-version".to_owned() } else { code::name(key) };
        if !variables.iter().any(|variable| variable.values == values || variable.name == name) {
            variables.push(Variable { name, values });
        }
    }
    variables
}
