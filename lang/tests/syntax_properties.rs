//! What holds for every text: the tree is the text, parsing ends, formatting changes no meaning.

mod syntax_support;

use hbuild_lang::format::format;
use hbuild_lang::syntax::{self, LENGTH_LIMIT};
use proptest::prelude::*;

/// Pieces that texts are made of: all tokens, the beginnings of tokens, and what is refused.
fn piece() -> impl Strategy<Value = String> {
    let words = [
        "hbuild 1\n",
        "import",
        "let",
        "for",
        "in",
        "fn",
        "when",
        "match",
        "is",
        "use",
        "and",
        "or",
        "not",
        "true",
        "false",
        "none",
        "source",
        "build",
        "image",
        "repository",
        "step",
        "test",
        "waive",
        "imgae",
        "a",
        "b-c",
        "B_C",
        "b--c",
        "_",
        "0",
        "12",
        "012",
        "0o7",
        "1.5",
        "9k",
        "{",
        "}",
        "[",
        "]",
        "(",
        ")",
        ",",
        ";",
        ":",
        ".",
        "/",
        "=",
        "+=",
        "=>",
        "==",
        "!=",
        "<",
        "<=",
        ">",
        ">=",
        "+",
        "\"",
        "\"\"\"",
        "r\"",
        "r#\"",
        "\"#",
        "{{",
        "}}",
        "\\",
        "\\n",
        "\\u{e9}",
        "#",
        "##",
        "# words\n",
        "\n## words\n",
        "\n",
        "\n\n",
        "\n  ",
        "\n\t",
        " ",
        " ",
        " ",
        "\t",
        "-",
        "!",
        "$",
        "'",
        "é",
        "\u{202e}",
        "\r\n",
        "\0",
        "\"a\"",
        "\"{{x}}\"",
        "a = 1\n",
        "image a {\n",
        "}\n",
    ];
    prop_oneof![
        40 => prop::sample::select(words.to_vec()).prop_map(str::to_owned),
        1 => any::<String>(),
        1 => "[ -~]{0,8}",
    ]
}

fn text() -> impl Strategy<Value = String> {
    (any::<bool>(), prop::collection::vec(piece(), 0..80)).prop_map(|(first, pieces)| {
        if first { format!("hbuild 1\n{}", pieces.concat()) } else { pieces.concat() }
    })
}

fn check(text: &str) {
    let parse = syntax::parse(text);
    assert_eq!(parse.syntax().text().to_string(), text);
    for diagnostic in parse.diagnostics() {
        let range = diagnostic.primary().unwrap().range.clone();
        assert!(text.get(range.clone()).is_some(), "{range:?} is no range of {text:?}");
        assert!(diagnostic.help.is_some() && diagnostic.code.starts_with("hbuild::syntax::"));
    }
    let file = parse.file();
    assert!(!format!("{file:?}").contains("Missing") || parse.has_errors(), "{text:?}");
    if parse.has_errors() {
        assert!(format(text).is_err());
    } else {
        syntax_support::assert_formats(text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_has_a_tree(text in text()) {
        check(&text);
    }

    #[test]
    fn any_characters_have_a_tree(text in any::<String>()) {
        check(&text);
    }

    #[test]
    fn any_bytes_are_judged(bytes in any::<Vec<u8>>()) {
        let parse = syntax::parse_bytes(&bytes);
        assert_eq!(std::str::from_utf8(&bytes).is_err(), parse.diagnostics().iter().any(|found| found.code == "hbuild::syntax::invalid_utf8"));
    }
}

/// Cuts and joins of correct recipes: what a person has on the screen while writing.
#[test]
fn every_beginning_of_a_recipe_has_a_tree() {
    for (_, text) in syntax_support::fixtures("syntax") {
        for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
            check(&text[..end]);
        }
        let lines: Vec<&str> = text.lines().collect();
        for left_out in 0..lines.len() {
            let kept = lines.iter().enumerate().filter(|(index, _)| *index != left_out);
            check(&kept.map(|(_, line)| format!("{line}\n")).collect::<String>());
        }
    }
}

fn code_of(text: &str) -> &'static str {
    syntax::parse(text).diagnostics().first().map_or("none", |found| found.code)
}

/// Time linear in the length, and no overflow of the stack: quadratic would be
/// minutes.
#[test]
fn hostile_texts_end_soon() {
    const LENGTH: usize = 1 << 16;
    let units = [
        "[",
        "(",
        "{",
        "a(",
        "a.",
        "a+",
        "not ",
        "{{",
        "\"{{",
        "[a for b in ",
        "f(a\n",
        "[\"a\"\n",
        "a = [\n",
        "x {\n",
        "when a {",
        "match a { a => ",
        "a is a(",
        "]",
        "}",
        ")",
        ",",
        ";",
        "= ",
        "\"",
        "\"\"\"",
        "r\"\" ",
        "r#",
        "##\n",
        "# a\n",
        "\n",
        "'",
        "image a {\n",
        "a\n",
        "\n+ a",
        "\u{e9}",
        "{ ; ",
        "let a = (\n",
        "\\",
        "\"\\q\" ",
        "012 ",
        "a-",
        "1.",
        "-",
    ];
    for unit in units {
        for before in ["", "let a = ", "image a {\n"] {
            let text = format!("hbuild 1\n{before}{}", unit.repeat(LENGTH / unit.len()));
            let begun = std::time::Instant::now();
            let parse = syntax::parse(&text);
            let file = parse.file();
            drop(file);
            assert!(parse.diagnostics().len() <= 100, "{unit:?}");
            let seconds = begun.elapsed().as_secs_f32();
            assert!(seconds < 5.0, "{unit:?} after {before:?} took {seconds} s");
        }
    }
}

#[test]
fn nesting_is_limited() {
    let nested = |depth: usize| format!("hbuild 1\nlet a = {}{}\n", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(code_of(&nested(100)), "none");
    assert_eq!(code_of(&nested(200)), "hbuild::syntax::too_deep");
    let chain = |length: usize| format!("hbuild 1\nlet a = b{}\n", " + b".repeat(length));
    assert_eq!(code_of(&chain(100)), "none");
    assert_eq!(code_of(&chain(200)), "hbuild::syntax::too_deep");
    assert_eq!(syntax::parse(&chain(100_000)).diagnostics().len(), 1);
    assert_eq!(syntax::parse(&nested(100_000)).diagnostics().len(), 1);
}

#[test]
fn the_length_is_limited() {
    let text = "#".repeat(LENGTH_LIMIT + 1);
    let parse = syntax::parse(&text);
    assert_eq!(parse.diagnostics()[0].code, "hbuild::syntax::too_long");
    assert_eq!(usize::from(parse.syntax().text().len()), text.len());
    assert_ne!(code_of(&"#".repeat(LENGTH_LIMIT)), "hbuild::syntax::too_long");
}
