//! What stands between brackets: parts in braces, elements in `()` and `[]`, and what separates them.

use super::Parser;
use super::SyntaxKind::{self, *};
use crate::syntax::report;

/// What a pair of braces holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Braces {
    Block,
    Record,
    Arms,
}

impl Parser<'_> {
    /// `{ … }` with what `part` parses, separated by line ends and commas, and in a block by `;`. Whether a
    /// `for` makes it a comprehension.
    pub(super) fn braced(&mut self, braces: Braces, part: fn(&mut Self)) -> bool {
        let open = self.position;
        let outer = std::mem::replace(&mut self.free, false);
        self.bump();
        let mut semicolon = None;
        let mut comprehends = false;
        if self.descend() {
            comprehends = self.parts(open, braces, part, &mut semicolon);
            self.depth -= 1;
        } else {
            self.skip_until_closed(open);
        }
        let place = self.range_of(open).start..self.range().end;
        if !self.eat(RightBrace) {
            self.report_unclosed(open);
        }
        if let Some(semicolon) = semicolon.filter(|_| self.text[place].contains('\n')) {
            let place = self.range_of(semicolon);
            self.push(report::semicolon(place));
        }
        self.free = outer;
        comprehends
    }

    /// The statements of a block whose `{` is missing, and its `}`.
    pub(super) fn open_block(&mut self) {
        self.start(Block);
        let outer = std::mem::replace(&mut self.free, false);
        if self.descend() {
            self.parts(self.position, Braces::Block, Self::statement, &mut None);
            self.depth -= 1;
        }
        self.eat(RightBrace);
        self.free = outer;
        self.finish();
    }

    fn parts(
        &mut self,
        open: usize,
        braces: Braces,
        part: fn(&mut Self),
        semicolon: &mut Option<usize>,
    ) -> bool {
        let mut separated = true;
        let mut first = true;
        while !matches!(self.kind(), RightBrace | End) && !self.at_item_on_line_start() && !self.gives_up() {
            if matches!(self.kind(), Comma | Semicolon) {
                self.report(report::extra_separator(self.range(), self.word()));
                self.bump();
                separated = true;
                continue;
            }
            if matches!(self.kind(), RightBracket | RightParen) && self.is_unclosed(open) {
                break;
            }
            if !separated && matches!(self.kind(), RightBracket | RightParen) {
                self.report(report::unmatched_bracket(self.range(), self.word()));
            } else if !separated {
                self.report(report::missing_separator(self.range(), &self.found()));
            }
            if separated || self.at_statement() {
                let before = self.position;
                part(self);
                if self.position == before {
                    self.report(report::expected(self.range(), "a field", &self.found(), "remove it"));
                    self.force_skip();
                }
                if first && braces == Braces::Record && self.at(ForWord) {
                    self.generator();
                    if !self.at(RightBrace) {
                        let help = "a comprehension has one `for` and one `when`";
                        self.report(report::expected(self.range(), "`}`", &self.found(), help));
                        self.skip_until_closed(open);
                    }
                    return true;
                }
            } else {
                self.skip_statement();
            }
            first = false;
            separated = self.separator(braces, semicolon);
        }
        false
    }

    /// Takes a `,` or `;` on this line; whether there was one, or the end of the line.
    fn separator(&mut self, braces: Braces, semicolon: &mut Option<usize>) -> bool {
        if self.newline || !matches!(self.kind(), Comma | Semicolon) {
            return self.newline;
        }
        if self.at(Semicolon) {
            if braces == Braces::Block {
                semicolon.get_or_insert(self.position);
            } else {
                self.report(report::semicolon(self.range()));
            }
        }
        self.bump();
        true
    }

    /// `( … )` or `[ … ]` with what `part` parses, separated by commas.
    pub(super) fn bracketed(&mut self, closing: SyntaxKind, part: fn(&mut Self)) {
        let open = self.position;
        let outer = std::mem::replace(&mut self.free, true);
        self.bump();
        self.elements(open, closing, true, part);
        self.free = outer;
    }

    /// The elements up to the closing bracket, and that bracket; the opening one, at `open`, has been taken.
    /// `begin`: whether the first element is still to come.
    pub(super) fn elements(&mut self, open: usize, closing: SyntaxKind, begin: bool, part: fn(&mut Self)) {
        let mut begin = begin;
        loop {
            let before = self.position;
            if begin {
                if self.at(closing) || self.at_list_end() || self.at_next_statement(open) {
                    break;
                }
                if self.at(Comma) {
                    self.report(report::extra_separator(self.range(), ","));
                    self.bump();
                    continue;
                }
                part(self);
            }
            let stuck = begin && self.position == before;
            begin = true;
            if self.eat(Comma) || self.at(closing) || self.at_list_end() || self.at_next_statement(open) {
                continue;
            }
            if matches!(self.kind(), RightBracket | RightParen) || self.newline && self.is_unclosed(open) {
                break;
            }
            if self.at_value() && !stuck {
                self.report(report::missing_comma(self.range()));
                continue;
            }
            let help = "separate elements by commas";
            self.report(report::expected(self.range(), "a comma", &self.found(), help));
            self.skip_element();
            self.eat(Comma);
        }
        if !self.eat(closing) {
            self.report_unclosed(open);
        }
    }

    /// Whether what stands here cannot belong to a list, whatever comes.
    fn at_list_end(&self) -> bool {
        self.gives_up()
            || matches!(self.kind(), End | RightBrace)
            || self.interpolating && self.at_interpolation_end()
            || self.at_item_on_line_start()
    }

    /// Whether the next statement begins here because the bracket at `open` was never closed.
    pub(super) fn at_next_statement(&mut self, open: usize) -> bool {
        if !self.newline || !self.at_statement() {
            return false;
        }
        let list = self.tokens[open].kind == LeftBracket;
        list && matches!(self.next_on_line(), Equal | PlusEqual) || self.is_unclosed(open)
    }

    /// Skips one token, or one pair of brackets with what is in it, and the rest of the statement.
    pub(super) fn force_skip(&mut self) {
        self.start(Error);
        self.bump_balanced();
        if !self.newline {
            self.skip_statement();
        }
        self.finish();
    }

    /// Takes one token, or one pair of brackets with what is in it.
    pub(super) fn bump_balanced(&mut self) {
        let open = self.position;
        let brackets = matches!(self.kind(), LeftBrace | LeftBracket | LeftParen);
        self.bump();
        if brackets {
            self.skip_until_closed(open);
            if matches!(self.kind(), RightBrace | RightBracket | RightParen) {
                self.bump();
            }
        }
    }

    /// Skips to the bracket that closes the one at `open`, which has been taken.
    pub(super) fn skip_until_closed(&mut self, open: usize) {
        let closing = match self.tokens[open].kind {
            LeftBrace => RightBrace,
            LeftBracket => RightBracket,
            _ => RightParen,
        };
        self.start(Error);
        let mut depth = 0u32;
        while !(self.at(End) || depth == 0 && self.at(closing) || self.at_item_on_line_start()) {
            if self.interpolating && self.at_interpolation_end() {
                break;
            }
            match self.kind() {
                LeftBrace | LeftBracket | LeftParen => depth += 1,
                RightBrace | RightBracket | RightParen => depth = depth.saturating_sub(1),
                _ => {}
            }
            self.bump();
        }
        self.finish();
    }
}
