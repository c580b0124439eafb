//! The recipes of the book's page on the language.

mod support;

use std::path::Path;

use support::{Memory, evaluate, render_all};

#[test]
fn whole_recipes_of_the_book_evaluate() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/src/language.md");
    let page = std::fs::read_to_string(path).unwrap();
    let blocks = page.split("```hb\n").skip(1).map(|block| block.split("```").next().unwrap());
    let whole: Vec<&str> = blocks.filter(|block| block.starts_with("hbuild 1\n")).collect();
    assert!(whole.len() >= 4);
    for recipe in whole {
        let checked = match evaluate(&Memory::one(recipe)) {
            Ok(evaluated) => evaluated.checked,
            Err(checked) => checked,
        };
        assert_eq!(render_all(&checked), "");
    }
}
