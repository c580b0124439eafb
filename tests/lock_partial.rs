//! Locks that lack something: variants of a distro or of a suite that no mirror gives, a commit
//! that cannot be fetched. The rest is locked, what stood stays, and a build says how to leave out what is missing.

mod support;

use std::fs;

use serde_json::Value;
use support::archive::{Archive, Package};
use support::workspace::{RECIPE, Workspace};

/// The recipe of a workspace, on Alpine as well, and with two releases, of which one takes from a second repository.
fn recipe() -> String {
    let axes = r#"for release in ["1", "2"], distro in [debian("12"), alpine("3.24")], arch in [amd64]"#;
    let start = RECIPE.find("repository test").unwrap();
    let end = RECIPE.find("## An image").unwrap();
    let other =
        RECIPE[start..end].replace("repository test", "repository other").replace("/test\"", "/other\"");
    let repositories = "  when distro is debian { repositories = [test] }
  when distro is debian and release == \"2\" { repositories += [other] }
";
    RECIPE
        .replace("for distro in [debian(\"12\")], arch in [amd64]", axes)
        .replace("## An image", &(other + "## An image"))
        .replace("  for distro, arch\n", "  for release, distro, arch\n")
        .replace("  repositories = [test]\n", repositories)
        .replace("\"1.0\"", "release")
}

/// Sets where the two repositories are found.
fn write_mirrors(workspace: &Workspace, test: &str, other: &str) {
    let alpine = "file:///nowhere/of/alpine";
    let text = format!(
        "mirror-fallback = false\n[mirrors]\ntest = [{test:?}]\nother = [{other:?}]\nalpine = [{alpine:?}]\n"
    );
    fs::write(workspace.path(".config/hbuild/config.toml"), text).unwrap();
}

fn variants(workspace: &Workspace) -> Vec<String> {
    let text = fs::read_to_string(workspace.path("project/hbuild.lock")).unwrap();
    let lock: toml::Table = text.parse().unwrap();
    let label = |variant: &toml::Value, axis: &str| variant["point"][axis].as_str().unwrap().to_owned();
    let mut found: Vec<String> = lock["variant"]
        .as_array()
        .unwrap()
        .iter()
        .map(|variant| format!("{} {}", label(variant, "distro"), label(variant, "release")))
        .collect();
    found.sort();
    found
}

#[test]
fn what_can_be_had_is_locked_and_builds() {
    let workspace = Workspace::new();
    // A folder without an archive: no mirror gives this suite.
    write_mirrors(&workspace, &workspace.archive.url(), "file:///nowhere/at/all");
    workspace.write_recipe(&recipe());
    let output = workspace.run(&["lock", "."]);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{errors}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("new: app"));
    assert_eq!(errors.matches("hbuild::lock::incomplete").count(), 2, "{errors}");
    for word in [
        "image `app` (amd64, alpine3.24, 1 2)",
        "image `app` (amd64, debian12, 2)",
        "nowhere/of/alpine",
        "nowhere/at/all",
    ] {
        assert!(errors.contains(word), "`{word}` is not in\n{errors}");
    }
    assert_eq!(variants(&workspace), ["debian12 1"]);

    // Nothing changes the second time, and what is missing is said again, by `--check` too.
    for arguments in [&["lock", "."][..], &["lock", "--check", "."]] {
        workspace.must_fail(arguments, 3, "hbuild::lock::incomplete");
    }
    let output = workspace.run(&["lock", "--json", "."]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let missing = report["./hbuild.lock"]["not-locked"].as_array().expect("what is missing is in the report");
    assert_eq!(missing.len(), 2, "{report}");
    assert!(missing.iter().all(|one| one["because"].is_string()), "{report}");

    // What is locked is built; the table has the rest too.
    let output = workspace.run(&["build", "app.hb"]);
    let (table, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(errors.contains("hbuild::lock::partly") && errors.contains("--AXIS LABEL"), "{errors}");
    assert!(errors.contains("(amd64, alpine3.24, 1 2;") && errors.contains("debian12, 2)"), "{errors}");
    let row = |variant: &str| table.lines().find(|line| line.contains(variant)).unwrap_or("").to_owned();
    assert!(row("1-debian12").contains("sha256:"), "{table}");
    for variant in ["1-alpine3.24", "2-alpine3.24", "2-debian12"] {
        assert!(row(variant).ends_with("not locked"), "{table}");
    }
    let errors = workspace.must_fail(&["graph", "app.hb", "--release", "1"], 1, "hbuild::lock::partly");
    assert!(errors.contains("`--distro debian`"), "{errors}");
    workspace.must(&["build", "app.hb", "--release", "1", "--distro", "debian"]);
    workspace.must(&["show", "app.hb"]);
}

#[test]
fn an_image_whose_package_is_gone_takes_no_other_with_it() {
    let mut workspace = Workspace::new();
    workspace.archive.packages.push(Package::new("gone", "1").file("usr/share/gone", "gone"));
    workspace.archive.publish();
    let second = RECIPE[RECIPE.find("image app").unwrap()..].replace("image app", "image other");
    let second = second.replacen("[\"app\"]", "[\"app\", \"gone\"]", 1);
    workspace.write_recipe(&format!("{RECIPE}\n{second}"));
    workspace.must(&["lock", "."]);
    let pool = Archive::pool_path(workspace.archive.packages.last().unwrap());
    fs::remove_file(workspace.path("archive").join(pool)).unwrap();
    let output = workspace.run(&["build", "."]);
    let (table, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(3), "{errors}");
    assert!(errors.contains("hbuild::host::not_found") && errors.contains("gone"), "{errors}");
    let row = |image: &str| table.lines().find(|line| line.starts_with(image)).unwrap_or("").to_owned();
    assert!(row("app").contains("sha256:") && row("other").ends_with("not built"), "{table}");
    assert!(workspace.path("project/out/app/index.json").exists());
    assert!(!workspace.path("project/out/other").exists());
}

#[test]
fn what_stood_stays_when_its_mirror_is_gone() {
    let workspace = Workspace::new();
    write_mirrors(&workspace, &workspace.archive.url(), &workspace.archive.url());
    workspace.write_recipe(&recipe());
    assert_eq!(workspace.run(&["lock", "."]).status.code(), Some(3));
    assert_eq!(variants(&workspace), ["debian12 1", "debian12 2"]);
    let before = fs::read(workspace.path("project/hbuild.lock")).unwrap();

    // All is asked for anew, from mirrors that are not there any more.
    write_mirrors(&workspace, "file:///nowhere/at/all", "file:///nowhere/at/all");
    let output = workspace.run(&["lock", "--update", "--", "."]);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{errors}");
    assert!(errors.contains("debian12, 1)") && errors.contains("debian12, 2)"), "{errors}");
    assert!(fs::read(workspace.path("project/hbuild.lock")).unwrap() == before, "the lock changed");
}

#[test]
fn a_signature_that_fails_is_no_reason_to_lock_the_rest() {
    let mut workspace = Workspace::new();
    write_mirrors(&workspace, &workspace.archive.url(), &workspace.archive.url());
    workspace.write_recipe(&recipe());
    workspace.archive.signer = support::archive::Archive::new(&workspace.path("another")).signer;
    workspace.archive.publish();
    workspace.must_fail(&["lock", "."], 3, "hbuild::debian::other_key");
    assert!(!workspace.path("project/hbuild.lock").exists());
}

#[test]
fn a_recipe_on_alpine_alone_whose_mirror_is_gone_has_no_lock() {
    let workspace = Workspace::new();
    write_mirrors(&workspace, "file:///nowhere", "file:///nowhere");
    workspace.write_recipe(
        &RECIPE.replace("debian(\"12\")", "alpine(\"3.24\")").replace("  repositories = [test]\n", ""),
    );
    workspace.must_fail(&["lock", "."], 3, "hbuild::host::");
    workspace.must_fail(&["build", "."], 1, "hbuild::lock::missing");
}
