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

/// Imports an example's definitions as its guide says, compares what comes out with what the folder has, and holds
/// that and the recipe finished by hand to `check` and `fmt`.
fn imported(page: &str, example: &str, from: &str, finished: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let name = format!("docs/examples/{example}/imported.hb");
    let written = format!("hbuild import docs/examples/{example}/{from} -o {name}");
    assert!(text(&format!("docs/src/{page}.md")).contains(&format!("$ {written}\n")), "{written}");
    let folder = tempfile::tempdir().unwrap();
    let recipe = folder.path().join("imported.hb");
    let mut import = Command::new(env!("CARGO_BIN_EXE_hbuild"));
    import.current_dir(root).arg("import").arg(format!("docs/examples/{example}/{from}"));
    let import = import.arg("-o").arg(&recipe).output().unwrap();
    let said = String::from_utf8_lossy(&import.stderr);
    assert!(import.status.success(), "{said}");
    assert!(said.contains("not carried over:"), "{said}");
    let found = fs::read_to_string(&recipe).unwrap();
    assert_eq!(found, text(&name), "run `{written} --force` and show the recipe on the page");
    for path in [root.join(&name), root.join(format!("docs/examples/{example}/{finished}"))] {
        let checked = Command::new(env!("CARGO_BIN_EXE_hbuild")).arg("check").arg(&path).output().unwrap();
        let said = String::from_utf8_lossy(&checked.stderr);
        assert!(checked.status.success() && !said.contains("hbuild::"), "{said}");
        let laid_out =
            Command::new(env!("CARGO_BIN_EXE_hbuild")).args(["fmt", "--check"]).arg(&path).output();
        assert!(laid_out.unwrap().status.success(), "{path:?} is not as `hbuild fmt` has it");
    }
}

/// Every key of a YAML file that stands at its left edge is in the last table of its guide.
fn every_key(page: &str, file: &str) {
    let page = text(&format!("docs/src/{page}.md"));
    let table = page.split("## Every field").nth(1).unwrap();
    let definition = text(&format!("docs/examples/{file}"));
    let begins = |line: &&str| line.starts_with(|first: char| first.is_ascii_lowercase());
    for key in definition.lines().filter(begins).filter_map(|line| line.split(':').next()) {
        assert!(table.contains(&format!("`{key}")), "{key}");
    }
}

#[test]
fn the_guide_from_apko_shows_what_the_importer_writes() {
    shown("from-apko", "files", &["files.apko.yaml", "imported.hb", "files.hb"]);
    imported("from-apko", "files", "files.apko.yaml", "files.hb");
    every_key("from-apko", "files/files.apko.yaml");
}

#[test]
fn the_guide_from_the_catalogue_shows_what_the_importer_writes() {
    let files = ["catalogue/1.6.yaml", "catalogue/1.6-dev.yaml", "imported.hb", "memcached.hb"];
    shown("from-catalogue", "memcached", &files);
    imported("from-catalogue", "memcached", "catalogue", "memcached.hb");
    every_key("from-catalogue", "memcached/catalogue/1.6.yaml");
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
