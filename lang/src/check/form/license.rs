//! SPDX licence expressions (SPDX 2.3, annex D), of the licences and exceptions on SPDX's list.

use spdx::identifiers::{EXCEPTIONS, LICENSES};

use super::{Problem, problem};
use crate::diagnostic::nearest;

const HELP: &str =
    "write an SPDX expression: `MIT`, `Apache-2.0 OR MIT`, `GPL-2.0-only WITH Classpath-exception-2.0`";

/// What is wrong with the expression: characters, parentheses, the order of words, or a name that SPDX does not list.
pub fn expression(text: &str) -> Option<Problem> {
    let wrong = || problem("hbuild::lang::bad_license", format!("`{text}` is no licence expression"), HELP);
    let spaced = text.replace('(', " ( ").replace(')', " ) ");
    let (mut depth, mut operand, mut with) = (0_u32, false, false);
    let mut names = Vec::new();
    for word in spaced.split_whitespace() {
        match word {
            "(" if !operand && !with => depth += 1,
            ")" if operand && depth > 0 => depth -= 1,
            "AND" | "OR" | "WITH" if operand => (operand, with) = (false, word == "WITH"),
            "(" | ")" | "AND" | "OR" | "WITH" => return wrong(),
            name if operand || !is_name(name) => return wrong(),
            name => {
                names.push((name, with));
                (operand, with) = (true, false);
            }
        }
    }
    if depth > 0 || !operand {
        return wrong();
    }
    names.into_iter().find_map(|(name, exception)| unknown(name, exception))
}

fn is_name(name: &str) -> bool {
    let name = name.strip_suffix('+').unwrap_or(name);
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:".contains(&byte))
}

/// What is wrong with a name that is on no list and says of itself that it is the recipe's own.
fn unknown(name: &str, exception: bool) -> Option<Problem> {
    let own = |prefix: &str| name.contains(prefix) && !name.ends_with(prefix);
    let known = match exception {
        true => spdx::exception_id(name).is_some() || own("AdditionRef-"),
        false => spdx::license_id(name).is_some() || own("LicenseRef-"),
    };
    if known {
        return None;
    }
    let (what, listed): (_, Vec<&str>) = match exception {
        true => ("exception", EXCEPTIONS.iter().map(|one| one.name).collect()),
        false => ("licence", LICENSES.iter().map(|one| one.name).collect()),
    };
    let same = listed.iter().copied().find(|other| other.eq_ignore_ascii_case(name));
    let help = match same.or_else(|| nearest(name, listed)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "names are those of https://spdx.org/licenses; one of your own is `LicenseRef-…`".to_owned(),
    };
    problem("hbuild::lang::unknown_license", format!("SPDX lists no {what} `{name}`"), help)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<(String, String)> {
        expression(text).map(|problem| (problem.message, problem.help.into_owned()))
    }

    #[test]
    fn names_are_those_that_spdx_lists() {
        for text in [
            "MIT",
            "(Apache-2.0 OR MIT) AND GPL-2.0-only WITH Classpath-exception-2.0",
            "GPL-2.0+",
            "LicenseRef-ours AND DocumentRef-theirs:LicenseRef-x",
        ] {
            assert_eq!(found(text), None, "{text}");
        }
        for (text, name, near) in [
            ("Apache-2", "licence `Apache-2`", "`Apache-2.0`"),
            ("mit", "licence `mit`", "`MIT`"),
            ("MIT AND GPL-2.0-onyl", "licence `GPL-2.0-onyl`", "`GPL-2.0-only`"),
            ("MIT WITH Classpath-exception", "exception `Classpath-exception`", "`Classpath-exception-2.0`"),
            ("MIT WITH MIT", "exception `MIT`", "LicenseRef"),
            ("LicenseRef-", "licence `LicenseRef-`", "LicenseRef-…"),
            ("my-very-own-terms", "licence `my-very-own-terms`", "spdx.org/licenses"),
        ] {
            let (message, help) = found(text).unwrap();
            assert!(message.ends_with(name) && help.contains(near), "{message}: {help}");
        }
    }

    #[test]
    fn words_stand_in_order() {
        for text in [
            "",
            "MIT MIT",
            "AND MIT",
            "MIT OR",
            "(MIT",
            "MIT)",
            "MIT WITH (GPL-2.0-only)",
            "GPL v3!",
            "MIT or Zlib",
            "AND",
            "M/T",
            "()",
        ] {
            assert!(found(text).unwrap().0.ends_with("is no licence expression"), "{text}");
        }
    }
}
