//! Flags of `hbuild build` about builds from source: limits, `--keep-going`, `--check`.

mod support;

use std::fs;

use support::builds;
use support::workspace::{Workspace, files, names};

const BUILDS: &str = r#"
build fine {
  for distro, arch
  repositories = [test]
  tools  = [tools]
  script = "echo fine > $OUT/fine"
}

build slow {
  for distro, arch
  repositories = [test]
  tools  = [tools]
  script = "sleep 100"
}

build large {
  for distro, arch
  repositories = [test]
  tools  = [tools]
  script = "printf '%0900000d' 1 > $OUT/a; cat $OUT/a $OUT/a $OUT/a > $OUT/b"
}

build bad {
  for distro, arch
  repositories = [test]
  tools  = [tools]
  script = "echo one; exit 2"
}

build worse {
  for distro, arch
  repositories = [test]
  tools  = [tools]
  script = "echo two; exit 3"
}

build alone {
  for distro, arch
  repositories = [test]
  tools  = [tools]
  script = "echo with $JOBS; echo alone > $OUT/alone; [ $JOBS -gt 1 ]"
}

image good {
  for distro, arch
  version      = "1.0"
  repositories = [test]
  packages     = []
  contents     = [fine]
  entrypoint   = ["/usr/bin/none"]
}

image broken {
  for distro, arch
  version      = "1.0"
  repositories = [test]
  packages     = []
  contents     = [fine, bad, worse]
  entrypoint   = ["/usr/bin/none"]
}
"#;

/// `None`, said aloud, where nothing can be executed.
fn workspace() -> Option<Workspace> {
    let workspace = Workspace::new();
    if !builds::add_tools(&workspace, &["bash", "cat", "sleep"]) {
        return None;
    }
    workspace.write_recipe(&builds::recipe(BUILDS));
    builds::executes(&workspace, "app.hb#fine").then_some(workspace)
}

#[test]
fn limits_end_builds_and_are_in_no_key() {
    let Some(workspace) = workspace() else { return };
    let failed = |arguments: &[&str]| {
        let arguments = [&["build", "-o", "limited"], arguments].concat();
        workspace.must_fail(&arguments, 4, "hbuild::exec::step_failed")
    };
    let said = failed(&["app.hb#slow", "--build-time", "1s"]);
    assert!(said.contains("took longer than 1 s"), "{said}");
    let said = failed(&["app.hb#large", "--build-space", "2M"]);
    assert!(said.contains("used up its space (limit 2 MiB)"), "{said}");
    let config = workspace.path(".config/hbuild/config.toml");
    let before = fs::read_to_string(&config).unwrap();
    fs::write(&config, format!("{before}[build]\nspace = \"1M\"\nprocesses = 100\n")).unwrap();
    let said = failed(&["app.hb#large"]);
    assert!(said.contains("limit 1 MiB"), "{said}");
    let output = workspace.run(&["build", "app.hb#large", "-o", "limited", "--build-space", "64M"]);
    assert!(output.status.success(), "a flag comes first: {}", String::from_utf8_lossy(&output.stderr));
    fs::write(&config, format!("{before}[build]\nspace = \"a lot\"\n")).unwrap();
    let said = workspace.must_fail(&["build"], 2, "hbuild::host::bad_configuration");
    assert!(said.contains("line 5: write a number"), "{said}");
    fs::write(&config, before).unwrap();
    let flags =
        ["--build-memory", "1G", "--build-space", "1G", "--build-time", "2h", "--build-processes", "99"];
    let output = workspace.run(&[&["build", "app.hb#fine", "app.hb#large"][..], &flags].concat());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && !said.contains("build fine"), "nothing is built again: {said}");
    for wrong in ["--build-memory=0", "--build-space=1.5G", "--build-time=1d", "--build-processes=-1"] {
        assert_eq!(workspace.run(&["build", wrong]).status.code(), Some(2), "{wrong}");
    }
}

#[test]
fn strict_builds_with_everything_or_not_at_all() {
    let Some(workspace) = workspace() else { return };
    fs::remove_dir_all(workspace.path("store")).unwrap();
    let output = workspace.run(&["build", "app.hb#fine", "--strict"]);
    let said = String::from_utf8_lossy(&output.stderr);
    match output.status.code() {
        Some(0) => {}
        code => assert!(code == Some(3) && said.contains("hbuild::sandbox::not_strict"), "{code:?}: {said}"),
    }
}

#[test]
fn what_succeeded_is_written_where_the_build_goes_on() {
    let Some(workspace) = workspace() else { return };
    let all = ["app.hb", "app.hb#fine", "app.hb#bad"];
    let output = workspace.run(&[&["build", "--keep-going", "-o", "kept"], &all[..]].concat());
    let (out, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert!(said.contains("2 derivations failed"), "{said}");
    for what in ["build bad", "status 2", "| one", "build worse", "status 3", "| two"] {
        assert!(said.contains(what), "{what} in {said}");
    }
    let fine = format!("fine-debian12-{}", builds::ARCH);
    let kept = names(&workspace.path("project/kept"));
    assert_eq!(kept, [fine.clone(), format!("{fine}.tree"), "good".to_owned()], "{said}");
    let row = |image: &str| out.lines().find(|line| line.starts_with(image)).unwrap_or("").to_owned();
    assert!(row("good").contains("sha256:") && row("broken").ends_with("not built"), "{out}");
    assert!(!out.contains("bad"), "{out}");
    // The same as from a build of these alone.
    workspace.must(&["build", "app.hb#good", "app.hb#fine", "-o", "alone"]);
    assert_eq!(files(&workspace.path("project/kept")), files(&workspace.path("project/alone")));
    // Without it nothing is written.
    let output = workspace.run(&[&["build", "-o", "stopped"], &all[..]].concat());
    assert_eq!(output.status.code(), Some(4));
    assert!(!workspace.path("project/stopped").exists() && output.stdout.is_empty());
}

#[test]
fn a_second_execution_that_fails_leaves_the_log_of_the_first() {
    let Some(workspace) = workspace() else { return };
    workspace.must(&["build", "app.hb#alone", "--jobs", "2"]);
    let logs = files(&workspace.path("store/logs"));
    let log = workspace.must(&["log", "app.hb#alone"]);
    assert!(log.contains("with 2"), "{log}");
    let said = workspace.must_fail(
        &["build", "app.hb#alone", "--jobs", "2", "--check", "-o", "checked"],
        4,
        "hbuild::exec::step_failed",
    );
    assert!(said.contains("build alone") && said.contains(", again") && said.contains("| with 1"), "{said}");
    assert!(said.contains("it succeeded the first time"), "{said}");
    assert_eq!(files(&workspace.path("store/logs")), logs);
    assert_eq!(workspace.must(&["log", "app.hb#alone"]), log);
}
