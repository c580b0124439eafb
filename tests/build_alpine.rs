//! Images of Alpine's packages alone, from a small mirror signed by a key that the recipe names, for both architectures.

mod support;

use std::fs;
use std::path::Path;

use serde_json::Value;
use support::alpine::{Setting, genuine, signed_by_test_key};

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
    let provenance: Vec<&Value> = documents
        .iter()
        .filter(|document| document["predicateType"] == "https://slsa.dev/provenance/v1")
        .collect();
    assert_eq!(provenance.len(), 2);
    for statement in provenance {
        let resolved = statement["predicate"]["buildDefinition"]["resolvedDependencies"].as_array().unwrap();
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
    let bill = documents.iter().find(|document| document["spdxVersion"].is_string()).unwrap();
    let packages = bill["packages"].as_array().unwrap();
    let musl = packages.iter().find(|package| package["name"] == "musl").unwrap();
    assert_eq!(musl["licenseDeclared"], "MIT");
    let why = workspace.must(&["why", "out/app:1.0-alpine3.20-arm64", "/lib/ld-musl-aarch64.so.1"]);
    assert!(why.contains("package    musl 1.2.5-r0 aarch64") && why.contains("checksum   Q1"), "{why}");
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
}
