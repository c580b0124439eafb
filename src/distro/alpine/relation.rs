//! One dependency: a word of `D:`, `p:` or `i:` of an APKINDEX, or a package request of a recipe.
//!
//! Receives the text of one word. Never looks a package up.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use super::version;

/// How a version constraint compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operator {
    /// `<`
    Earlier,
    /// `<=`
    EarlierOrEqual,
    /// `=`
    Equal,
    /// `~`: equal as far as both versions go.
    Fuzzy,
    /// `>=`
    LaterOrEqual,
    /// `>`
    Later,
    /// `<~`
    EarlierOrFuzzy,
    /// `>~`
    LaterOrFuzzy,
}

impl Operator {
    /// Every operator with its text.
    const ALL: [(Self, &'static str); 8] = [
        (Self::Earlier, "<"),
        (Self::EarlierOrEqual, "<="),
        (Self::Equal, "="),
        (Self::Fuzzy, "~"),
        (Self::LaterOrEqual, ">="),
        (Self::Later, ">"),
        (Self::EarlierOrFuzzy, "<~"),
        (Self::LaterOrFuzzy, ">~"),
    ];

    /// Whether `version` is one that the constraint of this operator and `wanted` allows.
    pub fn admits(self, version: &str, wanted: &str) -> bool {
        let order = match self {
            Self::Fuzzy | Self::EarlierOrFuzzy | Self::LaterOrFuzzy => {
                version::compare_fuzzily(version, wanted)
            }
            _ => version::compare(version, wanted),
        };
        match self {
            Self::Earlier => order == Ordering::Less,
            Self::EarlierOrEqual | Self::EarlierOrFuzzy => order.is_le(),
            Self::Equal | Self::Fuzzy => order.is_eq(),
            Self::LaterOrEqual | Self::LaterOrFuzzy => order.is_ge(),
            Self::Later => order == Ordering::Greater,
        }
    }

    /// The operator of a text; the order of its characters does not matter to apk.
    fn read(text: &str) -> Option<Self> {
        let has = |character| text.contains(character);
        let spelling = match (has('<'), has('>'), has('='), has('~')) {
            (true, false, false, false) => "<",
            (true, false, true, false) => "<=",
            (true, false, _, true) => "<~",
            (false, false, true, false) => "=",
            (false, false, _, true) => "~",
            (false, true, true, false) => ">=",
            (false, true, false, false) => ">",
            (false, true, _, true) => ">~",
            _ => return None,
        };
        Self::ALL.iter().find(|(_, known)| *known == spelling).map(|(operator, _)| *operator)
    }

    /// Its number in the cached form of an index.
    pub(crate) fn number(self) -> u32 {
        Self::ALL.iter().zip(0..).find(|((operator, _), _)| *operator == self).map_or(0, |(_, number)| number)
    }

    /// The operator of a number.
    pub(crate) fn from_number(number: u32) -> Option<Self> {
        Self::ALL.get(number as usize).map(|(operator, _)| *operator)
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = Self::ALL.iter().find(|(operator, _)| operator == self).map_or("", |(_, text)| text);
        out.write_str(text)
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

/// A dependency as slices of its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Word<'a> {
    pub(crate) name: &'a str,
    pub(crate) conflict: bool,
    pub(crate) constraint: Option<(Operator, &'a str)>,
    pub(crate) tag: Option<&'a str>,
}

impl<'a> Word<'a> {
    /// The parts of a word, if it is a dependency.
    pub(crate) fn read(text: &'a str) -> Option<Self> {
        let is_operator = |c: char| matches!(c, '<' | '>' | '=' | '~');
        let (conflict, rest) = match text.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (target, constraint) = match rest.find(is_operator) {
            None => (rest, None),
            Some(start) => {
                let (target, constraint) = rest.split_at(start);
                let length = constraint.find(|c| !is_operator(c))?;
                let (operator, version) = constraint.split_at(length);
                (target, Some((Operator::read(operator)?, version)))
            }
        };
        let (name, tag) = match target.split_once('@') {
            Some((name, tag)) => (name, Some(tag)),
            None => (target, None),
        };
        let fits = |word: &str| {
            let is_allowed = |byte: u8| byte.is_ascii_graphic() && byte != b'@';
            !word.is_empty() && !word.starts_with('!') && word.bytes().all(is_allowed)
        };
        let constraint_fits = constraint.is_none_or(|(_, text)| version::is_valid(text));
        let all_fit = fits(name) && tag.is_none_or(fits) && constraint_fits;
        all_fit.then_some(Self { name, conflict, constraint, tag })
    }
}

impl FromStr for Dependency {
    type Err = RequestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let failure = || RequestError { text: text.chars().take(200).collect() };
        let word = Word::read(text).ok_or_else(failure)?;
        Ok(Self {
            name: word.name.to_owned(),
            conflict: word.conflict,
            constraint: word.constraint.map(|(operator, version)| (operator, version.to_owned())),
            tag: word.tag.map(str::to_owned),
        })
    }
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
            "x<~3",
            "x>~3",
            "cmd:kdevelop!=23.08.4-r0",
        ] {
            assert_eq!(text.parse::<Dependency>().unwrap().to_string(), text);
        }
        for (text, usual) in [("x=~1", "x~1"), ("x~=1", "x~1"), ("x=>1", "x>=1"), ("x=<1", "x<=1")] {
            assert_eq!(text.parse::<Dependency>().unwrap().to_string(), usual);
        }
    }

    #[test]
    fn what_is_no_dependency_is_refused() {
        for text in [
            "", "!", "x=", "=1", "x y", "x><1", "x@", "@y", "x<>1", "a=1=2", "a@b@c", "ä", "!!x", "x=1ab",
            "x=1@edge",
        ] {
            assert!(text.parse::<Dependency>().is_err(), "{text}");
        }
    }

    #[test]
    fn operators_admit() {
        let admits = |constraint: &str, version: &str| {
            let dependency: Dependency = format!("x{constraint}").parse().unwrap();
            let (operator, wanted) = dependency.constraint.unwrap();
            operator.admits(version, &wanted)
        };
        for (constraint, version, expected) in [
            ("~1.2", "1.2.3-r0", true),
            ("~1.2", "1.20", false),
            ("<~1.2", "1.2.3", true),
            ("<~1.2", "1.1", true),
            ("<~1.2", "1.3", false),
            (">~1.2", "1.3", true),
            (">1.2", "1.2-r1", true),
            (">=1.2", "1.2", true),
            ("<=1.2", "1.2-r1", false),
            ("=1.2", "1.2-r0", false),
        ] {
            assert_eq!(admits(constraint, version), expected, "{version} {constraint}");
        }
        for (operator, _) in Operator::ALL {
            assert_eq!(Operator::from_number(operator.number()), Some(operator));
        }
    }
}
