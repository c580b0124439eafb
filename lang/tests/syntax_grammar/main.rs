//! The parser and the grammar of the book (`docs/src/grammar.md`) accept the same texts.

mod ebnf;
mod recognizer;
mod sentences;
#[path = "../syntax_support/mod.rs"]
mod syntax_support;

use std::collections::BTreeSet;

use hbuild_lang::syntax;
use recognizer::{Recognizer, tokens};

#[test]
fn the_parser_accepts_every_sentence_of_the_grammar() {
    let grammar = ebnf::read();
    for seed in 0..600 {
        let text = sentences::sentence(&grammar, seed, 40 + usize::try_from(seed).unwrap() % 200);
        let parse = syntax::parse(&text);
        assert_eq!(parse.syntax().text().to_string(), text);
        assert!(!parse.has_errors(), "seed {seed}: {:#?}\n{text}", parse.diagnostics());
        syntax_support::assert_formats(&text);
    }
}

#[test]
fn the_grammar_accepts_the_fixtures_and_they_use_all_of_it() {
    let grammar = ebnf::read();
    let mut used = BTreeSet::new();
    for (name, text) in syntax_support::fixtures("syntax") {
        let parse = syntax::parse(&text);
        assert!(parse.diagnostics().is_empty(), "{name}: {:#?}", parse.diagnostics());
        assert!(Recognizer::new(&grammar, &tokens(&text)).accepts(Some(&mut used)), "{name}");
    }
    let unused: Vec<&String> =
        (0..grammar.names.len()).filter(|id| !used.contains(id)).map(|id| &grammar.names[id]).collect();
    assert!(unused.is_empty(), "no fixture has {unused:#?}");
}

/// What the page says in words, so that the recognizer does not know it.
const IN_WORDS: [&str; 8] = [
    "semicolon",
    "too_deep",
    "nested_comprehension",
    "interpolation_too_complex",
    "not_constant",
    "bad_import",
    "unknown_edition",
    "edition_not_first",
];

#[test]
fn parser_and_grammar_agree_on_damaged_recipes() {
    let grammar = ebnf::read();
    let mut seed = 1u64;
    let mut random = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap() % below
    };
    let mut refused = 0;
    for case in 0..2500 {
        let sentence = sentences::sentence(&grammar, case, 60);
        let tree = syntax::parse(&sentence).syntax();
        let mut parts: Vec<String> = tree
            .descendants_with_tokens()
            .filter_map(|element| element.into_token())
            .map(|token| token.text().to_owned())
            .collect();
        let at = random(parts.len());
        match random(3) {
            0 => drop(parts.remove(at)),
            1 => parts.insert(at, parts[at].clone()),
            _ => {
                let other = random(parts.len());
                parts.swap(at, other);
            }
        }
        let text = parts.concat();
        let parse = syntax::parse(&text);
        assert_eq!(parse.syntax().text().to_string(), text);
        let codes = parse.diagnostics().iter().filter(|found| found.is_error());
        let codes: Vec<&str> = codes.map(|found| found.code.trim_start_matches("hbuild::syntax::")).collect();
        let lexical =
            ["unclosed_string", "unclosed_interpolation", "unknown_character", "bad_name", "bad_escape"];
        let numbers = [
            "bad_number",
            "float",
            "leading_zero",
            "number_too_large",
            "text_after_quotes",
            "mixed_indentation",
        ];
        if codes
            .iter()
            .any(|code| lexical.contains(code) || numbers.contains(code) || IN_WORDS.contains(code))
        {
            continue;
        }
        let accepted = Recognizer::new(&grammar, &tokens(&text)).accepts(None);
        assert_eq!(codes.is_empty(), accepted, "case {case}: {codes:?}\n{text}");
        refused += usize::from(!accepted);
    }
    assert!(refused > 300, "only {refused} damaged recipes were refused");
}
