//! Formatting: one layout for every recipe with the same meaning, as far as its author left that open.
//!
//! Receives the text of one file; changes white space, separators and the indentation of block strings, never
//! a value and never a comment. The output formatted again is the output.
//!
//! Lines are filled to 110 characters, indentation is two spaces, and at most one blank line is kept. Braces
//! written over several lines stay so; a list breaks only where it does not fit. The signs of neighbouring
//! fields of one line are aligned; a key with a dot or in quotes stands for itself.

mod container;
mod doc;
mod expr;
mod print;
mod statement;

use crate::diagnostic::Diagnostic;
use crate::syntax;

/// The text, formatted; the errors, where it has any. Warnings do not stop it.
pub fn format(text: &str) -> Result<String, Vec<Diagnostic>> {
    formatted(text, &syntax::parse(text))
}

/// The text that `bytes` are, formatted. What is not UTF-8 is an error; places are those of what
/// [`String::from_utf8_lossy`] makes of the bytes.
pub fn format_bytes(bytes: &[u8]) -> Result<String, Vec<Diagnostic>> {
    formatted(&String::from_utf8_lossy(bytes), &syntax::parse_bytes(bytes))
}

fn formatted(text: &str, parse: &syntax::Parse) -> Result<String, Vec<Diagnostic>> {
    if parse.has_errors() {
        return Err(parse.diagnostics().to_vec());
    }
    let rows = statement::file(syntax::green::GreenView::root(parse.green()), text);
    Ok(print::print(&rows, text.len()))
}
