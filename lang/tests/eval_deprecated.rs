//! The warnings of deprecated names carry the change that writes their successors.

mod support;

use support::{Memory, evaluate};

#[test]
fn the_suggestions_of_deprecated_names_write_their_successors() {
    let fixture = std::fs::read_to_string(
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/deprecated.hb"),
    )
    .unwrap();
    let checked = evaluate(&Memory::fixture(&fixture)).unwrap().checked;
    let mut text = checked.texts["recipe.hb"].clone();
    let suggestions = checked.diagnostics.iter().rev().flat_map(|diagnostic| &diagnostic.suggestions);
    let mut changed = 0;
    for edit in suggestions.flat_map(|suggestion| &suggestion.edits) {
        assert_eq!(edit.file.as_deref(), Some("recipe.hb"));
        text.replace_range(edit.range.clone(), &edit.text);
        changed += 1;
    }
    assert_eq!(changed, 4);
    assert!(text.contains("packages = packages + packages\n"));
    assert!(text.contains("\n    tools.words.join(\"-\"),\n") && text.contains("\n    tools.words,\n"));
}
