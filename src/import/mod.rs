//! Definitions of other systems as recipes: YAML text to what it says, definitions of one image to one recipe with
//! axes, and everything that is not in the recipe to remarks. No I/O.
//!
//! ```text
//! yaml -> reader (marks what is read) -> definition       catalogue, catalogue_builds, apko
//! definition -> identity on the axes                      version, variants
//! fields over variants -> code                            symbolic, levels, grid, block
//! items                                                   image, sources, builds -> recipe
//! ```

mod accounts;
mod apko;
mod base;
mod block;
mod builds;
mod catalogue;
mod catalogue_builds;
mod code;
mod comments;
mod definition;
mod format;
mod grid;
mod image;
mod image_paths;
mod layout;
mod levels;
mod outputs;
mod reader;
mod recipe;
mod remark;
mod shell;
mod sources;
mod steps;
mod symbolic;
mod table;
mod tags;
mod unpack;
mod variants;
mod version;
mod yaml;

use std::collections::BTreeMap;

use hbuild_lang::recipe::Distro;

pub use remark::{Group, Problem, ProblemKind, Remark, RemarkKind, grouped};

use base::{ENTRY, OneFile};
use definition::Definition;
use format::Read;
use variants::Entry;

/// A file to import.
#[derive(Debug, Clone)]
pub struct Input {
    /// As it was given or found.
    pub path: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Whether it was named, so that it must be a definition; files of folders need not be one.
    pub named: bool,
}

/// Finds a file by the path of the one that includes it and what stands there.
pub type Include = dyn Fn(&str, &str) -> Option<Input>;

/// What is to be known besides the files.
#[derive(Default)]
pub struct Options<'a> {
    /// The distro of files that name none.
    pub distro: Option<Distro>,
    /// Finds a file that another one includes: by the path of the other and what stands in it.
    pub include: Option<&'a Include>,
}

/// A recipe.
#[derive(Debug, Clone)]
pub struct Recipe {
    /// Name of its image.
    pub name: String,
    /// The files it was made of.
    pub files: Vec<String>,
    /// Its text, formatted.
    pub text: String,
    /// What is to be said of it.
    pub remarks: Vec<Remark>,
}

/// What came of an import.
#[derive(Debug, Default)]
pub struct Imported {
    /// The recipes by name of their images.
    pub recipes: Vec<Recipe>,
    /// What is wrong, by file.
    pub problems: Vec<Problem>,
    /// Files of folders that are no definitions.
    pub passed_over: Vec<String>,
}

/// The recipes of the files: one for each image.
pub fn import(inputs: &[Input], options: &Options<'_>) -> Imported {
    let mut found = Imported::default();
    let mut images: BTreeMap<String, (String, Vec<Entry>)> = BTreeMap::new();
    for input in inputs {
        let definition = match format::read(input, options, &mut found.problems) {
            Read::Definition(definition) => *definition,
            Read::Other => {
                found.passed_over.push(input.path.clone());
                continue;
            }
            Read::Bad => continue,
        };
        let image = image_name(&definition);
        match version::identify(&definition, options.distro.as_ref()) {
            Ok(identity) => {
                let arches = version::arches(&definition);
                let (_, entries) = images.entry(code::name(&image)).or_insert_with(|| (image, Vec::new()));
                entries.push(Entry { definition, identity, arches });
            }
            Err(message) => {
                let (file, kind) = (input.path.clone(), ProblemKind::Variant);
                found.problems.push(Problem { file, line: 1, column: 1, kind, message });
            }
        }
    }
    for (_, (image, entries)) in images {
        finish(&image, entries, &mut found);
    }
    found.problems.sort();
    found
}

fn finish(image: &str, entries: Vec<Entry>, found: &mut Imported) {
    let files: Vec<String> = entries.iter().map(|entry| entry.definition.file.clone()).collect();
    let (written, problems) = recipe::write(image, entries);
    found.problems.extend(problems);
    let Some(written) = written else { return };
    let mut defect = |message: String| {
        let file = files.first().cloned().unwrap_or_default();
        found.problems.push(Problem { file, line: 0, column: 0, kind: ProblemKind::Defect, message });
    };
    let text = match hbuild_lang::format::format(&written.text) {
        Ok(text) => text,
        Err(diagnostics) => {
            let first = diagnostics.first().map(|first| first.message.clone()).unwrap_or_default();
            defect(format!("the recipe `{}` cannot be laid out: {first}", written.name));
            written.text
        }
    };
    let checked = hbuild_lang::check(&OneFile(&text), ENTRY);
    for diagnostic in &checked.diagnostics {
        let start = diagnostic.primary().map_or(0, |label| label.range.start);
        let line = text.get(..start).map_or(0, |before| before.matches('\n').count()) + 1;
        let message = &diagnostic.message;
        defect(format!("line {line} of the recipe `{}` is not right: {message}", written.name));
    }
    found.recipes.push(Recipe { name: written.name, files, text, remarks: written.remarks });
}

/// The name of a definition's image: the last part of `image`, else the file's name.
fn image_name(definition: &Definition) -> String {
    let named = definition.image.as_ref().map(|image| image.value.clone()).filter(|name| !name.is_empty());
    let path = named.unwrap_or_else(|| {
        let file = definition.file.rsplit('/').next().unwrap_or("image");
        file.trim_end_matches(".yaml").trim_end_matches(".yml").trim_end_matches(".apko").to_owned()
    });
    let last = path.rsplit('/').next().unwrap_or(&path);
    last.split(['@', ':']).next().unwrap_or(last).to_owned()
}
