//! Projects that `hbuild init` makes: what is written and what is not, and that they build.

mod support;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Command, Output};

use support::workspace::files;
use support::{images, oracles};

fn init(arguments: &[&str], folder: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hbuild"));
    command.arg("init").args(arguments).current_dir(folder).output().unwrap()
}

/// The paths that a successful `hbuild init` printed, and what it said.
fn made(arguments: &[&str], folder: &Path) -> (Vec<String>, String) {
    let output = init(arguments, folder);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{said}");
    (String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect(), said)
}

fn refused(arguments: &[&str], folder: &Path, code: &str) -> String {
    let before = files(folder);
    let output = init(arguments, folder);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains(code) && said.contains("help:") && output.stdout.is_empty(), "{said}");
    assert_eq!(files(folder), before, "something was written");
    said
}

fn hbuild(arguments: &[&str], folder: &Path) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hbuild"));
    oracles::run(command.args(arguments).current_dir(folder).env("HBUILD_STORE", folder.join("../store")));
}

#[test]
fn a_project_has_what_was_asked_for_and_no_mistake() {
    let outer = oracles::folder();
    for (name, more, expected) in [
        ("one", vec![], vec!["one.hb", ".github/workflows/images.yml", ".gitignore", "README.md"]),
        ("two", vec!["--ci", "gitlab"], vec!["two.hb", ".gitlab-ci.yml", ".gitignore", "README.md"]),
        (
            "three",
            vec!["--ci=none", "--from-source", "--distro=debian12"],
            vec!["three.hb", "src/main.c", "src/Makefile", ".gitignore", "README.md"],
        ),
    ] {
        let mut arguments = more;
        arguments.push(name);
        let (paths, said) = made(&arguments, outer.path());
        assert_eq!(paths, expected.iter().map(|path| format!("{name}/{path}")).collect::<Vec<_>>());
        assert!(said.contains("hbuild lock") && said.contains(&format!("cd {name}")), "{said}");
        let folder = outer.path().join(name);
        assert_eq!(files(&folder).len(), paths.len());
        hbuild(&["check", "--strict"], &folder);
        hbuild(&["fmt", "--check"], &folder);
    }
    let umask = outer.path().join("umask");
    fs::write(&umask, "").unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().mode();
    assert_eq!(
        mode(&outer.path().join("one/one.hb")),
        mode(&umask),
        "the mode that other programs give files"
    );
}

#[test]
fn what_is_there_stays_as_it_is() {
    let outer = oracles::folder();
    let folder = outer.path().join("My Project");
    fs::create_dir_all(folder.join(".git")).unwrap();
    fs::write(folder.join("README.md"), "mine\n").unwrap();
    fs::write(folder.join(".gitignore"), "*.o\n").unwrap();
    let (paths, said) = made(&[], &folder);
    assert_eq!(paths, ["my-project.hb", ".github/workflows/images.yml"]);
    assert!(said.contains("kept .gitignore") && said.contains("`/out/`") && said.contains("kept README.md"));
    assert_eq!(fs::read_to_string(folder.join("README.md")).unwrap(), "mine\n");
    assert_eq!(fs::read_to_string(folder.join(".gitignore")).unwrap(), "*.o\n");

    let said = refused(&[], &folder, "hbuild::host::in_the_way");
    assert!(said.contains("`my-project.hb`, `.github/workflows/images.yml`"), "{said}");
    // Another image in the same project, and a third below it, where no service would look for its file.
    made(&["--name", "other", "--ci", "none"], &folder);
    let (paths, said) = made(&["sub/deep"], &folder);
    assert!(paths.contains(&"sub/deep/deep.hb".to_owned()) && paths.len() == 3, "{paths:?}");
    assert!(said.contains("no CI file"), "{said}");
    fs::write(folder.join("file"), "").unwrap();
    let output = init(&["--name", "x", "file"], &folder);
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8(output.stderr).unwrap().contains("hbuild::host::not_written"));
}

#[test]
fn names_are_those_of_images() {
    let outer = oracles::folder();
    for name in ["Web", "2048", "for", "base", "a_b", "../x", ""] {
        refused(&[&format!("--name={name}"), "new"], outer.path(), "hbuild::usage::bad_value");
    }
    assert!(refused(&["2048"], outer.path(), "hbuild::usage::bad_value").contains("`2048`"));
    assert!(files(outer.path()).is_empty());
}

#[test]
fn ci_files_are_what_the_services_read() {
    let outer = oracles::folder();
    for source in [false, true] {
        for (ci, file, schema) in [
            ("github", ".github/workflows/images.yml", "vendor.github-workflows"),
            ("gitlab", ".gitlab-ci.yml", "vendor.gitlab-ci"),
        ] {
            let name = format!("{ci}-{source}");
            let (mut arguments, folder) = (vec!["--ci", ci, &name], outer.path().join(&name));
            if source {
                arguments.push("--from-source");
            }
            made(&arguments, outer.path());
            if oracles::has("check-jsonschema") {
                let mut check = Command::new("check-jsonschema");
                oracles::run(check.args(["--builtin-schema", schema]).arg(folder.join(file)));
            }
        }
    }
}

/// The steps that the CI file has, on this machine.
fn builds_twice(arguments: &[&str], name: &str) -> Option<()> {
    images::mirror()?;
    let outer = oracles::folder();
    made(&[arguments, &[name]].concat(), outer.path());
    let folder = outer.path().join(name);
    hbuild(&["lock"], &folder);
    hbuild(&["lock", "--check"], &folder);
    let build = |store: &str, output: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hbuild"));
        command.args(["build", "-o", output]).current_dir(&folder);
        command.env("HBUILD_STORE", outer.path().join(store)).output().unwrap()
    };
    let first = build("first", "out/first");
    let said = String::from_utf8_lossy(&first.stderr);
    if said.contains("hbuild::sandbox::") {
        support::skip(&format!("no sandbox here: {said}"));
        return None;
    }
    assert!(first.status.success(), "{said}");
    assert!(build("second", "out/second").status.success());
    let image = files(&folder.join("out/first"));
    assert!(image.iter().any(|(path, _)| *path == format!("{name}/index.json")), "no layout of {name}");
    assert!(image == files(&folder.join("out/second")), "the second build of {name} gave another image");
    Some(())
}

#[test]
fn a_project_of_packages_builds_twice_to_the_same_bits() {
    builds_twice(&[], "packages");
}

#[test]
fn a_project_from_source_builds_twice_to_the_same_bits() {
    builds_twice(&["--from-source", "--distro", "debian12"], "compiled");
}
