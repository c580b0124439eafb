//! The whole way from recipe to layout on an archive made by the test, without a network: what is built, that it
//! is built the same everywhere, and what is said of bad input.

#[path = "mirror_support/server.rs"]
#[allow(dead_code, reason = "each test binary uses its own part of this module")]
mod server;
mod support;

use std::fs;
use std::path::Path;

use server::{Answer, Server};
use support::archive::{Archive, Member, Package, Signer};
use support::workspace::{RECIPE, Workspace, files};

#[test]
fn a_recipe_becomes_a_layout_and_the_second_build_does_nothing() {
    let workspace = Workspace::new();
    let table = workspace.must(&["lock"]);
    assert!(table.contains("+ app") && table.contains("+ libapp"), "{table}");
    let first = workspace.must(&["build", "--json"]);
    let result: serde_json::Value = serde_json::from_str(&first).unwrap();
    assert_eq!(result[0]["image"], "app");
    assert_eq!(result[0]["packages"], 2);
    let layout = files(&workspace.path("project/out"));
    let index = fs::read_to_string(workspace.path("project/out/app/index.json")).unwrap();
    assert!(index.contains("1.0-debian12-amd64"), "{index}");
    let blobs = workspace.path("project/out/app/blobs");
    let before = fs::metadata(&blobs).unwrap().modified().unwrap();
    assert_eq!(workspace.must(&["build", "--json"]), first);
    assert_eq!(fs::metadata(&blobs).unwrap().modified().unwrap(), before);
    assert_eq!(files(&workspace.path("project/out")), layout);
    let verified = workspace.must(&["store", "verify"]);
    assert!(verified.contains("no damage"), "{verified}");
}

#[test]
fn the_same_bits_everywhere() {
    let workspace = Workspace::new();
    workspace.must(&["lock"]);
    workspace.must(&["build", "-o", "../one", "--jobs", "1"]);
    let other = workspace.path("quite/another/place");
    fs::create_dir_all(&other).unwrap();
    for name in ["archive.asc", "hbuild.lock", "app.hb"] {
        fs::copy(workspace.path("project").join(name), other.join(name)).unwrap();
    }
    let mut command = std::process::Command::new("sh");
    let hbuild = env!("CARGO_BIN_EXE_hbuild");
    command.args(["-c", "umask 077; exec \"$0\" build -o result --jobs 7", hbuild]).current_dir(&other);
    command.env_clear().env("HBUILD_STORE", workspace.path("other-store")).env("HOME", "/nonexistent");
    command.env("XDG_CONFIG_HOME", workspace.path(".config"));
    command.env("TZ", "Pacific/Chatham").env("LC_ALL", "tr_TR.UTF-8").env("HOSTNAME", "elsewhere");
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(files(&workspace.path("one")), files(&other.join("result")));
}

#[test]
fn every_format_is_the_same_twice() {
    let workspace = Workspace::new();
    workspace.must(&["lock"]);
    for format in ["oci", "docker", "tar", "dir"] {
        for compression in ["zstd", "gzip"] {
            let [one, two] =
                ["one", "two"].map(|name| workspace.path(&format!("{name}-{format}-{compression}")));
            for output in [&one, &two] {
                let output = output.to_str().unwrap();
                workspace.must(&["build", "--format", format, "--compression", compression, "-o", output]);
                fs::remove_dir_all(workspace.path("store")).unwrap();
            }
            assert!(!files(&one).is_empty());
            assert_eq!(files(&one), files(&two), "{format} {compression}");
        }
    }
}

#[test]
fn the_recipe_is_wrong() {
    let workspace = Workspace::new();
    let with = |from: &str, to: &str| workspace.write_recipe(&RECIPE.replace(from, to));
    with("packages ", "pakages ");
    let said = workspace.must_fail(&["build"], 1, "hbuild::lang::unknown_field");
    assert!(said.contains("packages") && said.contains("app.hb"), "{said}");
    with("[\"app\"]", "\"app\"");
    workspace.must_fail(&["build"], 1, "hbuild::lang::wrong_type");
    with("image app", "imgae app");
    let said = workspace.must_fail(&["build"], 1, "hbuild::syntax::unknown_item");
    assert!(said.contains("image"), "{said}");
    with("[\"app\"]", "[\"ap\"]");
    let said = workspace.must_fail(&["lock"], 1, "hbuild::debian::unknown_package");
    assert!(said.contains("did you mean"), "{said}");
    workspace.must_fail(&["build", "nowhere.hb"], 2, "hbuild::usage::no_recipe");
    workspace.write_recipe(RECIPE);
    workspace.must_fail(&["build", "app.hb#other"], 2, "hbuild::usage::no_image");
    workspace.must_fail(&["build", "--colour", "red"], 2, "hbuild::usage::no_such_axis");
    workspace.must_fail(&["build", "--distro", "alpine"], 2, "hbuild::usage::no_variant");
}

#[test]
fn the_lock_is_missing_outgrown_or_damaged() {
    let workspace = Workspace::new();
    let said = workspace.must_fail(&["build"], 1, "hbuild::lock::missing");
    assert!(said.contains("hbuild lock"), "{said}");
    workspace.must(&["lock"]);
    workspace.write_recipe(&RECIPE.replace("[\"app\"]", "[\"app\", \"libapp\"]"));
    let said = workspace.must_fail(&["build"], 1, "hbuild::lock::outgrown");
    assert!(said.contains("libapp"), "{said}");
    fs::write(workspace.path("project/hbuild.lock"), "version = 1\nnonsense\n").unwrap();
    workspace.must_fail(&["build"], 1, "hbuild::lock::damaged");
    assert!(!workspace.path("project/out").exists());
}

#[test]
fn packages_conflict() {
    let mut workspace = Workspace::new();
    workspace.archive.packages[1] = Package::new("libapp", "1.0-1").field("Conflicts", "app");
    workspace.archive.publish();
    let said = workspace.must_fail(&["lock"], 1, "hbuild::debian::unsolvable");
    assert!(said.contains("app") && said.contains("libapp"), "{said}");
    workspace.archive.packages[1] = Package::new("libapp", "1.0-1").file("usr/bin/app", "mine\n");
    workspace.archive.publish();
    workspace.must(&["lock"]);
    let said = workspace.must_fail(&["build"], 1, "hbuild::merge::file_conflict");
    assert!(said.contains("/usr/bin/app") && said.contains("libapp"), "{said}");
    assert!(!workspace.path("project/out").exists());
}

#[test]
fn the_signed_index_is_not_to_be_believed() {
    let mut workspace = Workspace::new();
    let in_release = workspace.path("archive/dists/stable/InRelease");
    let signed = fs::read_to_string(&in_release).unwrap();
    fs::write(&in_release, signed.replace("Origin: Test", "Origin: Evil")).unwrap();
    workspace.must_fail(&["lock"], 3, "hbuild::debian::bad_signature");
    fs::write(&in_release, "Origin: Test\nSuite: stable\n").unwrap();
    workspace.must_fail(&["lock"], 3, "hbuild::debian::unsigned");
    fs::write(&in_release, &signed).unwrap();
    workspace.must(&["lock"]);
    let lock = fs::read(workspace.path("project/hbuild.lock")).unwrap();
    workspace.archive.date = "Fri, 09 Jan 2026 10:12:52 UTC".into();
    workspace.archive.publish();
    let said = workspace.must_fail(&["lock", "--update"], 3, "hbuild::debian::older");
    assert!(said.contains("older"), "{said}");
    workspace.archive.date = "Sun, 11 Jan 2026 10:12:52 UTC".into();
    workspace.archive.valid_until = Some("Mon, 12 Jan 2026 10:12:52 UTC".into());
    workspace.archive.publish();
    let said = workspace.must_fail(&["lock", "--update"], 3, "hbuild::debian::expired");
    assert!(said.contains("expired") || said.contains("Valid-Until"), "{said}");
    workspace.archive.valid_until = None;
    workspace.archive.signer = Signer::new("Somebody else <else@example.org>");
    workspace.archive.publish();
    workspace.must_fail(&["lock", "--update"], 3, "hbuild::debian::other_key");
    assert_eq!(fs::read(workspace.path("project/hbuild.lock")).unwrap(), lock, "a failure changed the lock");
}

#[test]
fn the_files_of_the_archive_are_not_what_is_signed() {
    let workspace = Workspace::new();
    for name in ["Packages", "Packages.gz"] {
        let packages = workspace.path("archive/dists/stable/main/binary-amd64").join(name);
        let mut bytes = fs::read(&packages).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&packages, bytes).unwrap();
    }
    workspace.must_fail(&["lock"], 3, "hbuild::host::wrong_bytes");
    workspace.archive.publish();
    workspace.must(&["lock"]);
    let deb = workspace.archive.folder.join(Archive::pool_path(&workspace.archive.packages[0]));
    let good = fs::read(&deb).unwrap();
    let bad: [(&str, Vec<u8>); 3] = [
        (
            "wrong_bytes",
            good.iter().enumerate().map(|(at, byte)| if at == 99 { byte ^ 1 } else { *byte }).collect(),
        ),
        ("truncated", good[..good.len() / 2].to_vec()),
        ("truncated", Vec::new()),
    ];
    for (code, bytes) in bad {
        fs::write(&deb, bytes).unwrap();
        let said = workspace.must_fail(&["build"], 3, &format!("hbuild::host::{code}"));
        assert!(said.contains("app"), "{code}: {said}");
    }
    fs::remove_file(&deb).unwrap();
    workspace.must_fail(&["build"], 3, "hbuild::host::not_found");
    assert!(!workspace.path("project/out").exists());
    fs::write(&deb, good).unwrap();
    workspace.must(&["build"]);
}

#[test]
fn hostile_packages_are_refused_by_name_and_leave_nothing() {
    use tar::EntryType;
    let path = |name: &str| Member { bytes: b"x".to_vec(), ..Member::new(name, EntryType::Regular, "") };
    let link = |kind, name: &str, target: &str| Member::new(name, kind, target);
    let cases: Vec<(&str, Vec<Member>)> = vec![
        ("path_leaves_root", vec![path("./../../evil")]),
        ("absolute_path", vec![path("/evil")]),
        ("special_file", vec![link(EntryType::Char, "./evil", "")]),
        ("special_file", vec![link(EntryType::Block, "./evil", "")]),
        ("whiteout_name", vec![path("./.wh.evil")]),
        ("bad_hard_link", vec![link(EntryType::Link, "./evil", "../../evil")]),
        ("bad_hard_link", vec![link(EntryType::Link, "./evil", "/etc/shadow")]),
        ("bad_hard_link", vec![link(EntryType::Link, "./evil", "./later")]),
        ("through_symlink", vec![link(EntryType::Symlink, "./evil", "/tmp"), path("./evil/file")]),
        ("duplicate_entry", vec![path("./evil"), path("./evil")]),
        ("bomb", vec![Member { bytes: vec![0; 258 << 20], ..path("./evil") }]),
    ];
    let mut workspace = Workspace::new();
    for (code, members) in cases {
        workspace.archive.packages[0].members = members;
        workspace.archive.publish();
        let _ = fs::remove_file(workspace.path("project/hbuild.lock"));
        workspace.must(&["lock"]);
        let said = workspace.must_fail(&["build"], 3, &format!("hbuild::archive::{code}"));
        assert!(said.contains("app@1.0-1") || said.contains("app 1.0-1"), "{said}");
        assert!(!workspace.path("project/out").exists(), "{code}");
        for outside in ["evil", "store/evil", "project/evil"] {
            assert!(!workspace.path(outside).exists(), "{code} wrote {outside}");
        }
        workspace.must(&["store", "verify"]);
    }
    assert!(!Path::new("/evil").exists() && !Path::new("/tmp/file").exists());
}

#[test]
fn a_mirror_without_the_file_is_passed_over() {
    if !support::loopback() {
        return;
    }
    let workspace = Workspace::new();
    let empty = Server::start(|_, _| Answer::Status(404));
    let full = Server::of_folder(workspace.archive.folder.clone());
    workspace.write_mirrors(&[&empty.url(""), &full.url("")]);
    workspace.must(&["lock"]);
    workspace.must(&["build"]);
    assert!(empty.requests().iter().any(|request| request.path.ends_with(".deb")), "it was never asked");
    assert!(full.requests().iter().any(|request| request.path.ends_with(".deb")));
    fs::remove_dir_all(workspace.path("store")).unwrap();
    fs::remove_dir_all(workspace.path("project/out")).unwrap();
    workspace.write_mirrors(&[&empty.url("")]);
    let said = workspace.must_fail(&["build"], 3, "hbuild::host::not_found");
    assert!(said.contains(&empty.authority()) && said.contains("app"), "{said}");
    workspace.write_mirrors(&["http://127.0.0.1:1/"]);
    workspace.must_fail(&["build"], 3, "hbuild::host::unreachable");
    workspace.must_fail(&["build", "--offline"], 3, "hbuild::exec::offline");
    assert!(!workspace.path("project/out").exists());
    fs::write(workspace.path(".config/hbuild/config.toml"), "mirors = 1\n").unwrap();
    workspace.must_fail(&["build"], 2, "hbuild::host::bad_configuration");
}

#[test]
fn two_builds_at_once_on_one_store_agree() {
    let workspace = Workspace::new();
    workspace.must(&["lock"]);
    let children: Vec<_> = (0..4)
        .map(|number| workspace.command(&["build", "-o", &format!("../out-{number}")]).spawn().unwrap())
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let first = files(&workspace.path("out-0"));
    assert!(!first.is_empty());
    for number in 1..4 {
        assert_eq!(files(&workspace.path(&format!("out-{number}"))), first);
    }
    workspace.must(&["store", "verify"]);
}

#[test]
fn a_read_only_store_answers_what_it_knows() {
    let workspace = Workspace::new();
    workspace.must(&["lock"]);
    workspace.must(&["build"]);
    if rustix::process::geteuid().is_root() {
        eprintln!("not shown as root, who writes to read-only folders");
        return;
    }
    set_writable(&workspace.path("store"), false);
    workspace.must(&["build", "-o", "../again"]);
    set_writable(&workspace.path("store"), true);
}

fn set_writable(folder: &Path, writable: bool) {
    use std::os::unix::fs::PermissionsExt;
    let mode = if writable { 0o755 } else { 0o555 };
    let mut pending = vec![folder.to_owned()];
    while let Some(path) = pending.pop() {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        for entry in fs::read_dir(&path).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                pending.push(entry.path());
            }
        }
    }
}
