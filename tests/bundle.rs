//! Bundles: everything that a target takes in one file, the same bytes wherever it is made, and the same image from it
//! without any network; and bundles that somebody changed.

mod reproduce_support;
mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use reproduce_support::{Files, header, hide, manifest, named, put_together, set_manifest, take_apart};
use serde_json::{Value, json};
use support::alpine::{Setting, signed_by_test_key};
use support::workspace::{Workspace, files};

/// A locked workspace whose recipe imports a module and takes a folder and a file beside it.
fn workspace() -> Workspace {
    let workspace = Workspace::new();
    let recipe = support::workspace::RECIPE
        .replace("hbuild 1\n", "hbuild 1\nimport \"parts/common.hb\"\n")
        .replace("text = \"hello\\n\"", "text = common.greeting")
        .replace(
            "## An image",
            "source site { path = \"site\" }\nsource note { path = \"note.txt\" }\n\n## An image",
        )
        .replace("entrypoint ", "contents = [site.at(\"/srv\"), note.at(\"/srv\")]\n  entrypoint ");
    workspace.write_recipe(&recipe);
    fs::create_dir_all(workspace.path("project/parts")).unwrap();
    fs::write(workspace.path("project/parts/common.hb"), "hbuild 1\nlet greeting = \"hello\\n\"\n").unwrap();
    fs::create_dir_all(workspace.path("project/site/img")).unwrap();
    fs::write(workspace.path("project/site/index.html"), "<p>\n").unwrap();
    fs::write(workspace.path("project/site/img/a"), "a").unwrap();
    std::os::unix::fs::symlink("img/a", workspace.path("project/site/b")).unwrap();
    fs::write(workspace.path("project/note.txt"), "note\n").unwrap();
    workspace.must(&["lock"]);
    workspace
}

/// hbuild in an empty folder with an empty store, without mirrors and without anything of the project.
fn elsewhere(workspace: &Workspace, name: &str, arguments: &[&str]) -> Command {
    let folder = workspace.path(name);
    fs::create_dir_all(&folder).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_hbuild"));
    command.args(arguments).current_dir(&folder).env_clear();
    command.env("HBUILD_STORE", folder.join("store")).env("HOME", &folder);
    command
}

fn must(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_bundle_is_the_same_everywhere_and_builds_the_same_image() {
    let workspace = workspace();
    workspace.must(&["build"]);
    let said = workspace.must(&["bundle", "app.hb", "-o", "../app.bundle", "--json"]);
    let said: Value = serde_json::from_str(&said).unwrap();
    let bytes = fs::read(workspace.path("app.bundle")).unwrap();
    assert_eq!(said["sha256"], hbuild::digest::Sha256::of(&bytes).to_string().as_str());
    assert_eq!(said["items"], json!(["image `app` (amd64, debian12)"]));
    // GNU tar reads it, and what is in it is what it says.
    let listed = must(Command::new("tar").arg("-tf").arg(workspace.path("app.bundle")));
    for path in ["recipes/app.hb", "recipes/parts/common.hb", "recipes/archive.asc", "recipes/hbuild.lock"] {
        assert!(listed.lines().any(|line| line == path), "no {path} in {listed}");
    }
    assert!(listed.starts_with("manifest.json\n") && listed.contains("recipes/note.txt"), "{listed}");
    let parts = take_apart(&workspace.path("app.bundle"));
    for (entry, (path, bytes)) in manifest(&parts)["entries"].as_array().unwrap().iter().zip(&parts[1..]) {
        assert_eq!(entry["path"], path.as_str());
        assert_eq!(entry["sha256"], hbuild::digest::Sha256::of(bytes).to_string().as_str());
    }
    let uses = manifest(&parts)["entries"].to_string();
    for used in
        ["app 1.0-1 amd64", "libapp 1.0-1 amd64", "InRelease", "Packages.gz", "\"certificate\"", "site"]
    {
        assert!(uses.contains(used), "no {used} in {uses}");
    }
    // Another folder, store, mask, locale, and number of threads; the folder's names made in another order.
    let other = workspace.path("quite/another");
    fs::create_dir_all(other.join("site/img")).unwrap();
    fs::create_dir_all(other.join("parts")).unwrap();
    std::os::unix::fs::symlink("img/a", other.join("site/b")).unwrap();
    let copied = [
        "site/img/a",
        "site/index.html",
        "parts/common.hb",
        "note.txt",
        "hbuild.lock",
        "app.hb",
        "archive.asc",
    ];
    for name in copied {
        fs::copy(workspace.path("project").join(name), other.join(name)).unwrap();
    }
    let mut command = Command::new("sh");
    let script = "umask 077; exec \"$0\" bundle ./app.hb -o result.bundle --jobs 7";
    command.args(["-c", script, env!("CARGO_BIN_EXE_hbuild")]).current_dir(&other).env_clear();
    command.env("HBUILD_STORE", workspace.path("other-store")).env("HOME", "/nonexistent");
    command
        .env("XDG_CONFIG_HOME", workspace.path(".config"))
        .env("TZ", "Pacific/Chatham")
        .env("LC_ALL", "tr_TR.UTF-8");
    must(&mut command);
    assert_eq!(bytes, fs::read(other.join("result.bundle")).unwrap());
    // From it, with an empty store, the same image; the archive is gone.
    fs::rename(workspace.path("archive"), workspace.path("gone")).unwrap();
    must(&mut elsewhere(&workspace, "auditor", &["build", "--from-bundle", "../app.bundle", "-o", "out"]));
    assert_eq!(files(&workspace.path("project/out")), files(&workspace.path("auditor/out")));
    must(&mut elsewhere(
        &workspace,
        "auditor",
        &["build", "--from-bundle", "../app.bundle", "--distro", "debian12"],
    ));
    // A bundle of the store that was filled from it is the same again, but for the indexes that it did not fetch.
    let said =
        elsewhere(&workspace, "auditor", &["build", "--from-bundle", "../app.bundle", "--arch", "arm64"]);
    fails(said, 2, "hbuild::bundle::nothing_meant");
    let said = elsewhere(&workspace, "auditor", &["build", "app.hb", "--from-bundle", "../app.bundle"]);
    fails(said, 2, "--from-bundle");
    let said = elsewhere(&workspace, "auditor", &["build", "--from-bundle", "../none"]);
    fails(said, 2, "hbuild::usage::no_bundle");
}

fn fails(mut command: Command, status: i32, said: &str) {
    let output = command.output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(status), "{command:?}: {error}");
    assert!(error.contains(said), "no {said} in {error}");
}

#[test]
fn what_cannot_be_had_is_said_and_nothing_stays() {
    let workspace = workspace();
    fs::remove_dir_all(workspace.path("store")).unwrap();
    let release = workspace.path("archive/dists/stable/InRelease");
    let text = fs::read(&release).unwrap();
    fs::write(&release, "another").unwrap();
    workspace.must_fail(&["bundle", "-o", "app.bundle"], 3, "hbuild::bundle::no_index");
    assert!(!workspace.path("project/app.bundle").exists());
    workspace.must(&["bundle", "-o", "app.bundle", "--without-indexes"]);
    let bundled = take_apart(&workspace.path("project/app.bundle"));
    assert!(!manifest(&bundled).to_string().contains("InRelease"));
    must(&mut elsewhere(&workspace, "auditor", &["build", "--from-bundle", "../project/app.bundle"]));
    fs::write(&release, text).unwrap();
    fs::remove_dir_all(workspace.path("archive/pool")).unwrap();
    fs::remove_dir_all(workspace.path("store")).unwrap();
    workspace.must_fail(&["bundle", "-o", "other.bundle"], 3, "hbuild::host::");
    assert!(!workspace.path("project/other.bundle").exists());
    assert!(
        support::workspace::names(&workspace.path("project")).iter().all(|name| !name.starts_with(".tmp"))
    );
    fs::write(workspace.path("project/hbuild.lock"), "version = 1\n").unwrap();
    workspace.must_fail(&["bundle", "-o", "other.bundle"], 1, "hbuild::lock::");
}

/// A change of a bundle's files, and what must be said of it.
type Change = (&'static str, fn(&mut Files));

const CHANGES: &[Change] = &[
    ("hbuild::bundle::altered", |files| named(files, "app 1.0-1 amd64").1[100] ^= 1),
    ("hbuild::bundle::altered", |files| named(files, "app.hb").1[3] ^= 1),
    ("hbuild::bundle::altered", |files| named(files, "site").1[3] ^= 1),
    ("hbuild::bundle::altered", |files| named(files, "hbuild.lock").1[3] ^= 1),
    ("hbuild::bundle::bad_path", |files| {
        named(files, "app 1.0-1 amd64").1[100] ^= 1;
        hide(files);
    }),
    ("hbuild::bundle::bad_path", |files| rename(files, "recipes/app.hb", "recipes/../../app.hb")),
    ("hbuild::bundle::bad_path", |files| rename(files, "recipes/app.hb", "/etc/passwd")),
    ("hbuild::bundle::bad_path", |files| rename(files, "recipes/app.hb", "recipes//app.hb")),
    ("hbuild::bundle::duplicate_entry", |files| {
        let mut manifest = manifest(files);
        let entries = manifest["entries"].as_array_mut().unwrap();
        entries.push(entries.last().unwrap().clone());
        set_manifest(files, &manifest);
        files.push(files.last().unwrap().clone());
    }),
    ("hbuild::bundle::duplicate_entry", |files| {
        let first = files[1].clone();
        files.insert(2, first);
    }),
    ("hbuild::bundle::other_entry", |files| drop(files.remove(2))),
    ("hbuild::bundle::other_entry", |files| files.insert(2, ("blobs/more".into(), vec![1]))),
    ("hbuild::bundle::other_entry", |files| files[2].1.push(0)),
    ("hbuild::bundle::trailing_bytes", |files| files.push(("zzz".into(), vec![1]))),
    ("hbuild::bundle::not_a_bundle", |files| drop(files.remove(0))),
    ("hbuild::bundle::bad_manifest", |files| {
        let text = String::from_utf8(files[0].1.clone()).unwrap();
        files[0].1 = text.replacen("{", "{\"format\":\"https://hbuild.dev/bundle/v1\",", 1).into_bytes();
    }),
    ("hbuild::bundle::bad_manifest", |files| {
        let text = String::from_utf8(files[0].1.clone()).unwrap();
        files[0].1 = text.replace("\"arch\":\"amd64\"", "\"arch\":\"arm64\",\"arch\":\"amd64\"").into_bytes();
    }),
    ("hbuild::bundle::bad_manifest", |files| files[0].1.extend(b"{}")),
    ("hbuild::bundle::bad_manifest", |files| files[0].1 = b"[".repeat(100_000)),
    ("hbuild::bundle::other_format", |files| {
        let mut manifest = manifest(files);
        manifest["format"] = "https://hbuild.dev/bundle/v9".into();
        set_manifest(files, &manifest);
    }),
    ("hbuild::bundle::unknown_item", |files| {
        let mut manifest = manifest(files);
        manifest["items"][0]["name"] = "other".into();
        set_manifest(files, &manifest);
    }),
    ("hbuild::bundle::no_input", |files| {
        let path = named(files, "libapp 1.0-1 amd64").0.clone();
        files.retain(|(other, _)| *other != path);
        let mut manifest = manifest(files);
        manifest["entries"].as_array_mut().unwrap().retain(|entry| entry["path"] != path.as_str());
        set_manifest(files, &manifest);
    }),
    ("hbuild::bundle::other_entry", |files| {
        let mut manifest = manifest(files);
        let entries = manifest["entries"].as_array_mut().unwrap();
        entries.last_mut().unwrap()["size"] = json!(1u64 << 62);
        set_manifest(files, &manifest);
    }),
];

/// Gives a file another path, in the manifest too.
fn rename(files: &mut Files, from: &str, to: &str) {
    let mut manifest = manifest(files);
    let entries = manifest["entries"].as_array_mut().unwrap();
    entries.iter_mut().find(|entry| entry["path"] == from).unwrap()["path"] = to.into();
    set_manifest(files, &manifest);
    files.iter_mut().find(|(path, _)| path == from).unwrap().0 = to.to_owned();
}

#[test]
fn a_bundle_that_somebody_changed_is_refused() {
    let workspace = workspace();
    workspace.must(&["bundle", "-o", "../app.bundle"]);
    let good = workspace.path("app.bundle");
    let genuine = take_apart(&good);
    put_together(&workspace.path("same.bundle"), &genuine);
    assert_eq!(
        fs::read(&good).unwrap(),
        fs::read(workspace.path("same.bundle")).unwrap(),
        "the test writes bundles"
    );
    let bad = workspace.path("bad.bundle");
    let refused = |code: &str, what: &str| {
        // What an earlier change left to be fetched is not to be there.
        let _ = fs::remove_dir_all(workspace.path("auditor"));
        let arguments = ["build", "--from-bundle", "../bad.bundle", "-o", "out"];
        let output = elsewhere(&workspace, "auditor", &arguments).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{what}: {error}");
        assert!(error.contains(code) && error.contains("help:"), "{what}: no {code} in {error}");
        assert!(!workspace.path("auditor/out").exists(), "{what}");
    };
    for (number, (code, change)) in CHANGES.iter().enumerate() {
        let mut files = genuine.clone();
        change(&mut files);
        put_together(&bad, &files);
        refused(code, &format!("change {number}"));
    }
    let bytes = fs::read(&good).unwrap();
    for length in [0, 100, 512, 5000, bytes.len() / 2, bytes.len() - 512, bytes.len() - 1] {
        fs::write(&bad, &bytes[..length]).unwrap();
        let code = if length >= 512 { "hbuild::bundle::truncated" } else { "hbuild::bundle::not_a_bundle" };
        refused(code, &format!("cut off at {length}"));
    }
    fs::write(&bad, [&bytes[..], &[0; 512]].concat()).unwrap();
    refused("hbuild::bundle::trailing_bytes", "zeros behind it");
    links_and_padding(&bytes, &bad, &refused);
}

type HeaderChange = fn(&mut tar::Header);

/// Headers that other programs would follow, and bytes that none would see.
fn links_and_padding(bytes: &[u8], bad: &Path, refused: &dyn Fn(&str, &str)) {
    let first = 512 + manifest_length(bytes).next_multiple_of(512);
    let path =
        String::from_utf8(bytes[first..first + 100].iter().copied().take_while(|byte| *byte != 0).collect());
    let path = path.unwrap();
    let size = tar::Header::from_byte_slice(&bytes[first..first + 512]).size().unwrap();
    let changes: [(&str, HeaderChange); 4] = [
        ("a link", |header| header.set_entry_type(tar::EntryType::Symlink)),
        ("a device", |header| header.set_entry_type(tar::EntryType::Char)),
        ("a mode", |header| header.set_mode(0o4755)),
        ("a time", |header| header.set_mtime(1)),
    ];
    for (what, change) in changes {
        let mut other = header(&path, size);
        change(&mut other);
        other.set_cksum();
        let mut changed = bytes.to_vec();
        changed[first..first + 512].copy_from_slice(other.as_bytes());
        fs::write(bad, changed).unwrap();
        refused("hbuild::bundle::other_entry", what);
    }
    let mut changed = bytes.to_vec();
    assert!(!size.is_multiple_of(512));
    changed[first + 512 + size as usize] = 1;
    fs::write(bad, changed).unwrap();
    refused("hbuild::bundle::other_entry", "padding");
}

fn manifest_length(bytes: &[u8]) -> usize {
    usize::try_from(tar::Header::from_byte_slice(&bytes[..512]).size().unwrap()).unwrap()
}

#[test]
fn alpines_packages_are_bundled_with_their_index_and_held_against_it() {
    let Some(setting) = Setting::new() else { return };
    let workspace = &setting.workspace;
    workspace.write_recipe(&signed_by_test_key("\"alpine-release\""));
    workspace.must(&["lock"]);
    workspace.must(&["build", "--arch", "amd64"]);
    workspace.must(&["bundle", "--arch", "amd64", "-o", "../app.bundle"]);
    must(&mut elsewhere(workspace, "auditor", &["build", "--from-bundle", "../app.bundle"]));
    assert_eq!(files(&workspace.path("project/out")), files(&workspace.path("auditor/out")));
    let mut parts = take_apart(&workspace.path("app.bundle"));
    assert!(manifest(&parts).to_string().contains("APKINDEX.tar.gz"));
    // Another package under the name of this one, and all digests of the bundle say so.
    let mut manifest = manifest(&parts);
    let entries = manifest["entries"].as_array_mut().unwrap();
    let packages: Vec<usize> =
        (0..entries.len()).filter(|at| entries[*at]["uses"][0]["kind"] == "package").collect();
    let (one, other) = (packages[0], packages[1]);
    let uses = entries[one]["uses"].take();
    entries[one]["uses"] = entries[other]["uses"].take();
    entries[other]["uses"] = uses;
    set_manifest(&mut parts, &manifest);
    put_together(&workspace.path("bad.bundle"), &parts);
    let command = elsewhere(workspace, "victim", &["build", "--from-bundle", "../bad.bundle"]);
    fails(command, 3, "hbuild::bundle::other_package");
}
