//! Forms of names: environment variables, accounts, labels.

use super::{Problem, problem};

pub fn env(text: &str) -> Option<Problem> {
    let valid = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if valid {
        return None;
    }
    let help = "letters, digits and `_`, not a digit first";
    problem("hbuild::lang::bad_env_name", format!("`{text}` is no name of an environment variable"), help)
}

pub fn os_release(text: &str) -> Option<Problem> {
    let valid = text.starts_with(|first: char| first.is_ascii_uppercase())
        && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_');
    if valid {
        return None;
    }
    let help = "capitals, digits and `_`: `VERSION_ID`, `PRETTY_NAME`";
    problem("hbuild::lang::bad_os_release", format!("`{text}` is no field of os-release"), help)
}

pub fn label(text: &str) -> Option<Problem> {
    let valid = text.starts_with(|first: char| first.is_ascii_alphanumeric())
        && text.ends_with(|last: char| last.is_ascii_alphanumeric())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_/".contains(&byte));
    if valid {
        return None;
    }
    let help = "write it as `org.example.team`: letters, digits, `.`, `-`, `_` and `/`";
    problem("hbuild::lang::bad_label", format!("`{text}` is no name of a label"), help)
}

/// A name that every passwd file can hold.
pub fn account(text: &str) -> Option<Problem> {
    let valid = (1..=32).contains(&text.len())
        && text.starts_with(|first: char| first.is_ascii_lowercase() || first == '_')
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte));
    if valid {
        return None;
    }
    let help = "lower-case letters, digits, `_` and `-`, a letter or `_` first, 32 of them at most";
    problem("hbuild::lang::bad_account", format!("`{text}` is no name of an account"), help)
}

pub fn run_as(text: &str) -> Option<Problem> {
    let number = |part: &str| {
        part.bytes().all(|byte| byte.is_ascii_digit())
            && (part == "0" || !part.starts_with('0'))
            && part.parse::<u32>().is_ok_and(|id| id < u32::MAX)
    };
    let numeric = match text.split_once(':') {
        Some((user, group)) => number(user) && number(group),
        None => number(text),
    };
    if numeric || account(text).is_none() {
        return None;
    }
    let help = "write the name of an account of `users`, or numbers: `65532:65532`";
    problem("hbuild::lang::bad_account", format!("`{text}` is nobody who can run an image"), help)
}

pub fn word(text: &str) -> Option<Problem> {
    let valid = text.split('-').all(|part| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    });
    if valid {
        return None;
    }
    let help = "lower-case letters and digits, with `-` between words";
    problem("hbuild::lang::bad_name", format!("`{text}` is no name"), help)
}

pub fn suite(text: &str) -> Option<Problem> {
    let valid = text.split('/').all(|part| {
        !matches!(part, "" | "." | "..")
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".+_-".contains(&byte))
    });
    if valid {
        return None;
    }
    let help = "write it as the repository does: `bookworm-updates`, `v3.23`, `main`";
    problem("hbuild::lang::bad_suite", format!("`{text}` is no suite or component"), help)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_each_kind() {
        assert!(env("PATH").is_none() && env("_x1").is_none() && env("1X").is_some() && env("A-B").is_some());
        assert!(os_release("ID_LIKE").is_none() && os_release("id").is_some());
        assert!(label("org.example/x").is_none() && label("a b").is_some() && label(".x").is_some());
        assert!(account("www-data").is_none() && account("_apt").is_none() && account("Root").is_some());
        assert!(word("end-of-life").is_none() && word("End").is_some() && word("a--b").is_some());
        assert!(suite("bookworm-updates").is_none() && suite("../x").is_some());
    }

    #[test]
    fn who_runs_an_image() {
        for good in ["root", "65532", "65532:65532", "0:0"] {
            assert_eq!(run_as(good), None, "{good}");
        }
        for bad in ["", "065", "1:", "nonroot:nonroot", "-1", "4294967295"] {
            assert!(run_as(bad).is_some(), "{bad}");
        }
    }
}
