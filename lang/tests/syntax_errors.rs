//! Every mistake has its diagnostic, at its place, and no more than that.
//!
//! A fixture says below each line what is reported about it: `#~ error CODE` with the text of the primary place in
//! backquotes, `#~2` two lines further up. Those lines are comments of the recipe.

mod syntax_support;

use std::collections::BTreeSet;

use hbuild_lang::diagnostic::{Diagnostic, LineIndex, Severity};
use hbuild_lang::syntax;

fn said(diagnostic: &Diagnostic, text: &str) -> (u32, String) {
    let label = diagnostic.primary().unwrap();
    let severity = if diagnostic.severity == Severity::Error { "error" } else { "warning" };
    let line = LineIndex::new(text).line_column(label.range.start).line;
    (line, format!("{severity} {} `{}`", diagnostic.code, &text[label.range.clone()]))
}

fn expected(text: &str) -> Vec<(u32, String)> {
    let mut about = 0;
    let mut expected = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        match line.strip_prefix("#~").and_then(|said| said.split_once(' ')) {
            Some((up, said)) => expected.push((about - up.parse().unwrap_or(0), said.to_owned())),
            None => about = number,
        }
    }
    expected
}

#[test]
fn fixtures_report_what_they_say() {
    for (name, text) in syntax_support::fixtures("syntax_errors") {
        let parse = syntax::parse(&text);
        let found: Vec<_> = parse.diagnostics().iter().map(|found| said(found, &text)).collect();
        let wanted = expected(&text);
        let lines = |list: &[(u32, String)]| {
            list.iter().map(|(line, said)| format!("{name}:{line} {said}\n")).collect::<String>()
        };
        assert!(found == wanted, "{name} reports\n{}but says\n{}", lines(&found), lines(&wanted));
        assert_eq!(hbuild_lang::format::format(&text), Err(parse.diagnostics().to_vec()));
    }
}

/// What cannot stand in a fixture with others: text, code, text of the primary place.
const SINGLE: [(&str, &str, &str); 21] = [
    ("", "missing_edition", ""),
    ("import std/base\n", "missing_edition", "import std/base"),
    ("hbiuld 1\n", "missing_edition", "hbiuld"),
    ("hbuild\n", "missing_edition", "hbuild"),
    ("hbuild \"1\"\n", "missing_edition", "hbuild"),
    ("hbuild 2\n", "unknown_edition", "2"),
    ("# words\nhbuild 1\n", "edition_not_first", "hbuild"),
    ("\u{feff}hbuild 1\n", "byte_order_mark", "\u{feff}"),
    ("hbuild 1\r\nlet a = 1\r\n", "carriage_return", "\r"),
    ("hbuild 1\n# a\0\n", "nul", "\0"),
    ("hbuild 1\n# a\u{7}\n", "control_character", "\u{7}"),
    ("hbuild 1\nlet a = \"\u{202e}\"\n", "bidirectional_control", "\u{202e}"),
    ("hbuild 1\n# \u{2066}\n", "bidirectional_control", "\u{2066}"),
    ("hbuild 1\nlet a = \"\u{2028}\"\n", "control_character", "\u{2028}"),
    ("hbuild 1\n# a\u{200b}b\n", "hidden_character", "\u{200b}"),
    ("hbuild 1\nlet a = r\"b\u{feff}\"\n", "hidden_character", "\u{feff}"),
    ("hbuild 1\nlet a = \"\u{e0041}\"\n", "hidden_character", "\u{e0041}"),
    ("hbuild 1\nlet a = \u{3164}1\n", "hidden_character", "\u{3164}"),
    ("hbuild 1\nlet a = \u{a0}1\n", "unknown_character", "\u{a0}"),
    ("hbuild 1\nimage a {\n  script = \"\"\"\n  a = 1\n}\n", "unclosed_string", "\"\"\""),
    ("hbuild 1\nlet größe = 1\n", "bad_name", "größe"),
];

#[test]
fn single_mistakes_are_reported_alone() {
    for (text, code, place) in SINGLE {
        let parse = syntax::parse(text);
        let found: Vec<_> = parse.diagnostics().iter().map(|found| said(found, text).1).collect();
        assert_eq!(found, [format!("error hbuild::syntax::{code} `{place}`")], "{text:?}");
    }
    let parse = syntax::parse_bytes(b"hbuild 1\n\xff");
    assert_eq!(parse.diagnostics()[0].code, "hbuild::syntax::invalid_utf8");
    assert_eq!(parse.diagnostics()[0].primary().unwrap().range, 9..12);
}

/// The codes that the stage has, without `hbuild::syntax::`.
fn codes() -> BTreeSet<&'static str> {
    let source = include_str!("../src/syntax/report.rs").split('"');
    source.filter_map(|text| text.strip_prefix("hbuild::syntax::")).filter(|code| !code.is_empty()).collect()
}

#[test]
fn every_code_is_tested() {
    let mut untested = codes();
    for (_, text) in syntax_support::fixtures("syntax_errors") {
        for (_, said) in expected(&text) {
            let code = said.split(' ').nth(1).unwrap().trim_start_matches("hbuild::syntax::");
            untested.remove(code);
        }
    }
    for (_, code, _) in SINGLE {
        untested.remove(code);
    }
    for elsewhere in ["invalid_utf8", "too_long", "too_deep"] {
        assert!(untested.remove(elsewhere), "{elsewhere} is tested twice, or is no code");
    }
    assert!(untested.is_empty(), "{untested:?}");
}
