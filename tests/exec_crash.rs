//! Crashes at any instant, two processes at once, full and read-only disks: never a wrong answer.
//!
//! Children are this test binary itself, run with `HBUILD_TEST_CHILD` set.

mod support;
mod synthetic;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use hbuild::exec::{ExecError, Options, Unobserved};
use hbuild::graph::{DerivationId, Graph};
use hbuild::store::{Record, Store, StoreError};
use miette::Diagnostic;
use synthetic::{Synthetic, run, run_at, wide};

const CHILD: &str = "HBUILD_TEST_CHILD";

fn graph() -> Graph {
    let mut graph = Graph::new();
    wide(&mut graph, "a", 12, 3);
    wide(&mut graph, "b", 5, 2);
    graph
}

fn builder() -> Synthetic {
    Synthetic { pause: Duration::from_millis(1), bytes: 30_000, ..Synthetic::default() }
}

/// Not a test: what the children do. They print how many derivations they executed.
#[test]
fn child() {
    let Ok(store) = std::env::var(CHILD) else { return };
    let builder = builder();
    run_at(Path::new(&store), &graph(), &builder);
    println!("executed {}", builder.count());
}

fn spawn(store: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["child", "--exact", "--nocapture"])
        .env(CHILD, store)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn executed(child: Child) -> usize {
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    let line = text.lines().find_map(|line| line.split("executed ").nth(1)).unwrap();
    line.trim().parse().unwrap()
}

fn expected() -> BTreeMap<DerivationId, Record> {
    let folder = tempfile::tempdir().unwrap();
    run_at(folder.path(), &graph(), &builder()).1
}

/// Numbers that are spread, and the same in every run of the test.
fn spread(number: u64) -> u64 {
    let hash = blake3::hash(&number.to_le_bytes());
    u64::from_le_bytes(hash.as_bytes()[..8].try_into().unwrap())
}

#[test]
fn killed_at_any_moment_the_store_verifies_and_the_next_run_is_right() {
    let expected = expected();
    let started = Instant::now();
    let folder = synthetic::folder();
    executed(spawn(folder.path()));
    let whole = started.elapsed();
    let mut folder = synthetic::folder();
    let mut finished = 0;
    for round in 0..100 {
        let mut child = spawn(folder.path());
        std::thread::sleep(Duration::from_micros(spread(round) % whole.as_micros() as u64));
        let ended = child.try_wait().unwrap().is_some();
        child.kill().unwrap();
        child.wait().unwrap();
        if folder.path().join("format").exists() {
            let store = Store::open(folder.path()).unwrap();
            assert_eq!(store.verify().unwrap().damages, [], "round {round}");
        }
        if ended || round % 10 == 9 {
            // What the crashes left is gone on with, and nothing of it is left behind.
            let (_, records) = run_at(folder.path(), &graph(), &builder());
            assert_eq!(records, expected, "round {round}");
            let store = Store::open(folder.path()).unwrap();
            assert_eq!(store.verify().unwrap().damages, [], "round {round}");
            assert_eq!(fs::read_dir(folder.path().join("tmp")).unwrap().count(), 0);
            folder = synthetic::folder();
            finished += 1;
        }
    }
    eprintln!("100 kills in runs of {whole:?}; {finished} stores were built to the end");
    assert!(finished < 60, "most were killed in the middle");
}

#[test]
fn two_processes_make_everything_once() {
    let expected = expected();
    let folder = tempfile::tempdir().unwrap();
    let children = [spawn(folder.path()), spawn(folder.path()), spawn(folder.path())];
    let executed: usize = children.into_iter().map(executed).sum();
    assert_eq!(executed, graph().len(), "each derivation once, by one of them");
    let (ends, records) = run_at(folder.path(), &graph(), &builder());
    assert_eq!((ends, records), ([2, 0, 0], expected));
    assert_eq!(Store::open(folder.path()).unwrap().verify().unwrap().damages, []);
    assert_eq!(fs::read_dir(folder.path().join("tmp")).unwrap().count(), 0);
    assert_eq!(fs::read_dir(folder.path().join("locks")).unwrap().count(), 0);
}

/// A small file system in memory, unmounted when dropped.
struct Tmpfs(tempfile::TempDir);

impl Tmpfs {
    fn mount(options: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", options, "hbuild-test"]).arg(folder.path()).stderr(Stdio::null());
        let mounted = mount.status().is_ok_and(|status| status.success());
        if !mounted {
            support::skip("no right to mount a tmpfs, which needs root");
            return None;
        }
        Some(Self(folder))
    }

    fn remount(&self, options: &str) {
        let mut mount = Command::new("mount");
        let done = mount.args(["-o", &format!("remount,{options}")]).arg(self.0.path()).status();
        assert!(done.unwrap().success());
    }

    fn store(&self) -> PathBuf {
        self.0.path().join("store")
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        let done = Command::new("umount").arg(self.0.path()).status();
        assert!(done.unwrap().success());
    }
}

#[test]
fn a_full_disk_is_a_clear_error_and_leaves_a_good_store() {
    let Some(disk) = Tmpfs::mount("size=2m") else { return };
    let expected = expected();
    for size in [900, 600, 400, 1100, 700] {
        disk.remount(&format!("size={size}k"));
        let store = Store::open(&disk.store()).unwrap();
        let error = run(&graph(), &store, &builder(), &Options::default(), &Unobserved).unwrap_err();
        assert!(matches!(error, ExecError::Store(StoreError::DiskFull { .. })), "{error:?}");
        assert_eq!(error.code().unwrap().to_string(), "hbuild::store::disk_full");
        drop(store);
        assert_eq!(fs::read_dir(disk.store().join("tmp")).unwrap().count(), 0);
        disk.remount("size=100m");
        let store = Store::open(&disk.store()).unwrap();
        assert_eq!(store.verify().unwrap().damages, []);
        drop(store);
        if size == 700 {
            assert_eq!(run_at(&disk.store(), &graph(), &builder()).1, expected);
        }
        fs::remove_dir_all(disk.store()).unwrap();
    }
}

#[test]
fn a_read_only_store_answers_what_it_has() {
    let Some(disk) = Tmpfs::mount("size=100m") else { return };
    let graph = graph();
    let (_, records) = run_at(&disk.store(), &graph, &builder());
    disk.remount("ro");
    let (ends, again) = run_at(&disk.store(), &graph, &builder());
    assert_eq!((ends, again), ([2, 0, 0], records));
    let store = Store::open(&disk.store()).unwrap();
    assert_eq!(store.verify().unwrap().damages, []);
    let mut more = Graph::new();
    wide(&mut more, "c", 2, 1);
    let error = run(&more, &store, &builder(), &Options::default(), &Unobserved).unwrap_err();
    assert!(matches!(error, ExecError::Store(StoreError::ReadOnly { .. })), "{error:?}");
    assert_eq!(error.code().unwrap().to_string(), "hbuild::store::read_only");
    drop(store);
    disk.remount("rw");
}
