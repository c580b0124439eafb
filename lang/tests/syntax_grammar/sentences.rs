//! Random sentences of the grammar, the same for the same seed.

use std::collections::BTreeMap;

use crate::ebnf::{Expr, Grammar, Kind};

pub struct Writer<'grammar> {
    grammar: &'grammar Grammar,
    heights: &'grammar BTreeMap<String, usize>,
    state: u64,
    budget: usize,
    text: String,
    /// `{`, `[`, `(` that are open.
    brackets: Vec<char>,
    /// How deep interpolations, and places where a string has none, are nested.
    interpolating: usize,
    plain: usize,
    comprehensions: usize,
    quotes: Vec<&'static str>,
    import: bool,
}

pub fn sentence(grammar: &Grammar, seed: u64, budget: usize) -> String {
    let mut writer = Writer {
        grammar,
        heights: &grammar.heights,
        state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
        budget,
        text: String::new(),
        brackets: Vec::new(),
        interpolating: 0,
        plain: 0,
        comprehensions: 0,
        quotes: Vec::new(),
        import: false,
    };
    writer.production("file");
    writer.text
}

/// The least number of nested productions below each production.
pub fn heights(productions: &BTreeMap<String, Expr>) -> BTreeMap<String, usize> {
    let mut heights: BTreeMap<String, usize> = BTreeMap::new();
    for _ in 0..productions.len() {
        for (name, right) in productions {
            if let Some(height) = height(right, &heights) {
                let least = heights.get(name).copied().unwrap_or(usize::MAX).min(height + 1);
                heights.insert(name.clone(), least);
            }
        }
    }
    heights
}

fn height(expr: &Expr, heights: &BTreeMap<String, usize>) -> Option<usize> {
    match &expr.kind {
        Kind::Production(name) => heights.get(name).copied(),
        Kind::Sequence(parts) => {
            parts.iter().map(|part| height(part, heights)).try_fold(0, |most, part| Some(most.max(part?)))
        }
        Kind::Choice(parts) => parts.iter().filter_map(|part| height(part, heights)).min(),
        _ => Some(0),
    }
}

impl Writer<'_> {
    fn random(&mut self, below: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        usize::try_from(self.state >> 33).unwrap() % below
    }

    fn production(&mut self, name: &str) {
        self.budget = self.budget.saturating_sub(1);
        let grammar = self.grammar;
        let plain = matches!(name, "import" | "pattern");
        self.plain += usize::from(plain);
        let outer = self.import;
        self.import |= name == "import";
        self.interpolating += usize::from(name == "interpolation");
        self.comprehensions += usize::from(name == "generator");
        self.write(&grammar.productions[name]);
        self.comprehensions -= usize::from(name == "generator");
        self.interpolating -= usize::from(name == "interpolation");
        self.plain -= usize::from(plain);
        self.import = outer;
    }

    fn write(&mut self, expr: &Expr) {
        match &expr.kind {
            Kind::Production(name) => self.production(name),
            Kind::Class(name) => self.class(name),
            Kind::Literal(text) => self.literal(text),
            Kind::Sequence(parts) => parts.iter().for_each(|part| self.write(part)),
            Kind::Choice(parts) => {
                let allowed: Vec<&Expr> = parts.iter().filter(|part| self.allowed(part)).collect();
                let picked = if self.budget == 0 {
                    allowed.into_iter().min_by_key(|part| height(part, self.heights)).unwrap()
                } else {
                    allowed[self.random(allowed.len())]
                };
                self.write(picked);
            }
            Kind::Optional(part) => {
                if self.budget > 0 && self.allowed(part) && self.random(2) == 0 {
                    self.write(part);
                }
            }
            Kind::Any(part) => {
                let text = matches!(&part.kind, Kind::Choice(parts) if parts.iter().any(is_string_text));
                let most = if text { 1 } else { 4 };
                let mut count = 0;
                while count < most && self.budget > 0 && self.allowed(part) && self.random(3) > 0 {
                    self.write(part);
                    count += 1;
                }
            }
        }
    }

    /// What the grammar says in words: no brace, `match` or comprehension in an interpolation, no
    /// interpolation in plain strings, no `;` (fixtures have it), comprehensions nest one level deep.
    fn allowed(&self, expr: &Expr) -> bool {
        match &expr.kind {
            Kind::Production(name) => match name.as_str() {
                "record" | "match" => self.interpolating == 0,
                "generator" => self.interpolating == 0 && self.comprehensions == 0 && self.budget > 10,
                "interpolation" => {
                    self.interpolating == 0
                        && self.plain == 0
                        && !self.quotes.last().is_some_and(|quotes| quotes.starts_with('r'))
                }
                _ => true,
            },
            Kind::Literal(text) => text != ";",
            Kind::Sequence(parts) => parts.iter().all(|part| self.allowed(part)),
            Kind::Choice(parts) => parts.iter().any(|part| self.allowed(part)),
            _ => true,
        }
    }

    /// A space, or in `()` and `[]` perhaps a line end.
    fn gap(&mut self, call: bool) {
        let free = matches!(self.brackets.last(), Some('(' | '[')) && self.interpolating == 0;
        if free && !call && self.random(6) == 0 {
            let text = ["\n", " # a comment\n  ", "\n\n"][self.random(3)];
            self.text.push_str(text);
        } else if !self.text.is_empty() && !self.text.ends_with('\n') {
            self.text.push(' ');
        }
    }

    fn literal(&mut self, text: &str) {
        if text == "}}" || (text == "{{") {
            self.text.push_str(text);
            return;
        }
        self.gap(text == "(");
        self.text.push_str(text);
        match text {
            "{" | "[" | "(" => self.brackets.push(text.chars().next().unwrap()),
            "}" | "]" | ")" => {
                self.brackets.pop();
            }
            _ => {}
        }
    }

    fn class(&mut self, name: &str) {
        match name {
            "NEWLINE" => {
                let text = ["\n", "\n\n", " # words\n", "\n  # words\n  "][self.random(4)];
                self.text.push_str(text);
            }
            "STRING-OPEN" => {
                self.gap(false);
                let all = ["\"", "\"", "\"\"\"", "r\"", "r#\"\"\"", "r##\""];
                let count = if self.interpolating > 0 || self.import { 1 } else { all.len() };
                let quotes = all[self.random(count)];
                self.quotes.push(quotes);
                self.text.push_str(quotes);
                if self.import {
                    self.text.push_str("some/common.hb");
                }
            }
            "STRING-TEXT" => self.string_text(),
            "STRING-CLOSE" => {
                let quotes = self.quotes.pop().unwrap();
                let close: String = quotes.chars().filter(|sign| *sign != 'r').rev().collect();
                self.text.push_str(&close);
            }
            "NAME" => {
                let names =
                    ["a", "redis-server", "image", "step", "x2", "hbuild", "r", "for-all", "waive", "delete"];
                self.word(&names);
            }
            "WORD" => self.word(&["BUILD_TLS", "Path", "_x", "a_b"]),
            "INTEGER" if self.text == "hbuild" => self.text.push_str(" 1"),
            "INTEGER" => self.word(&["0", "7", "6379", "0o755", "18446744073709551615"]),
            other => panic!("unknown token {other}"),
        }
    }

    fn word(&mut self, words: &[&str]) {
        self.gap(false);
        let word = words[self.random(words.len())];
        self.text.push_str(word);
    }

    fn string_text(&mut self) {
        if self.import {
            return;
        }
        let quotes = *self.quotes.last().unwrap();
        let texts: &[&str] = match quotes {
            "\"" if self.interpolating > 0 => &["a", "{{", "b }}"],
            "\"" => &["a b", "\\n\\t\\u{e9}", "$X ${X}", "}} { \\\\ \\\"", "ü#"],
            "\"\"\"" => {
                &["one", "\n    two\n      three\n    ", "\n\tx \\( ${Y}\n", "\n\n", "\n  a\n\n    b"]
            }
            "r#\"\"\"" => &["{{ x \\", "\n  \"\"\" {{\n   ", "\n a\n"],
            _ => &["\\d {{", "# \\"],
        };
        let text = texts[self.random(texts.len())];
        self.text.push_str(text);
    }
}

fn is_string_text(expr: &Expr) -> bool {
    matches!(&expr.kind, Kind::Class(name) if name == "STRING-TEXT")
}
