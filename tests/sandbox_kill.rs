//! Killing hbuild, or one of its stages, at any moment leaves no process and no mount.

mod sandbox_support;
mod support;

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use sandbox_support::{Roots, specification};

/// Tells this program, run again, what its processes are marked with.
const MARK: &str = "HBUILD_TEST_MARK";

/// Processes whose command line has `mark`, and those of `stages` that are stages still.
fn left(mark: &str, stages: &BTreeSet<u32>) -> Vec<String> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let found = entries.filter_map(|entry| {
        let number: u32 = entry.file_name().to_str()?.parse().ok()?;
        let line = fs::read_to_string(entry.path().join("cmdline")).ok()?;
        let state = fs::read_to_string(entry.path().join("stat")).ok()?;
        let dead = state.rsplit(')').next()?.starts_with(" Z");
        let ours = line.contains(mark) || stages.contains(&number) && line.contains("__sandbox-stage");
        (ours && !dead).then(|| format!("{number} {line}"))
    });
    found.collect()
}

/// The stages that `parent` started.
fn stages_of(parent: u32) -> BTreeSet<u32> {
    let children = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).unwrap_or_default();
    let mut found: BTreeSet<u32> = children.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    // A stage is a child of the thread that started it.
    for task in fs::read_dir(format!("/proc/{parent}/task")).into_iter().flatten().flatten() {
        let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
        found.extend(children.split_whitespace().filter_map(|word| word.parse::<u32>().ok()));
    }
    found
}

/// What is killed: runs sandboxes for ever.
#[test]
#[ignore = "is run by the others"]
fn victim() {
    let (Ok(mark), Some(roots)) = (std::env::var(MARK), Roots::new()) else { return };
    println!("ready");
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let script =
                        format!("(exec -a {mark} sleep 1000) & (exec -a {mark} sleep 0.0$((RANDOM % 9)))");
                    let _ = roots.run(&specification(&script));
                }
            });
        }
    });
}

fn start_victim(mark: &str, folder: &std::path::Path) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "victim", "--ignored", "--nocapture"])
        .env(MARK, mark)
        .env("TMPDIR", folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("ready")));
    child
}

/// Waits until nothing is left, which the kernel may take a moment for.
fn assert_gone(mark: &str, stages: &BTreeSet<u32>) {
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(20) && !left(mark, stages).is_empty() {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(left(mark, stages), Vec::<String>::new());
}

#[test]
fn killing_hbuild_leaves_nothing() {
    if Roots::new().is_none() {
        return;
    }
    let mounts = || fs::read_to_string("/proc/self/mounts").unwrap();
    let folder = tempfile::tempdir().unwrap();
    for round in 0..12 {
        let mark = format!("hbuild-victim-{}-{round}", std::process::id());
        let mut child = start_victim(&mark, folder.path());
        std::thread::sleep(Duration::from_millis(rand::random::<u64>() % 60));
        let stages = stages_of(child.id());
        child.kill().unwrap();
        child.wait().unwrap();
        assert_gone(&mark, &stages);
        assert!(!mounts().contains(folder.path().to_str().unwrap()));
    }
}

#[test]
fn killing_a_stage_leaves_nothing_and_is_said() {
    let Some(roots) = Roots::new() else { return };
    let mark = format!("hbuild-stage-{}", std::process::id());
    let before = stages_of(std::process::id());
    let started = Instant::now();
    let result = std::thread::scope(|scope| {
        let run = scope.spawn(|| roots.run(&specification(&format!("exec -a {mark} sleep 1000"))));
        while left(&mark, &BTreeSet::new()).is_empty() && started.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(1));
        }
        // The stage is idle's only one, so that it was there before.
        for stage in stages_of(std::process::id()).union(&before) {
            let line = fs::read_to_string(format!("/proc/{stage}/cmdline")).unwrap_or_default();
            let own = roots_of(*stage).is_some_and(|name| roots.folder.path().ends_with(name));
            if line.contains("__sandbox-stage") && own {
                let _ = kill_process(Pid::from_raw(*stage as i32).unwrap(), Signal::KILL);
            }
        }
        run.join().unwrap()
    });
    let error = result.expect_err("its stage was killed");
    assert!(matches!(error, hbuild::sandbox::SandboxError::Ended { .. }), "{error:?}");
    assert_gone(&mark, &BTreeSet::new());
    assert_eq!(roots.log("echo again"), "again\n");
}

/// The name of the folder of roots that a stage has bound.
fn roots_of(stage: u32) -> Option<String> {
    let text = fs::read_to_string(format!("/proc/{stage}/mountinfo")).ok()?;
    let line = text.lines().find(|line| line.split(' ').nth(4) == Some("/roots"))?;
    line.split(' ').nth(3)?.rsplit('/').next().map(str::to_owned)
}
