//! Variables and expressions of a definition. What is the same for both architectures becomes text; what is not, and
//! the folders of a build, become signs of the private use area, which later stand for a `let` or a shell variable.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use super::definition::Definition;

/// The folder of sources, `$SRC`.
pub const SOURCE: char = '\u{e000}';
/// The folder of what is built, `$OUT`.
pub const TARGET: char = '\u{e001}';
/// The first sign of a `let` over `arch`.
const LETS: u32 = 0xe100;
/// The most of them.
const MOST_LETS: u32 = 0x200;
/// Variables inside variables.
const DEPTH: u32 = 8;
/// Longest text that variables may make.
const LONGEST: usize = 1 << 20;

/// The architectures, as definitions and recipes name them.
pub const ARCHES: [&str; 2] = ["amd64", "arm64"];

/// Whether a text holds none of the signs.
pub fn is_free_of_signs(text: &str) -> bool {
    !text.chars().any(|letter| ('\u{e000}'..='\u{e7ff}').contains(&letter))
}

/// The values that depend on the architecture, of one recipe.
#[derive(Debug, Default)]
pub struct ArchLets {
    lets: RefCell<Vec<(String, [String; 2])>>,
}

impl ArchLets {
    /// The sign of a pair of values; `name` is what it is called unless that is taken.
    fn sign(&self, name: &str, values: [String; 2]) -> Option<char> {
        let mut lets = self.lets.borrow_mut();
        let index = lets.iter().position(|(_, known)| *known == values).unwrap_or_else(|| {
            let name = super::code::name(name);
            let taken = |name: &str| lets.iter().any(|(known, _)| known == name);
            let free =
                std::iter::once(name.clone()).chain((2..).map(|n| format!("{name}-{n}"))).find(|n| !taken(n));
            lets.push((free.unwrap_or(name), values));
            lets.len() - 1
        });
        let index = u32::try_from(index).ok().filter(|index| *index < MOST_LETS)?;
        char::from_u32(LETS + index)
    }

    /// A pair of values as text.
    pub fn pair(&self, name: &str, values: [String; 2]) -> Option<String> {
        let [one, two] = &values;
        if one == two {
            Some(one.clone())
        } else {
            self.sign(&format!("{name}-value"), values).map(String::from)
        }
    }

    /// Name and values of what a sign stands for.
    pub fn get(&self, sign: char) -> Option<(String, [String; 2])> {
        let index = (sign as u32).checked_sub(LETS).filter(|index| *index < MOST_LETS)?;
        self.lets.borrow().get(index as usize).cloned()
    }
}

/// The variables of one definition.
pub struct Symbols<'a> {
    vars: BTreeMap<&'a str, &'a str>,
    fips: bool,
    lets: &'a ArchLets,
    /// Names of variables that were used.
    pub used: RefCell<BTreeSet<String>>,
    length: Cell<usize>,
}

/// The value of an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Value {
    Text(String),
    Truth(bool),
}

impl<'a> Symbols<'a> {
    /// Those of the definition.
    pub fn new(definition: &'a Definition, lets: &'a ArchLets) -> Self {
        let vars = definition.vars.iter().map(|(key, value)| (key.value.as_str(), value.value.as_str()));
        let fips = definition.fips || definition.flavor.as_ref().is_some_and(|flavor| flavor.value == "fips");
        Self { vars: vars.collect(), fips, lets, used: RefCell::default(), length: Cell::new(0) }
    }

    /// The text with everything put in.
    pub fn resolve(&self, text: &str) -> String {
        self.length.set(0);
        self.resolve_at(text, "value", DEPTH)
    }

    fn resolve_at(&self, text: &str, hint: &str, depth: u32) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find(['$', '#']) {
            out.push_str(&rest[..at]);
            rest = &rest[at..];
            let found = reference(rest).and_then(|(inner, length)| {
                let value = match rest.as_bytes()[0] {
                    b'$' => self.variable(inner, depth),
                    _ => self.expression(inner, hint),
                };
                value.map(|value| (value, length))
            });
            match found {
                Some((value, length)) => {
                    out.push_str(&value);
                    rest = &rest[length..];
                }
                None => {
                    out.push_str(&rest[..1]);
                    rest = &rest[1..];
                }
            }
        }
        out.push_str(rest);
        out
    }

    fn variable(&self, name: &str, depth: u32) -> Option<String> {
        let pair = |one: &str, two: &str| [one.to_owned(), two.to_owned()];
        let arch = |name: &str, values: [String; 2]| self.lets.sign(name, values).map(String::from);
        match name {
            "source.dir" => return Some(SOURCE.to_string()),
            "target.dir" => return Some(TARGET.to_string()),
            "target.arch" => return arch("target-arch", pair("amd64", "arm64")),
            "target.platform" => return arch("target-platform", pair("linux/amd64", "linux/arm64")),
            "target.os" => return Some("linux".to_owned()),
            "target.fips" => return Some(self.fips.to_string()),
            _ => {}
        }
        let (name, value) = self.vars.get_key_value(name)?;
        self.length.set(self.length.get() + value.len());
        if depth == 0 || self.length.get() > LONGEST {
            return None;
        }
        self.used.borrow_mut().insert((*name).to_owned());
        Some(self.resolve_at(value, name, depth - 1))
    }

    fn expression(&self, text: &str, hint: &str) -> Option<String> {
        let [one, two] = ARCHES.map(|arch| {
            self.value(text, arch).map(|value| match value {
                Value::Text(text) => text,
                Value::Truth(truth) => truth.to_string(),
            })
        });
        let (one, two) = (one?, two?);
        if one == two { Some(one) } else { self.lets.sign(hint, [one, two]).map(String::from) }
    }

    /// Whether a condition holds on an architecture; `None` where it cannot be told.
    pub fn holds(&self, condition: &str, arch: &str) -> Option<bool> {
        let text = condition.trim();
        let inner = reference(text).filter(|(_, length)| *length == text.len()).map(|(inner, _)| inner);
        match self.value(inner.unwrap_or(text), arch)? {
            Value::Truth(truth) => Some(truth),
            Value::Text(text) => match text.as_str() {
                "true" => Some(true),
                "false" | "" => Some(false),
                _ => None,
            },
        }
    }

    fn value(&self, text: &str, arch: &str) -> Option<Value> {
        let mut parser = ExpressionParser { symbols: self, arch, rest: text, depth: 0 };
        let value = parser.choice()?;
        parser.rest.trim().is_empty().then_some(value)
    }

    fn named(&self, name: &str, arch: &str) -> Option<Value> {
        let text = match name {
            "true" => return Some(Value::Truth(true)),
            "false" => return Some(Value::Truth(false)),
            "target.fips" => return Some(Value::Truth(self.fips)),
            "target.arch" => arch.to_owned(),
            "target.platform" => format!("linux/{arch}"),
            "target.os" => "linux".to_owned(),
            _ => {
                let name = name.strip_prefix("vars.").unwrap_or(name);
                let value = self.vars.get(name)?;
                self.used.borrow_mut().insert(name.to_owned());
                (*value).to_owned()
            }
        };
        Some(Value::Text(text))
    }
}

/// What stands between the braces at the beginning of `text`, and the length of all.
fn reference(text: &str) -> Option<(&str, usize)> {
    let inner = text.strip_prefix("${").or_else(|| text.strip_prefix("#{"))?;
    let mut quote = None;
    for (at, letter) in inner.char_indices() {
        match (quote, letter) {
            (None, '}') => return Some((inner[..at].trim(), at + 3)),
            (None, '"' | '\'') => quote = Some(letter),
            (None, '\n' | '{') => return None,
            (Some(open), _) if letter == open => quote = None,
            _ => {}
        }
    }
    None
}

/// `a ? b : c`, `||`, `&&`, `==`, `!=`, `!`, texts, names and parentheses.
struct ExpressionParser<'s, 'a> {
    symbols: &'s Symbols<'a>,
    arch: &'s str,
    rest: &'s str,
    depth: u32,
}

impl ExpressionParser<'_, '_> {
    fn take(&mut self, sign: &str) -> bool {
        self.rest = self.rest.trim_start();
        match self.rest.strip_prefix(sign) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn choice(&mut self) -> Option<Value> {
        self.depth += 1;
        if self.depth > 32 {
            return None;
        }
        let condition = self.either()?;
        if !self.take("?") {
            return Some(condition);
        }
        let yes = self.choice()?;
        if !self.take(":") {
            return None;
        }
        let no = self.choice()?;
        Some(if truth(&condition)? { yes } else { no })
    }

    fn either(&mut self) -> Option<Value> {
        let mut value = self.both()?;
        while self.take("||") || self.word("or") {
            let other = self.both()?;
            value = Value::Truth(truth(&value)? || truth(&other)?);
        }
        Some(value)
    }

    fn both(&mut self) -> Option<Value> {
        let mut value = self.compared()?;
        while self.take("&&") || self.word("and") {
            let other = self.compared()?;
            value = Value::Truth(truth(&value)? && truth(&other)?);
        }
        Some(value)
    }

    fn word(&mut self, word: &str) -> bool {
        let rest = self.rest.trim_start();
        rest.strip_prefix(word).is_some_and(|rest| rest.starts_with([' ', '('])) && self.take(word)
    }

    fn compared(&mut self) -> Option<Value> {
        let value = self.single()?;
        let equal = if self.take("==") {
            true
        } else if self.take("!=") {
            false
        } else {
            return Some(value);
        };
        let other = self.single()?;
        Some(Value::Truth((text(&value) == text(&other)) == equal))
    }

    fn single(&mut self) -> Option<Value> {
        if self.take("!") || self.word("not") {
            return Some(Value::Truth(!truth(&self.single()?)?));
        }
        if self.take("(") {
            let value = self.choice()?;
            return self.take(")").then_some(value);
        }
        for quote in ["\"", "'"] {
            if self.take(quote) {
                let (text, rest) = self.rest.split_once(quote)?;
                self.rest = rest;
                return Some(Value::Text(text.to_owned()));
            }
        }
        let letter = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
        let end = self.rest.find(|next| !letter(next)).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        self.rest = rest;
        if name.is_empty() { None } else { self.symbols.named(name, self.arch) }
    }
}

fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Truth(truth) => Some(*truth),
        Value::Text(text) => match text.as_str() {
            "true" => Some(true),
            "false" | "" => Some(false),
            _ => None,
        },
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Truth(truth) => truth.to_string(),
        Value::Text(text) => text.clone(),
    }
}
