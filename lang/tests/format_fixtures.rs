//! What the formatter makes of its fixtures: `NAME.hb` becomes `NAME.formatted`.

mod syntax_support;

use std::path::PathBuf;

#[test]
fn fixtures_become_what_stands_beside_them() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/format");
    for (name, text) in syntax_support::fixtures("format") {
        let wanted = std::fs::read_to_string(folder.join(&name).with_extension("formatted")).unwrap();
        let formatted = syntax_support::assert_formats(&text);
        assert!(formatted == wanted, "{name} becomes\n{formatted}");
    }
}

/// The example of the language's description is formatted already.
#[test]
fn the_example_stays_as_it_is() {
    let (_, shape) =
        syntax_support::fixtures("syntax").into_iter().find(|(name, _)| name == "shape.hb").unwrap();
    assert_eq!(syntax_support::assert_formats(&shape), shape);
}

#[test]
fn errors_are_returned() {
    let errors = hbuild_lang::format::format("hbuild 1\nlet a = [\n").unwrap_err();
    assert_eq!(errors[0].code, "hbuild::syntax::unclosed_bracket");
}
