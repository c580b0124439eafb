//! What the book shows is what the repository has: the worked example, and the recipes of the README.

mod support;

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

/// Files of an example that are shown whole on the page of its guide.
fn shown(page: &str, example: &str, files: &[&str]) {
    let page = text(&format!("docs/src/{page}.md"));
    for file in files {
        assert!(
            page.contains(&text(&format!("docs/examples/{example}/{file}"))),
            "{file} is another on the page"
        );
    }
}

#[test]
fn the_guide_from_a_dockerfile_shows_its_example_and_leaves_out_no_instruction() {
    shown("from-dockerfile", "hits", &["Dockerfile", "hits.hb"]);
    let page = text("docs/src/from-dockerfile.md");
    let every = page.split("## Every instruction").nth(1).unwrap();
    let instructions = [
        "ADD",
        "ARG",
        "CMD",
        "COPY",
        "ENTRYPOINT",
        "ENV",
        "EXPOSE",
        "FROM",
        "HEALTHCHECK",
        "LABEL",
        "MAINTAINER",
        "ONBUILD",
        "RUN",
        "SHELL",
        "STOPSIGNAL",
        "USER",
        "VOLUME",
        "WORKDIR",
    ];
    for instruction in instructions {
        assert!(every.contains(&format!("`{instruction}")), "{instruction}");
    }
}

#[test]
fn the_example_from_a_dockerfile_builds_and_counts() {
    let Some(mirror) = support::images::mirror() else { return };
    let output = support::images::folder("hits");
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/examples/hits");
    let mut build = support::images::hbuild(&["build", "--flavor", "runtime", "--format", "dir"]);
    let build =
        build.arg(example).arg("-o").arg(&output).env("HBUILD_DEBIAN_MIRROR", mirror).output().unwrap();
    let said = String::from_utf8_lossy(&build.stderr);
    if said.contains("hbuild::sandbox::") {
        return support::skip(&format!("no sandbox here: {said}"));
    }
    assert!(build.status.success(), "{said}");
    let mut folders = fs::read_dir(&output).unwrap().map(|entry| entry.unwrap().path());
    let root = folders.find(|path| path.is_dir()).unwrap();
    assert_eq!(fs::read(root.join("etc/motd")).unwrap(), text("docs/examples/hits/motd").as_bytes());
    if !support::images::is_root() {
        return;
    }
    let mut count = Command::new("chroot");
    count.arg(&root).args(["/usr/local/bin/hits", "--check"]).env("HITS_DATABASE", "/data/hits.db");
    assert_eq!(support::images::must(&mut count), "hits: 1\n");
    assert_eq!(support::images::must(&mut count), "hits: 2\n");
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
