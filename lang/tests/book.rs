//! The pages about the language that show recipes or list names hold what they say.

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use hbuild_lang::assist::{FieldNote, reference};
use support::{Memory, evaluate, render_all};

fn path(relative: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(relative)
}

fn text(relative: &str) -> String {
    fs::read_to_string(path(relative)).unwrap()
}

fn blocks(page: &str) -> Vec<&str> {
    page.split("```hb\n").skip(1).map(|block| block.split("```").next().unwrap()).collect()
}

#[test]
fn every_step_of_the_tour_is_a_formatted_recipe_without_a_mistake() {
    let page = text("docs/src/ten-minutes.md");
    let steps = blocks(&page);
    assert_eq!(steps.len(), 8, "seven steps, and a module");
    let module = steps.iter().find(|step| !step.contains("\nimage ")).unwrap();
    for step in &steps {
        assert_eq!(hbuild_lang::format::format(step).as_deref(), Ok(*step));
        if step == module {
            continue;
        }
        let mut files = Memory::one(step);
        files.0.insert("common.hb".to_owned(), module.as_bytes().to_vec());
        let checked = evaluate(&files).map_or_else(|checked| checked, |evaluated| evaluated.checked);
        assert_eq!(render_all(&checked), "", "{step}");
    }
}

fn rows(fields: &[FieldNote], prefix: &str) -> String {
    let row = |field: &FieldNote| {
        let own =
            format!("| `{prefix}{}` | {} | {} |\n", field.name, field.takes, field.doc.replace('|', "\\|"));
        own + &rows(&field.records, &format!("{prefix}{}.*.", field.name))
    };
    fields.iter().map(row).collect()
}

#[test]
fn the_tables_of_fields_are_those_that_check_reads() {
    let tables = reference().into_iter().map(|(name, fields)| {
        format!("\n### `{name}`\n\n| field | takes | |\n| --- | --- | --- |\n{}", rows(&fields, ""))
    });
    let tables = tables.collect::<String>() + "\n";
    let page = text("docs/src/reference.md");
    let (before, rest) = page.split_once("<!-- fields -->\n").unwrap();
    let (_, after) = rest.split_once("<!-- /fields -->").unwrap();
    let wanted = format!("{before}<!-- fields -->\n{tables}<!-- /fields -->{after}");
    if std::env::var_os("UPDATE").is_some() {
        fs::write(path("docs/src/reference.md"), &wanted).unwrap();
        return;
    }
    assert!(page == wanted, "UPDATE=1 cargo test -p hbuild-lang --test book writes the new tables");
}

#[test]
fn every_name_of_the_edition_is_in_the_reference() {
    let (page, source) = (text("docs/src/reference.md"), text("lang/src/modules/builtin.rs"));
    let names = source.split("const NAMES").nth(1).unwrap().split("];").next().unwrap();
    let names: Vec<&str> = names.split('"').skip(1).step_by(2).collect();
    assert!(names.len() > 15);
    for name in names {
        let called = format!("`{name}(");
        assert!(page.contains(&format!("`{name}`")) || page.contains(&called), "{name}");
    }
    for part in source.split("\", Method::").take(source.matches("\", Method::").count()) {
        let method = part.rsplit('"').next().unwrap();
        assert!(page.contains(&format!("`.{method}(")), "{method}");
    }
}

#[test]
fn the_limits_are_those_of_the_evaluator() {
    let page = text("docs/src/reference.md");
    for (file, constant, row) in [
        ("eval/budget.rs", "STEPS: u64 = 1_000_000;", "| steps of an evaluation | 1,000,000 |"),
        ("eval/budget.rs", "BYTES: u64 = 32 << 20;", "| text that an evaluation makes | 32 MiB |"),
        ("eval/budget.rs", "DEPTH: u32 = 256;", "| calls and `let`s inside one another | 256 |"),
        ("eval/budget.rs", "POINTS: usize = 20_000;", "| points of the axes of a file | 20,000 |"),
        (
            "check/definitions.rs",
            "CHAIN_LIMIT: u32 = 64;",
            "| definitions that mention one another | 64 in a chain |",
        ),
        ("modules/load.rs", "FILES_LIMIT: usize = 256;", "| modules of a recipe | 256 |"),
        ("syntax/mod.rs", "DEPTH_LIMIT: u32 = 128;", "| blocks and expressions inside one another | 128 |"),
        ("syntax/mod.rs", "LENGTH_LIMIT: usize = 4 << 20;", "| a file | 4 MiB |"),
    ] {
        assert!(text(&format!("lang/src/{file}")).contains(constant), "{file}: {constant}");
        assert!(page.contains(row), "{row}");
    }
}
