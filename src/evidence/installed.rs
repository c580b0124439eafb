//! The licences of Alpine packages, as the database `lib/apk/db/installed` of an image states them.
//!
//! Receives its text. An expression of SPDX identifiers is taken as one; every other name stays Alpine's and becomes
//! a `LicenseRef-` of the document that uses it.

use std::collections::BTreeMap;

use super::copyright::Declared;
use super::license::Terms;

/// Where the database stands.
pub const INSTALLED: &str = "lib/apk/db/installed";
/// Largest database read, in bytes.
pub const SIZE_LIMIT: u64 = 256 << 20;

/// Parentheses inside one another at most.
const DEPTH: usize = 16;

/// What each package declares, by its name.
pub fn licenses(text: &str) -> BTreeMap<String, Declared> {
    let mut found = BTreeMap::new();
    let mut name = "";
    for line in text.lines() {
        match line.split_once(':') {
            Some(("P", value)) => name = value,
            Some(("L", value)) => {
                found.extend(declared(value).map(|declared| (name.to_owned(), declared)));
            }
            _ => {}
        }
    }
    found
}

fn declared(license: &str) -> Option<Declared> {
    let spaced = license.replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    if words.is_empty() {
        return None;
    }
    let mut parser = Parser { words: &words, depth: 0 };
    let terms = parser.either().filter(|_| parser.words.is_empty());
    let terms = terms.unwrap_or_else(|| Terms::Named(license.trim().to_owned()));
    let text =
        |name: &str| format!("Alpine calls the licence `{name}`; its text is with the package's source.");
    let texts = terms.named().into_iter().map(|name| (name.to_owned(), text(name))).collect();
    Some(Declared { terms, texts })
}

/// Takes an expression off a list of words.
struct Parser<'a> {
    words: &'a [&'a str],
    depth: usize,
}

impl Parser<'_> {
    fn take(&mut self, word: &str) -> bool {
        let found = self.words.first().is_some_and(|first| first.eq_ignore_ascii_case(word));
        if found {
            self.words = &self.words[1..];
        }
        found
    }

    fn either(&mut self) -> Option<Terms> {
        let mut parts = vec![self.both()?];
        while self.take("or") {
            parts.push(self.both()?);
        }
        Terms::any(parts)
    }

    fn both(&mut self) -> Option<Terms> {
        let mut parts = vec![self.one()?];
        while self.take("and") {
            parts.push(self.one()?);
        }
        Terms::all(parts)
    }

    fn one(&mut self) -> Option<Terms> {
        if self.take("(") {
            self.depth += 1;
            let inner = if self.depth > DEPTH { None } else { self.either() };
            self.depth -= 1;
            return inner.filter(|_| self.take(")"));
        }
        let (&name, rest) = self.words.split_first()?;
        if name == ")" {
            return None;
        }
        self.words = rest;
        let exception = match rest {
            [with, exception, rest @ ..] if with.eq_ignore_ascii_case("with") => {
                self.words = rest;
                Some(*exception)
            }
            _ => None,
        };
        Some(license(name, exception))
    }
}

fn license(name: &str, exception: Option<&str>) -> Terms {
    let id = spdx::license_id(name).filter(|id| !id.is_deprecated()).map(|id| id.name);
    match (id, exception, exception.and_then(spdx::exception_id)) {
        (Some(id), None, _) => Terms::Known(id.to_owned()),
        (Some(id), Some(_), Some(exception)) => Terms::Known(format!("{id} WITH {}", exception.name)),
        (_, Some(exception), _) => Terms::Named(format!("{name} WITH {exception}")),
        (None, None, _) => Terms::Named(name.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expression(license: &str) -> String {
        declared(license).unwrap().terms.expression(&|name| format!("<{name}>"))
    }

    #[test]
    fn spdx_expressions_are_kept() {
        for text in [
            "MIT",
            "GPL-2.0-only",
            "MIT AND BSD-2-Clause AND GPL-2.0-or-later",
            "(GPL-2.0-or-later OR LGPL-3.0-or-later) AND MIT",
            "GPL-2.0-or-later WITH Bison-exception-2.2",
            "MPL-2.0 OR Apache-2.0",
        ] {
            assert_eq!(expression(text), text);
        }
        assert_eq!(expression("(MIT)"), "MIT");
    }

    #[test]
    fn what_is_no_identifier_stays_a_name() {
        assert_eq!(expression("custom"), "<custom>");
        assert_eq!(expression("Public-Domain AND MIT"), "<Public-Domain> AND MIT");
        assert_eq!(expression("MIT BSD"), "<MIT BSD>");
        assert_eq!(expression("(MIT"), "<(MIT>");
        assert_eq!(expression("GPL-2.0-only WITH nothing"), "<GPL-2.0-only WITH nothing>");
        assert_eq!(expression(&"(".repeat(100)), format!("<{}>", "(".repeat(100)));
        assert!(declared(" ").is_none());
    }

    #[test]
    fn each_package_has_its_own() {
        let found = licenses("C:Q1x\nP:musl\nV:1\nL:MIT\nF:lib\nR:libc.so\n\nP:a\nL:\n\nP:b\nL:ISC\n\n");
        let found: Vec<_> =
            found.iter().map(|(name, declared)| (name.as_str(), declared.expression())).collect();
        assert_eq!(found, [("b", "ISC".to_owned()), ("musl", "MIT".to_owned())]);
    }
}
