//! "Did you mean": what could stand where a name is not known.

use crate::diagnostic::nearest;

/// Words that other tools have for something, and those that recipes have.
const WORDS: &[(&str, &str)] = &[
    ("build-deps", "tools"),
    ("checksum", "sha256"),
    ("command", "cmd"),
    ("dependencies", "packages"),
    ("deps", "packages"),
    ("description", "title"),
    ("digest", "sha256"),
    ("environment", "env"),
    ("expose", "ports"),
    ("files", "paths"),
    ("hash", "sha256"),
    ("name", "title"),
    ("pkgs", "packages"),
    ("src", "source"),
    ("tag", "tags"),
    ("user", "run-as"),
    ("working-dir", "work-dir"),
];

/// The candidate that `name` was probably meant to be.
pub fn meant<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let mut all: Vec<&str> = candidates.into_iter().collect();
    all.sort_unstable();
    let known = WORDS.iter().filter(|(word, _)| *word == name);
    let known =
        known.filter_map(|(_, meant)| all.iter().copied().find(|candidate| candidate == meant)).next();
    known.or_else(|| nearest(name, all).filter(|_| name.chars().count() > 2))
}

/// A help line: the nearest candidate, else all that can stand there.
pub fn help<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>, what: &str) -> String {
    const SHOWN: usize = 40;
    let mut all: Vec<&str> = candidates.into_iter().collect();
    all.sort_unstable();
    all.dedup();
    if let Some(found) = meant(name, all.iter().copied()) {
        return format!("did you mean `{found}`?");
    }
    match all.as_slice() {
        [] => format!("there are no {what} here"),
        few if few.len() <= SHOWN => format!("{what} here: {}", few.join(", ")),
        many => format!("{what} here: {}, and {} more", many[..SHOWN].join(", "), many.len() - SHOWN),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_or_all_names() {
        assert_eq!(help("pakages", ["packages", "paths"], "fields"), "did you mean `packages`?");
        assert_eq!(help("zzz", ["b", "a", "b"], "fields"), "fields here: a, b");
        assert_eq!(help("zzz", [], "axes"), "there are no axes here");
        assert_eq!(help("user", ["run-as", "users"], "fields"), "did you mean `run-as`?");
        assert_eq!(help("user", ["users"], "fields"), "did you mean `users`?");
    }
}
