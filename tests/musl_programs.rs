//! What Debian's tools compile for Alpine runs on Alpine's musl: in the root file system that Alpine publishes, and in the
//! images of the recipes, moved to the release whose packages are in `../shared`.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use serde_json::Value;
use support::images::{folder, has, hbuild, is_root, mirror, must, podman};
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
        for word in [".symtab", "RWE", "(RPATH)", "(RUNPATH)"] {
            assert!(!elf.contains(word), "{path}: {word}\n{elf}");
        }
        let interpreter = elf.contains("[Requesting program interpreter: /lib/ld-musl-x86_64.so.1]");
        let libraries = elf.matches("(NEEDED)").count();
        assert_eq!((interpreter, libraries), (dynamic, usize::from(dynamic)), "{path}\n{elf}");
    }
}

/// What the recipes take from `std/base`, as far as the small mirror beside the repository has it.
const BASIS: &str = r#"
fn basis() {
  repositories = [small]
  packages += ["alpine-baselayout-data", "alpine-release", "ca-certificates-bundle"]
  users += { nonroot = { uid = 65532, gid = 65532, home = "/", shell = "/sbin/nologin", gecos = "nonroot" } }
  groups += { nonroot = { gid = 65532 } }
  run-as = "nonroot"
  env.PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
}
repository small {
  url        = "https://alpine.invalid/alpine"
  suite      = "v3.20"
  components = ["main"]
  key        = "test@hbuild-5f000000.rsa.pub"
}
"#;

/// The layout of the runtime image of the recipe on Alpine 3.20, and its name with the tag.
fn image(name: &str, release: &[&str], tag: &str) -> Option<String> {
    ROOT.as_ref()?;
    let shared = Path::new("../shared/alpine").canonicalize().unwrap();
    let (recipe, config) = (folder(&format!("alpine-{name}")), folder("config"));
    for entry in fs::read_dir(Path::new("recipes").join(name)).unwrap() {
        let file = entry.unwrap().path();
        let text = fs::read_to_string(&file).unwrap();
        let moved = [
            ("alpine(\"3.19\")", "alpine(\"3.20\")"),
            ("[alpine(\"3.20\"), debian(\"13\")]", "[alpine(\"3.20\")]"),
            ("[alpine(\"3.24\"), debian(\"13\")]", "[debian(\"13\")]"),
            ("distro in [alpine(\"3.20\"), debian(\"12\")]", "distro in [alpine(\"3.20\")]"),
            ("flavor in [runtime, dev]", "flavor in [runtime]"),
            ("arch in [amd64, arm64]", "arch in [amd64]"),
            ("use base.runtime(distro)", "use basis()"),
            (
                "  repositories = match distro { alpine => alpine.all(distro), debian => debian.main(distro) }\n",
                "",
            ),
        ];
        let mut text = moved.iter().fold(text, |text, (from, to)| text.replace(from, to));
        if text.contains("use basis()") {
            text.push_str(BASIS);
        }
        fs::write(recipe.join(file.file_name().unwrap()), text).unwrap();
    }
    let key = "test@hbuild-5f000000.rsa.pub";
    fs::copy(shared.join("keys").join(key), recipe.join(key)).unwrap();
    fs::create_dir_all(config.join("hbuild")).unwrap();
    let mirrors = format!("[mirrors]\nsmall = [\"file://{}\"]\n", shared.display());
    fs::write(config.join("hbuild/config.toml"), mirrors).unwrap();
    let target = recipe.join(format!("{name}.hb"));
    let run = |arguments: &[&str]| {
        let mut command = hbuild(arguments);
        command.arg(&target).env("XDG_CONFIG_HOME", &config);
        command
    };
    let output = run(&["lock"]).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    // What else the recipe has, on Debian and from git, cannot be locked here.
    assert!(matches!(output.status.code(), Some(0 | 3)), "{errors}");
    let out = recipe.join("out");
    must(run(&["build", "--arch", "amd64", "-o", out.to_str().unwrap()]).args(release));
    Some(format!("oci:{}:{tag}-alpine3.20-amd64", out.join(name).display()))
}

/// Runs the image as it is configured, without network and read-only.
fn contained(options: &[&str], image: &str, arguments: &[&str]) -> Command {
    let mut command = podman("overlay");
    command.args(["run", "--quiet", "--network=none", "--read-only", "--cap-drop=all"]);
    command.args(["--ulimit=nofile=1024:1024", "--ulimit=nproc=1000:1000"]).args(options);
    command.arg(image).args(arguments);
    command
}

#[test]
fn the_images_of_the_recipes_run() {
    if ROOT.is_none() || !has("podman") || !has("runc") {
        return;
    }
    let redis = image("redis", &["--release", "8.0"], "8.0.2").unwrap();
    let container = must(&mut contained(&["--detach"], &redis, &[]));
    let ask = |command: &[&str]| {
        let mut podman = podman("overlay");
        podman.args(["exec", container.trim(), "redis-cli", "-e"]).args(command).output().unwrap()
    };
    let ready = (0..100).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(100));
        ask(&["PING"]).stdout == b"PONG\n"
    });
    assert!(ready, "redis never answers");
    assert_eq!(said(&ask(&["INCRBYFLOAT", "answer", "42.5"])), "42.5\n");
    assert_eq!(said(&ask(&["SAVE"])), "OK\n");
    must(podman("overlay").args(["rm", "--force", "--volumes", "--time", "0", container.trim()]));

    let memcached = image("memcached", &["--release", "1.6.38"], "1.6.38").unwrap();
    assert_eq!(must(&mut contained(&["--rm"], &memcached, &["--version"])), "memcached 1.6.38\n");
    let tini = image("tini", &[], "0.19.0").unwrap();
    let version = contained(&["--rm"], &tini, &["/usr/bin/tini", "--version"]);
    assert_eq!(must(&mut { version }), "tini version 0.19.0\n");
    evidence(&redis);
}

/// The image has Alpine's packages; what it was compiled with is Debian's, and the provenance says so.
fn evidence(image: &str) {
    let layout = image.strip_prefix("oci:").unwrap().rsplit_once(':').unwrap().0;
    let blobs = fs::read_dir(Path::new(layout).join("blobs/sha256")).unwrap();
    let documents = blobs.map(|entry| fs::read(entry.unwrap().path()).unwrap());
    let documents = documents.filter_map(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
    let of_image = |document: &Value| {
        let definition = &document["predicate"]["buildDefinition"];
        definition["buildType"].as_str().is_some_and(|kind| kind.ends_with("/recipe/v1"))
    };
    let provenance: Vec<Value> = documents.filter(of_image).collect();
    let [provenance] = &provenance[..] else { panic!("{} statements", provenance.len()) };
    let resolved = &provenance["predicate"]["buildDefinition"]["resolvedDependencies"];
    let all: Vec<&str> = resolved.as_array().unwrap().iter().filter_map(|one| one["uri"].as_str()).collect();
    let has = |start: &str, end: &str| all.iter().any(|uri| uri.starts_with(start) && uri.contains(end));
    assert!(has("pkg:apk/alpine/musl@1.2.5-r0?", "distro=alpine-3.20"), "{all:?}");
    assert!(has("pkg:deb/debian/musl-tools@1.2.3-1?", "distro=debian-12"), "{all:?}");
    assert!(!has("pkg:apk/alpine/musl-tools", "") && !has("pkg:deb/debian/alpine-release", ""), "{all:?}");
}
