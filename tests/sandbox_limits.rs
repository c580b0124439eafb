//! Builds that run wild: each is ended at its limit, quickly, and leaves no process.

mod sandbox_support;
mod support;

use std::fs;
use std::time::{Duration, Instant};

use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use sandbox_support::{Roots, again_as_ordinary_user, compile, specification};

/// Processes of the host whose command line has `word`.
fn processes(word: &str) -> Vec<String> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let lines = entries.filter_map(|entry| fs::read_to_string(entry.path().join("cmdline")).ok());
    lines.filter(|line| line.contains(word)).collect()
}

#[test]
fn a_fork_bomb_ends() {
    let Some(roots) = Roots::new() else { return };
    let mut wanted = specification("bomb() { bomb | bomb & }; bomb; while :; do sleep 9 & done");
    wanted.limits.processes = Some(60);
    wanted.limits.seconds = Some(2);
    wanted.limits.log = 2000;
    let started = Instant::now();
    let (finished, _) = roots.run(&wanted).unwrap();
    assert!(finished.failure.is_some());
    assert!(started.elapsed() < Duration::from_secs(30));
    assert_eq!(roots.log("echo and again"), "and again\n");
    again_as_ordinary_user("a_fork_bomb_ends");
}

#[test]
fn processes_are_counted() {
    let Some(roots) = Roots::new() else { return };
    let mut wanted = specification("for i in 1 2 3 4 5 6 7 8 9; do sleep 30 & done; echo all");
    wanted.limits.processes = Some(30);
    assert_eq!(roots.run(&wanted).unwrap().0.failure, None);
    wanted.limits.processes = Some(8);
    let (finished, log) = roots.run(&wanted).unwrap();
    assert!(finished.failure.is_some() && !log.contains("all"), "{log}");
}

#[test]
fn a_memory_hog_is_ended() {
    let mut compiled = true;
    let roots = Roots::with(|root| compiled = compile("hog.c", &root.join("bin/hog")));
    let Some(roots) = roots.filter(|_| compiled) else { return };
    for script in
        ["hog 600", "hog 60 & hog 60 & hog 60 & wait", "dd if=/dev/zero of=/tmp/x bs=1M count=200; sleep 60"]
    {
        let mut wanted = specification(script);
        wanted.limits.memory = Some(150 << 20);
        let started = Instant::now();
        let (finished, log) = roots.run(&wanted).unwrap();
        let how = finished.failure.expect("it must not do").how;
        assert_eq!(how, "ran out of memory (limit 150 MiB)", "{script}: {log}");
        assert!(started.elapsed() < Duration::from_secs(30));
    }
    let mut wanted = specification("hog 60");
    wanted.limits.memory = Some(150 << 20);
    wanted.limits.seconds = Some(1);
    assert_eq!(roots.run(&wanted).unwrap().0.failure.unwrap().how, "took longer than 1 s");
}

#[test]
fn endless_output_ends_at_the_bound() {
    let Some(roots) = Roots::new() else { return };
    let mut wanted = specification("dd if=/dev/zero of=$OUT/x bs=1M count=100000");
    wanted.limits.space = 32 << 20;
    let started = Instant::now();
    let (finished, log) = roots.run(&wanted).unwrap();
    assert!(log.contains("No space left on device"), "{log}");
    let how = finished.failure.unwrap().how;
    assert_eq!(how, "used up its space (limit 32 MiB) and exited with status 1");
    assert!(started.elapsed() < Duration::from_secs(30));
    // As many empty files as it likes are no way around it.
    let mut wanted = specification("i=0; while :; do i=$((i+1)); : > /tmp/$i; done");
    wanted.limits.space = 1 << 20;
    let how = roots.run(&wanted).unwrap().0.failure.unwrap().how;
    assert!(how.starts_with("used up its space (limit 1 MiB)"), "{how}");
}

#[test]
fn detached_processes_die_with_the_build() {
    let mut compiled = true;
    let roots = Roots::with(|root| compiled = compile("detach.c", &root.join("bin/detach")));
    let Some(roots) = roots.filter(|_| compiled) else { return };
    let word = format!("hbuild-detached-{}", std::process::id());
    let log = roots.log(&format!("detach {word}; cat /tmp/started"));
    assert!(log.contains("started"), "{log}");
    assert_eq!(processes(&word), Vec::<String>::new());
}

#[test]
fn an_output_stays_a_directory() {
    let Some(roots) = Roots::new() else { return };
    for script in [
        "rm -rf $OUT; ln -sfn /etc $OUT",
        "rm -rf $OUT; mv /out-doc /out; mkdir $OUT; ln -s /proc/1/root /out/root",
        "cd /; rm -rf out; ln -s / out",
    ] {
        let mut wanted = specification(script);
        wanted.commands[0].arguments[1] = "-c".to_owned();
        let (finished, log) = roots.run(&wanted).unwrap();
        for name in ["out", "out-doc"] {
            let state = rustix::fs::statat(&finished.writable, name, AtFlags::SYMLINK_NOFOLLOW).unwrap();
            assert!(FileType::from_raw_mode(state.st_mode).is_dir(), "{script}: {log}");
        }
    }
}

#[test]
fn names_may_hold_any_byte() {
    let Some(roots) = Roots::new() else { return };
    let mut running = roots.sandboxes.start(&specification("cat src/*; mv src/* $OUT")).unwrap();
    running.file(b"/build/src/a\n\xff b", false, 4, &mut &b"some"[..]).unwrap();
    let mut log = Vec::new();
    let finished = running.run(&mut log, &|| false).unwrap();
    assert_eq!(log, b"some");
    let file = rustix::fs::openat(&finished.writable, &b"out/a\n\xff b"[..], OFlags::RDONLY, Mode::empty());
    assert!(file.is_ok());
    for path in [&b"/build/../etc"[..], b"/build/src/..", b"/build/src/.", b"", b"/"] {
        let mut running = roots.sandboxes.start(&specification("true")).unwrap();
        let done = running.directory(path).and_then(|()| running.run(&mut Vec::new(), &|| false).map(drop));
        assert!(done.is_err(), "{}", String::from_utf8_lossy(path));
    }
    let mut running = roots.sandboxes.start(&specification("true")).unwrap();
    running.symlink(b"/build/src/link", b"/tmp").unwrap();
    running.file(b"/build/src/link/file", false, 0, &mut &b""[..]).unwrap();
    assert!(running.run(&mut Vec::new(), &|| false).is_err(), "no file goes through a link");
}
