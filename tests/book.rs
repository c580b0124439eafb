//! What the book shows is what the repository has: the worked example, and the recipes of the README.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn text(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

fn check(target: &Path) {
    let output = Command::new(env!("CARGO_BIN_EXE_hbuild")).arg("check").arg(target).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_guide_shows_the_example() {
    let page = text("docs/src/building.md");
    for file in ["greet.hb", "patches/greet-by-name.patch"] {
        assert!(
            page.contains(&text(&format!("docs/examples/greet/{file}"))),
            "{file} is another on the page"
        );
    }
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/examples");
    check(&example);
    let formatted =
        Command::new(env!("CARGO_BIN_EXE_hbuild")).args(["fmt", "--check"]).arg(&example).output();
    assert!(formatted.unwrap().status.success());
}

#[test]
fn the_recipe_of_the_readme_is_one() {
    let readme = text("README.md");
    let recipe: Vec<&str> = readme
        .lines()
        .skip_while(|line| *line != "    hbuild 1")
        .take_while(|line| line.is_empty() || line.starts_with("    "))
        .map(|line| line.strip_prefix("    ").unwrap_or(line))
        .collect();
    assert!(recipe.len() > 20, "the README has no recipe");
    let folder = tempfile::tempdir().unwrap();
    let path: PathBuf = folder.path().join("readme.hb");
    fs::write(&path, recipe.join("\n").trim_end().to_owned() + "\n").unwrap();
    check(&path);
}
