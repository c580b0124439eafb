//! Tags: by `tag.semver` where that gives exactly those of the definitions, else as they are written.

use std::collections::{BTreeMap, BTreeSet};

use hbuild_lang::Form;
use hbuild_lang::recipe::Flavor;

use super::block::Block;
use super::code;
use super::grid::{Axis, Grid};
use super::levels::Occurrence;
use super::recipe::Draft;

/// Tags of the variants, without their own names.
type Tags = Vec<BTreeMap<String, usize>>;

/// The field `tags`.
pub fn tags(draft: &Draft<'_>, block: &mut Block<'_>) {
    let mut tags = own(draft);
    let mut terms = Vec::new();
    let grid = draft.grid;
    if grid.numeric && !grid.rows.is_empty() && grid.profiles.len() == 1 {
        let dev = !grid.of_flavor(Flavor::Dev).is_empty();
        let own_distro = |variant: usize| format!("-{}", grid.distros[grid.at(variant, Axis::Distro)]);
        let all: Vec<usize> = (0..tags.len()).collect();
        if take(draft, &mut tags, &all, &own_distro, true) {
            let flavor = if dev { ", flavor" } else { "" };
            terms.push(format!("tag.semver(release, among = releases, distro{flavor})"));
        }
        let arms = families(draft, &mut tags, dev);
        if arms.values().any(|arm| !arm.is_empty()) {
            let arm = |place: usize| {
                let lists = arms.get(&place)?;
                Some(if lists.is_empty() { "[]".to_owned() } else { lists.join(" + ") })
            };
            let arms: BTreeSet<Option<String>> = (0..grid.distros.len()).map(arm).collect();
            match arms.into_iter().collect::<Vec<_>>().as_slice() {
                [Some(only)] => terms.push(only.clone()),
                _ => terms.push(grid.arms(Axis::Distro, arm, "[]")),
            }
        }
    }
    if !terms.is_empty() {
        block.push("", format!("tags = {}", terms.join(" + ")));
    }
    let mut found: Vec<Occurrence> = Vec::new();
    for (variant, tags) in tags.iter().enumerate() {
        let mut tags: Vec<(&String, &usize)> = tags.iter().collect();
        tags.sort_by_key(|(_, place)| **place);
        found.extend(tags.into_iter().map(|(tag, _)| (variant, code::string(tag))));
    }
    block.list("tags", &found, &|_, _| false, if terms.is_empty() { "=" } else { "+=" });
}

/// The tags of each variant that it has alone.
fn own(draft: &Draft<'_>) -> Tags {
    let mut taken: BTreeSet<String> =
        (0..draft.entries.len()).map(|variant| draft.variant_name(variant)).collect();
    let mut all = Vec::new();
    for (variant, entry) in draft.entries.iter().enumerate() {
        let mut here = BTreeMap::new();
        let name = draft.variant_name(variant);
        let suffix =
            entry.definition.suffix.as_ref().map(|suffix| draft.symbols[variant].resolve(&suffix.value));
        for (place, tag) in entry.definition.tags.iter().enumerate() {
            let mut value = draft.symbols[variant].resolve(&tag.value);
            if let Some(suffix) = suffix.as_ref().filter(|suffix| !value.ends_with(suffix.as_str())) {
                value.push_str(suffix);
            }
            if let Some(problem) = Form::Tag.problem(&value) {
                draft.left_out(variant, tag, &problem.message);
            } else if value != name && !here.contains_key(&value) {
                if taken.insert(value.clone()) {
                    here.insert(value, place);
                } else {
                    draft.left_out(variant, tag, "another variant of the image has this tag");
                }
            }
        }
        all.push(here);
    }
    all
}

/// For each distro the lists of tags that are prefixes of the version with an ending, taken out of `tags`.
fn families(draft: &Draft<'_>, tags: &mut Tags, dev: bool) -> BTreeMap<usize, Vec<String>> {
    let grid = draft.grid;
    let mut arms: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for (place, distro) in grid.distros.iter().enumerate() {
        let here: Vec<usize> =
            (0..tags.len()).filter(|variant| grid.at(*variant, Axis::Distro) == place).collect();
        let lists = arms.entry(place).or_default();
        for ending in [String::new(), format!("-{}", distro.family), format!("-{distro}")] {
            if take(draft, tags, &here, &|_| ending.clone(), false) {
                let flavor = if dev { "{{suffix}}" } else { "" };
                lists.push(format!("[\"{{{{prefix}}}}{ending}{flavor}\" for prefix in prefixes]"));
            }
        }
    }
    arms
}

/// Takes the tags that `tag.semver` gives, with an ending, out of those of the variants; says whether all of them were
/// there.
fn take(
    draft: &Draft<'_>,
    tags: &mut Tags,
    variants: &[usize],
    ending: &dyn Fn(usize) -> String,
    by_distro: bool,
) -> bool {
    let expected = |variant: &usize| -> Vec<String> {
        let dev = if draft.is_dev(*variant) { "-dev" } else { "" };
        let prefixes = prefixes(draft.grid, *variant, by_distro);
        prefixes.into_iter().map(|prefix| format!("{prefix}{}{dev}", ending(*variant))).collect()
    };
    let there = variants.iter().all(|variant| {
        let name = draft.variant_name(*variant);
        expected(variant).iter().all(|tag| *tag == name || tags[*variant].contains_key(tag))
    });
    // The name alone is there anyway.
    let any =
        variants.iter().any(|variant| expected(variant).iter().any(|tag| tags[*variant].contains_key(tag)));
    if there && any {
        for variant in variants {
            for tag in expected(variant) {
                tags[*variant].remove(&tag);
            }
        }
    }
    there && any
}

/// The prefixes of a variant's version that no higher one has, among all or those of its distro.
fn prefixes(grid: &Grid, variant: usize, by_distro: bool) -> Vec<String> {
    let numbers = |row: usize| -> Vec<u64> {
        grid.rows[row].version.split('.').map(|part| part.parse().unwrap_or_default()).collect()
    };
    let (own, distro) = (numbers(grid.variants[variant].row), grid.variants[variant].distro);
    let others = (0..grid.rows.len()).filter(|row| {
        !by_distro || grid.variants.iter().any(|other| other.row == *row && other.distro == distro)
    });
    let others: Vec<Vec<u64>> = others.map(numbers).collect();
    let highest = |count: usize| {
        others
            .iter()
            .filter(|other| other.len() >= count && other[..count] == own[..count])
            .all(|other| *other <= own)
    };
    let text = |count: usize| own[..count].iter().map(u64::to_string).collect::<Vec<_>>().join(".");
    (1..=own.len()).filter(|count| highest(*count)).map(text).collect()
}
