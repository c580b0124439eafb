//! The rules of the layout (`docs/src/architecture.md`), held against the sources themselves: the direction of
//! imports, who may touch the operating system, where `unsafe` stands, the size of files, and that every error
//! code has exactly one entry in the book.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Modules of `src/` that may touch the operating system.
const OUTSIDE: &[&str] = &["host", "store", "sandbox", "remote", "cli", "main"];
/// What of the standard library touches it.
const SYSTEM: &[&str] = &["fs", "env", "process", "net"];
/// Longest file in lines.
const LINES: usize = 500;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// One source file, without its comments, strings and tests.
struct Source {
    /// Path relative to the root.
    name: String,
    /// Module of the crate it belongs to: `store` for `src/store/pack/write.rs`.
    module: String,
    /// What is left of the text.
    code: String,
    /// The text as it is.
    text: String,
}

fn files_below(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files_below(&path, extension, found);
        } else if path.extension().is_some_and(|found| found == extension) {
            found.push(path);
        }
    }
    found.sort();
}

/// Every source file of `folder` that is not a test.
fn sources(folder: &str) -> Vec<Source> {
    let folder = root().join(folder);
    let mut paths = Vec::new();
    files_below(&folder, "rs", &mut paths);
    let source = |path: PathBuf| {
        let inner = path.strip_prefix(&folder).unwrap();
        let parts: Vec<_> = inner.iter().map(|part| part.to_str().unwrap()).collect();
        let test = parts.iter().any(|part| {
            *part == "tests" || *part == "tests.rs" || part.ends_with("_tests.rs") || *part == "testing"
        });
        let text = fs::read_to_string(&path).unwrap();
        let module = parts[0].trim_end_matches(".rs").to_owned();
        let name = path.strip_prefix(root()).unwrap().display().to_string();
        (!test).then(|| Source { name, module, code: code(&text), text })
    };
    paths.into_iter().filter_map(source).collect()
}

/// `text` with comments, string and character literals blanked and test modules cut off. Good enough for the
/// sources of this project; it is no Rust parser.
fn code(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let rest = &text.as_bytes()[at..];
        if rest.starts_with(b"//") {
            at += rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len());
        } else if rest.starts_with(b"r\"") || rest.starts_with(b"r#") && !word_before(bytes, at) {
            let hashes = rest[1..].iter().take_while(|&&byte| byte == b'#').count();
            if rest.get(1 + hashes) == Some(&b'"') {
                let end = format!("\"{}", "#".repeat(hashes));
                let length = text[at + 2 + hashes..].find(&end).map_or(rest.len(), |found| found + end.len());
                at += 2 + hashes + length;
            } else {
                out.push(rest[0]);
                at += 1;
            }
        } else if rest[0] == b'"' {
            at += 1 + quoted(&rest[1..]);
            out.extend_from_slice(b"\"\"");
        } else if rest[0] == b'\'' && (rest.get(1) == Some(&b'\\') || rest.get(2) == Some(&b'\'')) {
            let escape = usize::from(rest.get(1) == Some(&b'\\'));
            let from = 2 + escape;
            at +=
                rest[from..].iter().position(|&byte| byte == b'\'').map_or(rest.len(), |end| from + end + 1);
        } else {
            out.push(rest[0]);
            at += 1;
        }
    }
    let code = String::from_utf8_lossy(&out).into_owned();
    match code.find("#[cfg(test)]\nmod ") {
        Some(tests) if code[tests..].contains('{') => code[..tests].to_owned(),
        _ => code,
    }
}

fn word_before(bytes: &[u8], at: usize) -> bool {
    at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_')
}

/// Length of a string literal's rest, its closing quote included.
fn quoted(rest: &[u8]) -> usize {
    let mut at = 0;
    while at < rest.len() && rest[at] != b'"' {
        at += 1 + usize::from(rest[at] == b'\\');
    }
    at + 1
}

/// The words that follow `prefix` in `code`: `a` for `crate::a::b`, `a` and `b` for `crate::{a::x, b}`.
fn after<'a>(code: &'a str, prefix: &str) -> Vec<&'a str> {
    let word = |text: &'a str| {
        let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
        &text[..end]
    };
    let mut found = Vec::new();
    for (at, _) in code.match_indices(prefix) {
        if word_before(code.as_bytes(), at) {
            continue;
        }
        let rest = &code[at + prefix.len()..];
        match rest.strip_prefix('{') {
            None => found.push(word(rest)),
            Some(list) => {
                let mut depth = 0;
                let mut start = true;
                for (at, c) in list.char_indices() {
                    match c {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => start = true,
                        _ if start && depth == 0 && !c.is_whitespace() => {
                            found.push(word(&list[at..]));
                            start = false;
                        }
                        _ => {}
                    }
                }
            }
        }
    }
    found.retain(|word| !word.is_empty());
    found
}

/// The groups of modules of `src/lib.rs`, in order: a blank line ends a group.
fn groups() -> BTreeMap<String, usize> {
    let text = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let mut groups = BTreeMap::new();
    for (number, group) in text.split("\n\n").enumerate() {
        let modules = group.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
        groups.extend(modules.map(|module| (module.to_owned(), number)));
    }
    groups
}

#[test]
fn imports_point_backwards() {
    let groups = groups();
    let mut forward = BTreeSet::new();
    for source in sources("src") {
        let Some(own) = groups.get(&source.module) else { continue };
        for imported in after(&source.code, "crate::") {
            if groups.get(imported).is_some_and(|other| other > own) {
                forward.insert(format!("{}: crate::{imported}", source.name));
            }
        }
    }
    assert!(forward.is_empty(), "imports against the order of src/lib.rs: {forward:#?}");
}

#[test]
fn groups_have_no_cycles_inside() {
    let groups = groups();
    let mut imports: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for source in sources("src") {
        for imported in after(&source.code, "crate::") {
            if imported != source.module && groups.get(imported) == groups.get(&source.module) {
                imports.entry(source.module.clone()).or_default().insert(imported.to_owned());
            }
        }
    }
    for (module, others) in &imports {
        for other in others {
            let back = imports.get(other).is_some_and(|others| others.contains(module));
            assert!(!back, "`{module}` and `{other}` import each other");
        }
    }
}

#[test]
fn only_the_outer_modules_touch_the_system() {
    let mut touching = BTreeSet::new();
    for (folder, allowed) in [("src", OUTSIDE), ("lang/src", &[][..])] {
        for source in sources(folder).iter().filter(|source| !allowed.contains(&source.module.as_str())) {
            for word in after(&source.code, "std::") {
                if SYSTEM.contains(&word) {
                    touching.insert(format!("{}: std::{word}", source.name));
                }
            }
            if after(&source.code, "time::").contains(&"SystemTime") {
                touching.insert(format!("{}: SystemTime", source.name));
            }
        }
    }
    assert!(touching.is_empty(), "the operating system is for {OUTSIDE:?} alone: {touching:#?}");
}

#[test]
fn unsafe_stands_in_the_sandbox_alone() {
    for source in sources("src").into_iter().chain(sources("lang/src")) {
        let words = source.code.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let found = words.into_iter().any(|word| word == "unsafe");
        assert!(!found || source.module == "sandbox", "`unsafe` in {}", source.name);
    }
}

#[test]
fn files_are_short() {
    let mut paths = Vec::new();
    for folder in ["src", "lang/src", "tests", "lang/tests"] {
        files_below(&root().join(folder), "rs", &mut paths);
    }
    let lines = |path: &PathBuf| fs::read_to_string(path).unwrap().lines().count();
    let long: Vec<_> = paths.iter().filter(|path| lines(path) > LINES).collect();
    assert!(long.is_empty(), "over {LINES} lines: {long:#?}");
}

#[test]
fn every_module_says_what_it_is() {
    let silent: Vec<_> = sources("src")
        .into_iter()
        .chain(sources("lang/src"))
        .filter(|source| !source.text.starts_with("//! "))
        .map(|source| source.name)
        .collect();
    assert!(silent.is_empty(), "without a module comment: {silent:#?}");
}

/// Every `hbuild::<stage>::<name>` in `text`.
fn codes(text: &str) -> Vec<String> {
    let part = |text: &str| {
        let name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        text.chars().take_while(|&c| name(c)).collect::<String>()
    };
    let mut found = Vec::new();
    for (at, prefix) in text.match_indices("hbuild::") {
        if word_before(text.as_bytes(), at) {
            continue;
        }
        let rest = &text[at + prefix.len()..];
        let stage = part(rest);
        if let Some(rest) = rest[stage.len()..].strip_prefix("::") {
            let name = part(rest);
            let ended = !rest[name.len()..].starts_with([':', '(', '!']);
            if !stage.is_empty() && !name.is_empty() && ended {
                found.push(format!("hbuild::{stage}::{name}"));
            }
        }
    }
    found
}

/// The codes that the sources state: `code(hbuild::…)` of a derive, or a string.
fn stated_codes() -> BTreeSet<String> {
    let mut stated = BTreeSet::new();
    for source in sources("src").into_iter().chain(sources("lang/src")) {
        let text = source.text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
            for (at, opening) in line.match_indices("code(").chain(line.match_indices('"')) {
                let rest = &line[at + opening.len()..];
                if rest.starts_with("hbuild::") {
                    stated.extend(codes(rest).into_iter().take(1));
                }
            }
        }
    }
    stated
}

#[test]
fn every_error_code_is_documented_once() {
    let mut pages = Vec::new();
    files_below(&root().join("docs/src/errors"), "md", &mut pages);
    let mut documented: BTreeMap<String, usize> = BTreeMap::new();
    for page in pages {
        let text = fs::read_to_string(page).unwrap();
        for line in text.lines() {
            // An entry: a heading, a list item or a row of a table that begins with the code.
            let entry = line.trim_start_matches(['#', '|', '-', '*', ' ', '`']);
            if entry.len() < line.len() && entry.starts_with("hbuild::") {
                for code in codes(entry).into_iter().take(1) {
                    *documented.entry(code).or_default() += 1;
                }
            }
        }
    }
    let stated = stated_codes();
    let missing: Vec<_> = stated.iter().filter(|code| !documented.contains_key(*code)).collect();
    let unused: Vec<_> = documented.keys().filter(|code| !stated.contains(*code)).collect();
    let twice: Vec<_> = documented.iter().filter(|(_, count)| **count > 1).collect();
    assert!(
        missing.is_empty() && unused.is_empty() && twice.is_empty(),
        "docs/src/errors: without an entry {missing:#?}, without a source {unused:#?}, twice {twice:#?}; \
         tests/tools/draft-errors.py drafts what is missing"
    );
}

#[test]
fn every_page_of_the_book_is_reached_and_there() {
    let book = root().join("docs/src");
    let summary = fs::read_to_string(book.join("SUMMARY.md")).unwrap();
    let mut pages = Vec::new();
    files_below(&book, "md", &mut pages);
    for page in &pages {
        let text = fs::read_to_string(page).unwrap();
        for (at, _) in text.match_indices("](") {
            let target = text[at + 2..].split([')', '#', ' ']).next().unwrap_or_default();
            if target.is_empty() || target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let there = page.parent().unwrap().join(target).exists();
            assert!(there, "{}: no {target}", page.display());
        }
        let name = page.strip_prefix(&book).unwrap().display().to_string();
        assert!(
            name == "SUMMARY.md" || summary.contains(&format!("({name})")),
            "SUMMARY.md leaves out {name}"
        );
    }
}

#[test]
fn literals_and_comments_are_no_code() {
    let text = "use crate::a; // crate::b\nlet x = \"crate::c\\\"\"; let y = 'c'; let z = r#\"crate::d\"#; crate::{e::f, g}";
    assert_eq!(after(&code(text), "crate::"), ["a", "e", "g"]);
    assert_eq!(codes("see `hbuild::lock::missing`, hbuild::a::b::c"), ["hbuild::lock::missing"]);
}
