//! Syntax: from text to a lossless tree, a plain tree for the evaluator, and diagnostics.
//!
//! Receives the text of one file; never reads another one, never evaluates. Whatever the text, [`parse`]
//! returns: the tree's tokens put together are the text again, its depth is bounded, and the time is linear
//! in the text's length. The grammar is `docs/src/grammar.md`.

pub mod ast;

mod kind;
mod span;

pub use kind::{Language, SyntaxElement, SyntaxKind, SyntaxNode, SyntaxToken};
pub use span::Span;

use crate::diagnostic::Diagnostic;

/// How deep expressions and blocks may nest; a chain of operators, members or calls counts each of its links.
pub const DEPTH_LIMIT: u32 = 128;

/// How long a file may be, in bytes.
pub const LENGTH_LIMIT: usize = 16 << 20;

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
    let file = rowan::GreenToken::new(SyntaxKind::Unknown.into(), text);
    let green = rowan::GreenNode::new(SyntaxKind::File.into(), [rowan::NodeOrToken::Token(file)]);
    Parse { green, diagnostics: Vec::new() }
}

/// The tree of a file's bytes. Bytes that are not UTF-8 give the tree of the empty text and one diagnostic,
/// whose range counts the file's bytes.
pub fn parse_bytes(bytes: &[u8]) -> Parse {
    match std::str::from_utf8(bytes) {
        Ok(text) => parse(text),
        Err(error) => {
            let at = error.valid_up_to();
            let diagnostic =
                Diagnostic::error("hbuild::syntax::invalid_utf8", at..at + 1, "the file is not UTF-8");
            Parse { diagnostics: vec![diagnostic], ..parse("") }
        }
    }
}
