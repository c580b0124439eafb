//! Debian's short licence names as SPDX identifiers.
//!
//! Receives one synopsis of a machine-readable copyright file (`GPL-2+ or Artistic, and Expat`) and returns an
//! expression tree. A name is mapped only where the copyright format or the SPDX list itself says what it means;
//! every other name stays Debian's and becomes a `LicenseRef-` of the document that uses it. Never guesses.

use serde::{Deserialize, Serialize};
use spdx::identifiers::LICENSES;

/// A licence expression.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Terms {
    /// An SPDX identifier, with its exception if it has one.
    Known(String),
    /// A name that only its own text defines.
    Named(String),
    /// All hold, in the order written.
    All(Vec<Terms>),
    /// One of them may be chosen, in the order written.
    Any(Vec<Terms>),
}

impl Terms {
    /// The SPDX expression, with `reference` giving the `LicenseRef-` of a name. Parentheses stand where the
    /// expression would read otherwise without them.
    pub fn expression(&self, reference: &dyn Fn(&str) -> String) -> String {
        match self {
            Self::Known(id) => id.clone(),
            Self::Named(name) => reference(name),
            Self::All(parts) => {
                let part = |terms: &Self| match terms {
                    Self::Any(_) => format!("({})", terms.expression(reference)),
                    _ => terms.expression(reference),
                };
                parts.iter().map(part).collect::<Vec<_>>().join(" AND ")
            }
            Self::Any(parts) => {
                parts.iter().map(|terms| terms.expression(reference)).collect::<Vec<_>>().join(" OR ")
            }
        }
    }

    /// The names in it that are no SPDX identifiers, in order.
    pub fn named(&self) -> Vec<&str> {
        match self {
            Self::Known(_) => Vec::new(),
            Self::Named(name) => vec![name],
            Self::All(parts) | Self::Any(parts) => parts.iter().flat_map(Self::named).collect(),
        }
    }

    /// The conjunction of `parts`, flat, each part once, in order of first appearance. `None` for no part.
    pub fn all(parts: impl IntoIterator<Item = Terms>) -> Option<Self> {
        let mut distinct: Vec<Self> = Vec::new();
        for part in parts {
            let inner = match part {
                Self::All(inner) => inner,
                other => vec![other],
            };
            for terms in inner {
                if !distinct.contains(&terms) {
                    distinct.push(terms);
                }
            }
        }
        one_or(distinct, Self::All)
    }

    /// The choice between `parts`, likewise.
    pub fn any(parts: Vec<Terms>) -> Option<Self> {
        let mut distinct: Vec<Self> = Vec::new();
        for part in parts {
            let inner = match part {
                Self::Any(inner) => inner,
                other => vec![other],
            };
            distinct.extend(inner);
        }
        one_or(distinct, Self::Any)
    }
}

fn one_or(mut parts: Vec<Terms>, join: fn(Vec<Terms>) -> Terms) -> Option<Terms> {
    match parts.len() {
        0 => None,
        1 => parts.pop(),
        _ => Some(join(parts)),
    }
}

/// The terms of a synopsis. As the copyright format has it, `and` binds tighter than `or`, and either after a
/// comma binds loosest. A synopsis that is not of this grammar is one name.
pub fn parse(synopsis: &str) -> Option<Terms> {
    let spaced = synopsis.replace(',', " , ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    if words.is_empty() {
        return None;
    }
    Some(loosest(&words).unwrap_or_else(|| Terms::Named(words.join(" ").replace(" ,", ","))))
}

/// `tight (", and" tight | ", or" tight)*`, joined from the left.
fn loosest(words: &[&str]) -> Option<Terms> {
    let mut segments = words.split(|word| *word == ",");
    let mut joined = alternatives(segments.next()?)?;
    for segment in segments {
        let (operator, rest) = segment.split_first()?;
        let right = alternatives(rest)?;
        joined = match *operator {
            "and" => Terms::all([joined, right])?,
            "or" => Terms::any(vec![joined, right])?,
            _ => return None,
        };
    }
    Some(joined)
}

fn alternatives(words: &[&str]) -> Option<Terms> {
    let parts: Option<Vec<_>> = words.split(|word| *word == "or").map(conjunction).collect();
    Terms::any(parts?)
}

fn conjunction(words: &[&str]) -> Option<Terms> {
    let parts: Option<Vec<_>> = words.split(|word| *word == "and").map(single).collect();
    Terms::all(parts?)
}

/// `name` or `name with words exception`.
fn single(words: &[&str]) -> Option<Terms> {
    let named = || Terms::Named(words.join(" "));
    match words {
        [] => None,
        [name] => Some(identifier(name).unwrap_or_else(named)),
        [name, "with", exception @ .., "exception"] => Some(match (identifier(name), exception) {
            (Some(Terms::Known(id)), [exception]) => match exception_id(exception) {
                Some(exception) => Terms::Known(format!("{id} WITH {exception}")),
                None => named(),
            },
            _ => named(),
        }),
        _ => Some(named()),
    }
}

/// The SPDX meaning of one short name, or `None` where it is not certain.
fn identifier(name: &str) -> Option<Terms> {
    let known = |id: &str| Some(Terms::Known(id.to_owned()));
    if let Some(id) = gnu(name) {
        return known(&id);
    }
    match name {
        "Expat" | "expat" => return known("MIT"),
        "Apache-2" => return known("Apache-2.0"),
        "CC0" => return known("CC0-1.0"),
        "Perl" => {
            let parts = ["Artistic-1.0-Perl", "GPL-1.0-or-later"].map(|id| Terms::Known(id.to_owned()));
            return Some(Terms::Any(parts.to_vec()));
        }
        _ => {}
    }
    let listed = LICENSES.iter().find(|license| license.name.eq_ignore_ascii_case(name))?;
    spdx::license_id(listed.name).filter(|id| !id.is_deprecated()).and_then(|id| known(id.name))
}

/// `GPL-2+`, `LGPL-2.1`, `GFDL-NIV-1.3+` and the like.
fn gnu(name: &str) -> Option<String> {
    let (rest, suffix) = match name.strip_suffix('+') {
        Some(rest) => (rest, "or-later"),
        None => (name, "only"),
    };
    let (base, version) = rest.rsplit_once('-')?;
    let version = if version.contains('.') { version.to_owned() } else { format!("{version}.0") };
    let id = match base {
        "GPL" | "LGPL" | "AGPL" | "GFDL" => format!("{base}-{version}-{suffix}"),
        "GFDL-NIV" => format!("GFDL-{version}-no-invariants-{suffix}"),
        _ => return None,
    };
    spdx::license_id(&id).map(|found| found.name.to_owned())
}

/// The SPDX exception that Debian's word means.
fn exception_id(word: &str) -> Option<&'static str> {
    let id = match word {
        "Bison" => "Bison-exception-2.2",
        "Classpath" => "Classpath-exception-2.0",
        "Font" => "Font-exception-2.0",
        "Libtool" => "Libtool-exception",
        "LLVM" => "LLVM-exception",
        "Linux-syscall-note" => "Linux-syscall-note",
        _ => return None,
    };
    spdx::exception_id(id).map(|found| found.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expression(synopsis: &str) -> String {
        parse(synopsis).unwrap().expression(&|name| format!("<{name}>"))
    }

    #[test]
    fn names_of_the_copyright_format() {
        assert_eq!(expression("GPL-2+"), "GPL-2.0-or-later");
        assert_eq!(expression("GPL-2.0"), "GPL-2.0-only");
        assert_eq!(expression("LGPL-2.1"), "LGPL-2.1-only");
        assert_eq!(expression("GFDL-NIV-1.3+"), "GFDL-1.3-no-invariants-or-later");
        assert_eq!(expression("BSD-3-clause"), "BSD-3-Clause");
        assert_eq!(expression("Expat"), "MIT");
        assert_eq!(expression("Perl and Expat"), "(Artistic-1.0-Perl OR GPL-1.0-or-later) AND MIT");
    }

    #[test]
    fn what_is_not_certain_stays_a_name() {
        for name in ["Artistic", "public-domain", "GPL", "BSD", "GPL-9", "GPL-2+ with OpenSSL exception"] {
            assert_eq!(expression(name), format!("<{name}>"));
        }
        assert_eq!(expression("GPL version 2 or later"), "<GPL version 2> OR <later>");
        assert_eq!(expression("MIT, BSD"), "<MIT, BSD>");
        assert_eq!(parse("  "), None);
    }

    #[test]
    fn precedence_is_the_copyright_formats() {
        assert_eq!(expression("GPL-1+ or Expat and ISC"), "GPL-1.0-or-later OR MIT AND ISC");
        assert_eq!(expression("GPL-1+ or Expat, and ISC"), "(GPL-1.0-or-later OR MIT) AND ISC");
        assert_eq!(expression("ISC and Zlib, or Expat"), "ISC AND Zlib OR MIT");
    }

    #[test]
    fn exceptions() {
        assert_eq!(expression("GPL-3+ with Bison exception"), "GPL-3.0-or-later WITH Bison-exception-2.2");
        assert_eq!(expression("Apache-2.0 with LLVM exception"), "Apache-2.0 WITH LLVM-exception");
    }

    #[test]
    fn a_conjunction_says_everything_once() {
        let parts = ["Expat", "GPL-2+ and Expat", "ISC"].map(|synopsis| parse(synopsis).unwrap());
        let all = Terms::all(parts).unwrap().expression(&str::to_owned);
        assert_eq!(all, "MIT AND GPL-2.0-or-later AND ISC");
    }
}
