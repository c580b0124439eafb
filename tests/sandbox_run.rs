//! Sandboxes do what they are for: run commands on given files, and give back what these wrote.

mod sandbox_support;
mod support;

use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use hbuild::sandbox::{Attachment, Ends, SandboxError};
use rustix::fs::{AtFlags, Mode, OFlags, openat, statat};

use sandbox_support::{Roots, command, specification};

fn read(directory: impl AsFd, path: &str) -> String {
    let file = openat(directory, path, OFlags::RDONLY | OFlags::NOFOLLOW, Mode::empty()).unwrap();
    let mut text = String::new();
    std::fs::File::from(file).read_to_string(&mut text).unwrap();
    text
}

#[test]
fn commands_see_files_and_leave_outputs() {
    let Some(roots) = Roots::new() else { return };
    let mut wanted = specification("ls -ln --time-style=+%s src/a; cat src/a/f; src/a/x; echo made > $OUT/f");
    wanted.directories.push("/build/src/a".to_owned());
    wanted.commands.push(command("next", "cat $OUT/f; echo doc > /out-doc/f"));
    let mut running = roots.sandboxes.start(&wanted).unwrap();
    running.file(b"/build/src/a/f", false, 4, &mut &b"text"[..]).unwrap();
    running.file(b"/build/src/a/x", true, 21, &mut &b"#!/bin/sh\necho script"[..]).unwrap();
    running.directory(b"/build/src/a/d").unwrap();
    running.symlink(b"/build/src/a/l", b"../else").unwrap();
    let mut log = Vec::new();
    let finished = running.run(&mut log, &|| false).unwrap();
    let log = String::from_utf8(log).unwrap();
    assert_eq!(finished.failure, None, "{log}");
    let lines: Vec<_> = log.lines().collect();
    assert_eq!(lines[0], "total 8");
    assert!(lines[1].starts_with("drwxr-xr-x 2 1000 1000") && lines[1].ends_with(" 315532800 d"), "{log}");
    assert_eq!(lines[2], "-rw-r--r-- 1 1000 1000  4 315532800 f");
    assert!(lines[3].starts_with("lrwxrwxrwx") && lines[3].ends_with(" 315532800 l -> ../else"), "{log}");
    assert_eq!(lines[4], "-rwxr-xr-x 1 1000 1000 21 315532800 x");
    assert_eq!(lines[5..], ["textscript", "made"]);
    assert_eq!(read(&finished.writable, "out/f"), "made\n");
    assert_eq!(read(&finished.writable, "out-doc/f"), "doc\n");
}

#[test]
fn a_failure_names_the_command() {
    let Some(roots) = Roots::new() else { return };
    let failure = |script: &str| {
        let mut wanted = specification("true");
        wanted.commands.push(command("second", script));
        wanted.commands.push(command("third", "echo never"));
        let (finished, log) = roots.run(&wanted).unwrap();
        assert!(!log.contains("never"));
        let failure = finished.failure.unwrap();
        assert_eq!(failure.step, "second");
        (failure.how, log)
    };
    assert_eq!(failure("exit 3").0, "exited with status 3");
    assert_eq!(failure("kill -SEGV $$").0, "was killed by signal SIGSEGV");
    let (how, log) = failure("exec nothing-of-this-name");
    assert_eq!(how, "exited with status 127", "{log}");
}

#[test]
fn what_cannot_be_executed_is_said() {
    let Some(roots) = Roots::new() else { return };
    let mut wanted = specification("");
    wanted.commands[0].arguments = vec!["absent".to_owned()];
    let (finished, _) = roots.run(&wanted).unwrap();
    let how = finished.failure.unwrap().how;
    assert_eq!(how, "could not be started: absent: No such file or directory (os error 2)");
    wanted.commands[0].directory = "/nowhere".to_owned();
    let (finished, log) = roots.run(&wanted).unwrap();
    assert_eq!(finished.failure.unwrap().how, "could not be started: there is no directory /nowhere");
    assert_eq!(log, "");
}

#[test]
fn a_missing_root_and_a_missing_mount_point_are_said() {
    let Some(roots) = Roots::new() else { return };
    let mut wanted = specification("true");
    wanted.root = "absent".to_owned();
    assert!(matches!(roots.run(&wanted), Err(SandboxError::NoRoot { .. })));
    wanted.root = "../r".to_owned();
    assert!(matches!(roots.run(&wanted), Err(SandboxError::NoRoot { .. })));
    let mut wanted = specification("true");
    wanted.outputs.push("/out-other".to_owned());
    let error = roots.run(&wanted).err().unwrap();
    assert!(matches!(&error, SandboxError::NoMountPoint { path } if path == "/out-other"), "{error}");
    assert_eq!(roots.log("echo still works"), "still works\n");
}

#[test]
fn time_is_limited_and_cancelling_is_quick() {
    let Some(roots) = Roots::new() else { return };
    let mut wanted = specification("sleep 60");
    wanted.limits.seconds = Some(1);
    let started = Instant::now();
    let (finished, _) = roots.run(&wanted).unwrap();
    assert_eq!(finished.failure.unwrap().how, "took longer than 1 s");
    assert!(started.elapsed() < Duration::from_secs(20));

    let wanted = specification("sleep 60 & sleep 60");
    let (started, running) = (Instant::now(), roots.sandboxes.start(&wanted).unwrap());
    let cancelled = || started.elapsed() > Duration::from_millis(200);
    let result = running.run(&mut Vec::new(), &cancelled);
    assert!(matches!(result, Err(SandboxError::Cancelled)));
    assert!(started.elapsed() < Duration::from_secs(20));
}

#[test]
fn a_sandbox_that_is_dropped_unrun_is_gone() {
    let Some(roots) = Roots::new() else { return };
    let mut running = roots.sandboxes.start(&specification("true")).unwrap();
    running.directory(b"/build/src/a").unwrap();
    drop(running);
    assert_eq!(roots.log("ls src"), "");
}

#[test]
fn files_that_do_not_fit_are_an_error() {
    let Some(roots) = Roots::new() else { return };
    let mut wanted = specification("true");
    wanted.limits.space = 1 << 20;
    let mut running = roots.sandboxes.start(&wanted).unwrap();
    let filled = running.file(b"/build/src/big", false, 64 << 20, &mut std::io::repeat(1));
    let error = match filled {
        Ok(()) => running.run(&mut Vec::new(), &|| false).err().unwrap(),
        Err(error) => error,
    };
    assert!(matches!(&error, SandboxError::NoSpace { path } if path == "/build/src/big"), "{error:?}");
}

#[test]
fn the_log_has_everything_in_order_up_to_its_limit() {
    let Some(roots) = Roots::new() else { return };
    let log = roots.log("for i in 1 2 3; do echo out $i; echo err $i >&2; done; echo again > /dev/stderr");
    assert_eq!(log, "out 1\nerr 1\nout 2\nerr 2\nout 3\nerr 3\nagain\n");
    let mut wanted = specification("dd if=/dev/zero bs=1M count=8");
    wanted.limits.log = 100_000;
    let (finished, log) = roots.run(&wanted).unwrap();
    assert_eq!(finished.failure, None);
    assert!(log.len() < 100_200 && log.ends_with("hbuild: the log is cut off here: its limit is 97.7 KiB\n"));
}

#[test]
fn the_record_says_what_was_applied() {
    let Some(roots) = Roots::new() else { return };
    let mut wanted = specification("true");
    wanted.limits.memory = Some(1 << 30);
    wanted.limits.processes = Some(100);
    let (finished, _) = roots.run(&wanted).unwrap();
    let applied = finished.applied;
    assert_eq!(applied.namespaces, ["cgroup", "ipc", "mount", "network", "pid", "user", "uts"]);
    assert_eq!(applied.user, "1000:1000");
    assert_eq!(applied.seccomp.len(), 64);
    assert!(applied.limits["memory"].starts_with("1073741824 by "));
    assert_eq!(applied.limits["processes"].split(' ').next(), Some("100"));
    assert!(applied.mounts.iter().any(|mount| mount.starts_with("/proc ")), "{:?}", applied.mounts);
    let root = applied.mounts[0].as_str();
    let without = applied.missing.iter().any(|missing| missing == "overlay of the root");
    assert_eq!(root, if without { "/ root, bind read-only" } else { "/ root, overlay read-only" });
    eprintln!("{applied:#?}");
}

#[test]
fn outputs_are_empty_directories_of_their_own() {
    let Some(roots) = Roots::new() else { return };
    let (finished, log) = roots.run(&specification("rm -rf $OUT; mv $OUT /build/x; true")).unwrap();
    assert!(finished.failure.is_some(), "{log}");
    let state = statat(&finished.writable, "out", AtFlags::SYMLINK_NOFOLLOW).unwrap();
    assert!(rustix::fs::FileType::from_raw_mode(state.st_mode).is_dir());
}

#[test]
fn circumstances_can_be_varied() {
    let Some(roots) = Roots::new() else { return };
    let script = "while read name value; do [ $name != Cpus_allowed_list: ] || echo $value; done < /proc/self/status; id -u; \
                  stat -c '%u %a %Y' /bin/bash; read -ra all < /proc/self/stat; echo ${all[21]}";
    let mut wanted = specification(script);
    wanted.one_processor = true;
    wanted.other_machine = true;
    let (finished, log) = roots.run(&wanted).unwrap();
    assert_eq!(finished.failure, None, "{log}");
    let lines: Vec<_> = log.lines().collect();
    assert!(lines[0].parse::<u32>().is_ok(), "one processor: {log}");
    assert_eq!(lines[1], "1000");
    // The root is a copy whose files have the same owner, mode and time as the root itself.
    let (_, plain) = roots.run(&specification(script)).unwrap();
    assert_eq!(lines[2], plain.lines().nth(2).unwrap());
    let since_start = |line: &str| line.parse::<u64>().unwrap() / 100;
    if std::path::Path::new("/proc/self/timens_offsets").exists() {
        assert!(since_start(lines[3]) > 1_000_000, "another time since the machine's start: {log}");
        assert!(since_start(lines[3]) - since_start(plain.lines().nth(3).unwrap()) > 900_000, "{plain}");
    }
}

#[test]
fn pipes_are_attached_instead_of_a_log() {
    let Some(roots) = Roots::new() else { return };
    let mut wanted =
        specification("while read line; do echo out $line; echo err $line > /dev/stderr; done; exit 4");
    wanted.attachment = Attachment::Pipes;
    let (mut output, mut errors) = (Vec::new(), String::new());
    let mut reader = None;
    let mut attach = |ends: Ends| {
        reader = ends.error.map(std::fs::File::from);
        std::fs::File::from(ends.input).write_all(b"one\ntwo\n")
    };
    let running = roots.sandboxes.start(&wanted).unwrap();
    let finished = running.interact(&mut output, &mut attach, &|| false).unwrap();
    reader.unwrap().read_to_string(&mut errors).unwrap();
    assert_eq!(finished.failure.unwrap().status, Some(4));
    assert_eq!((output.as_slice(), errors.as_str()), (&b"out one\nout two\n"[..], "err one\nerr two\n"));
}

#[test]
fn a_terminal_of_its_own_is_there_for_one_that_asks() {
    let Some(roots) = Roots::new() else { return };
    let mut wanted = specification(
        "[ -t 0 ] && [ -c /dev/pts/0 ] && echo > /dev/tty && echo here > /dev/stdout; kill -9 $$",
    );
    wanted.attachment = Attachment::Terminal;
    let mut output = Vec::new();
    let running = roots.sandboxes.start(&wanted).unwrap();
    let finished = running.interact(&mut output, &mut |_| Ok(()), &|| false).unwrap();
    assert_eq!(finished.failure.unwrap().status, Some(128 + 9));
    assert_eq!(output, b"\r\nhere\r\n");
    assert!(roots.log("ls /dev").lines().all(|name| name != "pts" && name != "ptmx"));
}

#[test]
fn strict_names_what_is_missing() {
    let Some(roots) = Roots::new() else { return };
    let mut wanted = specification("true");
    wanted.limits.memory = Some(1 << 30);
    let missing = roots.run(&wanted).unwrap().0.applied.missing;
    let strict = hbuild::sandbox::Sandboxes::new(hbuild::sandbox::StageOptions {
        program: env!("CARGO_BIN_EXE_hbuild").into(),
        roots: roots.folder.path().to_owned(),
        strict: true,
    });
    let result = strict.start(&wanted).unwrap().run(&mut Vec::new(), &|| false);
    match result {
        Ok(_) => assert!(missing.is_empty()),
        Err(SandboxError::NotStrict { missing: named }) => assert_eq!(named, missing.join(", ")),
        Err(other) => panic!("{other:?}"),
    }
}

/// Prints milliseconds; run it by hand in a release build: `cargo test --release --test sandbox_run -- --ignored`.
#[test]
#[ignore = "measures"]
fn speed() {
    let Some(roots) = Roots::with(|root| {
        let source = root.join("true.c");
        std::fs::write(&source, "int main() { return 0; }").unwrap();
        let mut compiler = std::process::Command::new("gcc");
        compiler.args(["-static", "-O2", "-o"]).arg(root.join("bin/static-true")).arg(source);
        assert!(compiler.status().unwrap().success());
    }) else {
        return;
    };
    let mut wanted = specification("");
    wanted.commands[0].arguments = vec!["/bin/static-true".to_owned()];
    for _ in 0..20 {
        roots.run(&wanted).unwrap();
    }
    let started = Instant::now();
    for _ in 0..500 {
        roots.run(&wanted).unwrap();
    }
    eprintln!("{:.3} ms each, one after another", started.elapsed().as_secs_f64() * 2.0);
    let started = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| (0..500).for_each(|_| drop(roots.run(&wanted).unwrap())));
        }
    });
    eprintln!("{:.3} s for 1,000 on two threads", started.elapsed().as_secs_f64());
}
