//! Blocks and their statements.

use super::Parser;
use super::SyntaxKind::{self, *};
use super::brackets::Braces;
use crate::diagnostic::nearest;
use crate::syntax::report;

impl<'text> Parser<'text> {
    /// `{ statements }`.
    pub(super) fn block(&mut self) {
        if !self.at(LeftBrace) {
            let found = if self.newline { "the end of the line".to_owned() } else { self.found() };
            let place = self.gap();
            self.report(report::expected(place, "`{`", &found, "write what it says between `{` and `}`"));
            return if self.newline && self.is_indented() {
                self.open_block()
            } else {
                self.skip_statement()
            };
        }
        if self.newline {
            self.report(report::brace_on_next_line(self.range()));
        }
        self.start(Block);
        self.braced(Braces::Block, Self::statement);
        self.finish();
    }

    /// Whether a statement seems to begin here.
    pub(super) fn at_statement(&self) -> bool {
        match self.kind() {
            ForWord | UseWord | WhenWord => true,
            Name | Word | BadWord => {
                matches!(self.next_on_line(), Equal | PlusEqual | Dot | StringOpen | Name | LeftBrace)
            }
            _ => false,
        }
    }

    pub(super) fn statement(&mut self) {
        match self.kind() {
            kind if kind.is_reserved_word() && matches!(self.next_on_line(), Equal | PlusEqual | Dot) => {
                self.field();
            }
            ForWord => self.item_for(),
            UseWord => self.use_statement(),
            WhenWord => self.when(),
            _ if self.at_item() => {
                self.report(report::misplaced_item(self.range(), self.word()));
                self.start(Error);
                self.misplaced_item();
                self.finish();
            }
            Name if !matches!(self.next_on_line(), Equal | PlusEqual | Dot) => self.nested(),
            Name | Word | BadWord | StringOpen => self.field(),
            RightBracket | RightParen => {
                self.report(report::unmatched_bracket(self.range(), self.word()));
                self.force_skip();
            }
            _ => {
                let help = "a field is `key = …`";
                self.report(report::expected(self.range(), "a field", &self.found(), help));
                self.force_skip();
            }
        }
    }

    /// `for release, distro in […]`.
    fn item_for(&mut self) {
        self.start(ItemFor);
        self.bump();
        loop {
            self.start(ForBinding);
            if self.declared_name("the axis") && self.at(InWord) {
                self.bump();
                self.value();
            }
            self.finish();
            if self.newline || !self.at(Comma) || !self.binding_follows() {
                break;
            }
            self.bump();
            self.continue_for();
        }
        self.finish();
    }

    /// Whether another axis follows the comma here, not another statement.
    fn binding_follows(&self) -> bool {
        let (name, _) = self.after(self.position);
        let (next, newline) = self.after(name);
        let ends = matches!(self.tokens[next].kind, Comma | InWord | RightBrace | Semicolon | End);
        matches!(self.tokens[name].kind, Name | Word | BadWord) && (newline || ends)
    }

    fn use_statement(&mut self) {
        self.start(Use);
        self.bump();
        self.value();
        self.finish();
    }

    fn when(&mut self) {
        self.start(When);
        self.bump();
        self.value();
        self.block();
        self.finish();
    }

    /// `step "name" { … }`, or a word with something behind it that is neither that nor a field.
    fn nested(&mut self) {
        let word = self.word();
        let next = self.next_on_line();
        if report::NESTED_WORDS.contains(&word) {
            return self.nested_block(word);
        }
        let (after_next, _) = self.after(self.after(self.position).0);
        let named_block = matches!(next, Name | Word | BadWord) && self.tokens[after_next].kind == LeftBrace;
        if named_block || self.string_then_block(next) {
            self.report(report::unknown_statement(self.range(), word));
            return match nearest(word, report::STATEMENT_WORDS) {
                Some("when") => self.when(),
                Some(near) => self.nested_block(near),
                None => self.nested_block(word),
            };
        }
        match nearest(word, report::STATEMENT_WORDS) {
            Some(near @ ("use" | "when" | "for")) if next != Newline && self.next_begins_value() => {
                self.report(report::unknown_statement(self.range(), word));
                match near {
                    "use" => self.use_statement(),
                    "when" => self.when(),
                    _ => self.item_for(),
                }
            }
            _ => self.field(),
        }
    }

    fn next_begins_value(&self) -> bool {
        matches!(self.next_on_line(), Name | Word | BadWord | LeftParen | NotWord)
    }

    /// `step "name" { … }`, `test "name" { … }`, `waive rule { … }`; `word` says which.
    fn nested_block(&mut self, word: &str) {
        self.start_documented(Nested);
        self.bump();
        match self.kind() {
            _ if self.newline => {
                let place = self.gap();
                self.report(report::missing_name(place, &format!("the {word}")));
            }
            StringOpen => {
                if word == "waive" {
                    let help = "write the rule without quotes: `waive elf-relro { … }`";
                    self.report(report::expected(self.range(), "the name of a rule", "a string", help));
                }
                self.string();
            }
            Name if matches!(word, "step" | "test") => {
                let help = format!("write `{word} \"{}\"`", self.word());
                self.report(report::expected(self.range(), "a string", &self.found(), help));
                self.bump();
            }
            _ => {
                self.declared_name(&format!("the {word}"));
            }
        }
        self.block();
        self.finish();
    }

    /// Whether a string on this line, the next token, is followed by a block.
    fn string_then_block(&self, next: SyntaxKind) -> bool {
        if next != StringOpen {
            return false;
        }
        let (mut token, _) = self.after(self.position);
        while matches!(self.tokens[token].kind, StringOpen | StringText) {
            token += 1;
        }
        self.tokens[token].kind == StringClose && self.tokens[self.after(token).0].kind == LeftBrace
    }

    /// `key = value`, `key.key += value`.
    fn field(&mut self) {
        self.start_documented(Field);
        self.start(FieldPath);
        let word = self.key();
        while self.at(Dot) {
            self.bump();
            let key =
                matches!(self.kind(), Name | Word | BadWord | StringOpen) || self.kind().is_reserved_word();
            if self.newline || !key {
                self.report(report::missing_name(self.gap(), "the key"));
                break;
            }
            self.key();
        }
        self.finish();
        if self.at(PlusEqual) && !self.newline {
            self.bump();
            self.value();
        } else {
            self.equals_value(word);
        }
        self.finish();
    }

    /// A key of a field or of an entry; the word that it is.
    pub(super) fn key(&mut self) -> Option<&'text str> {
        let word = self.word();
        match self.kind() {
            Name | Word => self.bump(),
            StringOpen => {
                self.string();
                return None;
            }
            BadWord | Underscore => {
                self.report(report::bad_name(self.range(), word));
                self.bump();
            }
            kind if kind.is_reserved_word() => {
                self.report(report::reserved_word(self.range(), word));
                self.bump();
            }
            _ => {
                let place = self.gap();
                self.report(report::missing_name(place, "the key"));
                return None;
            }
        }
        Some(word)
    }
}
