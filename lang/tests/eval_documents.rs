//! The pages on the language's errors: every code of the sources is there, and the examples do what they say.

mod support;

use std::collections::BTreeSet;
use std::path::Path;

use support::{Memory, evaluate, render_all};

fn page() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/src/errors/language.md");
    std::fs::read_to_string(path).unwrap()
}

fn codes_of(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            codes_of(&path, found);
        } else if let Ok(text) = std::fs::read_to_string(&path) {
            for part in text.split("\"hbuild::lang::").skip(1) {
                found.insert(part.split('"').next().unwrap().to_owned());
            }
        }
    }
}

fn recipe(example: &str) -> Memory {
    if example.starts_with("hbuild 1\n") {
        return Memory::one(example);
    }
    Memory::one(&format!(
        "hbuild 1\nimport std/base\nfor distro in [debian(\"13\")], flavor in [runtime, dev], arch in [amd64]\n\
         image app {{\nfor distro, flavor, arch\nuse base.runtime(distro)\n{example}}}\n"
    ))
}

#[test]
fn every_code_is_documented() {
    let mut codes = BTreeSet::new();
    codes_of(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut codes);
    let page = page();
    let documented: BTreeSet<String> =
        page.lines().filter_map(|line| line.strip_prefix("## hbuild::lang::")).map(str::to_owned).collect();
    assert_eq!(codes, documented);
}

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

#[test]
fn the_examples_have_the_error_and_the_mended_ones_have_none() {
    let mut problems = Vec::new();
    for section in page().split("\n## hbuild::lang::").skip(1) {
        let (code, text) = section.split_once('\n').unwrap();
        for (index, block) in text.split("```hb\n").skip(1).enumerate() {
            let example = block.split("```").next().unwrap();
            let checked = match evaluate(&recipe(example)) {
                Ok(evaluated) => evaluated.checked,
                Err(checked) => checked,
            };
            let all = render_all(&checked);
            let code = format!("hbuild::lang::{}", code.trim_start_matches("hbuild::lang::"));
            if index == 0 && !checked.diagnostics.iter().any(|diagnostic| diagnostic.code == code) {
                problems.push(format!("{code}:\n{all}"));
            }
            if index > 0 && !checked.diagnostics.is_empty() {
                problems.push(format!("{code} mended:\n{all}"));
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}
