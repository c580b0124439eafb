//! What the formatter makes of its fixtures: `NAME.hb` becomes `NAME.formatted`.

mod support;
mod syntax_support;

use std::path::PathBuf;

use hbuild_lang::recipe::Step;
use support::{Memory, evaluate};

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

/// Scripts are data: what a build is does not change with the layout, and neither does a byte of its scripts.
#[test]
fn formatting_changes_no_build() {
    let value = |text: &str| {
        let files = Memory::one(text);
        let recipe = evaluate(&files).unwrap().recipe;
        let build = recipe.builds.into_iter().next().unwrap();
        let plain =
            |step: &Step| (step.name.clone(), step.script.clone(), step.dir.clone(), step.env.clone());
        (build.steps.iter().map(plain).collect::<Vec<_>>(), build.env, build.check.unwrap().script)
    };
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/format");
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    assert_eq!(value(&read("builds.hb")), value(&read("builds.formatted")));
}
