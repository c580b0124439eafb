//! What holds for every input: the fuzz targets of `lang/fuzz` look for one where it does not, and
//! `fuzz_corpus.rs` replays what they keep.

#![allow(dead_code, reason = "each crate that includes this module uses its own part of it")]

#[path = "../support/mod.rs"]
mod support;
#[path = "../syntax_support/mod.rs"]
mod syntax_support;

use hbuild_lang::{Checked, Diagnostic, syntax};
use support::Memory;

/// The tree is the text, and every diagnostic is one that a person can act on.
pub fn parser(bytes: &[u8]) {
    let parse = syntax::parse_bytes(bytes);
    let valid = std::str::from_utf8(bytes);
    let text = String::from_utf8_lossy(bytes);
    let tree = parse.syntax().text().to_string();
    assert_eq!(tree, text);
    assert_eq!(valid.is_err(), parse.diagnostics().iter().any(|found| found.code.ends_with("invalid_utf8")));
    for diagnostic in parse.diagnostics() {
        let range = diagnostic.primary().expect("a place").range.clone();
        assert!(text.get(range.clone()).is_some(), "{range:?}");
        assert!(diagnostic.help.is_some() && diagnostic.code.starts_with("hbuild::syntax::"));
    }
    let file = parse.file();
    assert!(parse.has_errors() || !format!("{file:?}").contains("Missing"));
}

/// What has no errors can be formatted, and says the same afterwards; the rest cannot.
pub fn formatter(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if syntax::parse(text).has_errors() {
        assert!(hbuild_lang::format::format(text).is_err());
    } else {
        syntax_support::assert_formats(text);
    }
}

/// Files as a fixture has them, `recipe.hb` first: checking and evaluating them agree, and every place is one.
pub fn evaluator(bytes: &[u8]) {
    let files = match std::str::from_utf8(bytes) {
        Ok(text) => Memory::fixture(text),
        Err(_) => Memory([("recipe.hb".to_owned(), bytes.to_vec())].into()),
    };
    match support::evaluate(&files) {
        Ok(evaluated) => {
            assert!(!evaluated.checked.has_errors());
            places(&evaluated.checked);
        }
        Err(checked) => {
            assert!(checked.has_errors());
            places(&checked);
        }
    }
}

fn places(checked: &Checked) {
    for diagnostic in &checked.diagnostics {
        place(diagnostic, checked);
    }
}

fn place(diagnostic: &Diagnostic, checked: &Checked) {
    assert!(diagnostic.help.is_some(), "{diagnostic:?}");
    for label in &diagnostic.labels {
        let text = checked.texts.get(label.file.as_deref().expect("a file")).expect("its text");
        assert!(text.get(label.range.clone()).is_some(), "{diagnostic:?}");
    }
    for edit in diagnostic.suggestions.iter().flat_map(|suggestion| &suggestion.edits) {
        let text = checked.texts.get(edit.file.as_deref().expect("a file")).expect("its text");
        assert!(text.get(edit.range.clone()).is_some(), "{diagnostic:?}");
    }
}
