//! Images of Alpine's packages alone, from a small mirror signed by a key that the recipe names, for both architectures.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use support::alpine::{Setting, TEST_KEY, genuine, signed_by_test_key};

/// Every JSON document of a layout.
fn documents(layout: &Path) -> Vec<Value> {
    let blobs = fs::read_dir(layout.join("blobs/sha256")).unwrap();
    let bytes = blobs.map(|entry| fs::read(entry.unwrap().path()).unwrap());
    bytes
        .filter(|bytes| bytes.starts_with(b"{"))
        .filter_map(|bytes| serde_json::from_slice(&bytes).ok())
        .collect()
}

#[test]
fn both_architectures_are_built_with_evidence_of_the_files_fetched() {
    let Some(setting) = Setting::new() else { return };
    let workspace = &setting.workspace;
    workspace.write_recipe(&signed_by_test_key("\"alpine-release\", \"libssl3\""));
    workspace.must(&["lock", "."]);
    let table = workspace.must(&["build", "app.hb", "--arch", "all"]);
    for arch in ["amd64", "arm64"] {
        assert!(table.contains(&format!("1.0-alpine3.20  {arch}")), "{table}");
    }
    let documents = documents(&workspace.path("project/out/app"));
    let (of_index, provenance): (Vec<&Value>, Vec<&Value>) = documents
        .iter()
        .filter(|document| document["predicateType"] == "https://slsa.dev/provenance/v1")
        .partition(|statement| statement["subject"][0]["name"] == "app:1.0-alpine3.20");
    let resolved = |statement: &Value| {
        statement["predicate"]["buildDefinition"]["resolvedDependencies"].as_array().unwrap().clone()
    };
    let subjects: Vec<&Value> = provenance.iter().map(|statement| &statement["subject"][0]).collect();
    let images = resolved(of_index[0]).into_iter().filter(|one| one["annotations"]["kind"] == "image");
    let named = images.map(|one| (one["name"].clone(), one["digest"].clone()));
    let mut expected: Vec<_> = subjects.iter().map(|it| (it["name"].clone(), it["digest"].clone())).collect();
    expected.sort_by_key(|(name, _)| name.to_string());
    assert_eq!((named.collect::<Vec<_>>(), expected.len(), of_index.len()), (expected, 2, 1));
    for statement in provenance {
        let resolved = resolved(statement);
        let packages: Vec<&Value> =
            resolved.iter().filter(|one| one["annotations"]["kind"] == "package").collect();
        assert!(packages.len() >= 3, "{statement}");
        for package in packages {
            let file = setting.mirror.join(package["annotations"]["file"].as_str().unwrap());
            let sha256 = hbuild::digest::Sha256::of(&fs::read(file).unwrap()).to_string();
            assert_eq!(package["digest"]["sha256"], sha256.as_str(), "{package}");
            assert!(package["annotations"]["checksum"].as_str().unwrap().starts_with("Q1"), "{package}");
            assert!(package["uri"].as_str().unwrap().starts_with("pkg:apk/alpine/"), "{package}");
        }
    }
    let bills = documents.iter().filter(|document| document["spdxVersion"].is_string());
    let mut packages = bills.flat_map(|bill| bill["packages"].as_array().unwrap());
    let musl = packages.find(|package| package["name"] == "musl").unwrap();
    assert_eq!(musl["licenseDeclared"], "MIT");
    let why = workspace.must(&["why", "out/app:1.0-alpine3.20-arm64", "/lib/ld-musl-aarch64.so.1"]);
    assert!(why.contains("package    musl 1.2.5-r0 aarch64") && why.contains("checksum   Q1"), "{why}");
}

/// Every file below the folder.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut left = vec![folder.to_owned()];
    while let Some(at) = left.pop() {
        for path in fs::read_dir(at).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                left.push(path);
            } else {
                found.insert(path.strip_prefix(folder).unwrap().to_owned(), fs::read(&path).unwrap());
            }
        }
    }
    found
}

fn done(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// In another folder, out of another store, by another user where this one is root, in another time zone and locale, with
/// another umask and number of jobs, from a mirror whose files were laid down in another order.
#[test]
fn the_same_bits_anywhere() {
    const OTHER: u32 = 4_327;
    let Some(setting) = Setting::new() else { return };
    let workspace = &setting.workspace;
    let packages = "\"alpine-baselayout-data\", \"alpine-release\", \"ca-certificates-bundle\", \"libssl3\"";
    workspace.write_recipe(&signed_by_test_key(packages));
    workspace.must(&["lock", "."]);
    workspace.must(&["build", ".", "--arch", "all", "-o", "one"]);

    let (place, mirror) = (workspace.path("another place"), workspace.path("another place/mirror"));
    for arch in ["aarch64", "x86_64"] {
        let part = Path::new("v3.20/main").join(arch);
        fs::create_dir_all(mirror.join(&part)).unwrap();
        let entries = fs::read_dir(setting.mirror.join(&part)).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort_by(|one, two| two.cmp(one));
        for name in names {
            fs::copy(setting.mirror.join(&part).join(&name), mirror.join(&part).join(&name)).unwrap();
        }
    }
    for name in ["app.hb", "hbuild.lock", TEST_KEY] {
        fs::copy(workspace.path("project").join(name), place.join(name)).unwrap();
    }
    fs::create_dir_all(place.join("config/hbuild")).unwrap();
    let config =
        format!("[mirrors]\nlocal = [\"file://{}\"]\n", mirror.display().to_string().replace(' ', "%20"));
    fs::write(place.join("config/hbuild/config.toml"), config).unwrap();
    // By a process of its own: what another thread starts meanwhile would hold the file open for writing.
    done(Command::new("cp").arg(env!("CARGO_BIN_EXE_hbuild")).arg(place.join("hbuild")));
    fs::set_permissions(workspace.path(""), fs::Permissions::from_mode(0o755)).unwrap();
    let mut again = Command::new("sh");
    again.args(["-c", "umask 077; exec ./hbuild build . --arch all -o two --jobs 1"]).current_dir(&place);
    again.env_clear().env("HOME", &place).env("XDG_CONFIG_HOME", place.join("config"));
    again.env("HBUILD_STORE", place.join("store")).env("TZ", "Pacific/Chatham").env("LC_ALL", "tr_TR.UTF-8");
    if rustix::process::geteuid().is_root() {
        chown(&place, Some(OTHER), Some(OTHER)).unwrap();
        again.uid(OTHER).gid(OTHER);
    }
    done(&mut again);
    assert!(files(&workspace.path("project/one")) == files(&place.join("two")), "the images differ");
}

#[test]
fn a_genuine_package_is_vouched_for_by_alpines_key() {
    let Some(setting) = Setting::new() else { return };
    let workspace = &setting.workspace;
    let recipe = genuine("\"alpine-baselayout-data\", \"alpine-keys\"");
    workspace.write_recipe(&recipe.replace("  version = ", "  resolve = listed\n  version = "));
    workspace.must(&["lock", "."]);
    workspace.must(&["build", "app.hb"]);
    let why = workspace.must(&["why", "out/app:1.0-alpine3.19-amd64", "/etc/services"]);
    assert!(why.contains("package    alpine-baselayout-data"), "{why}");
    assert!(why.contains("checked    signature, index and the entry in APKINDEX"), "{why}");
    // Without the store only an image that carries its indexes can be checked.
    workspace.must(&["build", "app.hb", "--evidence", "indexes", "-o", "carried"]);
    let why = |folder: &str| {
        let mut command =
            workspace.command(&["why", &format!("{folder}/app:1.0-alpine3.19-amd64"), "/etc/services"]);
        let output = command.env("HBUILD_STORE", workspace.path("no-store")).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(why("out").contains("asserted by the lock, not rechecked"), "{}", why("out"));
    let carried = why("carried");
    assert!(carried.contains("checked    signature, index and the entry in APKINDEX"), "{carried}");
}
