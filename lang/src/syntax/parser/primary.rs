//! Names, constants, lists, records, comprehensions, `match`, and patterns.

use super::Parser;
use super::SyntaxKind::{self, *};
use super::brackets::Braces;
use crate::syntax::report;

/// How many comprehensions may stand in each other.
const COMPREHENSIONS: u32 = 2;

impl Parser<'_> {
    /// What operators, members and calls are made around; its height.
    pub(super) fn primary(&mut self) -> u32 {
        match self.kind() {
            Name => self.leaf(NameExpr),
            Word | BadWord | Underscore => {
                self.report(report::bad_name(self.range(), self.word()));
                self.leaf(NameExpr)
            }
            Int | TrueWord | FalseWord | NoneWord => self.leaf(Constant),
            StringOpen => self.enclosed(|parser| {
                parser.string();
            }),
            LeftParen => self.enclosed(Self::paren),
            LeftBracket => self.enclosed(Self::list),
            LeftBrace if !self.interpolating => self.enclosed(Self::record),
            MatchWord if !self.interpolating => self.enclosed(Self::match_expr),
            LeftBrace | RightBrace | MatchWord if self.interpolating => {
                let what = if self.at(MatchWord) { "a `match`" } else { "a brace" };
                self.report(report::interpolation_too_complex(self.range(), what));
                self.skip_interpolation();
                0
            }
            NotWord => {
                self.bump();
                self.primary_after_not()
            }
            kind if kind.is_reserved_word() && !matches!(kind, ForWord | WhenWord) => {
                self.report(report::reserved_word(self.range(), self.word()));
                self.leaf(NameExpr)
            }
            _ => {
                let place = self.gap();
                self.report(report::missing_value(place, &self.found()));
                0
            }
        }
    }

    /// What follows a `not` that stands where none can, which has been reported.
    fn primary_after_not(&mut self) -> u32 {
        while self.at(NotWord) {
            self.bump();
        }
        self.primary()
    }

    fn leaf(&mut self, kind: SyntaxKind) -> u32 {
        self.start(kind);
        self.bump();
        self.finish();
        0
    }

    /// The height of what `part` makes around the expressions in it.
    pub(super) fn enclosed(&mut self, part: impl FnOnce(&mut Self)) -> u32 {
        let tallest = std::mem::take(&mut self.tallest);
        let comprehensions = std::mem::take(&mut self.comprehensions);
        part(self);
        let height = self.tallest + 1;
        self.tallest = tallest;
        self.comprehensions = self.comprehensions.max(comprehensions);
        height
    }

    fn paren(&mut self) {
        self.start(Paren);
        let open = self.position;
        let outer = std::mem::replace(&mut self.free, true);
        self.bump();
        self.expr();
        self.close(open, RightParen, "close the parenthesis behind one value");
        self.free = outer;
        self.finish();
    }

    /// The bracket that closes the one at `open`, with what wrongly stands before it.
    fn close(&mut self, open: usize, closing: SyntaxKind, help: &str) {
        if self.eat(closing) {
            return;
        }
        if self.is_unclosed(open) {
            return self.report_unclosed(open);
        }
        let expected = format!("`{}`", closing.fixed_text().unwrap_or_default());
        self.report(report::expected(self.range(), &expected, &self.found(), help));
        self.skip_until_closed(open);
        self.eat(closing);
    }

    /// `[a, b]` or `[value for name in list]`.
    fn list(&mut self) {
        let checkpoint = self.checkpoint();
        let open = self.position;
        let outer = std::mem::replace(&mut self.free, true);
        self.bump();
        let mut kind = List;
        let first = self.at_value() && !self.at_next_statement(open);
        if first {
            self.expr();
        }
        if self.at(ForWord) {
            kind = ListComprehension;
            self.generator();
            self.close(open, RightBracket, "a comprehension has one `for` and one `when`");
        } else {
            self.elements(open, RightBracket, !first, Self::expr);
        }
        self.free = outer;
        self.builder.start_at(kind, checkpoint);
        self.finish();
    }

    /// `{ key = value }` or `{ key = value for name in list }`.
    fn record(&mut self) {
        let checkpoint = self.checkpoint();
        let comprehends = self.braced(Braces::Record, Self::entry);
        self.builder.start_at(if comprehends { RecordComprehension } else { Record }, checkpoint);
        self.finish();
    }

    fn entry(&mut self) {
        self.start_documented(Entry);
        let word = self.key();
        self.equals_value(word);
        self.finish();
    }

    /// `for name in list when condition`.
    pub(super) fn generator(&mut self) {
        if self.interpolating {
            self.report(report::interpolation_too_complex(self.range(), "a comprehension"));
        }
        let place = self.range();
        self.start(Generator);
        self.bump();
        if self.declared_name("the element")
            && (!self.at(Comma) || self.eat(Comma) && self.declared_name("the value"))
        {
            if self.at(InWord) {
                self.bump();
                self.value();
            } else {
                let place = self.gap();
                self.report(report::expected(place, "`in`", &self.found(), "write `for name in list`"));
            }
        }
        if self.at(WhenWord) {
            self.bump();
            self.value();
        }
        self.finish();
        self.comprehensions += 1;
        if self.comprehensions == COMPREHENSIONS + 1 {
            self.push(report::nested_comprehension(place));
        }
    }

    /// `match subject { pattern => value }`.
    fn match_expr(&mut self) {
        self.start(Match);
        self.bump();
        self.value();
        if self.at(LeftBrace) {
            if self.line_ended() {
                self.report(report::brace_on_next_line(self.range()));
            }
            self.start(Arms);
            self.braced(Braces::Arms, Self::arm);
            self.finish();
        } else {
            let place = self.gap();
            let help = "write the arms between `{` and `}`: `match distro { alpine => …, debian => … }`";
            self.report(report::expected(place, "`{`", &self.found(), help));
        }
        self.finish();
    }

    fn arm(&mut self) {
        self.start(Arm);
        self.pattern();
        if self.at(Arrow) && !self.line_ended() {
            self.bump();
            self.value();
        } else {
            let place = self.gap();
            self.report(report::expected(place, "`=>`", &self.found(), "an arm is `pattern => value`"));
            if matches!(self.kind(), Equal | Colon) && !self.line_ended() {
                self.bump();
                self.value();
            }
        }
        self.finish();
    }

    pub(super) fn pattern(&mut self) -> u32 {
        if !self.descend() {
            self.skip_element();
            return 0;
        }
        self.start(Pattern);
        let mut height = 0;
        match self.kind() {
            Underscore | Int | TrueWord | FalseWord | NoneWord => self.bump(),
            StringOpen => {
                let start = self.range().start;
                let string = self.string();
                if !string.plain {
                    self.push(report::not_constant(start..string.end, "a pattern"));
                }
            }
            kind @ (Name | Word | BadWord) => {
                if kind != Name {
                    self.report(report::bad_name(self.range(), self.word()));
                }
                self.bump();
                if self.at(LeftParen) && !self.newline {
                    height = self.enclosed(|parser| {
                        parser.start(PatternArguments);
                        parser.bracketed(RightParen, |parser| {
                            let height = parser.pattern();
                            parser.tallest = parser.tallest.max(height);
                        });
                        parser.finish();
                    });
                }
            }
            _ => {
                let place = self.gap();
                let help = "write a constant or a constructor: `debian`, `debian(\"13\")`, `\"8.8\"`, `_`";
                self.report(report::expected(place, "a pattern", &self.found(), help));
            }
        }
        self.finish();
        self.depth -= 1;
        height
    }
}
