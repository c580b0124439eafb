//! The parser: recursive descent over the lexer's tokens, straight into the green tree.
//!
//! Receives a text within [`super::LENGTH_LIMIT`]; never fails and never loops: every token goes into the tree
//! once, and what fits nowhere goes into a node of the kind `Error` with a diagnostic.

mod block;
mod brackets;
mod expr;
mod item;
mod literal;
mod primary;
mod recovery;

use std::ops::Range;

use rowan::GreenNode;

use super::builder::{Checkpoint, TreeBuilder};
use super::kind::SyntaxKind::{self, *};
use super::lexer::{Lexed, Token};
use super::report;
use crate::diagnostic::Diagnostic;

/// The green tree of a text, with what the parser reports about it.
pub(super) fn parse(text: &str, lexed: &Lexed) -> (GreenNode, Vec<Diagnostic>) {
    let mut parser = Parser {
        text,
        tokens: &lexed.tokens,
        position: 0,
        flushed: 0,
        newline: true,
        free: false,
        documenting: false,
        interpolating: false,
        comprehensions: 0,
        tallest: 0,
        depth: 0,
        swallowed: lexed.swallowed,
        reported: None,
        missing: None,
        unclosed: None,
        builder: TreeBuilder::new(),
        diagnostics: Vec::new(),
    };
    parser.skip_trivia();
    parser.file();
    (parser.builder.root(), parser.diagnostics)
}

struct Parser<'text> {
    text: &'text str,
    tokens: &'text [Token],
    /// The current token, which is no trivia.
    position: usize,
    /// The first token that is not in the tree yet: from here to `position` all are trivia.
    flushed: usize,
    /// Whether a line feed stands between the token before and the current one.
    newline: bool,
    /// Inside `()` or `[]`, where a line feed separates nothing.
    free: bool,
    /// The doc comments before the current token belong to the node just begun.
    documenting: bool,
    /// Inside `{{ }}`.
    interpolating: bool,
    /// How deep the comprehensions of the innermost brackets nest.
    comprehensions: u32,
    /// The height of the tallest expression in the innermost brackets.
    tallest: u32,
    /// How deep blocks and expressions are nested here.
    depth: u32,
    /// See [`Lexed::swallowed`].
    swallowed: bool,
    /// The token that the last diagnostic was about: one is enough.
    reported: Option<usize>,
    /// The token before which the last diagnostic missed something on the line before.
    missing: Option<usize>,
    /// Which opening brackets are never closed; made when first asked for.
    unclosed: Option<Vec<usize>>,
    builder: TreeBuilder,
    diagnostics: Vec<Diagnostic>,
}

impl<'text> Parser<'text> {
    fn kind(&self) -> SyntaxKind {
        self.tokens[self.position].kind
    }

    fn at(&self, kind: SyntaxKind) -> bool {
        self.kind() == kind
    }

    /// Whether a line feed that counts stands before the current token.
    fn line_ended(&self) -> bool {
        self.newline && !self.free
    }

    /// The range of a token.
    fn range_of(&self, token: usize) -> Range<usize> {
        let start = token.checked_sub(1).map_or(0, |before| self.tokens[before].end as usize);
        start..self.tokens[token].end as usize
    }

    fn range(&self) -> Range<usize> {
        self.range_of(self.position)
    }

    fn text_of(&self, token: usize) -> &'text str {
        &self.text[self.range_of(token)]
    }

    /// The text of the current token.
    fn word(&self) -> &'text str {
        self.text_of(self.position)
    }

    /// The next token behind `token` that is no trivia, and whether a line feed stands between.
    fn after(&self, token: usize) -> (usize, bool) {
        let mut next = (token + 1).min(self.tokens.len() - 1);
        let mut newline = false;
        while self.tokens[next].kind.is_trivia() {
            newline |= self.tokens[next].kind == Newline;
            next += 1;
        }
        (next, newline)
    }

    /// The kind of the next token if it is on this line or a dot, which continues it, else `Newline`.
    fn next_on_line(&self) -> SyntaxKind {
        let (next, newline) = self.after(self.position);
        let kind = self.tokens[next].kind;
        if newline && kind != Dot { Newline } else { kind }
    }

    fn skip_trivia(&mut self) {
        while self.tokens[self.position].kind.is_trivia() {
            self.newline |= self.kind() == Newline;
            self.position += 1;
        }
    }

    /// Puts the trivia before the current token into the tree.
    fn flush(&mut self) {
        while self.flushed < self.position {
            let kind = self.tokens[self.flushed].kind;
            if kind == DocComment && !self.documenting {
                let place = self.range_of(self.flushed);
                self.push(report::stray_doc(place));
            }
            self.builder.token(kind, self.text_of(self.flushed));
            self.flushed += 1;
        }
        self.documenting = false;
    }

    /// Puts the current token into the tree and goes to the next one.
    fn bump(&mut self) {
        self.flush();
        debug_assert!(!self.at(End), "the end is no token of the tree");
        self.builder.token(self.kind(), self.word());
        self.position += 1;
        self.flushed = self.position;
        self.newline = false;
        self.skip_trivia();
    }

    fn eat(&mut self, kind: SyntaxKind) -> bool {
        let found = self.at(kind);
        if found {
            self.bump();
        }
        found
    }

    fn start(&mut self, kind: SyntaxKind) {
        self.flush();
        self.builder.start(kind);
    }

    /// Begins a node that takes the doc comments before the current token.
    fn start_documented(&mut self, kind: SyntaxKind) {
        while self.flushed < self.position && self.tokens[self.flushed].kind != DocComment {
            self.builder.token(self.tokens[self.flushed].kind, self.text_of(self.flushed));
            self.flushed += 1;
        }
        self.builder.start(kind);
        self.documenting = true;
    }

    fn checkpoint(&mut self) -> Checkpoint {
        self.flush();
        self.builder.checkpoint()
    }

    fn finish(&mut self) {
        self.builder.finish();
    }

    /// Whether so much is wrong that the rest is not looked at.
    fn gives_up(&self) -> bool {
        self.diagnostics.len() >= report::MOST
    }

    fn push(&mut self, diagnostic: Diagnostic) {
        if self.diagnostics.len() < report::MOST {
            self.diagnostics.push(diagnostic);
        }
    }

    /// Reports something about the current token, or about the end of the line before it: one of each.
    fn report(&mut self, diagnostic: Diagnostic) {
        let place = diagnostic.primary().map_or(0, |label| label.range.start);
        let here = place == self.range().start;
        let before = if here { self.reported } else { self.reported.max(self.missing) };
        if before == Some(self.position) {
            return;
        }
        if here || !self.newline {
            self.reported = Some(self.position);
        } else {
            self.missing = Some(self.position);
        }
        self.push(diagnostic);
    }

    /// The current token as a message names it.
    fn found(&self) -> String {
        self.name_of(self.position)
    }

    fn name_of(&self, token: usize) -> String {
        match self.tokens[token].kind {
            End => "the end of the file".to_owned(),
            StringOpen => "a string".to_owned(),
            StringText | StringClose => "the end of the interpolation".to_owned(),
            kind if kind.is_reserved_word() => format!("the reserved word `{}`", self.text_of(token)),
            _ => format!("`{}`", self.text_of(token).chars().take(32).collect::<String>()),
        }
    }

    /// The place of the current token, or, when it is on a later line, the end of the one before: where
    /// something is missing.
    fn gap(&self) -> Range<usize> {
        if !self.newline && !self.at(End) {
            return self.range();
        }
        let before = (0..self.position).rev().find(|&token| !self.tokens[token].kind.is_trivia());
        before.map_or(0..0, |token| self.range_of(token))
    }
}
