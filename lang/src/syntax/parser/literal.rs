//! Strings and their interpolations. No trivia stands between the tokens of a string.

use super::Parser;
use super::SyntaxKind::*;
use crate::syntax::literal::{LayoutError, layout};
use crate::syntax::report;

/// What [`Parser::string`] took.
pub(super) struct TakenString {
    /// Whether it is without interpolation.
    pub plain: bool,
    /// Where it ends.
    pub end: usize,
}

impl Parser<'_> {
    /// A string literal.
    pub(super) fn string(&mut self) -> TakenString {
        if self.interpolating {
            return self.inner_string();
        }
        self.start(StringExpr);
        let open = self.position;
        let block = self.word().ends_with("\"\"\"");
        let mut end = self.range().end;
        let mut plain = true;
        let mut pieces = vec![(end, end)];
        self.bump();
        loop {
            match self.kind() {
                StringText => {
                    let range = self.range();
                    end = range.end;
                    if let Some(piece) = pieces.last_mut() {
                        *piece = (range.start, range.end);
                    }
                    self.bump();
                }
                InterpolationOpen => {
                    plain = false;
                    self.interpolation();
                    end = self.range().start;
                    pieces.push((end, end));
                }
                _ => break,
            }
        }
        if self.at(StringClose) {
            end = self.range().end;
            self.bump();
            if block {
                self.check_layout(open, &pieces);
            }
        }
        self.finish();
        TakenString { plain, end }
    }

    /// A string inside an interpolation, which has no interpolation of its own.
    fn inner_string(&mut self) -> TakenString {
        self.start(StringExpr);
        let mut end = self.range().end;
        self.bump();
        for kind in [StringText, StringClose] {
            if self.at(kind) {
                end = self.range().end;
                self.bump();
            }
        }
        self.finish();
        TakenString { plain: true, end }
    }

    fn check_layout(&mut self, open: usize, pieces: &[(usize, usize)]) {
        let texts: Vec<&str> = pieces.iter().map(|&(start, end)| &self.text[start..end]).collect();
        let Err(error) = layout(&texts) else { return };
        let start = match error {
            LayoutError::FirstLine => self.range_of(open).end,
            LayoutError::MixedIndentation { piece, at } => pieces[piece].0 + at,
        };
        let length = match error {
            LayoutError::FirstLine => self.text[start..].find('\n').unwrap_or(0),
            LayoutError::MixedIndentation { .. } => 1,
        };
        self.push(report::bad_layout(start..start + length, error));
    }

    /// `{{ expression }}`.
    fn interpolation(&mut self) {
        self.start(Interpolation);
        let outer = std::mem::replace(&mut self.free, false);
        self.bump();
        self.interpolating = true;
        if !self.at_interpolation_end() {
            self.expr();
            if !self.at_interpolation_end() {
                let help = "an interpolation is one expression on one line";
                self.report(report::expected(self.range(), "`}}`", &self.found(), help));
            }
            self.skip_interpolation();
        } else if self.at(InterpolationClose) {
            self.report(report::missing_value(self.range(), "the end of the interpolation"));
        }
        self.interpolating = false;
        self.free = outer;
        self.eat(InterpolationClose);
        self.finish();
    }
}
