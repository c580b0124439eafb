//! The book's entries on errors: every code of the language has one, and its examples do what they say.

#[path = "../support/mod.rs"]
mod support;

#[path = "../../../src/cli/pages.rs"]
#[allow(dead_code, reason = "the command line uses all of it")]
mod pages;

mod examples;

use std::collections::BTreeSet;
use std::path::Path;

use hbuild_lang::Checked;
use hbuild_lang::diagnostic::{Diagnostic, Severity};
use pages::Entry;
use support::{Memory, evaluate, render_all};

/// Codes whose examples are bytes that [`hbuild_lang::check`] refuses to read; their own tests make them.
const BYTES: [&str; 2] = ["hbuild::syntax::invalid_utf8", "hbuild::syntax::too_long"];

fn entries() -> impl Iterator<Item = &'static Entry> {
    let language = |code: &str| code.starts_with("hbuild::lang::") || code.starts_with("hbuild::syntax::");
    pages::entries().iter().filter(move |entry| language(entry.code))
}

fn checked(files: &Memory) -> Checked {
    match evaluate(files) {
        Ok(evaluated) => evaluated.checked,
        Err(checked) => checked,
    }
}

/// The first example of an entry.
fn bad(entry: &Entry) -> Option<Memory> {
    examples::made(entry.code).or_else(|| entry.examples.first().map(|example| examples::files(example)))
}

fn codes_of(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            codes_of(&path, found);
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        for part in text.split("\"hbuild::").skip(1) {
            let code = part.split('"').next().unwrap();
            if code.split("::").count() == 2 && !code.ends_with("::") {
                found.insert(format!("hbuild::{code}"));
            }
        }
    }
}

#[test]
fn every_code_has_an_entry_and_examples() {
    let mut codes = BTreeSet::new();
    codes_of(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut codes);
    let documented: BTreeSet<String> = entries().map(|entry| entry.code.to_owned()).collect();
    assert_eq!(codes, documented);
    let without = entries().filter(|entry| {
        let made = BYTES.contains(&entry.code) || examples::made(entry.code).is_some();
        !(made && entry.examples.is_empty() || entry.examples.len() == 2)
    });
    let without: Vec<&str> = without.map(|entry| entry.code).collect();
    assert!(
        without.is_empty(),
        "these have not two examples, one with the error and one mended: {without:?}"
    );
}

#[test]
fn the_examples_have_the_error_and_the_mended_ones_nothing() {
    let mut problems = Vec::new();
    for entry in entries() {
        let Some(files) = bad(entry) else { continue };
        let found = checked(&files);
        let codes: BTreeSet<&str> = found.diagnostics.iter().map(|diagnostic| diagnostic.code).collect();
        let wanted: BTreeSet<&str> = entry.also.iter().copied().chain([entry.code]).collect();
        let severity = if entry.warning { Severity::Warning } else { Severity::Error };
        let graver = |found: &&Diagnostic| found.code == entry.code && found.severity != severity;
        if codes != wanted || found.diagnostics.iter().any(|found| graver(&found)) {
            problems.push(format!("## {}, a {severity:?}, has\n{}", entry.code, render_all(&found)));
        }
        if let Some(example) = entry.examples.get(1) {
            let found = checked(&examples::files(example));
            if !found.diagnostics.is_empty() {
                problems.push(format!("## {} mended has\n{}", entry.code, render_all(&found)));
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// The files with the changes of a suggestion.
fn mended(files: &Memory, suggestion: &hbuild_lang::diagnostic::Suggestion) -> Memory {
    let mut files = files.clone();
    for edit in suggestion.edits.iter().rev() {
        let file = edit.file.as_deref().expect("a checked recipe's edits name their files");
        let text = files.0.get_mut(file).unwrap_or_else(|| panic!("an edit of {file}"));
        text.splice(edit.range.clone(), edit.text.bytes());
    }
    files
}

#[test]
fn every_suggestion_mends_what_it_is_about() {
    let mut problems = Vec::new();
    for entry in entries() {
        let Some(files) = bad(entry) else { continue };
        let before = checked(&files);
        for diagnostic in &before.diagnostics {
            for suggestion in &diagnostic.suggestions {
                let after = checked(&mended(&files, suggestion));
                let count = |checked: &Checked| {
                    checked.diagnostics.iter().filter(|found| found.code == diagnostic.code).count()
                };
                let errors =
                    |checked: &Checked| checked.diagnostics.iter().filter(|found| found.is_error()).count();
                if count(&after) >= count(&before) || errors(&after) > errors(&before) {
                    problems.push(format!("{}: `{}`\n{}", entry.code, suggestion.title, render_all(&after)));
                }
            }
        }
    }
    assert!(problems.is_empty(), "these suggestions mend nothing: {}", problems.join("\n"));
}
