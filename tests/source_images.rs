//! The recipes of `recipes/` that compile: what was built is run for real, and does what its upstream promises. The
//! oracles are gzip, openssl, curl and bash of this machine, podman, syft and trivy.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use support::images::{
    build, container, folder, has, hbuild, image, locked, mirror, must, podman_storage, recipe, root, run,
    start,
};

/// What the program said on standard output; it must have succeeded.
fn said(output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{:?}\n{errors}", output.status);
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// What the program makes of `input`.
fn piped(mut command: Command, input: &[u8]) -> Vec<u8> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    let output = std::thread::scope(|scope| {
        scope.spawn(move || pipe.write_all(input));
        child.wait_with_output().unwrap()
    });
    assert!(output.status.success(), "{command:?}: {:?}", output.status);
    output.stdout
}

#[test]
fn minigzip_and_gzip_understand_each_other() {
    if mirror().is_none() || !has("gzip") {
        return;
    }
    let text: Vec<u8> = (0..200_000_u32).flat_map(|number| number.to_le_bytes()).collect();
    let minigzip = |arguments: &[&str]| {
        let mut command = container("zlib", "runtime", false, None)?;
        command.args(arguments);
        Some(command)
    };
    let (Some(compress), Some(expand)) = (minigzip(&[]), minigzip(&["-d"])) else { return };
    let compressed = piped(compress, &text);
    assert!(compressed.len() < text.len() && compressed.starts_with(&[0x1f, 0x8b]));
    let gzip = |option: &str, input: &[u8]| {
        let mut command = Command::new("gzip");
        command.args(["--stdout", option]);
        piped(command, input)
    };
    assert!(gzip("--decompress", &compressed) == text, "gzip reads something else");
    assert!(piped(expand, &gzip("-6", &text)) == text, "minigzip reads something else");
}

#[test]
fn zlib_has_what_programs_are_compiled_with_in_dev_alone() {
    if mirror().is_none() {
        return;
    }
    let has = |flavor: &str, path: &str| root("zlib", flavor).0.join(path).exists();
    for path in ["usr/include/zlib.h", "usr/lib/libz.a", "usr/lib/pkgconfig/zlib.pc"] {
        assert!(has("dev", path) && !has("runtime", path), "{path}");
    }
    assert!(has("runtime", "usr/lib/libz.so.1") && has("dev", "usr/lib/libz.so.1"));
}

#[test]
fn tini_reaps_what_others_leave() {
    if mirror().is_none() {
        return;
    }
    let Some(output) = run("tini", "runtime", false, Some("/usr/bin/tini"), &["--version"]) else { return };
    assert!(said(&output).starts_with("tini version 0.19.0"));
    if podman_storage().is_none() {
        return;
    }
    // An orphan ends, and one second later its remains are counted.
    let script = "bash -c 'sleep 0.1 & exec true'; sleep 1; grep -l '^State:.Z' /proc/[0-9]*/status | wc -l";
    let zombies = |program: &str, arguments: &[&str]| {
        let all = [arguments, &["/bin/bash", "-c", script]].concat();
        said(&run("tini", "dev", false, Some(program), &all).unwrap()).trim().to_owned()
    };
    assert_eq!(zombies("/usr/bin/tini", &["--"]), "0");
    let careless = "system @ARGV";
    assert_eq!(zombies("/usr/bin/perl", &["-e", careless]), "1", "nothing to reap");
}

#[test]
fn redis_keeps_what_it_is_given() {
    if mirror().is_none() {
        return;
    }
    let Some(redis) = start("redis", &[], &[]) else { return };
    let ask = |command: &[&str]| redis.execute(&[&["redis-cli", "-e"], command].concat());
    redis.until("PONG", || ask(&["PING"]));
    assert_eq!(said(&ask(&["SET", "answer", "42"])), "OK\n");
    assert_eq!(said(&ask(&["INCRBY", "answer", "8"])), "50\n");
    assert_eq!(said(&ask(&["EVAL", "return redis.call('get', 'answer') * 2", "0"])), "100\n");
    // The root is read-only, so the file can be in the volume alone.
    assert_eq!(said(&ask(&["SAVE"])), "OK\n");
    assert_eq!(said(&ask(&["CONFIG", "GET", "dir"])), "dir\n/data\n");
    let status = fs::read_to_string(format!("/proc/{}/status", redis.process())).unwrap();
    assert!(status.contains("Uid:\t65532\t65532\t65532\t65532\n"), "{status}");
    let info = said(&ask(&["INFO", "server"]));
    assert!(info.contains("redis_version:8.0.2"), "{info}");
    let memory = said(&ask(&["INFO", "memory"]));
    assert!(memory.contains("mem_allocator:libc"), "{memory}");
}

#[test]
fn redis_speaks_tls() {
    if mirror().is_none() || !has("openssl") || podman_storage().is_none() {
        return;
    }
    let keys = support::images::reachable();
    let [key, certificate] = ["key.pem", "cert.pem"].map(|name| keys.path().join(name));
    let mut request = Command::new("openssl");
    request.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]);
    request.args(["-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]);
    must(request.arg("-keyout").arg(&key).arg("-out").arg(&certificate));
    must(Command::new("chmod").arg("a+r").args([&key, &certificate]));
    let volume = format!("--volume={}:/keys:ro", keys.path().display());
    let options = ["--port", "0", "--tls-port", "6379", "--tls-auth-clients", "no"];
    let files = ["--tls-cert-file", "/keys/cert.pem", "--tls-key-file", "/keys/key.pem"];
    let authority = ["--tls-ca-cert-file", "/keys/cert.pem"];
    let arguments = [&["redis-server", "/etc/redis/redis.conf"], &options[..], &files, &authority].concat();
    let redis = start("redis", &[&volume], &arguments).unwrap();
    let ask = ["redis-cli", "-e", "--tls", "--cacert", "/keys/cert.pem", "-h", "127.0.0.1", "PING"];
    redis.until("PONG", || redis.execute(&ask));
    let plain = redis.execute(&["redis-cli", "-e", "PING"]);
    assert!(!plain.status.success(), "answers without TLS too");
}

#[test]
fn memcached_keeps_what_it_is_given() {
    if mirror().is_none() || !has("bash") {
        return;
    }
    let Some(memcached) = start("memcached", &[], &["--listen=127.0.0.1"]) else { return };
    let talk = "exec 3<>/dev/tcp/127.0.0.1/11211
        printf 'set answer 0 0 2\\r\\n42\\r\\nincr answer 8\\r\\nget answer\\r\\nquit\\r\\n' >&3; cat <&3";
    let ask = || memcached.beside("bash").args(["-c", talk]).output().unwrap();
    let answer = memcached.until("STORED", ask);
    assert_eq!(answer, "STORED\r\n50\r\nVALUE answer 0 2\r\n50\r\nEND\r\n");
    let output = run("memcached", "runtime", false, None, &["--help"]).unwrap();
    assert!(said(&output).contains("--enable-ssl"), "compiled without TLS");
}

#[test]
fn busybox_is_a_shell_with_the_common_tools() {
    if mirror().is_none() {
        return;
    }
    let script = "set -e; echo $((6 * 7)); id -u; printf 'b\\na\\n' | sort | head -n 1 | tr a-z A-Z
        [ \"$(ls /bin/busybox /usr/bin/awk | wc -l)\" = 2 ]; awk 'BEGIN { print 2 ^ 10 }'; ! touch /x 2> /dev/null";
    let Some(output) = run("busybox", "runtime", false, Some("/bin/sh"), &["-c", script]) else { return };
    assert_eq!(said(&output), "42\n65532\nA\n1024\n");
}

#[test]
fn node_has_tls_and_time_zones() {
    if mirror().is_none() {
        return;
    }
    let program = "
const assert = require('node:assert');
assert(require('node:tls').rootCertificates.length > 100);
assert.strictEqual(process.getuid(), 65532);
assert.strictEqual(new Intl.DateTimeFormat('de', { timeZone: 'Europe/Zurich', hour: 'numeric' })
  .format(new Date('2026-07-01T10:00:00Z')), '12 Uhr');
assert.throws(() => require('node:fs').writeFileSync('/app/x', ''));
console.log('all there', process.versions.node.split('.')[0], process.cwd());
";
    let Some(output) = run("node", "runtime", false, Some("node"), &["-e", program]) else { return };
    assert_eq!(said(&output), "all there 20 /app\n");
}

#[test]
fn nginx_serves_files() {
    if mirror().is_none() || !has("curl") {
        return;
    }
    let Some(output) = run("nginx", "runtime", true, None, &["-t"]) else { return };
    said(&output);
    let Some(nginx) = start("nginx", &["--tmpfs=/tmp"], &[]) else { return };
    let ask = |path: &str| {
        let mut curl = nginx.beside("curl");
        curl.args(["--silent", "--include", "--compressed", &format!("http://127.0.0.1:8080{path}")]);
        curl.output().unwrap()
    };
    let page = nginx.until("200 OK", || ask("/"));
    let index =
        fs::read_to_string(root("nginx", "runtime").0.join("usr/share/nginx/html/index.html")).unwrap();
    assert!(page.ends_with(&index) && page.contains("Content-Type: text/html"), "{page}");
    assert!(said(&ask("/nowhere")).starts_with("HTTP/1.1 404 "));
    assert!(nginx.log().contains("GET /nowhere"), "{}", nginx.log());
}

/// The purls of the components that syft finds, its reader of SPDX files included.
fn syft(name: &str) -> BTreeSet<String> {
    let target = format!("dir:{}", root(name, "runtime").0.display());
    let mut scan = Command::new("syft");
    scan.args(["scan", "--quiet", &target, "-o", "json", "--select-catalogers", "+sbom-cataloger"]);
    let found: Value = serde_json::from_str(&must(&mut scan)).unwrap();
    let artifacts = found["artifacts"].as_array().unwrap().iter();
    artifacts.filter_map(|one| one["purl"].as_str().map(str::to_owned)).collect()
}

#[test]
fn scanners_find_what_was_compiled() {
    if mirror().is_none() || !has("syft") {
        return;
    }
    for (name, purl) in [
        ("hello", "pkg:generic/hello@2.10"),
        ("memcached", "pkg:generic/memcached@1.6.38"),
        ("nginx", "pkg:generic/nginx@1.26.3"),
        ("redis", "pkg:github/redis/redis@8.0.2"),
        ("tini", "pkg:github/krallin/tini@v0.19.0"),
        ("zlib", "pkg:generic/zlib@1.3.1"),
    ] {
        let found = syft(name);
        assert!(found.contains(purl), "{name}: {found:?}");
        let packages = found.iter().filter(|purl| purl.starts_with("pkg:deb/debian/")).count();
        assert_eq!(packages, locked(name, Some("runtime")).len(), "{name}: {found:?}");
    }
}

/// trivy reads the file of the image, and lists of it what it has advisories for: types that it knows.
#[test]
fn trivy_lists_what_it_has_advisories_for() {
    if mirror().is_none() || !has("trivy") {
        return;
    }
    let copy = folder("recipes-trivy");
    let text = fs::read_to_string(recipe("tini").join("tini.hb")).unwrap();
    let purl = "pkg:conan/tini@0.19.0";
    let changed = text.replace("pkg:github/krallin/tini@v{{release}}", "pkg:conan/tini@{{release}}");
    assert_ne!(text, changed);
    fs::write(copy.join("tini.hb"), changed).unwrap();
    fs::copy(recipe("tini").join("hbuild.lock"), copy.join("hbuild.lock")).unwrap();
    let output = folder("out-trivy");
    let narrow = ["--distro", "debian", "--arch", "amd64", "--flavor", "runtime", "--format", "dir"];
    let places = ["build", copy.to_str().unwrap(), "-o", output.to_str().unwrap()];
    must(hbuild(&places).args(narrow));
    let cache = folder("trivy");
    let mut scan = Command::new("trivy");
    scan.args([
        "rootfs",
        "--quiet",
        "--offline-scan",
        "--skip-db-update",
        "--format",
        "cyclonedx",
        "--cache-dir",
    ]);
    scan.arg(cache).arg(output.join("tini-0.19.0-debian12-amd64.rootfs"));
    let found: Value = serde_json::from_str(&must(&mut scan)).unwrap();
    let components = found["components"].as_array().unwrap().iter();
    let purls: Vec<&str> = components.filter_map(|one| one["purl"].as_str()).collect();
    assert!(purls.contains(&purl), "{purls:?}");
    let packages = purls.iter().filter(|purl| purl.starts_with("pkg:deb/debian/")).count();
    assert_eq!(packages, locked("tini", Some("runtime")).len(), "{purls:?}");
}

/// What was compiled hangs on the machine no more than what was unpacked.
#[test]
fn compiled_again_under_other_circumstances() {
    if mirror().is_none() {
        return;
    }
    for name in ["hello", "zlib", "tini"] {
        build(name, &["--arch", "amd64", "--check"]);
    }
}

#[test]
fn another_architecture_is_refused_before_anything_starts() {
    if mirror().is_none() {
        return;
    }
    let other = if cfg!(target_arch = "x86_64") { "arm64" } else { "amd64" };
    let store = folder("store-other");
    for arch in [other, "all"] {
        let target = recipe("hello");
        let mut command = hbuild(&["build", target.to_str().unwrap(), "--arch", arch]);
        let output = command.env("HBUILD_STORE", &store).current_dir(folder("other")).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{errors}");
        for word in ["hbuild::exec::other_platform", "hello-program", other, "--arch"] {
            assert!(errors.contains(word), "`{word}` is not in\n{errors}");
        }
        assert!(
            !errors.contains("unpack") && !errors.contains("build hello-program amd64 debian12 ..."),
            "{errors}"
        );
    }
}

#[test]
fn why_names_the_source_of_a_compiled_file() {
    if mirror().is_none() {
        return;
    }
    let image = image("hello", "runtime");
    let place = image.strip_prefix("oci:").unwrap();
    let text = must(&mut hbuild(&["why", place, "/usr/bin/hello"]));
    for word in
        ["hello-program", "hello.hb:", "31e066137a962676e89f69d1b65382de95a7ef7d914b8cb956f41ea72e0f516b"]
    {
        assert!(text.contains(word), "`{word}` is not in\n{text}");
    }
}
