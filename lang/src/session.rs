//! The two entries of the language: text to findings, and text to the evaluated recipe.

use std::collections::BTreeMap;

use crate::Files;
use crate::check::definitions::Definitions;
use crate::diagnostic::Diagnostic;
use crate::eval;
use crate::modules::{self, Program, Reports};
use crate::recipe::Recipe;

/// What is to be said about a recipe, with the texts that the places point into.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Checked {
    /// Errors and warnings: by file in the order of loading, then by place. Every label names its file.
    pub diagnostics: Vec<Diagnostic>,
    /// The text of each file loaded, by the name that labels use (`common.hb`, `std/base`).
    pub texts: BTreeMap<String, String>,
}

impl Checked {
    /// Whether one of the diagnostics is an error.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }
}

/// A recipe without errors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evaluated {
    /// Its value at every point of its axes.
    pub recipe: Recipe,
    /// The warnings.
    pub checked: Checked,
}

/// What is wrong with the recipe that begins at the file `entry`, at every point of its axes.
pub fn check(files: &dyn Files, entry: &str) -> Checked {
    run(files, entry).map_or_else(|unreadable| unreadable, |run| run.into_checked().1)
}

/// The recipe that begins at the file `entry`, or all that is wrong with it.
pub fn evaluate(files: &dyn Files, entry: &str) -> Result<Evaluated, Checked> {
    match run(files, entry)?.into_checked() {
        (recipe, checked) if !checked.has_errors() => Ok(Evaluated { recipe, checked }),
        (_, checked) => Err(checked),
    }
}

/// All that one pass over a recipe finds.
pub(crate) struct Run {
    pub program: Program,
    pub definitions: Definitions,
    pub recipe: Recipe,
    pub diagnostics: Vec<Diagnostic>,
}

impl Run {
    fn into_checked(self) -> (Recipe, Checked) {
        let files = self.program.files.into_iter();
        let texts = files.map(|file| (String::from(&*file.name), file.text)).collect();
        (self.recipe, Checked { diagnostics: self.diagnostics, texts })
    }
}

/// One pass over the recipe that begins at the file `entry`; where that cannot be read, the reason.
pub(crate) fn run(files: &dyn Files, entry: &str) -> Result<Run, Checked> {
    let mut reports = Reports::default();
    let (program, mut diagnostics) = match modules::load(files, entry, &mut reports) {
        Ok(loaded) => loaded,
        Err(error) => return Err(unreadable(entry, &error.to_string())),
    };
    let definitions = crate::check::check(&program, &mut reports);
    if reports.has_errors() || diagnostics.iter().any(Diagnostic::is_error) {
        reports.mute(crate::check::STATIC);
    }
    let recipe = eval::evaluate(&program, &definitions, files, &mut reports);
    let broken = reports.has_errors() || diagnostics.iter().any(Diagnostic::is_error);
    if !broken {
        crate::check::unused(&program, &definitions, &mut reports);
    }
    diagnostics.extend(reports.into_sorted().iter().map(|report| program.diagnostic(report)));
    sort(&program, &mut diagnostics);
    Ok(Run { program, definitions, recipe, diagnostics })
}

/// By file in the order of loading, then by place, then by code.
fn sort(program: &Program, diagnostics: &mut [Diagnostic]) {
    let order: BTreeMap<&str, usize> =
        program.files.iter().enumerate().map(|(index, file)| (&*file.name, index)).collect();
    diagnostics.sort_by_key(|diagnostic| {
        let (file, start, end) = diagnostic.primary().map_or((0, 0, 0), |label| {
            let file = label.file.as_deref().and_then(|name| order.get(name)).copied().unwrap_or(0);
            (file, label.range.start, label.range.end)
        });
        (file, start, end, diagnostic.code)
    });
}

fn unreadable(entry: &str, message: &str) -> Checked {
    let diagnostic = Diagnostic::error("hbuild::lang::unreadable", 0..0, message)
        .with_help("name a recipe file, or a folder that has one")
        .in_file(entry);
    Checked { diagnostics: vec![diagnostic], texts: BTreeMap::from([(entry.to_owned(), String::new())]) }
}
