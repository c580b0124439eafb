//! Forms of texts that builds have: folders below `$SRC`, working directories, names of outputs and of variables.

use super::{Problem, glob, names, problem};
use crate::modules::builtin;

/// One name of a folder below `$SRC`.
pub fn folder(text: &str) -> Option<Problem> {
    let valid = text.len() <= 64
        && text.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '_')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._+-".contains(&byte));
    if valid {
        return None;
    }
    let help = "it is a folder below `$SRC`: letters, digits, `.`, `_`, `+` and `-`, 64 of them at most";
    problem("hbuild::lang::bad_name", format!("`{text}` is no name of a folder"), help)
}

/// A working directory: absolute, or relative to `$SRC`.
pub fn directory(text: &str) -> Option<Problem> {
    let help = "write it absolute, or relative to `$SRC`: `src`, not `$SRC/src`, without `.` and `..`";
    if text.contains('$') {
        return problem("hbuild::lang::bad_path", format!("the path `{text}` has a variable in it"), help);
    }
    let found = if text.starts_with('/') { glob::path(text) } else { glob::relative_path(text) };
    found.map(|found| Problem { help: help.into(), ..found })
}

/// A name of an environment variable that is the recipe's to set.
pub fn env(text: &str) -> Option<Problem> {
    let own = matches!(text, "OUT" | "SRC" | "JOBS" | "SOURCE_DATE_EPOCH") || text.starts_with("OUT_");
    if own {
        let help =
            "take another name; `SOURCE_DATE_EPOCH` is the field `epoch`, and `$OUT_…` come from `outputs`";
        return problem("hbuild::lang::bad_env_name", format!("`{text}` is set by hbuild itself"), help);
    }
    names::env(text)
}

/// The name of a further output: what can follow a dot, and is `$OUT_<NAME>` in capitals.
pub fn output(text: &str) -> Option<Problem> {
    if builtin::CONTENT_METHODS.iter().any(|(method, _)| *method == text) {
        let help = "take another name: `.at(…)` and the like follow a build after a dot";
        return problem("hbuild::lang::bad_name", format!("`{text}` cannot be an output"), help);
    }
    if text.starts_with(|first: char| first.is_ascii_lowercase()) && text.len() <= 64 {
        return names::word(text);
    }
    let help = "lower-case letters and digits with `-` between words, a letter first, 64 at most";
    problem("hbuild::lang::bad_name", format!("`{text}` is no name of an output"), help)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_builds() {
        assert!(folder("lua-5.1").is_none() && folder("a/b").is_some() && folder("..").is_some());
        assert!(directory("src").is_none() && directory("/build").is_none());
        assert!(directory("$SRC/x").is_some() && directory("../x").is_some() && directory("").is_some());
        assert!(env("PATH").is_none() && env("OUT").is_some() && env("OUT_DEV").is_some());
        assert!(output("dev").is_none() && output("x-2").is_none());
        assert!(output("at").is_some() && output("2x").is_some() && output("Dev").is_some());
    }
}
