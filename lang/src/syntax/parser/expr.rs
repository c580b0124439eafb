//! Operators, members and calls. The functions that return a number return the height of the tree they made,
//! which is bounded.

use super::Parser;
use super::SyntaxKind::{self, *};
use crate::syntax::builder::Checkpoint;
use crate::syntax::{DEPTH_LIMIT, report};

/// The levels of binding, loosest first.
const OR: u8 = 1;
const AND: u8 = 2;
const NOT: u8 = 3;
const COMPARISON: u8 = 4;
const SUM: u8 = 5;

fn level(kind: SyntaxKind) -> Option<u8> {
    Some(match kind {
        OrWord => OR,
        AndWord => AND,
        EqualEqual | NotEqual | Less | LessEqual | Greater | GreaterEqual | InWord | IsWord => COMPARISON,
        Plus => SUM,
        _ => return None,
    })
}

impl Parser<'_> {
    /// Whether an expression can begin here.
    pub(super) fn at_value(&self) -> bool {
        let kind = self.kind();
        let literal =
            matches!(kind, Name | Word | BadWord | Int | StringOpen | TrueWord | FalseWord | NoneWord);
        literal || matches!(kind, LeftBrace | LeftBracket | LeftParen | MatchWord | NotWord)
    }

    /// An expression that must begin on this line.
    pub(super) fn value(&mut self) {
        if self.line_ended() || self.at(End) {
            if !self.at_value() || self.at_statement() || self.at_item_on_line_start() {
                let place = self.gap();
                return self.report(report::missing_value(place, "the end of the line"));
            }
            self.report(report::value_on_next_line(self.range()));
        }
        self.expr();
    }

    /// An expression.
    pub(super) fn expr(&mut self) {
        let height = self.binary(OR);
        self.tallest = self.tallest.max(height);
    }

    fn binary(&mut self, least: u8) -> u32 {
        if !self.descend() {
            self.skip_deep();
            return 0;
        }
        let checkpoint = self.checkpoint();
        let mut height = if self.at(NotWord) { self.not() } else { self.postfix() };
        let mut compared = false;
        while let Some(found) = level(self.kind()).filter(|&found| found >= least) {
            if self.interpolating && self.newline {
                break;
            }
            if found == SUM && compared {
                let help = "write parentheses around the test";
                self.report(report::expected(self.range(), "the end of the pattern", &self.found(), help));
            }
            if found == COMPARISON && std::mem::replace(&mut compared, true) {
                self.report(report::chained_comparison(self.range()));
            }
            if !self.may_wrap(height) {
                break;
            }
            height = self.operation(checkpoint, found, height);
        }
        self.depth -= 1;
        height
    }

    /// The operator here with its right operand, around what was made since `checkpoint`.
    fn operation(&mut self, checkpoint: Checkpoint, level: u8, left: u32) -> u32 {
        let is = self.at(IsWord);
        self.flush();
        self.builder.start_at(if is { Is } else { Binary }, checkpoint);
        let (operator, place) = (self.word(), self.range());
        self.bump();
        let mut right = 0;
        if self.line_ended() && (!self.at_value() || self.at_statement()) {
            self.push(report::missing_value(place, "the end of the line"));
        } else {
            if self.line_ended() {
                self.push(report::trailing_operator(place, operator));
            }
            right = if is { self.pattern() } else { self.operand(level) };
        }
        self.finish();
        left.max(right) + 1
    }

    fn operand(&mut self, level: u8) -> u32 {
        if self.at(NotWord) && level >= COMPARISON {
            self.report(report::not_needs_parentheses(self.range()));
        }
        self.binary(level + 1)
    }

    fn not(&mut self) -> u32 {
        self.start(Not);
        self.bump();
        let height = if self.line_ended() {
            let place = self.gap();
            self.report(report::missing_value(place, "the end of the line"));
            0
        } else {
            self.binary(NOT)
        };
        self.finish();
        height + 1
    }

    /// Whether one more node may stand around a tree of this height; else the rest is skipped.
    fn may_wrap(&mut self, height: u32) -> bool {
        let may = height + 1 < DEPTH_LIMIT;
        if !may {
            self.report(report::too_deep(self.range(), DEPTH_LIMIT));
            self.skip_deep();
        }
        may
    }

    /// Skips what is nested too deep, up to where the expression can be over.
    fn skip_deep(&mut self) {
        if self.free { self.skip_element() } else { self.skip_line_part() }
    }

    /// Members and calls.
    fn postfix(&mut self) -> u32 {
        let checkpoint = self.checkpoint();
        let mut height = self.primary();
        loop {
            let member = self.at(Dot) && !(self.interpolating && self.newline);
            let call = self.at(LeftParen) && !self.newline;
            if !(member || call) || !self.may_wrap(height) {
                return height;
            }
            self.flush();
            if member {
                self.builder.start_at(Member, checkpoint);
                self.bump();
                self.member_name();
            } else {
                self.builder.start_at(Call, checkpoint);
                height = height.max(self.enclosed(|parser| {
                    parser.start(Arguments);
                    parser.bracketed(RightParen, Self::argument);
                    parser.finish();
                }));
            }
            self.finish();
            height += 1;
        }
    }

    fn member_name(&mut self) {
        match self.kind() {
            _ if self.line_ended() => {
                let place = self.gap();
                self.report(report::missing_name(place, "the member"));
            }
            Name | Word => self.bump(),
            BadWord => {
                self.report(report::bad_name(self.range(), self.word()));
                self.bump();
            }
            kind if kind.is_reserved_word() => {
                self.report(report::reserved_word(self.range(), self.word()));
                self.bump();
            }
            _ => {
                let place = self.gap();
                self.report(report::missing_name(place, "the member"));
            }
        }
    }

    /// `value` or `name = value`.
    fn argument(&mut self) {
        self.start(Argument);
        let (next, _) = self.after(self.position);
        let kind = self.kind();
        let word = matches!(kind, Name | Word | BadWord) || kind.is_reserved_word();
        if word && matches!(self.tokens[next].kind, Equal | Colon) {
            match kind {
                Name => {}
                Word | BadWord => self.report(report::bad_name(self.range(), self.word())),
                _ => self.report(report::reserved_word(self.range(), self.word())),
            }
            let word = self.word();
            self.bump();
            self.equals_value(Some(word));
        } else {
            self.expr();
        }
        self.finish();
    }
}
