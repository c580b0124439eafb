//! One dependency: a word of `D:`, `p:` or `i:` of an APKINDEX, or a package request of a recipe.
//!
//! Receives the text of one word. Never looks a package up.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// How a version constraint compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operator {
    /// `<`
    Earlier,
    /// `<=`
    EarlierOrEqual,
    /// `=`
    Equal,
    /// `~`: the version begins with the constraint's parts.
    Fuzzy,
    /// `>=`
    LaterOrEqual,
    /// `>`
    Later,
}

impl Operator {
    /// Whether a version that compares to the constraint's as `order` meets the constraint; for [`Self::Fuzzy`]
    /// the order is the fuzzy one.
    pub fn admits(self, order: Ordering) -> bool {
        match self {
            Self::Earlier => order.is_lt(),
            Self::EarlierOrEqual => order.is_le(),
            Self::Equal | Self::Fuzzy => order.is_eq(),
            Self::LaterOrEqual => order.is_ge(),
            Self::Later => order.is_gt(),
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::Earlier => "<",
            Self::EarlierOrEqual => "<=",
            Self::Equal => "=",
            Self::Fuzzy => "~",
            Self::LaterOrEqual => ">=",
            Self::Later => ">",
        }
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.text())
    }
}

/// A package, or something that packages provide, that is needed or, as a conflict, must not be there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Dependency {
    /// Name of a package, or of what is provided (`so:…`, `cmd:…`, `pc:…`, a virtual name).
    pub name: String,
    /// Whether it begins with `!`.
    pub conflict: bool,
    /// Version constraint.
    pub constraint: Option<(Operator, String)>,
    /// The tagged repository it may come from (`@tag`).
    pub tag: Option<String>,
}

/// Why a text is not a dependency.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
#[error("`{text}` is not an Alpine package request")]
#[diagnostic(
    code(hbuild::alpine::bad_request),
    help("write `name`, `name=1.2.3-r0`, `name~1.2`, `name>=1.2`, `name<2`, `name@tag` or `!name`")
)]
pub struct RequestError {
    /// The text.
    pub text: String,
}

impl FromStr for Dependency {
    type Err = RequestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let failure = || RequestError { text: text.chars().take(200).collect() };
        let (conflict, rest) = match text.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (target, constraint) = match rest.find(['<', '>', '=', '~']) {
            None => (rest, None),
            Some(start) => {
                let (target, constraint) = rest.split_at(start);
                let length = constraint.find(|c| !matches!(c, '<' | '>' | '=' | '~'));
                let (operator, version) = constraint.split_at(length.ok_or_else(failure)?);
                (target, Some((read_operator(operator).ok_or_else(failure)?, version)))
            }
        };
        let (name, tag) = match target.split_once('@') {
            Some((name, tag)) => (name, Some(tag)),
            None => (target, None),
        };
        let fits = |word: &str| !word.is_empty() && word.chars().all(is_word_char);
        let constraint_fits = constraint.is_none_or(|(_, version)| fits(version));
        if !fits(name) || !tag.is_none_or(fits) || !constraint_fits {
            return Err(failure());
        }
        Ok(Self {
            name: name.to_owned(),
            conflict,
            constraint: constraint.map(|(operator, version)| (operator, version.to_owned())),
            tag: tag.map(str::to_owned),
        })
    }
}

fn read_operator(text: &str) -> Option<Operator> {
    Some(match text {
        "<" => Operator::Earlier,
        "<=" | "=<" => Operator::EarlierOrEqual,
        "=" => Operator::Equal,
        "~" | "~=" | "=~" => Operator::Fuzzy,
        ">=" | "=>" => Operator::LaterOrEqual,
        ">" => Operator::Later,
        _ => return None,
    })
}

/// What names, versions and tags may consist of.
fn is_word_char(c: char) -> bool {
    c.is_ascii_graphic() && !matches!(c, '!' | '<' | '>' | '=' | '~' | '@')
}

impl fmt::Display for Dependency {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.conflict {
            out.write_str("!")?;
        }
        out.write_str(&self.name)?;
        if let Some(tag) = &self.tag {
            write!(out, "@{tag}")?;
        }
        if let Some((operator, version)) = &self.constraint {
            write!(out, "{operator}{version}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependencies_round_trip() {
        for text in [
            "nginx",
            "nginx=1.26.3-r0",
            "nginx~1.26",
            "nginx@edge",
            "nginx@edge>=1.2",
            "so:libc.musl-x86_64.so.1",
            "!name",
            "!name<2",
            "pc:libfoo>1.0",
            "cmd:[",
            "/bin/sh",
            "gtk+3.0<=3",
        ] {
            assert_eq!(text.parse::<Dependency>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_dependency_is_refused() {
        for text in ["", "!", "x=", "=1", "x y", "x><1", "x@", "@y", "x<>1", "a=1=2", "a@b@c", "ä", "!!x"] {
            assert!(text.parse::<Dependency>().is_err(), "{text}");
        }
    }
}
