//! `hbuild diff`: what it finds is what other programs find, nothing planted is missed, and a cause is named.

mod diff_contents;
mod support;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Output};

use hbuild::digest::Sha256;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use support::skip;

fn diff(arguments: &[&str], left: &Path, right: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hbuild"));
    command.arg("diff").args(arguments).arg(left).arg(right).output().unwrap()
}

/// The document, with whether both are equal; the status fits it.
fn document(arguments: &[&str], left: &Path, right: &Path) -> (bool, Value) {
    let output = diff(&[&["--json"], arguments].concat(), left, right);
    let errors = String::from_utf8_lossy(&output.stderr);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{errors}"));
    let equal = document["equal"].as_bool().unwrap();
    assert_eq!(output.status.code(), Some(i32::from(!equal)), "{errors}");
    (equal, document)
}

fn text(arguments: &[&str], left: &Path, right: &Path) -> String {
    String::from_utf8(diff(arguments, left, right).stdout).unwrap()
}

fn status(output: &Output) -> (Option<i32>, String) {
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

fn has(program: &str) -> bool {
    let found = Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success());
    if !found {
        skip(&format!("no `{program}`"));
    }
    found
}

fn paths(document: &Value) -> BTreeSet<String> {
    let files = document["files"].as_array().unwrap().iter();
    files.map(|file| file["path"].as_str().unwrap().to_owned()).collect()
}

fn file<'a>(document: &'a Value, path: &str) -> &'a Value {
    let mut files = document["files"].as_array().unwrap().iter();
    files.find(|file| file["path"] == path).unwrap_or_else(|| panic!("{path} is not named: {document}"))
}

/// Every cause below `value`, as `kind` or `kind: left, right`.
fn causes(value: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    match value {
        Value::Object(fields) => {
            for cause in fields.get("causes").and_then(Value::as_array).into_iter().flatten() {
                let kind = cause["kind"].as_str().unwrap();
                found.insert(match cause["left"].as_str() {
                    Some(left) => format!("{kind}: {left}, {}", cause["right"].as_str().unwrap()),
                    None => kind.to_owned(),
                });
            }
            fields.values().for_each(|value| found.extend(causes(value)));
        }
        Value::Array(values) => values.iter().for_each(|value| found.extend(causes(value))),
        _ => {}
    }
    found
}

/// The names of all parts below `value`.
fn parts(value: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for part in value["parts"].as_array().into_iter().flatten() {
        found.extend(part["name"].as_str().map(str::to_owned));
        found.extend(parts(part));
    }
    found
}

/// A random tree with up to `count` entries.
fn plant(root: &Path, random: &mut StdRng, count: usize) {
    let mut folders = vec![root.to_owned()];
    fs::create_dir_all(root).unwrap();
    for number in 0..count {
        let path = folders.choose(random).unwrap().join(format!("n{number}"));
        match random.gen_range(0..6) {
            0 => {
                fs::create_dir(&path).unwrap();
                folders.push(path);
            }
            1 => symlink(format!("target{}", random.gen_range(0..3)), &path).unwrap(),
            _ => {
                let length = random.gen_range(0..2_000);
                let content: Vec<u8> = (0..length).map(|_| random.r#gen()).collect();
                fs::write(&path, content).unwrap();
            }
        }
    }
}

fn below(root: &Path) -> Vec<std::path::PathBuf> {
    let (mut found, mut pending) = (Vec::new(), vec![root.to_owned()]);
    while let Some(folder) = pending.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.symlink_metadata().unwrap().is_dir() {
                pending.push(path.clone());
            }
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Changes something in the tree, other than metadata.
fn change(root: &Path, random: &mut StdRng) {
    let all = below(root);
    let Some(path) = all.choose(random) else { return };
    let metadata = path.symlink_metadata().unwrap();
    match random.gen_range(0..5) {
        0 if metadata.is_dir() => fs::remove_dir_all(path).unwrap(),
        0 => fs::remove_file(path).unwrap(),
        1 => fs::write(path.with_extension("new"), "new").unwrap(),
        2 if metadata.is_file() => {
            fs::remove_file(path).unwrap();
            fs::create_dir(path).unwrap();
            fs::write(path.join("inner"), "x").unwrap();
        }
        3 if metadata.is_symlink() => {
            fs::remove_file(path).unwrap();
            symlink("elsewhere", path).unwrap();
        }
        _ if metadata.is_file() => {
            let mut content = fs::read(path).unwrap();
            let at = random.gen_range(0..=content.len());
            content.insert(at, random.r#gen());
            fs::write(path, content).unwrap();
        }
        _ => {}
    }
}

/// What `diff -rq` names, as paths.
fn named_by_diff(left: &Path, right: &Path) -> BTreeSet<String> {
    let output = Command::new("diff").args(["-rq", "--no-dereference"]).args([left, right]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let relative = |path: &str| {
        let path = Path::new(path);
        let inner = path.strip_prefix(left).or_else(|_| path.strip_prefix(right)).unwrap();
        inner.to_str().unwrap().to_owned()
    };
    let name = |line: &str| match line.strip_prefix("Only in ") {
        Some(rest) => {
            let (folder, name) = rest.split_once(": ").unwrap();
            relative(&format!("{folder}/{name}"))
        }
        // `Files A and B differ`, `Symbolic links A and B differ`, `File A is a directory while file B is …`.
        None => relative(line.split(' ').find(|word| word.starts_with('/')).unwrap()),
    };
    text.lines().map(name).collect()
}

#[test]
fn trees_differ_where_another_program_says_so() {
    if !has("diff") {
        return;
    }
    for seed in 0..8 {
        let random = &mut StdRng::seed_from_u64(seed);
        let folder = tempfile::tempdir().unwrap();
        let (left, right) = (folder.path().join("left"), folder.path().join("right"));
        plant(&left, random, 60);
        let copied = Command::new("cp").arg("-a").args([&left, &right]).status().unwrap();
        assert!(copied.success());
        assert!(document(&[], &left, &right).0, "a copy is equal");
        (0..random.gen_range(0..8)).for_each(|_| change(&right, random));
        let (_, found) = document(&["--ignore", "mode,owner,time,xattrs"], &left, &right);
        let all = paths(&found);
        // diff names the top of what is missing alone.
        let inner = |path: &&String| {
            let parents = path.match_indices('/').map(|(at, _)| path[..at].to_owned());
            let whole = |parent: String| all.contains(&parent);
            parents.into_iter().any(whole)
        };
        let tops: BTreeSet<String> = all.iter().filter(|path| !inner(path)).cloned().collect();
        assert_eq!(tops, named_by_diff(&left, &right), "seed {seed}");
        // A tar archive of a tree is the tree.
        let archive = folder.path().join("right.tar.gz");
        let packed = Command::new("tar").args(["-czf"]).arg(&archive).arg("-C").arg(&right).arg(".").status();
        assert!(packed.unwrap().success());
        assert!(document(&["--ignore", "xattrs"], &right, &archive).0, "seed {seed}");
    }
}

#[test]
fn modes_times_links_and_attributes_are_compared() {
    let folder = tempfile::tempdir().unwrap();
    let sides = ["left", "right"].map(|name| folder.path().join(name));
    for side in &sides {
        fs::create_dir(side).unwrap();
        for name in ["mode", "time", "one", "same", "bell\u{1b}[2J"] {
            fs::write(side.join(name), "x").unwrap();
            let time = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
            fs::File::options().write(true).open(side.join(name)).unwrap().set_modified(time).unwrap();
        }
    }
    fs::set_permissions(sides[1].join("mode"), fs::Permissions::from_mode(0o4755)).unwrap();
    let time = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_060);
    fs::File::options().write(true).open(sides[1].join("time")).unwrap().set_modified(time).unwrap();
    fs::hard_link(sides[1].join("one"), sides[1].join("two")).unwrap();
    fs::write(sides[1].join("bell\u{1b}[2J"), "\u{1b}]0;owned\u{7}\u{202e}").unwrap();
    let (_, found) = document(&[], &sides[0], &sides[1]);
    assert_eq!(file(&found, "mode")["attributes"], json!(["mode"]));
    assert_eq!(file(&found, "mode")["right"]["mode"], "4755");
    assert_eq!(file(&found, "time")["attributes"], json!(["time"]));
    assert_eq!(file(&found, "one")["attributes"], json!(["links"]));
    assert_eq!(file(&found, "two")["right"]["hard-link"], "one");
    assert!(!paths(&found).contains("same"));
    let shown = text(&[], &sides[0], &sides[1]);
    assert!(shown.contains("~ /mode: mode 0644 -> 4755\n"), "{shown}");
    assert!(shown.contains("time 2001-09-09T01:46:40Z -> 2001-09-09T01:47:40Z"), "{shown}");
    let obeyed = |char: char| char != '\n' && (char.is_control() || char == '\u{202e}');
    assert!(!shown.contains(obeyed), "{shown:?}");
}

/// A layout folder with one image of `layers`, each the files of one tar archive.
fn layout(root: &Path, layers: &[&[(&str, &str)]], config: Value) {
    let blobs = root.join("blobs/sha256");
    fs::create_dir_all(&blobs).unwrap();
    let keep = |bytes: &[u8], kind: &str| {
        let digest = Sha256::of(bytes);
        fs::write(blobs.join(digest.to_string()), bytes).unwrap();
        json!({"mediaType": kind, "digest": format!("sha256:{digest}"), "size": bytes.len()})
    };
    let (mut entries, mut diff_ids) = (Vec::new(), Vec::new());
    for layer in layers {
        let mut archive = tar::Builder::new(Vec::new());
        for (path, content) in *layer {
            let mut header = tar::Header::new_ustar();
            header.set_size(content.len() as u64);
            header.set_mode(0o644);
            header.set_mtime(0);
            archive.append_data(&mut header, path, content.as_bytes()).unwrap();
        }
        let plain = archive.into_inner().unwrap();
        diff_ids.push(format!("sha256:{}", Sha256::of(&plain)));
        let packed = zstd::encode_all(plain.as_slice(), 3).unwrap();
        entries.push(keep(&packed, "application/vnd.oci.image.layer.v1.tar+zstd"));
    }
    let config = json!({"architecture": "amd64", "os": "linux", "config": config,
        "rootfs": {"type": "layers", "diff_ids": diff_ids}});
    let config = keep(config.to_string().as_bytes(), "application/vnd.oci.image.config.v1+json");
    let manifest = json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": config, "layers": entries});
    let manifest = keep(manifest.to_string().as_bytes(), "application/vnd.oci.image.manifest.v1+json");
    let index = json!({"schemaVersion": 2, "manifests": [manifest]});
    fs::write(root.join("index.json"), index.to_string()).unwrap();
    fs::write(root.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
}

const STATUS: &str = "var/lib/dpkg/status.d/redis";
const SUMS: &str = "var/lib/dpkg/status.d/redis.md5sums";
const SUM: &str = "d41d8cd98f00b204e9800998ecf8427e";

#[test]
fn images_differ_by_package_config_and_file() {
    let folder = tempfile::tempdir().unwrap();
    let (left, right) = (folder.path().join("left"), folder.path().join("right"));
    let stanza =
        |version: &str| format!("Package: redis\nStatus: install ok installed\nVersion: {version}\n");
    let sums = |extra: &str| format!("{SUM}  usr/bin/redis\n{extra}");
    let base: &[(&str, &str)] = &[("etc/base", "base"), ("etc/gone", "gone"), ("lib/old", "old")];
    let (one, other) = (stanza("8.0.1-1"), stanza("8.0.2-1"));
    let (first_sums, second_sums) = (sums(""), sums(&format!("{SUM}  usr/lib/new\n")));
    layout(
        &left,
        &[base, &[("usr/bin/redis", "redis 8.0.1"), (STATUS, &one), (SUMS, &first_sums)]],
        json!({"Env": ["A=1", "B=2"], "User": "65532:65532"}),
    );
    layout(
        &right,
        &[
            base,
            &[
                ("usr/bin/redis", "redis 8.0.2"),
                ("usr/lib/new", "new"),
                (STATUS, &other),
                (SUMS, &second_sums),
            ],
            &[("etc/.wh.gone", ""), ("lib/.wh..wh..opq", ""), ("lib/young", "y")],
        ],
        json!({"Env": ["A=1", "B=3"], "User": "65532:65532"}),
    );
    assert!(document(&[], &left, &left).0);
    let (equal, found) = document(&[], &left, &right);
    assert!(!equal);
    assert_eq!(
        found["packages"],
        json!([{"name": "redis", "database": "dpkg", "change": "changed", "left": "8.0.1-1", "right": "8.0.2-1"}])
    );
    let expected = ["etc/gone", "lib/old", "lib/young", "usr/bin/redis", "usr/lib/new", STATUS, SUMS];
    assert_eq!(paths(&found), expected.map(str::to_owned).into());
    assert_eq!(file(&found, "etc/gone")["change"], "removed");
    assert_eq!(file(&found, "usr/lib/new")["package"], "redis");
    let fields: Vec<_> = found["fields"].as_array().unwrap().iter().map(|field| &field["path"]).collect();
    assert!(fields.contains(&&json!("/config/Env/1")), "{fields:?}");
    assert!(fields.contains(&&json!("/config/digest")), "{fields:?}");
    let shown = text(&[], &left, &right);
    assert!(shown.contains("packages  1 changed"), "{shown}");
    assert!(shown.contains("  ~ redis  8.0.1-1 -> 8.0.2-1\n"), "{shown}");
    assert!(shown.contains("config/config/Env/1: \"B=2\" -> \"B=3\"\n"), "{shown}");
    assert!(shown.contains("~ /usr/bin/redis (redis): content\n"), "{shown}");
    // The archive of a layout is the image.
    let archive = folder.path().join("right.tar");
    let mut builder = tar::Builder::new(fs::File::create(&archive).unwrap());
    builder.append_dir_all(".", &right).unwrap();
    builder.finish().unwrap();
    assert!(document(&[], &right, &archive).0);
}

#[test]
fn what_cannot_be_compared_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    layout(&path("image"), &[&[("a", "a")]], json!({}));
    layout(&path("damaged"), &[&[("a", "b")]], json!({}));
    fs::create_dir(path("tree")).unwrap();
    let index: Value = serde_json::from_slice(&fs::read(path("damaged/index.json")).unwrap()).unwrap();
    let manifest = index["manifests"][0]["digest"].as_str().unwrap().replace(':', "/");
    let manifest: Value =
        serde_json::from_slice(&fs::read(path("damaged/blobs").join(manifest)).unwrap()).unwrap();
    let layer =
        path("damaged/blobs").join(manifest["layers"][0]["digest"].as_str().unwrap().replace(':', "/"));
    let mut bytes = fs::read(&layer).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&layer, bytes).unwrap();
    let (code, errors) = status(&diff(&[], &path("image"), &path("damaged")));
    assert_eq!(code, Some(3), "{errors}");
    assert!(errors.contains("hbuild::image::bad_blob"), "{errors}");
    let (code, errors) = status(&diff(&[], &path("image"), &path("tree")));
    assert_eq!(code, Some(2), "{errors}");
    assert!(errors.contains("hbuild::usage::other_kinds") && errors.contains("is a tree"), "{errors}");
    let (code, errors) = status(&diff(&["--as", "lock"], &path("none"), &path("none")));
    assert_eq!(code, Some(3), "{errors}");
    assert!(errors.contains("hbuild::diff::unreadable"), "{errors}");
    let socket = std::os::unix::net::UnixListener::bind(path("tree/socket")).unwrap();
    let (code, errors) = status(&diff(&[], &path("tree"), &path("tree")));
    assert_eq!(code, Some(3), "{errors}");
    assert!(errors.contains("hbuild::diff::special_file"), "{errors}");
    drop(socket);
}

#[test]
fn recipes_and_locks_are_compared_by_what_they_come_to() {
    let folder = tempfile::tempdir().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("recipes/hello");
    let (recipe, lock) = (root.join("hello.hb"), root.join("hbuild.lock"));
    let other = folder.path().join("hello.hb");
    let source = fs::read_to_string(&recipe).unwrap();
    fs::write(&other, format!("# moved\n\n{source}").replacen("# moved", "", 0)).unwrap();
    let (equal, found) = document(&[], &recipe, &recipe);
    assert!(equal, "{found}");
    let text_of_lock = fs::read_to_string(&lock).unwrap();
    let changed = folder.path().join("hbuild.lock");
    fs::write(&changed, &text_of_lock).unwrap();
    assert!(document(&[], &lock, &changed).0);
    let at = text_of_lock.find("sha256 = \"").unwrap() + 10;
    let digit = if text_of_lock.as_bytes()[at] == b'0' { "1" } else { "0" };
    let mut forged = text_of_lock.clone();
    forged.replace_range(at..=at, digit);
    fs::write(&changed, forged).unwrap();
    let (equal, found) = document(&[], &lock, &changed);
    assert!(!equal);
    assert_eq!(found["fields"].as_array().unwrap().len(), 1, "{found}");
    assert!(found["fields"][0]["path"].as_str().unwrap().ends_with("sha256"), "{found}");
}
