//! What a real `hbuild` does when it is killed, interrupted, run several times at once, or has no room: never a
//! wrong answer, and nothing left that the next run does not clear away.

#[path = "mirror_support/server.rs"]
#[allow(dead_code, reason = "each test binary uses its own part of this module")]
mod server;
mod support;

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use server::{Answer, Server};
use support::archive::Package;
use support::disk::Tmpfs;
use support::workspace::{Workspace, files, names};

const PACKAGES: u64 = 30;
const KILLS: u64 = 100;
const INTERRUPTS: u64 = 25;
/// How long a command may go on after a signal.
const AT_ONCE: Duration = Duration::from_millis(1500);

/// Numbers that are spread, and the same in every run of the test.
fn spread(number: u64, below: u64) -> u64 {
    let hash = blake3::hash(&number.to_le_bytes());
    u64::from_le_bytes(hash.as_bytes()[..8].try_into().unwrap()) % below.max(1)
}

/// Text that does not compress away.
fn noise(seed: u64, length: usize) -> String {
    let mut bytes = vec![0; length];
    blake3::Hasher::new().update(&seed.to_le_bytes()).finalize_xof().fill(&mut bytes);
    bytes.iter().map(|byte| char::from(b' ' + byte % 94)).collect()
}

/// A workspace, locked, whose build has many and large inputs.
fn large() -> Workspace {
    let name = |number| format!("lib{number:02}");
    let depends: Vec<String> = (0..PACKAGES).map(name).collect();
    let mut packages = vec![
        Package::new("app", "1.0-1")
            .field("Depends", &depends.join(", "))
            .file("usr/bin/app", "#!/bin/true\n"),
    ];
    for number in 0..PACKAGES {
        let mut package = Package::new(&name(number), "1.0-1");
        for part in 0..3 {
            let path = format!("usr/lib/{}/{part}", name(number));
            package = package.file(&path, &noise(number * 3 + part, 60_000));
        }
        packages.push(package);
    }
    let workspace = Workspace::with(packages);
    workspace.must(&["lock"]);
    workspace
}

/// The command with another store.
fn at(workspace: &Workspace, store: &Path, arguments: &[&str]) -> Command {
    let mut command = workspace.command(arguments);
    command.env("HBUILD_STORE", store).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn succeed(workspace: &Workspace, store: &Path, arguments: &[&str]) -> Output {
    let output = at(workspace, store, arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {:?}\n{said}", output.status);
    output
}

fn fail(workspace: &Workspace, store: &Path, arguments: &[&str], code: &str) {
    let output = at(workspace, store, arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains(code) && said.contains("help:"), "no {code} in {said}");
}

/// What an undisturbed build puts out, and how long it takes.
fn undisturbed(workspace: &Workspace) -> (Vec<(String, Vec<u8>)>, Duration) {
    let started = Instant::now();
    succeed(workspace, &workspace.path("calm"), &["build", "-o", "../calm-out"]);
    let whole = started.elapsed();
    let expected = files(&workspace.path("calm-out"));
    assert!(expected.len() > 8);
    (expected, whole)
}

/// A layout that is whole, or not there yet: an `index.json` stands only where all that it names does.
fn assert_out_is_right(out: &Path, expected: &[(String, Vec<u8>)], when: &str) {
    let found = files(out);
    if found.iter().any(|(name, _)| name == "app/index.json") {
        for wanted in expected {
            assert!(found.contains(wanted), "{when}: {} is missing or wrong", wanted.0);
        }
    }
    for (name, bytes) in found.iter().filter(|(name, _)| !name.contains(".tmp-")) {
        let same = expected.iter().any(|(other, wanted)| other == name && wanted == bytes);
        assert!(same, "{when}: {name} has other bytes");
    }
}

fn assert_nothing_temporary(store: &Path, when: &str) {
    for folder in ["tmp", "locks", "partial"] {
        assert_eq!(names(&store.join(folder)), Vec::<String>::new(), "{when}: left in {folder}");
    }
}

#[test]
fn killed_at_any_moment_the_next_build_gives_the_same_bits() {
    let workspace = large();
    let (expected, whole) = undisturbed(&workspace);
    let (store, out) = (workspace.path("store-k"), workspace.path("out-k"));
    let (build, mut ended, mut finished) = (["build", "-o", "../out-k"], 0, 0);
    for round in 0..KILLS {
        let when = format!("round {round}");
        let mut child = at(&workspace, &store, &build).spawn().unwrap();
        // Builds that go on from what a killed one left are shorter than a whole one.
        std::thread::sleep(Duration::from_micros(spread(round, whole.as_micros() as u64 * 6 / 10)));
        ended += u64::from(child.try_wait().unwrap().is_some());
        child.kill().unwrap();
        child.wait().unwrap();
        succeed(&workspace, &store, &["store", "verify"]);
        assert_out_is_right(&out, &expected, &when);
        // Every second time the next build is killed as well, on top of what this one left.
        if spread(round + KILLS, 2) == 0 {
            succeed(&workspace, &store, &build);
            assert!(files(&out) == expected, "{when}: other bits");
            succeed(&workspace, &store, &["store", "verify"]);
            assert_nothing_temporary(&store, &when);
            fs::remove_dir_all(&store).unwrap();
            fs::remove_dir_all(&out).unwrap();
            finished += 1;
        }
    }
    eprintln!("{KILLS} kills in builds of {whole:?}, {ended} too late; {finished} builds after them");
    assert!(ended < KILLS / 2, "most were killed in the middle");
}

fn interrupt(child: Child) -> (Output, Duration) {
    let started = Instant::now();
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    (output, started.elapsed())
}

fn assert_stopped(output: &Output, took: Duration) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{:?} {said}", output.status);
    assert_eq!(said.matches("hbuild: stopped").count(), 1, "{said}");
    assert!(!said.contains("panicked"), "{said}");
    assert!(took < AT_ONCE, "it went on for {took:?}");
}

#[test]
fn interrupted_at_any_moment_it_ends_at_once_and_leaves_nothing() {
    let workspace = large();
    let (expected, whole) = undisturbed(&workspace);
    let (store, out) = (workspace.path("store-i"), workspace.path("out-i"));
    let build = ["build", "-o", "../out-i"];
    let mut stopped = 0;
    // The undisturbed build may have been a slow one: what ends before its signal shortens the time that is left.
    let mut within = whole;
    for round in 0..INTERRUPTS {
        let child = at(&workspace, &store, &build).spawn().unwrap();
        // A signal before the handler stands ends the process as it ends any.
        std::thread::sleep(Duration::from_micros(40_000 + spread(round, within.as_micros() as u64)));
        let (output, took) = interrupt(child);
        if !output.status.success() {
            assert_stopped(&output, took);
            stopped += 1;
        } else {
            within = within * 9 / 10;
        }
        let when = format!("round {round}");
        assert_eq!(names(&store.join("tmp")), Vec::<String>::new(), "{when}");
        assert_out_is_right(&out, &expected, &when);
        let left = files(&out).into_iter().find(|(name, _)| name.contains(".tmp-"));
        assert_eq!(left.map(|(name, _)| name), None, "{when}");
        succeed(&workspace, &store, &["store", "verify"]);
        if output.status.success() || round % 5 == 4 {
            succeed(&workspace, &store, &build);
            assert!(files(&out) == expected, "{when}: other bits");
            assert_nothing_temporary(&store, &when);
            fs::remove_dir_all(&store).unwrap();
            fs::remove_dir_all(&out).unwrap();
        }
    }
    eprintln!("{stopped} of {INTERRUPTS} were stopped in builds of {whole:?}");
    assert!(stopped > INTERRUPTS / 3);
}

/// A server of the archive that stalls in every file whose path ends so.
fn stalling(workspace: &Workspace, end: &'static str, at: usize) -> Server {
    let folder = workspace.archive.folder.clone();
    Server::start(move |request, _| match fs::read(folder.join(request.path.trim_start_matches('/'))) {
        Ok(_) if request.path.ends_with(end) && at == 0 => Answer::Silence,
        Ok(bytes) if request.path.ends_with(end) => Answer::Stall(bytes, at),
        Ok(bytes) => Answer::File(bytes),
        Err(_) => Answer::Status(404),
    })
}

/// Interrupts the command once `server` was asked for a file whose path ends in `end`.
fn interrupt_in_transfer(workspace: &Workspace, arguments: &[&str], server: &Server, end: &str) {
    let child = at(workspace, &workspace.path("store"), arguments).spawn().unwrap();
    let begun = Instant::now();
    while !server.requests().iter().any(|request| request.path.ends_with(end)) {
        assert!(begun.elapsed() < Duration::from_secs(20), "it never asked for {end}");
        std::thread::sleep(Duration::from_millis(5));
    }
    std::thread::sleep(Duration::from_millis(100));
    let (output, took) = interrupt(child);
    assert_stopped(&output, took);
    assert!(output.stdout.is_empty());
    assert_eq!(names(&workspace.path("store/tmp")), Vec::<String>::new());
}

#[test]
fn interrupted_in_a_stalled_download_it_ends_at_once() {
    let workspace = Workspace::new();
    for stalled_at in [0, 100] {
        let server = stalling(&workspace, "InRelease", stalled_at);
        workspace.write_mirrors(&[&server.url("")]);
        interrupt_in_transfer(&workspace, &["lock"], &server, "InRelease");
        assert_eq!(names(&workspace.path("project")), ["app.hb", "archive.asc"]);
    }
    workspace.write_mirrors(&[&workspace.archive.url()]);
    workspace.must(&["lock"]);
    for stalled_at in [0, 100] {
        let server = stalling(&workspace, ".deb", stalled_at);
        workspace.write_mirrors(&[&server.url("")]);
        interrupt_in_transfer(&workspace, &["build"], &server, ".deb");
        assert!(!workspace.path("project/out").exists());
        workspace.must(&["store", "verify"]);
    }
    workspace.write_mirrors(&[&workspace.archive.url()]);
    workspace.must(&["build"]);
    workspace.assert_nothing_half_written();
    assert_nothing_temporary(&workspace.path("store"), "after the build");
}

#[test]
fn several_builds_at_once_agree() {
    let workspace = large();
    let (expected, _) = undisturbed(&workspace);
    for count in [2, 4] {
        let store = workspace.path(&format!("store-{count}"));
        // All but the first write into one folder.
        let out = |number: u64| format!("../out-{count}-{}", number.min(1));
        let children: Vec<Child> = (0..count)
            .map(|number| at(&workspace, &store, &["build", "-o", &out(number)]).spawn().unwrap())
            .collect();
        for child in children {
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
        for number in 0..2 {
            assert!(files(&workspace.path("project").join(out(number))) == expected, "{count} {number}");
        }
        succeed(&workspace, &store, &["store", "verify"]);
        assert_nothing_temporary(&store, "several");
    }
}

#[test]
fn without_room_it_says_so_and_goes_on_once_there_is() {
    let Some(disk) = Tmpfs::mount("size=64m") else { return };
    let workspace = large();
    let (expected, _) = undisturbed(&workspace);
    let store = disk.path("store");
    for size in [64, 256, 900, 2000, 5000, 9000] {
        disk.remount(&format!("size={size}k"));
        fail(&workspace, &store, &["build", "-o", "../out-f"], "hbuild::store::disk_full");
        assert!(!workspace.path("out-f").exists(), "{size}");
        assert_eq!(names(&store.join("tmp")), Vec::<String>::new(), "{size}");
        disk.remount("size=200m");
        succeed(&workspace, &store, &["store", "verify"]);
        if size % 9 == 0 {
            succeed(&workspace, &store, &["build", "-o", "../out-f"]);
            assert!(files(&workspace.path("out-f")) == expected, "{size}: other bits");
            assert_nothing_temporary(&store, "with room");
            fs::remove_dir_all(workspace.path("out-f")).unwrap();
        }
        let _ = fs::remove_dir_all(&store);
    }
    // The output folder has no room, while the store has.
    disk.remount("size=1000k");
    let out = disk.path("out");
    let out_argument = out.to_str().unwrap();
    fail(&workspace, &workspace.path("calm"), &["build", "-o", out_argument], "hbuild::image::output_folder");
    assert_eq!(files(&out), Vec::new());
    for format in ["tar", "docker", "dir"] {
        let arguments = ["build", "--format", format, "-o", out_argument];
        fail(&workspace, &workspace.path("calm"), &arguments, "hbuild::image::output_folder");
        assert_eq!(files(&out), Vec::new(), "{format}");
    }
    disk.remount("size=200m");
    succeed(&workspace, &workspace.path("calm"), &["build", "-o", out_argument]);
    assert!(files(&out) == expected);
}

#[test]
fn a_store_that_may_not_be_written_gives_what_it_has() {
    let Some(disk) = Tmpfs::mount("size=200m") else { return };
    let workspace = large();
    let (expected, _) = undisturbed(&workspace);
    let store = disk.path("store");
    succeed(&workspace, &store, &["build"]);
    disk.remount("ro");
    succeed(&workspace, &store, &["build", "-o", "../out-r"]);
    assert!(files(&workspace.path("out-r")) == expected);
    succeed(&workspace, &store, &["store", "verify"]);
    let changed = fs::read_to_string(workspace.path("project/app.hb")).unwrap();
    workspace.write_recipe(&changed.replace("hello", "goodbye"));
    fail(&workspace, &store, &["build", "-o", "../out-w"], "hbuild::store::read_only");
    assert!(!workspace.path("out-w").exists());
    fs::remove_dir_all(workspace.path("project/out")).unwrap();
    fail(&workspace, &store, &["store", "gc"], "hbuild::store::read_only");
    disk.remount("rw");
    succeed(&workspace, &store, &["build", "-o", "../out-w"]);
}

#[test]
fn the_collector_keeps_what_the_output_needs_and_takes_the_rest() {
    let workspace = Workspace::new();
    workspace.must(&["lock"]);
    workspace.must(&["build"]);
    let (out, calm) = (workspace.path("project/out"), files(&workspace.path("project/out")));
    let kept = workspace.must(&["store", "gc"]);
    assert!(kept.starts_with("removed 0 records and 0 objects"), "{kept}");
    let again = workspace.run(&["build", "--offline"]);
    assert!(again.status.success());
    assert!(again.stderr.is_empty(), "built anew: {}", String::from_utf8_lossy(&again.stderr));
    assert_eq!(files(&out), calm);
    // Another image takes the place of the first in the same folder: what only the first needed goes.
    let recipe = fs::read_to_string(workspace.path("project/app.hb")).unwrap();
    workspace.write_recipe(&recipe.replace("hello", "goodbye"));
    workspace.must(&["build"]);
    let removed = workspace.must(&["store", "gc"]);
    assert!(!removed.starts_with("removed 0 records"), "{removed}");
    fs::remove_dir_all(&out).unwrap();
    let would = workspace.must(&["store", "gc", "--dry-run"]);
    let removed = workspace.must(&["store", "gc"]);
    assert_eq!(would.replace("would remove", "removed"), removed);
    for folder in ["records", "memo"] {
        assert_eq!(files(&workspace.path("store").join(folder)), Vec::new(), "{folder}");
    }
    workspace.must(&["store", "verify"]);
    // The signed indexes stay: the lock is still there.
    assert!(!files(&workspace.path("store/objects")).is_empty());
    workspace.write_recipe(&recipe);
    workspace.must(&["build"]);
    assert_eq!(files(&out), calm);
}
