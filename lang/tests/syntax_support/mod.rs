//! What several tests of the syntax share.

#![allow(dead_code, reason = "each test binary uses its own part of this module")]

use std::path::PathBuf;

use hbuild_lang::syntax::{self, SyntaxKind};

/// The `.hb` files of a folder of `lang/tests/`, by name, sorted.
pub fn fixtures(folder: &str) -> Vec<(String, String)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "hb"));
    files.sort();
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).unwrap();
        (path.file_name().unwrap().to_string_lossy().into_owned(), text)
    };
    files.into_iter().map(read).collect()
}

/// The plain tree without its places.
pub fn meaning(text: &str) -> String {
    let tree = format!("{:?}", syntax::parse(text).file());
    let mut out = String::with_capacity(tree.len());
    let mut rest = tree.as_str();
    while let Some(at) = rest.find("..") {
        let before = rest[..at].trim_end_matches(|digit: char| digit.is_ascii_digit());
        out.push_str(before);
        rest = rest[at + 2..].trim_start_matches(|digit: char| digit.is_ascii_digit());
    }
    out + rest
}

/// The comments of a text, sorted, without the `#` they begin with.
pub fn comments(text: &str) -> Vec<String> {
    let tokens =
        syntax::parse(text).syntax().descendants_with_tokens().filter_map(|element| element.into_token());
    let comments =
        tokens.filter(|token| matches!(token.kind(), SyntaxKind::Comment | SyntaxKind::DocComment));
    let mut found: Vec<String> =
        comments.map(|token| token.text().trim_matches('#').trim().to_owned()).collect();
    found.sort();
    found
}

/// Asserts what holds for the formatted form of every text without errors.
pub fn assert_formats(text: &str) -> String {
    let formatted = hbuild_lang::format::format(text).unwrap_or_else(|errors| panic!("{errors:#?}\n{text}"));
    let again = hbuild_lang::format::format(&formatted).unwrap_or_else(|errors| {
        panic!("the formatted text is wrong: {errors:#?}\n--- from\n{text}\n--- to\n{formatted}")
    });
    assert_eq!(again, formatted, "not idempotent, from\n{text}");
    assert_eq!(meaning(&formatted), meaning(text), "other meaning\n--- from\n{text}\n--- to\n{formatted}");
    assert_eq!(comments(&formatted), comments(text), "other comments\n--- from\n{text}\n--- to\n{formatted}");
    formatted
}
