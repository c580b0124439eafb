//! Builds from source, from recipe to files: the whole way, with the host's shell and a few of its tools as a root.

mod support;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde_json::Value;
use support::builds::{self, ARCH};
use support::workspace::{Workspace, files};

const TOOLS: [&str; 7] = ["bash", "cat", "chmod", "cp", "mkdir", "patch", "sort"];

const RECIPE: &str = r#"
source words {
  path    = "words"
  patches = ["fix.patch"]
}

build words-sorted {
  for distro, arch
  repositories = [test]
  tools   = [tools]
  source  = words
  version = "1.0"
  license = "MIT"
  outputs = ["doc"]
  script  = """
    mkdir -p $OUT/usr/share/words $OUT/usr/bin $OUT_DOC
    sort list > $OUT/usr/share/words/sorted
    printf '#!/bin/bash\ncat /usr/share/words/sorted\n' > $OUT/usr/bin/words
    chmod 4711 $OUT/usr/bin/words
    cp list $OUT_DOC/original
    """
  check = "test -s $OUT/usr/bin/words"
}

build shouted {
  for distro, arch
  repositories = [test]
  tools   = [tools, words-sorted]
  sources = { extra = words }
  script  = """
    echo shouting
    mkdir $OUT/srv
    words=$(bash /usr/bin/words)
    echo "${words^^}" > $OUT/srv/shouted
    """
}

image app {
  for distro, arch
  version    = "1.0"
  repositories = [test]
  packages   = []
  contents   = [shouted, words-sorted.doc.at("/opt/words")]
  entrypoint = ["/usr/bin/none"]
}
"#;

const PATCH: &str = "--- a/list\n+++ b/list\n@@ -1,2 +1,3 @@\n pear\n apple\n+fig\n";

/// A workspace whose folder `tools` is a root; `None`, said aloud, where none can be made or executed.
fn workspace() -> Option<Workspace> {
    let workspace = Workspace::new();
    let project = workspace.path("project");
    if !builds::add_tools(&workspace, &TOOLS) {
        return None;
    }
    fs::create_dir(project.join("words")).unwrap();
    fs::write(project.join("words/list"), "pear\napple\n").unwrap();
    fs::write(project.join("fix.patch"), PATCH).unwrap();
    workspace.write_recipe(&builds::recipe(RECIPE));
    builds::executes(&workspace, "app.hb#words-sorted").then_some(workspace)
}

/// The only entry of `folder` whose name begins so.
fn only(folder: &Path, start: &str) -> PathBuf {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let named = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().starts_with(start);
    let mut found: Vec<PathBuf> = entries.filter(named).filter(|path| path.is_dir()).collect();
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

#[test]
fn outputs_become_folders_and_archives() {
    let Some(workspace) = workspace() else { return };
    let text = workspace.must(&["build", "app.hb#words-sorted", "--json"]);
    let results: Value = serde_json::from_str(&text).unwrap();
    let path = |number: usize| workspace.path("project").join(results[number]["path"].as_str().unwrap());
    assert!(path(0).ends_with(format!("out/words-sorted-debian12-{ARCH}")));
    assert!(path(1).ends_with(format!("out/words-sorted-debian12-{ARCH}-doc")));
    assert_eq!((&results[0]["build"], &results[1]["output"]), (&"words-sorted".into(), &"doc".into()));
    assert_eq!(results[0]["derivation"], results[1]["derivation"]);
    assert_eq!(fs::read_to_string(path(0).join("usr/share/words/sorted")).unwrap(), "apple\nfig\npear\n");
    assert_eq!(fs::read_to_string(path(1).join("original")).unwrap(), "pear\napple\nfig\n");
    for (file, mode) in [("usr/bin/words", 0o755), ("usr/share/words/sorted", 0o644), ("usr/bin", 0o755)] {
        let metadata = fs::metadata(path(0).join(file)).unwrap();
        assert_eq!((metadata.permissions().mode() & 0o7777, metadata.mtime()), (mode, 315532800), "{file}");
    }
    let archives = [1, 2].map(|number| {
        let folder = workspace.path(&format!("tar-{number}"));
        let store = workspace.path("store");
        if number == 2 {
            fs::remove_dir_all(store).unwrap();
        }
        workspace.must(&["build", "app.hb#words-sorted", "--format", "tar", "-o", folder.to_str().unwrap()]);
        files(&folder)
    });
    assert_eq!(archives[0].len(), 2);
    assert_eq!(archives[0], archives[1], "the same archives from an empty store");
    let tar = workspace.path(&format!("tar-1/words-sorted-debian12-{ARCH}.tar"));
    let mut names: Vec<String> = Vec::new();
    for entry in tar::Archive::new(fs::File::open(tar).unwrap()).entries().unwrap() {
        names.push(entry.unwrap().path().unwrap().display().to_string());
    }
    assert!(names.iter().any(|name| name.ends_with("usr/bin/words")), "{names:?}");
}

#[test]
fn builds_are_made_from_builds_and_images_hold_them() {
    let Some(workspace) = workspace() else { return };
    workspace.must(&["build", "--format", "dir"]);
    let root = only(&workspace.path("project/out"), "app-");
    assert_eq!(fs::read_to_string(root.join("srv/shouted")).unwrap(), "APPLE\nFIG\nPEAR\n");
    assert_eq!(fs::read_to_string(root.join("opt/words/original")).unwrap(), "pear\napple\nfig\n");
    assert!(!root.join("usr/bin/words").exists(), "what only a root holds is not in the image");
    let before = files(&workspace.path("project/out"));
    workspace.must(&["store", "gc"]);
    let output = workspace.run(&["build", "--format", "dir"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("0 derivations built") || !said.contains("built,"), "kept by its results: {said}");
    assert_eq!(files(&workspace.path("project/out")), before);
}

#[test]
fn a_patch_that_does_not_fit_is_a_failed_step() {
    let Some(workspace) = workspace() else { return };
    fs::write(workspace.path("project/fix.patch"), PATCH.replace("pear", "plum")).unwrap();
    let said = workspace.must_fail(
        &["build", "app.hb#words-sorted", "-o", "../new"],
        4,
        "hbuild::exec::step_failed",
    );
    assert!(said.contains("patch fix.patch") && said.contains("FAILED"), "{said}");
    assert!(!workspace.path("new").exists());
}
