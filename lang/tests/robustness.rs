//! Texts that are too much of something, or nothing: one clear error each, or a value, and soon.

mod support;

use hbuild_lang::syntax::LENGTH_LIMIT;
use support::{Memory, evaluate};

/// The codes of all errors.
fn codes(files: &Memory) -> Vec<&'static str> {
    match evaluate(files) {
        Ok(_) => Vec::new(),
        Err(checked) => {
            assert!(checked.diagnostics.iter().all(|found| found.help.is_some()));
            checked.diagnostics.iter().filter(|found| found.is_error()).map(|found| found.code).collect()
        }
    }
}

fn bytes(bytes: &[u8]) -> Memory {
    Memory([("recipe.hb".to_owned(), bytes.to_vec())].into())
}

#[test]
fn a_text_that_is_none_has_one_error_at_its_place() {
    let recipe = |text: &str| format!("hbuild 1\nsource s {{ path = \"x\" }}{text}\n").into_bytes();
    let mut marked = b"\xef\xbb\xbf".to_vec();
    marked.extend(recipe(""));
    assert_eq!(codes(&bytes(&marked)), ["hbuild::syntax::byte_order_mark"]);
    let ended = String::from_utf8(recipe("\n# a\n")).unwrap().replace('\n', "\r\n");
    assert_eq!(codes(&Memory::one(&ended)), ["hbuild::syntax::carriage_return"]);
    assert_eq!(codes(&bytes(&recipe(" # \0"))), ["hbuild::syntax::nul"]);
    let mut invalid = recipe("");
    invalid.extend(b"# caf\xe9\n");
    let checked = evaluate(&bytes(&invalid)).unwrap_err();
    let text = support::render_all(&checked);
    assert!(text.contains("invalid_utf8]: the file is not UTF-8\n  --> recipe.hb:3:6 `\u{fffd}`"), "{text}");
    assert_eq!(checked.diagnostics.len(), 1);
    let utf16: Vec<u8> = "hbuild 1\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(codes(&bytes(&[b"\xff\xfe".to_vec(), utf16].concat())) == ["hbuild::syntax::invalid_utf8"]);
}

#[test]
fn an_imported_file_that_is_no_text_is_named() {
    let mut files = Memory::one("hbuild 1\nimport \"a.hb\"\nsource s { path = a.p }\n");
    files.0.insert("a.hb".to_owned(), b"hbuild 1\nlet p = \"\xff\"\n".to_vec());
    let checked = evaluate(&files).unwrap_err();
    let first = &checked.diagnostics[0];
    assert_eq!(first.primary().unwrap().file.as_deref(), Some("a.hb"));
    assert_eq!(first.code, "hbuild::syntax::invalid_utf8");
}

#[test]
fn nothing_is_a_recipe_without_an_edition() {
    for text in ["", "\n", "   \n\n", "# words", "\t"] {
        assert_eq!(codes(&Memory::one(text)), ["hbuild::syntax::missing_edition"], "{text:?}");
    }
    assert_eq!(codes(&Memory::one("hbuild 1")), [""; 0]);
    assert_eq!(codes(&Memory::one("hbuild 1\nsource s { path = \"x\" }")), [""; 0]);
}

#[test]
fn whatever_nests_deeper_than_the_limit_has_one_error() {
    let nests = [
        ("[", "1", "]"),
        ("(", "1", ")"),
        ("{ a = ", "1", " }"),
        ("not ", "true", ""),
        ("f(", "1", ")"),
        ("[x for x in ", "[]", "]"),
        ("match distro { alpine => ", "1", " }"),
        ("\"{{ (", "1", ") }}\""),
        ("[] + (", "[]", ")"),
    ];
    for (open, middle, close) in nests {
        for depth in [300, 50_000] {
            let text = format!("hbuild 1\nlet a = {}{middle}{}\n", open.repeat(depth), close.repeat(depth));
            let found = codes(&Memory::one(&text));
            let first = found.first().copied().unwrap_or_default();
            let expected = match open {
                "[x for x in " => "hbuild::syntax::nested_comprehension",
                "\"{{ (" => first,
                _ => "hbuild::syntax::too_deep",
            };
            assert_eq!(first, expected, "{open:?} {depth} times");
            assert!(found.len() <= 100 && !found.is_empty(), "{open:?}: {found:?}");
        }
    }
    for open in ["when true {\n", "step \"x\" {\n", "image x {\n"] {
        let text = format!("hbuild 1\nimage i {{\n{}{}}}\n", open.repeat(5_000), "}\n".repeat(5_000));
        let found = codes(&Memory::one(&text));
        assert!(!found.is_empty() && found.len() <= 300, "{open:?}: {}", found.len());
    }
}

#[test]
fn a_file_has_a_largest_size() {
    let line = format!("hbuild 1\n# {}\n", "x".repeat(LENGTH_LIMIT - 20));
    assert_eq!(codes(&Memory::one(&line)), [""; 0]);
    let longer = format!("hbuild 1\n# {}\n", "x".repeat(LENGTH_LIMIT));
    assert_eq!(codes(&Memory::one(&longer)), ["hbuild::lang::unreadable"]);
}

#[test]
fn ten_thousand_items_have_a_value() {
    let items: String = (0..10_000).map(|n| format!("source s{n} {{ path = \"x\" }}\n")).collect();
    let recipe = evaluate(&Memory::one(&format!("hbuild 1\n{items}"))).unwrap().recipe;
    assert_eq!(recipe.sources.len(), 10_000);
}

#[test]
fn a_million_elements_are_too_many() {
    let text =
        format!("hbuild 1\nfor x in [{}]\nsource s {{ for x; path = \"x\" }}\n", "1,".repeat(1_000_000));
    assert_eq!(codes(&Memory::one(&text)), ["hbuild::lang::budget"]);
}
