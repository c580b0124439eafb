//! Reads the productions of `docs/src/grammar.md`.

use std::collections::BTreeMap;

/// The right side of a production, or a part of it. Each has a number of its own.
#[derive(Debug, Clone)]
pub struct Expr {
    pub id: usize,
    pub kind: Kind,
}

#[derive(Debug, Clone)]
pub enum Kind {
    /// A production.
    Production(String),
    /// A token class: `NAME`.
    Class(String),
    /// A word or sign in quotation marks.
    Literal(String),
    Sequence(Vec<Expr>),
    Choice(Vec<Expr>),
    Optional(Box<Expr>),
    Any(Box<Expr>),
}

pub struct Grammar {
    pub productions: BTreeMap<String, Expr>,
    /// See [`crate::sentences::heights`].
    pub heights: BTreeMap<String, usize>,
    /// What each numbered part is, for messages.
    pub names: Vec<String>,
}

pub fn read() -> Grammar {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/src/grammar.md");
    let page = std::fs::read_to_string(path).unwrap();
    let ebnf = page.split("```ebnf\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let mut grammar = Grammar { productions: BTreeMap::new(), heights: BTreeMap::new(), names: Vec::new() };
    for line in ebnf.lines() {
        let line = line.split("/*").next().unwrap().trim();
        let Some((name, right)) = line.split_once("::=") else {
            assert!(line.is_empty(), "no production: {line}");
            continue;
        };
        let words: Vec<&str> = right.split_whitespace().collect();
        let mut reader = Reader { words: &words, at: 0, names: &mut grammar.names, production: name.trim() };
        let expr = reader.choice();
        assert_eq!(reader.at, words.len(), "{line}");
        assert!(grammar.productions.insert(name.trim().to_owned(), expr).is_none(), "twice: {name}");
    }
    grammar.heights = crate::sentences::heights(&grammar.productions);
    grammar
}

struct Reader<'line> {
    words: &'line [&'line str],
    at: usize,
    names: &'line mut Vec<String>,
    production: &'line str,
}

impl Reader<'_> {
    fn make(&mut self, kind: Kind, from: usize) -> Expr {
        let text = self.words[from..self.at].join(" ");
        self.names.push(format!("{} ::= … {text} …", self.production));
        Expr { id: self.names.len() - 1, kind }
    }

    fn choice(&mut self) -> Expr {
        let from = self.at;
        let mut parts = vec![self.sequence()];
        while self.words.get(self.at) == Some(&"|") {
            self.at += 1;
            parts.push(self.sequence());
        }
        if parts.len() == 1 { parts.remove(0) } else { self.make(Kind::Choice(parts), from) }
    }

    fn sequence(&mut self) -> Expr {
        let from = self.at;
        let mut parts = Vec::new();
        while !matches!(self.words.get(self.at).copied(), None | Some("|" | ")" | ")?" | ")*")) {
            parts.push(self.part());
        }
        if parts.len() == 1 { parts.remove(0) } else { self.make(Kind::Sequence(parts), from) }
    }

    fn part(&mut self) -> Expr {
        let from = self.at;
        let word = self.words[self.at];
        self.at += 1;
        if word == "(" {
            let inner = self.choice();
            let close = self.words[self.at];
            self.at += 1;
            return self.repeated(inner, close.strip_prefix(')').unwrap(), from);
        }
        let (word, repetition) = match word.strip_suffix(['?', '*']) {
            Some(start) if start.ends_with('"') || !word.starts_with('"') => (start, &word[start.len()..]),
            _ => (word, ""),
        };
        let kind = match word.strip_prefix('"').and_then(|word| word.strip_suffix('"')) {
            Some(literal) => Kind::Literal(literal.to_owned()),
            None if word.starts_with(|first: char| first.is_ascii_uppercase()) => {
                Kind::Class(word.to_owned())
            }
            None => Kind::Production(word.to_owned()),
        };
        let inner = self.make(kind, from);
        self.repeated(inner, repetition, from)
    }

    fn repeated(&mut self, inner: Expr, repetition: &str, from: usize) -> Expr {
        match repetition {
            "" => inner,
            "?" => self.make(Kind::Optional(Box::new(inner)), from),
            "*" => self.make(Kind::Any(Box::new(inner)), from),
            other => panic!("unknown repetition {other}"),
        }
    }
}
