//! Builds from source without room: a disk that fills up while roots are made, outputs are taken or records are
//! committed, a store that may not be written; and outputs that are many, or far larger than they seem.

mod support;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use support::builds;
use support::disk::Tmpfs;
use support::workspace::{Workspace, files, names};

const TOOLS: [&str; 4] = ["bash", "cat", "mkdir", "truncate"];

/// Two builds of some megabytes that do not compress, the second on the first.
const BUILDS: &str = r#"
source noise { path = "noise" }

build first {
  for distro, arch
  repositories = [test]
  tools  = [tools]
  source = noise
  script = """
    mkdir -p $OUT/srv
    for number in {1..8}; do { echo $number; cat bytes; } > $OUT/srv/$number; done
    """
}

build second {
  for distro, arch
  repositories = [test]
  tools  = [tools, first]
  script = """
    mkdir -p $OUT/srv
    for number in {1..8}; do { echo again; cat /srv/$number; } > $OUT/srv/again-$number; done
    """
}

image app {
  for distro, arch
  version      = "1.0"
  repositories = [test]
  packages     = []
  contents     = [first, second]
  entrypoint   = ["/usr/bin/none"]
}
"#;

/// A locked workspace with this recipe; `None`, said aloud, where nothing can be executed.
fn workspace(text: &str, target: &str) -> Option<Workspace> {
    let workspace = Workspace::new();
    if !builds::add_tools(&workspace, &TOOLS) {
        return None;
    }
    fs::create_dir(workspace.path("project/noise")).unwrap();
    let mut bytes = vec![0; 300_000];
    blake3::Hasher::new().finalize_xof().fill(&mut bytes);
    fs::write(workspace.path("project/noise/bytes"), bytes).unwrap();
    workspace.write_recipe(&builds::recipe(text));
    builds::executes(&workspace, target).then_some(workspace)
}

fn at(workspace: &Workspace, store: &Path, arguments: &[&str]) -> Output {
    let mut command: Command = workspace.command(arguments);
    command.env("HBUILD_STORE", store).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn succeed(workspace: &Workspace, store: &Path, arguments: &[&str], when: &str) {
    let output = at(workspace, store, arguments);
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{when}: {arguments:?}: {printed}{}", said(&output));
}

fn assert_nothing_temporary(store: &Path, when: &str) {
    for folder in ["tmp", "locks"] {
        assert_eq!(names(&store.join(folder)), Vec::<String>::new(), "{when}: left in {folder}");
    }
}

/// Kilobytes that `folder` takes.
fn kilobytes(folder: &Path) -> u64 {
    let output = Command::new("du").args(["-sk"]).arg(folder).output().unwrap();
    String::from_utf8(output.stdout).unwrap().split_whitespace().next().unwrap().parse().unwrap()
}

#[test]
fn a_full_disk_is_said_and_the_build_goes_on_once_there_is_room() {
    let Some(disk) = Tmpfs::mount("size=400m") else { return };
    let Some(workspace) = workspace(BUILDS, "app.hb#second") else { return };
    let store = disk.path("store");
    succeed(&workspace, &store, &["build", "-o", "../calm"], "calm");
    let expected = files(&workspace.path("calm"));
    assert!(expected.len() > 6);
    let whole = kilobytes(&store);
    let _ = fs::remove_dir_all(&store);
    // From nothing at all to nearly enough: while sources are kept, roots made, outputs taken, records committed.
    let mut failures = 0;
    for part in 0..16 {
        let when = format!("{part} of 16 parts of {whole} kB");
        disk.remount(&format!("size={}k", 64 + whole * part / 16));
        let output = at(&workspace, &store, &["build", "-o", "../full"]);
        if output.status.success() {
            assert!(files(&workspace.path("full")) == expected, "{when}: other bits");
            fs::remove_dir_all(workspace.path("full")).unwrap();
        } else {
            failures += 1;
            let said = said(&output);
            assert_eq!(output.status.code(), Some(3), "{when}: {said}");
            assert!(said.contains("hbuild::store::disk_full") && said.contains("help:"), "{when}: {said}");
            assert!(!workspace.path("full").exists(), "{when}");
        }
        assert_nothing_temporary(&store, &when);
        disk.remount("size=400m");
        succeed(&workspace, &store, &["store", "verify"], &when);
        // Every second time the next build goes on from what this one left.
        if part % 2 == 1 {
            succeed(&workspace, &store, &["build", "-o", "../after"], &when);
            assert!(files(&workspace.path("after")) == expected, "{when}: other bits");
            succeed(&workspace, &store, &["store", "verify"], &when);
            assert_nothing_temporary(&store, &when);
            fs::remove_dir_all(workspace.path("after")).unwrap();
            fs::remove_dir_all(&store).unwrap();
        }
    }
    assert!(failures >= 8, "the disk was full only {failures} times");
}

#[test]
fn a_store_that_may_not_be_written_gives_what_it_has_and_says_what_it_cannot() {
    let Some(disk) = Tmpfs::mount("size=400m") else { return };
    let Some(workspace) = workspace(BUILDS, "app.hb#first") else { return };
    let store = disk.path("store");
    succeed(&workspace, &store, &["build", "-o", "../calm"], "calm");
    disk.remount("ro");
    succeed(&workspace, &store, &["build", "-o", "../again"], "from what is there");
    assert!(files(&workspace.path("again")) == files(&workspace.path("calm")));
    succeed(&workspace, &store, &["build", "app.hb#first", "-o", "../first"], "an output");
    let changed = fs::read_to_string(workspace.path("project/app.hb")).unwrap();
    workspace.write_recipe(&changed.replace("echo again", "echo anew"));
    let output = at(&workspace, &store, &["build", "-o", "../new"]);
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert!(
        said(&output).contains("hbuild::store::read_only") && said(&output).contains("help:"),
        "{}",
        said(&output)
    );
    assert!(!workspace.path("new").exists());
    disk.remount("rw");
    succeed(&workspace, &store, &["build", "-o", "../new"], "written again");
    succeed(&workspace, &store, &["store", "verify"], "written again");
}

/// A build with this script, and an image of it.
fn one(script: &str) -> String {
    format!(
        r#"
build much {{
  for distro, arch
  repositories = [test]
  tools  = [tools]
  script = """
    {}
    """
}}
image app {{
  for distro, arch
  version      = "1.0"
  repositories = [test]
  packages     = []
  contents     = [much]
  entrypoint   = ["/usr/bin/none"]
}}
"#,
        script.replace('\n', "\n    ")
    )
}

#[test]
fn a_hundred_thousand_files_are_put_out() {
    let script = "for folder in {1..100}; do
  mkdir -p $OUT/srv/$folder
  cd $OUT/srv/$folder
  for number in {1..1000}; do echo $number > $number; done
done";
    let Some(workspace) = workspace(&one("mkdir $OUT/srv"), "app.hb#much") else { return };
    workspace.write_recipe(&builds::recipe(&one(script)));
    workspace.must(&["build", "app.hb#much", "--format", "tar", "-o", "../many"]);
    let made = names(&workspace.path("many")).into_iter().find(|name| name.ends_with(".tar")).unwrap();
    let mut archive = tar::Archive::new(fs::File::open(workspace.path("many").join(made)).unwrap());
    let files = archive.entries().unwrap().filter(|entry| {
        let entry = entry.as_ref().unwrap();
        let number: usize = entry.path().unwrap().file_name().unwrap().to_str().unwrap().parse().unwrap_or(0);
        entry.header().entry_type().is_file() && entry.size() == number.to_string().len() as u64 + 1
    });
    assert_eq!(files.count(), 100_000);
    workspace.must(&["store", "verify"]);
}

#[test]
fn holes_are_no_way_around_the_bound() {
    let script = "mkdir $OUT/srv; truncate -s 8000G $OUT/srv/holes; echo end >> $OUT/srv/holes";
    let Some(workspace) = workspace(&one("mkdir $OUT/srv; echo > $OUT/srv/x"), "app.hb#much") else { return };
    let before = kilobytes(&workspace.path("store"));
    workspace.write_recipe(&builds::recipe(&one(script)));
    let told = workspace.must_fail(
        &["build", "app.hb#much", "-o", "../new"],
        4,
        "hbuild::sandbox::output_too_large",
    );
    assert!(told.contains("/out/srv/holes"), "{told}");
    assert!(!workspace.path("new").exists());
    let after = kilobytes(&workspace.path("store"));
    assert!(after < before + 20_000, "nothing of it was kept: {before} kB became {after} kB");
    // What there is room for is put out with its holes as zeros, each name of a file for itself.
    let script = script.replace("8000G", "20M") + "; cat $OUT/srv/holes > $OUT/srv/same";
    workspace.write_recipe(&builds::recipe(&one(&script)));
    workspace.must(&["build", "app.hb#much", "--format", "dir", "-o", "../holes"]);
    let made = files(&workspace.path("holes"));
    let content = |end: &str| &made.iter().find(|(name, _)| name.ends_with(end)).unwrap().1;
    let mut expected = vec![0; 20 << 20];
    expected.extend_from_slice(b"end\n");
    assert!(*content("srv/holes") == expected && *content("srv/same") == expected);
    workspace.must(&["store", "verify"]);
}
