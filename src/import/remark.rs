//! What an import has to say: what it leaves out, what it adds, and what is wrong with a file.

use std::collections::BTreeMap;

use serde::Serialize;

/// One thing that is not in the recipe as the file has it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Remark {
    /// What kind of thing it is.
    pub kind: RemarkKind,
    /// The file as it was given.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
    /// The field, from the root: `contents.builds[0].caches[1].path`.
    pub field: String,
    /// What stands there.
    pub value: String,
    /// Why, and what to do.
    pub reason: String,
    /// The item of the recipe it is about: `image redis`, `build redis-server`; empty for the file as a whole.
    pub item: String,
}

/// Kinds of remarks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RemarkKind {
    /// It is not in the recipe.
    LeftOut,
    /// It is in the recipe, and a person has to do something before it builds.
    ToDo,
    /// The recipe has something that the file does not say.
    Added,
}

impl RemarkKind {
    /// The heading in summaries.
    pub fn heading(self) -> &'static str {
        match self {
            RemarkKind::LeftOut => "not carried over",
            RemarkKind::ToDo => "to do before it builds",
            RemarkKind::Added => "added",
        }
    }
}

/// Something wrong with a file, which is not imported then.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Problem {
    /// The file.
    pub file: String,
    /// Line, from 1; 0 where it is about the file as a whole.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
    /// What kind of problem it is.
    pub kind: ProblemKind,
    /// What is wrong.
    pub message: String,
}

/// Kinds of problems.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProblemKind {
    /// No YAML.
    Yaml,
    /// Neither a definition of the catalogue nor apko's.
    Format,
    /// A field that is not as the format has it.
    Schema,
    /// Two files that describe one variant, or nothing that tells the distro.
    Variant,
    /// A file that cannot be read.
    Unreadable,
    /// The recipe that came out is not right: a defect.
    Defect,
}

/// Remarks of one recipe that are the same in several places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group<'a> {
    /// The first of them.
    pub first: &'a Remark,
    /// Places as `file:line`.
    pub places: Vec<String>,
}

/// The remarks, those that say the same of the same field together, in the order of their first.
pub fn grouped(remarks: &[Remark]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    let mut known: BTreeMap<(RemarkKind, String, &str, &str, &str), usize> = BTreeMap::new();
    for remark in remarks {
        let key =
            (remark.kind, without_numbers(&remark.field), &*remark.value, &*remark.reason, &*remark.item);
        let at = *known.entry(key).or_insert(groups.len());
        if at == groups.len() {
            groups.push(Group { first: remark, places: Vec::new() });
        }
        let place = format!("{}:{}", remark.file, remark.line);
        if !groups[at].places.contains(&place) {
            groups[at].places.push(place);
        }
    }
    groups
}

/// The field without the numbers of list elements.
pub fn without_numbers(field: &str) -> String {
    let mut out = String::with_capacity(field.len());
    let mut inside = false;
    for letter in field.chars() {
        match letter {
            '[' => inside = true,
            ']' => inside = false,
            _ if inside => {}
            _ => out.push(letter),
        }
    }
    out
}
