//! The file and its items.

use super::Parser;
use super::SyntaxKind::*;
use super::literal::TakenString;
use crate::diagnostic::nearest;
use crate::syntax::report;

impl Parser<'_> {
    pub(super) fn file(&mut self) {
        self.builder.start(File);
        self.edition();
        while !self.at(End) {
            if self.gives_up() {
                self.rest();
                break;
            }
            if !self.newline {
                self.report(report::missing_line_end(self.range(), &self.found()));
            }
            self.item();
        }
        self.flush();
        self.finish();
    }

    /// All that is left, as it is.
    fn rest(&mut self) {
        self.start(Error);
        while !self.at(End) {
            self.bump();
        }
        self.finish();
    }

    fn edition(&mut self) {
        let begins = self.at(Name) && self.word() == "hbuild" && self.next_on_line() != Equal;
        if !begins && self.at(Name) && self.range().start == 0 && self.next_on_line() == Int {
            self.report(report::missing_edition(self.range()));
            return self.skip_line();
        }
        if !begins {
            let end = self.text.find('\n').unwrap_or(self.text.len());
            self.push(report::missing_edition(0..end));
            return;
        }
        if !self.text[..self.range().start].trim_start_matches('\u{feff}').is_empty() {
            self.push(report::edition_not_first(self.range()));
        }
        self.start(Edition);
        let word = self.range();
        self.bump();
        if self.at(Int) && !self.newline {
            if self.word() != "1" {
                self.push(report::unknown_edition(self.range(), self.word()));
            }
            self.bump();
        } else {
            self.push(report::missing_edition(word));
            self.reported = Some(self.position);
        }
        self.finish();
        if !self.newline && !self.at(End) {
            self.report(report::missing_line_end(self.range(), &self.found()));
            self.skip_line();
        }
    }

    fn item(&mut self) {
        match self.kind() {
            ImportWord => self.import(),
            LetWord => self.let_item(),
            ForWord => self.for_axes(),
            FnWord => self.function(),
            Name | Word | BadWord => self.named_item(),
            RightBrace | RightBracket | RightParen => {
                self.report(report::unmatched_bracket(self.range(), self.word()));
                self.start(Error);
                self.bump();
                self.finish();
                if !self.newline {
                    self.reported = Some(self.position);
                }
            }
            _ => {
                let found = self.found();
                let help = format!("items are `{}`", report::ITEM_WORDS.join("`, `"));
                self.report(report::expected(self.range(), "an item", &found, help));
                self.skip_line();
            }
        }
        if !self.newline && !self.at(End) && !self.at(RightBrace) {
            self.report(report::missing_line_end(self.range(), &self.found()));
            if !self.at_item() {
                self.skip_line();
            }
        }
    }

    /// Skips the line, with all of what brackets it opens.
    fn skip_line(&mut self) {
        self.start(Error);
        self.bump_balanced();
        while !self.at(End) && !self.newline && !self.at(RightBrace) {
            self.skip_statement();
            if matches!(self.kind(), Comma | Semicolon) && !self.newline {
                self.bump();
            }
        }
        self.finish();
    }

    /// `source name { … }`, or a word that should have been one of those.
    fn named_item(&mut self) {
        let word = self.word();
        let known = ["source", "build", "image", "repository"].contains(&word);
        let (next, next_newline) = self.after(self.position);
        let next_kind = if next_newline { Newline } else { self.tokens[next].kind };
        let next_is_name = matches!(next_kind, Name | Word | BadWord);
        if word == "hbuild" && next_kind == Int {
            self.report(report::repeated_edition(self.range()));
            return self.skip_line();
        }
        let block_follows = {
            let (brace, _) = self.after(next);
            self.tokens[brace].kind == LeftBrace
        };
        if known && (next_is_name || matches!(next_kind, LeftBrace | StringOpen))
            || next_is_name && block_follows
        {
            if !known {
                self.report(report::unknown_item(self.range(), word));
            }
            return self.declaration();
        }
        if matches!(next_kind, Equal | PlusEqual | Dot) {
            let near = nearest(word, report::ITEM_WORDS);
            self.report(match near {
                Some(_) if next_kind == Dot => report::unknown_item(self.range(), word),
                _ => report::field_at_file_level(self.range(), word),
            });
            return self.statement();
        }
        if known {
            self.report(report::missing_name(self.range(), &format!("the {word}")));
        } else {
            self.report(report::unknown_item(self.range(), word));
        }
        self.skip_line();
    }

    fn declaration(&mut self) {
        self.start_documented(Declaration);
        let word = self.word();
        self.bump();
        self.declared_name(&format!("the {word}"));
        self.block();
        self.finish();
    }

    /// The name that an item, a parameter or a binding declares; `false` where there is none.
    pub(super) fn declared_name(&mut self, of: &str) -> bool {
        let kind = self.kind();
        match kind {
            _ if self.line_ended() => self.report(report::missing_name(self.gap(), of)),
            Name => {
                self.bump();
                return true;
            }
            Word | BadWord | Underscore => {
                self.report(report::bad_name(self.range(), self.word()));
                self.bump();
                return true;
            }
            _ if kind.is_reserved_word() && !matches!(self.next_on_line(), Name | Newline) => {
                self.report(report::reserved_word(self.range(), self.word()));
                self.bump();
                return true;
            }
            StringOpen => {
                let help = "names stand without quotes";
                self.report(report::expected(self.range(), &format!("the name of {of}"), "a string", help));
                self.string();
                return true;
            }
            _ => self.report(report::missing_name(self.gap(), of)),
        }
        false
    }

    /// An item inside a block, which has been reported.
    pub(super) fn misplaced_item(&mut self) {
        match self.kind() {
            ImportWord => self.import(),
            LetWord => self.let_item(),
            FnWord => self.function(),
            _ => self.declaration(),
        }
    }

    fn import(&mut self) {
        self.start_documented(Import);
        self.bump();
        if self.at(StringOpen) && !self.newline {
            let place = self.range();
            let TakenString { plain, end } = self.string();
            let path = &self.text[place.start..end];
            let stem = path.trim_matches('"').rsplit('/').next().and_then(|file| file.strip_suffix(".hb"));
            if plain && !stem.is_some_and(crate::syntax::literal::is_name) {
                self.push(report::bad_import(place.start..end));
            } else if !plain {
                self.push(report::not_constant(place.start..end, "the path of an import"));
            }
        } else if matches!(self.kind(), Name | Word | BadWord) && !self.newline {
            self.start(ModulePath);
            self.declared_name("the module");
            while !self.newline && self.eat(Slash) {
                if !self.declared_name("the module") {
                    break;
                }
            }
            self.finish();
        } else {
            let place = self.gap();
            self.report(report::bad_import(place));
            if !self.newline && !self.at(End) {
                self.skip_line();
            }
        }
        self.finish();
    }

    fn let_item(&mut self) {
        self.start_documented(Let);
        self.bump();
        let named = self.declared_name("the value");
        if named || self.at(Equal) && !self.newline {
            self.equals_value(None);
        } else if !self.newline {
            self.skip_statement();
        }
        self.finish();
    }

    /// `= value`; `key` is the word before it.
    pub(super) fn equals_value(&mut self, key: Option<&str>) {
        if self.at(Equal) && !self.line_ended() {
            self.bump();
        } else {
            let place = self.gap();
            self.report(report::missing_equals(place, key));
            if matches!(self.kind(), Colon | EqualEqual | Arrow) && !self.line_ended() {
                self.bump();
            } else if self.line_ended() || !self.at_value() {
                return;
            }
        }
        self.value();
    }

    fn for_axes(&mut self) {
        self.start_documented(ForAxes);
        self.bump();
        loop {
            let name = self.word();
            let place = self.range();
            self.start(ForBinding);
            if self.declared_name("the axis") {
                if self.at(InWord) {
                    self.bump();
                    self.value();
                } else {
                    self.push(report::axis_without_values(place, name));
                }
            }
            self.finish();
            if self.newline || !self.eat(Comma) {
                break;
            }
            self.continue_for();
        }
        self.finish();
    }

    /// Forgets the line feed behind a comma of a `for`, when another axis follows.
    pub(super) fn continue_for(&mut self) {
        if matches!(self.kind(), Name | Word | BadWord) && !self.at_item_on_line_start() {
            self.newline = false;
        }
    }

    fn function(&mut self) {
        self.start_documented(Function);
        self.bump();
        self.declared_name("the function");
        if self.at(LeftParen) && !self.newline {
            self.start(Parameters);
            self.bracketed(RightParen, |parser| {
                parser.start(Parameter);
                if parser.declared_name("the parameter") && parser.eat(Equal) {
                    parser.expr();
                }
                parser.finish();
            });
            self.finish();
        } else {
            let found = self.found();
            let place = self.gap();
            self.report(report::expected(
                place,
                "`(`",
                &found,
                "write the parameters: `fn name(distro) = …`",
            ));
        }
        if self.at(LeftBrace) {
            self.block();
        } else {
            self.equals_value(None);
        }
        self.finish();
    }
}
