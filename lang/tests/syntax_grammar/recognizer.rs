//! Recognizes token sequences by the grammar of the book alone: the parser's oracle.

use std::collections::{BTreeMap, BTreeSet};

use hbuild_lang::syntax::{self, SyntaxKind};

use crate::ebnf::{Expr, Grammar, Kind};

/// A token as the grammar sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    pub kind: SyntaxKind,
    pub text: String,
}

/// The tokens of a text, with the line ends that count (as `Newline`).
pub fn tokens(text: &str) -> Vec<Token> {
    let mut found: Vec<Token> = Vec::new();
    let mut brackets = Vec::new();
    let mut newline = false;
    let elements = syntax::parse(text).syntax().descendants_with_tokens();
    for token in elements.filter_map(|element| element.into_token()) {
        let kind = token.kind();
        if kind.is_trivia() {
            newline |= kind == SyntaxKind::Newline;
            continue;
        }
        let counts = matches!(brackets.last(), None | Some(SyntaxKind::LeftBrace));
        // The `(` of a call stands on the line of what is called.
        let apart =
            kind == SyntaxKind::LeftParen && found.last().is_some_and(|before| ends_value(before.kind));
        if newline && (apart || counts && !kind.continues_line()) {
            found.push(Token { kind: SyntaxKind::Newline, text: "\n".to_owned() });
        }
        newline = false;
        match kind {
            SyntaxKind::LeftBrace | SyntaxKind::LeftBracket | SyntaxKind::LeftParen => brackets.push(kind),
            SyntaxKind::RightBrace | SyntaxKind::RightBracket | SyntaxKind::RightParen => {
                brackets.pop();
            }
            _ => {}
        }
        found.push(Token { kind, text: token.text().to_owned() });
    }
    if newline {
        found.push(Token { kind: SyntaxKind::Newline, text: "\n".to_owned() });
    }
    found
}

fn ends_value(kind: SyntaxKind) -> bool {
    use SyntaxKind::*;
    let word = matches!(kind, Name | Word | Int | TrueWord | FalseWord | NoneWord);
    word || matches!(kind, StringClose | RightParen | RightBracket | RightBrace)
}

pub struct Recognizer<'input> {
    grammar: &'input Grammar,
    tokens: &'input [Token],
    /// Where each part can end, by its number and where it begins.
    ends: BTreeMap<(usize, usize), BTreeSet<usize>>,
}

impl<'input> Recognizer<'input> {
    pub fn new(grammar: &'input Grammar, tokens: &'input [Token]) -> Self {
        Self { grammar, tokens, ends: BTreeMap::new() }
    }

    /// Whether the tokens are a file; the parts of the grammar that one derivation uses go into `used`.
    pub fn accepts(&mut self, used: Option<&mut BTreeSet<usize>>) -> bool {
        let file = &self.grammar.productions["file"];
        let accepted = self.ends(file, 0).contains(&self.tokens.len());
        if let Some(used) = used.filter(|_| accepted) {
            self.derive(file, 0, self.tokens.len(), used);
        }
        accepted
    }

    fn ends(&mut self, expr: &Expr, start: usize) -> BTreeSet<usize> {
        if let Some(known) = self.ends.get(&(expr.id, start)) {
            return known.clone();
        }
        let ends = match &expr.kind {
            Kind::Production(name) => {
                let grammar = self.grammar;
                let right = grammar.productions.get(name).unwrap_or_else(|| panic!("no production {name}"));
                self.ends(right, start)
            }
            Kind::Class(name) => self.token(start, |token| token.kind == class(name)),
            Kind::Literal(text) => {
                self.token(start, |token| token.text == *text && token.kind != SyntaxKind::StringText)
            }
            Kind::Sequence(parts) => self.sequence_ends(parts, start),
            Kind::Choice(parts) => parts.iter().flat_map(|part| self.ends(part, start)).collect(),
            Kind::Optional(part) => {
                let mut ends = self.ends(part, start);
                ends.insert(start);
                ends
            }
            Kind::Any(part) => {
                let mut ends = BTreeSet::from([start]);
                let mut fresh = vec![start];
                while let Some(from) = fresh.pop() {
                    fresh.extend(self.ends(part, from).into_iter().filter(|end| ends.insert(*end)));
                }
                ends
            }
        };
        self.ends.insert((expr.id, start), ends.clone());
        ends
    }

    fn token(&self, at: usize, fits: impl Fn(&Token) -> bool) -> BTreeSet<usize> {
        self.tokens.get(at).filter(|token| fits(token)).map(|_| at + 1).into_iter().collect()
    }

    fn sequence_ends(&mut self, parts: &[Expr], start: usize) -> BTreeSet<usize> {
        let mut ends = BTreeSet::from([start]);
        for part in parts {
            ends = ends.into_iter().flat_map(|from| self.ends(part, from)).collect();
        }
        ends
    }

    fn derive(&mut self, expr: &Expr, start: usize, end: usize, used: &mut BTreeSet<usize>) {
        used.insert(expr.id);
        match &expr.kind {
            Kind::Class(_) | Kind::Literal(_) => {}
            Kind::Production(name) => {
                let grammar = self.grammar;
                self.derive(&grammar.productions[name], start, end, used);
            }
            Kind::Sequence(parts) => {
                let mut from = start;
                for (index, part) in parts.iter().enumerate() {
                    let ends = self.ends(part, from);
                    let next = ends
                        .into_iter()
                        .find(|next| self.sequence_ends(&parts[index + 1..], *next).contains(&end));
                    let next = next.expect("the sequence ends there");
                    self.derive(part, from, next, used);
                    from = next;
                }
            }
            Kind::Choice(parts) => {
                let part = parts.iter().find(|part| self.ends(part, start).contains(&end));
                self.derive(part.expect("one of them ends there"), start, end, used);
            }
            Kind::Optional(part) => {
                if start != end {
                    self.derive(part, start, end, used);
                }
            }
            Kind::Any(part) => {
                let mut from = start;
                while from != end {
                    let ends = self.ends(part, from);
                    let next =
                        ends.into_iter().find(|next| *next > from && self.ends(expr, *next).contains(&end));
                    let next = next.expect("the repetition ends there");
                    self.derive(part, from, next, used);
                    from = next;
                }
            }
        }
    }
}

/// The kind of token that a class of the grammar is.
pub fn class(name: &str) -> SyntaxKind {
    match name {
        "NAME" => SyntaxKind::Name,
        "WORD" => SyntaxKind::Word,
        "INTEGER" => SyntaxKind::Int,
        "NEWLINE" => SyntaxKind::Newline,
        "STRING-OPEN" => SyntaxKind::StringOpen,
        "STRING-TEXT" => SyntaxKind::StringText,
        "STRING-CLOSE" => SyntaxKind::StringClose,
        other => panic!("unknown token {other}"),
    }
}
