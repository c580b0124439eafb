//! The recipes of `recipes/` on Debian's real archive: what the images hold, that they run, that the tools of
//! others read them, and that they come out the same anywhere. The oracles are podman, skopeo, umoci, syft, trivy,
//! gpgv and the programs in the images themselves.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use support::images::{
    Package, build, configuration, folder, has, hbuild, image, is_root, locked, mirror, must, podman,
    podman_storage, reachable, recipe, root, run, selected,
};
use support::workspace::files;

/// The recipes that have a flavor axis.
const FLAVORED: [&str; 3] = ["debian-base", "hello", "python"];

/// What the program said on both streams; it must have succeeded.
fn said(output: &Output) -> String {
    let both = [&output.stdout[..], &output.stderr[..]].concat();
    let text = String::from_utf8_lossy(&both).into_owned();
    assert!(output.status.success(), "{:?}\n{text}", output.status);
    text
}

/// Every entry below `root` with its path from there, the root itself excepted.
fn entries(root: &Path) -> BTreeMap<PathBuf, fs::Metadata> {
    let mut found = BTreeMap::new();
    let mut pending = vec![root.to_owned()];
    while let Some(next) = pending.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            let metadata = fs::symlink_metadata(&path).unwrap();
            if metadata.is_dir() {
                pending.push(path.clone());
            }
            found.insert(path.strip_prefix(root).unwrap().to_owned(), metadata);
        }
    }
    found
}

#[test]
fn hello_says_hello() {
    if mirror().is_none() {
        return;
    }
    let Some(output) = run("hello", "runtime", false, None, &[]) else { return };
    assert_eq!(said(&output), "Hello, world!\n");
    let output = run("hello", "runtime", false, Some("/bin/sh"), &["-c", "true"]).unwrap();
    assert!(!output.status.success(), "there is a shell");
}

#[test]
fn python_has_tls_databases_and_time_zones() {
    if mirror().is_none() {
        return;
    }
    let program = "
import os, sqlite3, ssl, sys, zoneinfo, datetime
import bz2, ctypes, curses, dbm.ndbm, decimal, hashlib, lzma, readline, uuid, zlib
assert len(ssl.create_default_context().get_ca_certs()) > 100
assert os.path.isfile(ssl.get_default_verify_paths().cafile)
assert sqlite3.connect(':memory:').execute('select 6 * 7').fetchone() == (42,)
zone = zoneinfo.ZoneInfo('Europe/Zurich')
assert datetime.datetime(2026, 7, 1, tzinfo=zone).utcoffset() == datetime.timedelta(hours=2)
assert (os.getuid(), os.getgid(), os.getgroups()) in [(65532, 65532, []), (65532, 65532, [65532])]
assert not os.access('/', os.W_OK)
import pwd, socket
assert pwd.getpwuid(65532).pw_name == 'nonroot'
assert socket.getservbyname('https') == 443
print('all there', sys.version_info[:2])
";
    let Some(output) = run("python", "runtime", false, Some("python3"), &["-c", program]) else { return };
    assert_eq!(said(&output), "all there (3, 13)\n");
}

#[test]
fn debian_base_has_a_shell() {
    if mirror().is_none() {
        return;
    }
    let script =
        "set -e; echo $((6 * 7)); id -u; . /etc/os-release; echo $ID$VERSION_ID; ls / | sort | head -1";
    let Some(output) = run("debian-base", "runtime", false, Some("/bin/bash"), &["-c", script]) else {
        return;
    };
    assert_eq!(said(&output), "42\n65532\ndebian12\nbin\n");
}

#[test]
fn dev_flavors_have_shell_and_package_manager() {
    if mirror().is_none() {
        return;
    }
    let script =
        "set -e; dpkg -l >/dev/null; dpkg --audit; apt-get check >&2; apt-get --version | head -1 >&2
        dpkg-query -W -f '${db:Status-Abbrev}${Package} ${Version} ${Architecture}\\n'";
    for name in FLAVORED {
        let Some(output) = run(name, "dev", true, Some("/bin/bash"), &["-c", script]) else { return };
        let text = String::from_utf8(output.stdout.clone()).unwrap();
        said(&output);
        let mut expected: Vec<String> = locked(name, Some("dev"))
            .iter()
            .map(|(name, version, arch)| format!("ii {name} {version} {arch}"))
            .collect();
        let mut listed: Vec<String> = text.lines().map(str::to_owned).collect();
        expected.sort();
        listed.sort();
        assert_eq!(listed, expected, "dpkg of {name}");
    }
    let venv = "python3 -m pip --version && python3 -m venv /tmp/v && /tmp/v/bin/python -c 'print(6 * 7)'";
    let output = run("python", "dev", true, Some("/bin/sh"), &["-c", venv]).unwrap();
    assert!(said(&output).contains("\n42\n"));
}

/// dpkg compares every file of the packages with the checksums that came with it.
#[test]
fn dpkg_verifies_the_dev_flavor() {
    if mirror().is_none() || !has("dpkg") || !is_root() {
        return;
    }
    for name in FLAVORED {
        let (root, _) = root(name, "dev");
        let output = Command::new("dpkg").arg("--root").arg(&root).arg("--verify").output().unwrap();
        assert_eq!(said(&output), "", "{name}");
    }
}

#[test]
fn static_holds_no_program_for_any_architecture() {
    if mirror().is_none() {
        return;
    }
    let output = build("static", &["--arch", "all", "--format", "dir"]);
    for arch in ["amd64", "arm64"] {
        let root = output.join(format!("static-12-debian12-{arch}.rootfs"));
        let found = entries(&root);
        for (path, metadata) in &found {
            if metadata.is_file() && metadata.mode() & 0o6111 != 0 {
                // Debian's packages bring two scripts, which nothing here interprets.
                let bytes = fs::read(root.join(path)).unwrap();
                assert!(bytes.starts_with(b"#!/bin/sh"), "{arch}: {}", path.display());
                assert!(!root.join("bin/sh").exists() && metadata.mode() & 0o6000 == 0);
            }
            let kind = metadata.file_type();
            assert!(
                !kind.is_block_device() && !kind.is_char_device() && !kind.is_fifo() && !kind.is_socket()
            );
        }
        for needed in ["etc/ssl/certs/ca-certificates.crt", "usr/share/zoneinfo/Europe/Zurich", "etc/passwd"]
        {
            assert!(found.contains_key(Path::new(needed)), "{arch}: {needed}");
        }
        assert_eq!(found[Path::new("tmp")].mode() & 0o7777, 0o1777);
    }
    let layout = build("static", &["--arch", "all"]).join("static");
    if has("skopeo") {
        for arch in ["amd64", "arm64"] {
            let inspect = ["inspect", "--override-arch", arch, "--config"];
            let reference = format!("oci:{}:12-debian12", layout.display());
            let text = must(Command::new("skopeo").args(inspect).arg(&reference));
            let config: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(config["architecture"], arch);
            assert_eq!(config["config"]["User"], "65532:65532");
        }
    }
}

#[test]
fn runtime_flavors_are_hardened() {
    if mirror().is_none() {
        return;
    }
    for name in ["hello", "python"] {
        let (root, _) = root(name, "runtime");
        for (path, metadata) in entries(&root) {
            let file = path.file_name().unwrap().to_str().unwrap();
            let forbidden =
                ["sh", "bash", "dash", "busybox", "apt", "apt-get", "dpkg", "su", "sudo", "mount"];
            let program =
                path.starts_with("usr/bin") || path.starts_with("usr/sbin") || path.starts_with("bin");
            assert!(!(program && forbidden.contains(&file)), "{name}: {}", path.display());
            assert!(!metadata.is_file() || metadata.mode() & 0o6000 == 0, "{name}: {}", path.display());
            let writable = metadata.mode() & 0o002 != 0 && !metadata.is_symlink();
            assert!(!writable || metadata.mode() & 0o1000 != 0, "{name}: {}", path.display());
        }
    }
}

#[test]
fn skopeo_copies_without_a_change() {
    if mirror().is_none() || !has("skopeo") {
        return;
    }
    let copies = folder("skopeo");
    for name in FLAVORED {
        let image = image(name, "runtime");
        let [folder, back] =
            ["dir", "oci"].map(|form| format!("{form}:{}", copies.join(format!("{name}-{form}")).display()));
        let back = format!("{back}:again");
        must(Command::new("skopeo").args(["copy", "--quiet", &image, &folder]));
        must(Command::new("skopeo").args(["copy", "--quiet", &folder, &back]));
        let digest = |image: &str| {
            let text = must(Command::new("skopeo").args(["inspect", image]));
            serde_json::from_str::<Value>(&text).unwrap()["Digest"].as_str().unwrap().to_owned()
        };
        assert_eq!(digest(&image), digest(&back), "{name}");
        let whole = image.trim_end_matches("-amd64");
        let copy = format!("oci:{}:all", copies.join(format!("{name}-all")).display());
        must(Command::new("skopeo").args(["copy", "--quiet", "--all", "--preserve-digests", whole, &copy]));
    }
}

#[test]
fn umoci_unpacks_what_the_folder_holds() {
    if mirror().is_none() || !has("umoci") || !is_root() {
        return;
    }
    let bundles = folder("umoci");
    for name in ["hello", "python"] {
        let (root, reference) = root(name, "runtime");
        // Debian's umoci knows no zstd.
        let output = build(name, &["--arch", "amd64", "--flavor", "runtime", "--compression", "gzip"]);
        let bundle = bundles.join(name);
        must(Command::new("umoci").args(["unpack", "--image"]).arg(output.join(reference)).arg(&bundle));
        let unpacked = bundle.join("rootfs");
        let (ours, theirs) = (entries(&root), entries(&unpacked));
        let paths = |all: &BTreeMap<PathBuf, fs::Metadata>| all.keys().cloned().collect::<Vec<_>>();
        assert_eq!(paths(&ours), paths(&theirs), "{name}");
        for (path, one) in &ours {
            let other = &theirs[path];
            let shown = path.display();
            assert_eq!(
                (one.mode(), one.uid(), one.gid()),
                (other.mode(), other.uid(), other.gid()),
                "{shown}"
            );
            assert_eq!(one.mtime(), other.mtime(), "{shown}");
            if one.is_symlink() {
                let target = |root: &Path| fs::read_link(root.join(path)).unwrap();
                assert_eq!(target(&root), target(&unpacked), "{shown}");
            } else if one.is_file() {
                let bytes = |root: &Path| fs::read(root.join(path)).unwrap();
                assert!(bytes(&root) == bytes(&unpacked), "{shown}");
                assert_eq!(one.nlink(), other.nlink(), "{shown}");
            }
        }
    }
}

#[test]
fn podman_pulls_and_loads_every_format() {
    if mirror().is_none() || !has("skopeo") {
        return;
    }
    let Some(storage) = podman_storage() else { return };
    let expected = configuration(&image("hello", "runtime"));
    let mut names = vec![must(podman(storage).args(["pull", "--quiet", &image("hello", "runtime")]))];
    for format in ["docker", "tar"] {
        let output = build("hello", &["--arch", "amd64", "--flavor", "runtime", "--format", format]);
        let archives: Vec<PathBuf> =
            fs::read_dir(output).unwrap().map(|entry| entry.unwrap().path()).collect();
        let [archive] = &archives[..] else { panic!("{archives:?}") };
        let loaded = must(podman(storage).args(["load", "--quiet", "--input"]).arg(archive));
        names.push(loaded.trim().strip_prefix("Loaded image: ").unwrap().to_owned());
    }
    assert!(names[1].ends_with("hello:2.10-debian12"), "{names:?}");
    for name in names {
        let text = must(podman(storage).args(["image", "inspect", name.trim()]));
        let inspected: Value = serde_json::from_str(&text).unwrap();
        for key in ["User", "Entrypoint"] {
            assert_eq!(inspected[0]["Config"][key], expected["config"][key], "{name}");
        }
        assert_eq!(inspected[0]["RootFS"]["Layers"], expected["rootfs"]["diff_ids"], "{name}");
        let greeting = must(podman(storage).args([
            "run",
            "--rm",
            "--network=none",
            "--ulimit=nofile=1024:1024",
            "--ulimit=nproc=1000:1000",
            name.trim(),
        ]));
        assert_eq!(greeting, "Hello, world!\n");
    }
}

/// Name, version and architecture in a Debian purl.
fn of_purl(purl: &str) -> Package {
    let rest = purl.strip_prefix("pkg:deb/debian/").unwrap_or_else(|| panic!("{purl}"));
    let (coordinates, qualifiers) = rest.split_once('?').unwrap();
    let (name, version) = coordinates.split_once('@').unwrap();
    let arch = qualifiers.split('&').find_map(|qualifier| qualifier.strip_prefix("arch=")).unwrap();
    let plain =
        |text: &str| text.replace("%2B", "+").replace("%2b", "+").replace("%3A", ":").replace("%7E", "~");
    assert!(qualifiers.contains("distro=debian-"), "{purl}");
    (plain(name), plain(version), arch.to_owned())
}

#[test]
fn scanners_find_every_package_and_no_other() {
    if mirror().is_none() {
        return;
    }
    let (syft, reports) = (has("syft"), folder("scan"));
    let images = FLAVORED.iter().flat_map(|name| [(*name, "runtime"), (*name, "dev")]);
    for (name, flavor) in images {
        let (root, _) = root(name, flavor);
        let expected: BTreeSet<Package> = locked(name, Some(flavor)).into_iter().collect();
        let report = reports.join(format!("{name}-{flavor}.json"));
        if syft {
            let target = format!("dir:{}", root.display());
            let form = format!("json={}", report.display());
            must(Command::new("syft").args(["scan", "--quiet", &target, "-o", &form]));
            let found: Value = serde_json::from_slice(&fs::read(&report).unwrap()).unwrap();
            let artifacts = found["artifacts"].as_array().unwrap().iter();
            let debs = artifacts.clone().filter(|artifact| artifact["type"] == "deb");
            let found: Vec<_> = debs.map(|artifact| of_purl(artifact["purl"].as_str().unwrap())).collect();
            assert_eq!(found.len(), expected.len(), "syft on {name} {flavor}");
            assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), expected, "syft on {name} {flavor}");
            // Python's own packages in the dev flavor are Python packages too; the others hold nothing else.
            if (name, flavor) != ("python", "dev") {
                let others: Vec<_> = artifacts.filter(|artifact| artifact["type"] != "deb").collect();
                assert!(others.is_empty(), "{name} {flavor}: {others:?}");
            }
        }
    }
    if !Command::new("trivy").arg("--version").output().is_ok_and(|output| output.status.success()) {
        eprintln!("SKIP: no trivy on PATH");
        return;
    }
    let (root, _) = root("hello", "runtime");
    let scan = ["rootfs", "--quiet", "--offline-scan", "--skip-db-update", "--format", "cyclonedx"];
    let text = must(Command::new("trivy").args(scan).arg(root));
    let found: Value = serde_json::from_str(&text).unwrap();
    let components = found["components"].as_array().unwrap().iter();
    let purls = components.filter_map(|component| component["purl"].as_str());
    let found: BTreeSet<Package> = purls.map(of_purl).collect();
    assert_eq!(found, locked("hello", Some("runtime")).into_iter().collect());
}

/// hbuild as a user without an account, in a folder of the user's own with a copy of `recipes`, and with nothing
/// in the environment.
fn as_user(user: u32, home: &Path, arguments: &[&str], recipes: &[&str]) -> Output {
    let program = home.join("hbuild");
    // By a process of its own: what another thread starts meanwhile would hold the file open for writing.
    must(Command::new("cp").arg(env!("CARGO_BIN_EXE_hbuild")).arg(&program));
    for name in recipes {
        let copy = home.join("recipes").join(name);
        fs::create_dir_all(&copy).unwrap();
        for entry in fs::read_dir(recipe(name)).unwrap() {
            let path = entry.unwrap().path();
            fs::copy(&path, copy.join(path.file_name().unwrap())).unwrap();
        }
    }
    must(Command::new("chown").args(["-R", &format!("{user}:{user}")]).arg(home));
    let mut command = Command::new("setpriv");
    command.args([format!("--reuid={user}"), format!("--regid={user}")]).args(["--clear-groups", "--"]);
    command.arg(&program).args(arguments).current_dir(home);
    command.env_clear().env("HOME", home).env("PATH", "/usr/bin:/bin").output().unwrap()
}

#[test]
fn an_ordinary_user_builds() {
    if mirror().is_none() || !has("setpriv") || !is_root() {
        return;
    }
    let home = reachable();
    let arguments = ["build", "recipes/hello", "--flavor", "runtime", "--arch", "amd64"];
    said(&as_user(4321, home.path(), &arguments, &["hello"]));
    let expected = build("hello", &["--arch", "amd64", "--flavor", "runtime"]);
    assert!(files(&home.path().join("out")) == files(&expected), "not what root builds");
    assert!(home.path().join(".local/share/hbuild/store").is_dir());
    let as_folder = [&arguments[..], &["--format", "dir", "-o", "folder"]].concat();
    let text = said(&as_user(4321, home.path(), &as_folder, &[]));
    assert!(text.contains("only root can set owners"), "{text}");
    let passwd = home.path().join("folder/hello-2.10-debian12-amd64.rootfs/etc/passwd");
    assert_eq!(fs::metadata(passwd).unwrap().uid(), 4321);
}

#[test]
fn the_same_bits_anywhere() {
    if mirror().is_none() {
        return;
    }
    let elsewhere = reachable();
    for name in ["hello", "python"] {
        let expected = files(&build(name, &["--arch", "amd64", "--flavor", "runtime"]));
        let other = elsewhere.path().join(name).join("quite/another place");
        fs::create_dir_all(&other).unwrap();
        for entry in fs::read_dir(recipe(name)).unwrap() {
            let path = entry.unwrap().path();
            fs::copy(&path, other.join(path.file_name().unwrap())).unwrap();
        }
        for (umask, jobs) in [("077", "1"), ("022", "4")] {
            let script = format!("umask {umask}; exec \"$0\" \"$@\"");
            let mut command = Command::new("sh");
            command.args(["-c", &script, env!("CARGO_BIN_EXE_hbuild"), "build", "--jobs", jobs]);
            command.args(["--arch", "amd64", "--flavor", "runtime", "-o", umask]).args(selected(name));
            command.current_dir(&other);
            command.env_clear().env("HBUILD_STORE", other.join("store").join(umask));
            command.env("TZ", "Pacific/Chatham").env("LC_ALL", "tr_TR.UTF-8").env("HOSTNAME", "elsewhere");
            must(&mut command);
            assert!(files(&other.join(umask)) == expected, "{name}, umask {umask}, {jobs} jobs");
        }
        if has("setpriv") && is_root() {
            let home = elsewhere.path().join(name).join("home");
            fs::create_dir(&home).unwrap();
            let recipe = format!("recipes/{name}");
            let arguments = ["build", &recipe, "--arch", "amd64", "--flavor", "runtime", "-o", "result"];
            let arguments = [&arguments[..], selected(name)].concat();
            said(&as_user(4322, &home, &arguments, &[name]));
            assert!(files(&home.join("result")) == expected, "{name} by an ordinary user");
        }
    }
}

/// What `hbuild why` answers about a path of the runtime image.
fn why(name: &str, path: &str) -> Value {
    let image = image(name, "runtime");
    let text = must(&mut hbuild(&["why", "--json", image.strip_prefix("oci:").unwrap(), path]));
    serde_json::from_str(&text).unwrap()
}

#[test]
fn why_names_package_signature_and_recipe_line() {
    let Some(mirror) = mirror() else { return };
    if !has("gpgv") || !has("xz") || !has("sha256sum") {
        return;
    }
    let answer = why("python", "/usr/bin/python3");
    assert_eq!(answer["links"].as_array().unwrap().len(), 1, "{answer}");
    let answer = why("python", "/usr/bin/python3.13");
    let cause = &answer["cause"];
    let fetched = folder("why");
    let script = "set -e; cd \"$0\"
        curl -fsSL \"$1/dists/trixie/InRelease\" -o InRelease
        curl -fsSL \"$1/dists/trixie/main/binary-amd64/Packages.xz\" | xz -d > Packages
        sha256sum InRelease | cut -d' ' -f1
        gpgv --keyring /usr/share/keyrings/debian-archive-keyring.gpg --status-fd 1 InRelease 2>/dev/null |
          awk '$2 == \"VALIDSIG\" {print $NF}' | sort > keys || true
        awk -v RS= -v FS='\\n' '$1 == \"Package: python3.13-minimal\"' Packages |
          sed -n 's/^SHA256: //p;s/^Filename: //p'";
    let text = must(Command::new("sh").args(["-c", script]).arg(&fetched).arg(mirror));
    let expected: Vec<&str> = text.lines().collect();
    assert_eq!(cause["name"], "python3.13-minimal");
    assert_eq!(cause["index"]["sha256"], expected[0], "another index than the mirror's: {answer}");
    assert_eq!(cause["file"], expected[1]);
    assert_eq!(cause["sha256"], expected[2]);
    assert_eq!(cause["check"]["kind"], "rechecked", "{answer}");
    assert_eq!(cause["check"]["listed-in"], "main/binary-amd64/Packages.xz", "{answer}");
    let keys = fs::read_to_string(fetched.join("keys")).unwrap();
    let signed: BTreeSet<&str> =
        cause["index"]["signed-by"].as_array().unwrap().iter().map(|key| key.as_str().unwrap()).collect();
    // The host's keyring may be older or newer than hbuild's; what both know must agree.
    let known: BTreeSet<&str> = keys.lines().collect();
    assert!(!known.is_empty() && !known.is_disjoint(&signed), "{known:?} {signed:?}");

    let cause = why("debian-base", "/usr/bin/bash")["cause"].clone();
    let place = &cause["requested"]["place"];
    let recipe = fs::read_to_string(recipe("debian-base").join("debian-base.hb")).unwrap();
    let line = recipe.lines().nth(place["line"].as_u64().unwrap() as usize - 1).unwrap();
    let column = place["column"].as_u64().unwrap() as usize - 1;
    assert!(line[column..].starts_with("\"bash\""), "{line} {place}");
    let lock = fs::read_to_string(support::images::recipe("debian-base").join("hbuild.lock")).unwrap();
    assert!(lock.contains(&format!("sha256 = {}", cause["sha256"])), "{cause}");
}

#[test]
fn why_knows_what_no_package_brought() {
    if mirror().is_none() {
        return;
    }
    let said = |name: &str, path: &str| {
        let image = image(name, "runtime");
        must(&mut hbuild(&["why", image.strip_prefix("oci:").unwrap(), path]))
    };
    let text = said("hello", "/etc/passwd");
    assert!(text.contains("effect `accounts`"), "{text}");
    let text = said("python", "/usr/lib/ssl/certs");
    let lines = fs::read_to_string(recipe("python").join("python.hb")).unwrap();
    let line = lines.lines().position(|line| line.contains("\"/usr/lib/ssl/certs\" =")).unwrap() + 1;
    assert!(text.contains("recipe") && text.contains(&format!("python.hb:{line}:")), "{text}");
    let image = image("hello", "runtime");
    let output = hbuild(&["why", image.strip_prefix("oci:").unwrap(), "/nowhere"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
}
