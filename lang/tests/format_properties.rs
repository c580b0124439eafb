//! What formatting never does to real recipes: another meaning, another item's comment, a second change.

mod syntax_support;

use std::path::{Path, PathBuf};

use hbuild_lang::syntax::{self, SyntaxKind};
use syntax_support::assert_formats;

fn recipes_below(folder: &Path, found: &mut Vec<PathBuf>) {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            recipes_below(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "hb") {
            found.push(path);
        }
    }
}

/// The recipes of the repository, the modules of `std`, the examples of the book and the fixtures, as far as they
/// parse.
fn real() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    for folder in ["../recipes", "../docs/examples", "std", "tests/fixtures", "tests/format", "tests/syntax"]
    {
        recipes_below(&root.join(folder), &mut paths);
    }
    paths.sort();
    let read = |path: PathBuf| (path.display().to_string(), std::fs::read_to_string(path).unwrap());
    paths.into_iter().map(read).filter(|(_, text)| !syntax::parse(text).has_errors()).collect()
}

#[test]
fn real_recipes_keep_their_meaning() {
    let all = real();
    assert!(all.len() > 40, "only {} recipes were found", all.len());
    for (name, text) in all {
        let formatted = assert_formats(&text);
        if name.contains("/recipes/") || name.contains("/docs/") {
            assert!(formatted == text, "{name} is not formatted");
        }
    }
}

/// A text with a comment at some of the ends of its lines, and below some of its lines, and how many there are.
fn with_comments(text: &str, mut seed: u64) -> (String, usize) {
    let mut random = |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    let tree = syntax::parse(text).syntax();
    let (mut out, mut count, mut commented) = (String::new(), 0, false);
    for token in tree.descendants_with_tokens().filter_map(|element| element.into_token()) {
        if token.kind() != SyntaxKind::Newline {
            commented = matches!(token.kind(), SyntaxKind::Comment | SyntaxKind::DocComment);
            out.push_str(token.text());
            continue;
        }
        if !commented && random(4) == 0 {
            out.push_str(&format!(" # c{count}."));
            count += 1;
        }
        if random(4) == 0 {
            out.push_str(&format!("\n# c{count}."));
            count += 1;
        }
        out.push_str(token.text());
    }
    (out, count)
}

/// The item that the comment with this text is about: the one that it stands in, that it follows on its line, or that
/// comes next.
fn owner(text: &str, comment: &str) -> usize {
    let at = text.find(comment).unwrap_or_else(|| panic!("{comment} is lost"));
    let file = syntax::parse(text).file();
    let line_of_end = |end: usize| text[end..].find('\n').map_or(text.len(), |feed| end + feed);
    file.items.iter().filter(|item| line_of_end(item.span().range().end) < at).count()
}

#[test]
fn comments_stay_with_their_items_wherever_they_stand() {
    let mut comments = 0;
    for (name, text) in real() {
        for seed in 0..3 {
            let (commented, count) = with_comments(&text, seed);
            if syntax::parse(&commented).has_errors() {
                continue;
            }
            let formatted = assert_formats(&commented);
            for comment in (0..count).map(|number| format!("# c{number}.")) {
                let (before, after) = (owner(&commented, &comment), owner(&formatted, &comment));
                assert_eq!(before, after, "{comment} of {name}, seed {seed}\n{commented}\n---\n{formatted}");
            }
            comments += count;
        }
    }
    assert!(comments > 1_000, "only {comments} comments");
}
