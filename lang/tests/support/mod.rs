#![allow(dead_code, reason = "each test file uses a part of it")]
//! Annotated fixtures: a recipe with what it evaluates to, or what is wrong with it, in its comments.
//!
//! - `#= path = text`: the evaluated recipe as JSON has this value at the path (`images.0.title`, or `images.#`
//!   for a length); strings stand without quotes.
//! - `#! name`: the next line that is no such comment has an error `hbuild::lang::name` (`#? name` a warning);
//!   `#! name @ word` wants it at that word, `#! name : text` wants the text in its message or help, and
//!   `#!! name` wants it anywhere, for what has no line of its own.
//! - `#: path`: what follows, up to the next such line, is a file that is imported.
//!
//! A fixture with no `#!` must evaluate; every diagnostic must be announced.

use std::collections::BTreeMap;

use hbuild_lang::diagnostic::{LineIndex, Severity};
use hbuild_lang::{Checked, Diagnostic, Evaluated, FileError, Files};

/// Files in memory.
#[derive(Debug, Default, Clone)]
pub struct Memory(pub BTreeMap<String, Vec<u8>>);

impl Files for Memory {
    fn read(&self, path: &str) -> Result<Vec<u8>, FileError> {
        let missing = || FileError { path: path.to_owned(), reason: "there is no such file".to_owned() };
        self.0.get(path).cloned().ok_or_else(missing)
    }
}

impl Memory {
    /// One recipe, `recipe.hb`.
    pub fn one(text: &str) -> Memory {
        Memory(BTreeMap::from([("recipe.hb".to_owned(), text.as_bytes().to_vec())]))
    }

    /// The files of a fixture, `recipe.hb` first.
    pub fn fixture(text: &str) -> Memory {
        let mut files = BTreeMap::new();
        let mut name = "recipe.hb".to_owned();
        let mut part = String::new();
        for line in text.lines() {
            match line.strip_prefix("#: ") {
                Some(next) => {
                    files.insert(
                        std::mem::replace(&mut name, next.to_owned()),
                        std::mem::take(&mut part).into(),
                    );
                }
                None => {
                    part.push_str(line);
                    part.push('\n');
                }
            }
        }
        files.insert(name, part.into());
        Memory(files)
    }
}

/// A diagnostic as plain text: code, message, every label with its place, help.
pub fn render(diagnostic: &Diagnostic, checked: &Checked) -> String {
    let severity = if diagnostic.severity == Severity::Error { "error" } else { "warning" };
    let mut text = format!("{severity}[{}]: {}\n", diagnostic.code, diagnostic.message);
    for label in &diagnostic.labels {
        let file = label.file.as_deref().unwrap_or("?");
        let source = checked.texts.get(file).map_or("", String::as_str);
        let at = LineIndex::new(source).line_column(label.range.start);
        let word = source.get(label.range.clone()).unwrap_or("").lines().next().unwrap_or("");
        let mark = if label.primary { "-->" } else { "   " };
        text.push_str(&format!("  {mark} {file}:{}:{} `{word}`", at.line, at.column));
        let said = if label.text.is_empty() { "\n".to_owned() } else { format!(" {}\n", label.text) };
        text.push_str(&said);
    }
    if let Some(help) = &diagnostic.help {
        text.push_str(&format!("  help: {help}\n"));
    }
    text
}

/// All diagnostics as plain text.
pub fn render_all(checked: &Checked) -> String {
    checked.diagnostics.iter().map(|diagnostic| render(diagnostic, checked)).collect::<Vec<_>>().join("\n")
}

/// Evaluates `recipe.hb` of the files.
pub fn evaluate(files: &Memory) -> Result<Evaluated, Checked> {
    hbuild_lang::evaluate(files, "recipe.hb")
}
