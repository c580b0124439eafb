//! Syntax: from text to a lossless tree, a plain tree for the evaluator, and diagnostics.
//!
//! Receives the text of one file; never reads another one, never evaluates. Whatever the text, [`parse`]
//! returns: the tree's tokens put together are the text again, its depth is bounded, and the time is linear
//! in the text's length. The grammar is `docs/src/grammar.md`.

pub mod ast;

mod builder;
pub(crate) mod green;
mod kind;
mod lexer;
pub(crate) mod literal;
mod parser;
mod report;
mod span;
mod text;

pub use kind::{Language, SyntaxElement, SyntaxKind, SyntaxNode, SyntaxToken};
pub use span::Span;
pub use text::is_refused;

use std::collections::BTreeSet;

use crate::diagnostic::Diagnostic;

/// How deep expressions and blocks may nest; a chain of operators, members or calls counts each of its links.
pub const DEPTH_LIMIT: u32 = 128;

/// How long a file may be, in bytes.
pub const LENGTH_LIMIT: usize = 4 << 20;

/// What [`parse`] found: a tree whatever the text, and what is wrong with it.
#[derive(Debug, Clone)]
pub struct Parse {
    green: rowan::GreenNode,
    diagnostics: Vec<Diagnostic>,
}

impl Parse {
    /// The tree for the evaluator.
    pub fn file(&self) -> ast::File {
        ast::lower(&self.green)
    }

    /// The lossless tree.
    pub fn syntax(&self) -> SyntaxNode {
        SyntaxNode::new_root(self.green.clone())
    }

    /// The words in what fits nowhere, which may have defined names that the rest mentions.
    pub(crate) fn lost_words(&self) -> BTreeSet<String> {
        let mut words = BTreeSet::new();
        if self.diagnostics.is_empty() {
            return words;
        }
        let root = self.syntax();
        for found in self.diagnostics.iter().filter(|found| found.code == "hbuild::syntax::bad_name") {
            let at = found.primary().and_then(|label| u32::try_from(label.range.start).ok());
            let token = at.and_then(|at| root.token_at_offset(at.into()).right_biased());
            words.extend(token.map(|token| token.text().to_lowercase().replace('_', "-")));
        }
        let unknown = |node: &SyntaxNode| {
            let word = node.first_token().map(|token| token.text().to_owned());
            node.kind() == SyntaxKind::Declaration
                && !word.is_some_and(|word| report::ITEM_WORDS.contains(&word.as_str()))
        };
        let names = root.children().filter(unknown).flat_map(|node| node.children_with_tokens());
        let errors = root.descendants().filter(|node| node.kind() == SyntaxKind::Error);
        let tokens = errors.flat_map(|node| node.descendants_with_tokens()).chain(names);
        let tokens = tokens.filter_map(SyntaxElement::into_token);
        for token in tokens.filter(|token| matches!(token.kind(), SyntaxKind::Name | SyntaxKind::Word)) {
            words.insert(token.text().to_owned());
        }
        words
    }

    pub(crate) fn green(&self) -> &rowan::GreenNodeData {
        &self.green
    }

    /// What is wrong, by place.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// Whether one of the diagnostics is an error.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }
}

/// The tree of a text.
pub fn parse(text: &str) -> Parse {
    if text.len() > LENGTH_LIMIT {
        let whole = rowan::GreenToken::new(SyntaxKind::Unknown.into(), text);
        let green = rowan::GreenNode::new(SyntaxKind::File.into(), [rowan::NodeOrToken::Token(whole)]);
        return Parse { green, diagnostics: vec![report::too_long(text.len(), LENGTH_LIMIT)] };
    }
    let mut diagnostics = text::check(text);
    let lexed = lexer::lex(text);
    let (green, found) = parser::parse(text, &lexed);
    let disturbed = LineSet::new(text, &lexed.diagnostics);
    // Up to here brackets may have been closed inside of strings that do not end.
    let swallowed = lexed.diagnostics.iter().rev().find(|found| {
        let line = text[start_of(found)..].lines().next();
        found.code == "hbuild::syntax::unclosed_string"
            && line.is_some_and(|line| line.contains(['}', ']', ')']))
    });
    let swallowed = swallowed.map_or(0, start_of);
    let unclosed =
        |found: &Diagnostic| found.code == "hbuild::syntax::unclosed_bracket" && start_of(found) < swallowed;
    diagnostics.extend(lexed.diagnostics);
    let found = found.into_iter().filter(|found| !disturbed.holds(start_of(found)) && !unclosed(found));
    diagnostics.extend(found);
    diagnostics.sort_by_key(start_of);
    diagnostics.truncate(report::MOST);
    Parse { green, diagnostics }
}

/// The tree of a file's bytes. Bytes that are not UTF-8 give the tree of what [`String::from_utf8_lossy`] makes of
/// them and one diagnostic, at its first U+FFFD.
pub fn parse_bytes(bytes: &[u8]) -> Parse {
    match std::str::from_utf8(bytes) {
        Ok(text) => parse(text),
        Err(error) => {
            let at = error.valid_up_to();
            let place = at..at + char::REPLACEMENT_CHARACTER.len_utf8();
            let green = parse(&String::from_utf8_lossy(bytes)).green;
            Parse { green, diagnostics: vec![report::invalid_utf8(place)] }
        }
    }
}

fn start_of(diagnostic: &Diagnostic) -> usize {
    diagnostic.primary().map_or(0, |label| label.range.start)
}

/// The lines on which the lexer lost its way: what the parser says about them would be noise.
struct LineSet(Vec<std::ops::Range<usize>>);

impl LineSet {
    fn new(text: &str, diagnostics: &[Diagnostic]) -> Self {
        let disturbing = diagnostics.iter().filter(|diagnostic| report::disturbs(diagnostic.code));
        let line = |at: usize| {
            let start = text[..at].rfind('\n').map_or(0, |feed| feed + 1);
            start..text[at..].find('\n').map_or(text.len(), |feed| at + feed) + 1
        };
        Self(disturbing.map(|diagnostic| line(start_of(diagnostic))).collect())
    }

    fn holds(&self, at: usize) -> bool {
        let next = self.0.partition_point(|line| line.start <= at);
        next > 0 && self.0[next - 1].contains(&at)
    }
}
