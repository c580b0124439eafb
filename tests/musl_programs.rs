//! What Debian's tools compile for Alpine runs on Alpine's musl: in the root file system that Alpine publishes.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use support::images::{folder, has, hbuild, is_root, mirror, must};
use support::skip;

/// The official minirootfs.
const ALPINE: &str = "../shared/alpine/alpine-minirootfs-3.20.3-x86_64.tar.gz";

/// What is built and what it is narrowed to.
const PROGRAMS: [(&str, &[&str]); 4] = [
    ("redis/redis.hb#redis-server", &["--release", "8.0", "--distro", "alpine3.19"]),
    ("redis/tini.hb#program", &[]),
    ("memcached/memcached.hb#memcached-server", &["--release", "1.6.38", "--distro", "alpine3.19"]),
    ("tini/tini.hb#tini-static", &[]),
];

/// Alpine's root file system, and the programs in it, each below `/programs/<item>`.
static ROOT: LazyLock<Option<PathBuf>> = LazyLock::new(|| {
    if mirror().is_none() || !is_root() || !has("tar") {
        return None;
    }
    if !Path::new(ALPINE).exists() {
        skip("no ../shared/alpine");
        return None;
    }
    if !cfg!(target_arch = "x86_64") {
        skip("the minirootfs is one of x86_64");
        return None;
    }
    let root = folder("alpine");
    must(Command::new("tar").args(["xzf", ALPINE, "-C"]).arg(&root));
    for (target, narrow) in PROGRAMS {
        let output = folder("out");
        let recipe = format!("recipes/{target}");
        let mut build = hbuild(&["build", &recipe, "--arch", "amd64", "-o", output.to_str().unwrap()]);
        must(build.args(narrow));
        let tree = |path: &PathBuf| path.extension().is_none_or(|end| end != "tree") && path.is_dir();
        let outputs = fs::read_dir(&output).unwrap().map(|entry| entry.unwrap().path());
        let [output] = &outputs.filter(tree).collect::<Vec<_>>()[..] else { panic!("{target}") };
        let place = root.join("programs").join(target.split('#').nth(1).unwrap());
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        must(Command::new("cp").arg("-r").args([output, &place]));
    }
    Some(root)
});

/// A shell of Alpine's with the programs below `/programs/<bin>` on its path, as an ordinary account and with no network
/// but its own loopback.
fn alpine(root: &Path, bin: &str, script: &str) -> Output {
    let prepare =
        "mount --rbind /dev \"$0/dev\"; mount -t proc proc \"$0/proc\"; chroot \"$0\" ip link set lo up
        root=$0; exec chroot --userspec=65532:65532 --groups= \"$root\" /bin/sh -euc \"$1\"";
    let mut command = Command::new("unshare");
    command.args(["--mount", "--net", "--pid", "--fork", "--kill-child", "sh", "-ec", prepare]);
    command.arg(root).arg(script);
    command.env_clear().env("PATH", format!("/programs/{bin}:/usr/sbin:/usr/bin:/sbin:/bin"));
    command.output().unwrap()
}

fn said(output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{:?}\n{errors}", output.status);
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Waits in the shell until the command succeeds.
fn until(command: &str) -> String {
    format!("for i in $(seq 100); do {command} > /dev/null 2>&1 && break; sleep 0.1; done;")
}

#[test]
fn redis_keeps_what_it_is_given() {
    let Some(root) = &*ROOT else { return };
    let bin = "redis-server/usr/local/bin";
    let ask = "redis-cli -e -s /tmp/redis.sock";
    let script = format!(
        "redis-server --port 0 --unixsocket /tmp/redis.sock --dir /tmp --save '' --daemonize yes > /tmp/redis.log
        {} {ask} SET answer 42; {ask} INCRBYFLOAT answer 8.5
        {ask} EVAL \"return redis.call('get', 'answer') * 2\" 0
        {ask} ZADD numbers 1.5e3 a +inf b > /dev/null; {ask} ZRANGE numbers 1000 2000 BYSCORE
        {ask} INFO server | tr -d '\\r' | grep ^redis_version; {ask} SHUTDOWN NOSAVE",
        until(&format!("{ask} PING"))
    );
    assert_eq!(said(&alpine(root, bin, &script)), "OK\n50.5\n101\na\nredis_version:8.0.2\n");
}

#[test]
fn memcached_keeps_what_it_is_given() {
    let Some(root) = &*ROOT else { return };
    let talk = "printf 'set answer 0 0 2\\r\\n42\\r\\nincr answer 8\\r\\nget answer\\r\\nquit\\r\\n'";
    let script =
        format!("memcached -l 127.0.0.1 & {} {talk} | nc 127.0.0.1 11211", until("nc -z 127.0.0.1 11211"));
    let said = said(&alpine(root, "memcached-server/usr/bin", &script));
    assert_eq!(said.replace('\r', ""), "STORED\n50\nVALUE answer 0 2\n50\nEND\n");
}

#[test]
fn tini_reaps_what_others_leave() {
    let Some(root) = &*ROOT else { return };
    // An orphan ends, and its exit is tini's to see: it ends with the status of its own child.
    let script = "exec tini -- /bin/sh -c 'sh -c \"sleep 0.1 & exec true\"; sleep 0.5; exit 7'";
    for item in ["program", "tini-static"] {
        let bin = format!("{item}/usr/bin");
        assert_eq!(alpine(root, &bin, script).status.code(), Some(7), "{item}");
        assert!(said(&alpine(root, &bin, "tini --version")).starts_with("tini version 0.19.0"), "{item}");
    }
}

/// As a hardened image wants them: position-independent, relocated read-only at the start, without symbols; against
/// Alpine's own musl but for the one that runs anywhere.
#[test]
fn they_are_hardened_and_take_alpines_musl() {
    let Some(root) = &*ROOT else { return };
    if !has("readelf") {
        return;
    }
    let read = |path: &Path| must(Command::new("readelf").args(["-hldSW"]).arg(path));
    for (path, dynamic) in [
        ("redis-server/usr/local/bin/redis-server", true),
        ("redis-server/usr/local/bin/redis-cli", true),
        ("memcached-server/usr/bin/memcached", true),
        ("program/usr/bin/tini", true),
        ("tini-static/usr/bin/tini", false),
    ] {
        let elf = read(&root.join("programs").join(path));
        for word in ["DYN (", "GNU_RELRO", "NOW PIE"] {
            assert!(elf.contains(word), "{path}: no {word}\n{elf}");
        }
        assert!(!elf.contains(".symtab") && !elf.contains("RWE"), "{path}\n{elf}");
        let interpreter = elf.contains("[Requesting program interpreter: /lib/ld-musl-x86_64.so.1]");
        let libraries = elf.matches("(NEEDED)").count();
        assert_eq!((interpreter, libraries), (dynamic, usize::from(dynamic)), "{path}\n{elf}");
    }
}
