//! Images built again from their evidence in an empty store: the same ones give a provenance and a summary, changed ones
//! are found out, however well everything about them fits together.

mod reproduce_support;
mod support;

use std::fs;
use std::process::Command;

use hbuild::digest::Sha256;
use reproduce_support::forge::{Forgery, add_file};
use serde_json::Value;
use support::alpine::{Setting, signed_by_test_key};
use support::builds;
use support::oracles::{has, run};
use support::workspace::{RECIPE, Workspace, files, names};

/// hbuild in another folder, with a store of its own and without any mirror.
fn auditor(workspace: &Workspace, arguments: &[&str]) -> Command {
    let folder = workspace.path("auditor");
    fs::create_dir_all(&folder).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_hbuild"));
    command.args(arguments).current_dir(&folder).env_clear();
    command
        .env("HBUILD_STORE", folder.join("store"))
        .env("HOME", &folder)
        .env("TMPDIR", workspace.path("tmp"));
    fs::create_dir_all(workspace.path("tmp")).unwrap();
    command
}

/// Runs it; standard output as JSON, and the status.
fn reproduce(workspace: &Workspace, arguments: &[&str]) -> (Value, i32) {
    let output = auditor(workspace, &[&["reproduce", "--json"], arguments].concat()).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(names(&workspace.path("tmp")), [""; 0], "something was left behind: {error}");
    let value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{arguments:?}: {text}\n{error}"));
    (value, output.status.code().unwrap())
}

fn refused(workspace: &Workspace, arguments: &[&str], status: i32, code: &str) -> String {
    let output = auditor(workspace, &[&["reproduce"], arguments].concat()).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(status), "{arguments:?}: {error}");
    assert!(error.contains(code) && error.contains("help:"), "{arguments:?}: no {code} in {error}");
    assert_eq!(names(&workspace.path("tmp")), [""; 0]);
    error
}

/// A workspace whose image was built and bundled; the archive is gone.
fn built(recipe: &str) -> Workspace {
    let workspace = Workspace::new();
    workspace.write_recipe(recipe);
    workspace.must(&["lock"]);
    workspace.must(&["build"]);
    workspace.must(&["bundle", "-o", "../app.bundle"]);
    fs::rename(workspace.path("archive"), workspace.path("gone")).unwrap();
    workspace
}

const BUNDLE: [&str; 2] = ["--bundle", "../app.bundle"];
const IMAGE: &str = "../project/out/app";

#[test]
fn an_image_is_built_again_and_stated_to_be_the_same() {
    let workspace = built(RECIPE);
    let (report, status) = reproduce(&workspace, &[&[IMAGE], &BUNDLE[..]].concat());
    assert_eq!((status, report["result"].as_str()), (0, Some("identical")), "{report}");
    let platform = &report["platforms"][0];
    assert_eq!(platform["name"], "app:1.0-debian12-amd64");
    assert_eq!(platform["comparison"]["result"], "identical");
    assert_eq!(report["index"]["image"], report["index"]["rebuilt"]);
    for document in platform["evidence"]["documents"].as_array().unwrap() {
        assert_eq!(document["image"][0], document["rebuilt"], "{document}");
    }
    let written = files(&workspace.path("auditor/out/reproduced"));
    let paths: Vec<&str> = written.iter().map(|(path, _)| path.as_str()).collect();
    let stem = "app-1.0-debian12-amd64";
    let kinds = ["policy", "provenance", "summary"];
    assert_eq!(paths, kinds.map(|kind| format!("{stem}.{kind}.json")), "{report}");
    let [policy, provenance, summary] =
        [0, 1, 2].map(|at| serde_json::from_slice::<Value>(&written[at].1).unwrap());
    let predicate = &summary["predicate"];
    assert_eq!(summary["predicateType"], "https://slsa.dev/verification_summary/v1");
    assert_eq!(predicate["verificationResult"], "PASSED");
    assert_eq!(predicate["verifiedLevels"].to_string(), "[\"HBUILD_REPRODUCED\"]");
    assert_eq!(predicate["policy"]["uri"], policy["uri"]);
    assert_eq!(predicate["policy"]["digest"]["sha256"], Sha256::of(&written[0].1).to_string());
    assert!(predicate["resourceUri"].as_str().unwrap().starts_with("pkg:oci/app@sha256%3A"), "{summary}");
    for statement in [&summary, &provenance] {
        assert_eq!(statement["subject"][0]["digest"]["sha256"], platform["manifest"]);
    }
    // The statement that it was built from is named, and is the image's own.
    let forgery = Forgery::of(&workspace.path("project/out/app"));
    let about_image = |it: &Value| {
        it["predicateType"] == "https://slsa.dev/provenance/v1"
            && it["subject"][0]["digest"]["sha256"] == platform["manifest"]
    };
    let (digest, claimed) = forgery.find(about_image);
    assert_eq!(predicate["inputAttestations"][0]["digest"]["sha256"], digest);
    assert_eq!(claimed["predicate"]["buildDefinition"], provenance["predicate"]["buildDefinition"]);
    if has("in-toto-validate") {
        let path = |kind: &str| workspace.path(&format!("auditor/out/reproduced/{stem}.{kind}.json"));
        run(Command::new("in-toto-validate").args([path("provenance"), path("summary")]));
    }
    // Another rebuilder says the same under its own name; what it says can be read by others.
    let mut command = auditor(&workspace, &[&["reproduce", IMAGE, "-o", "other"], &BUNDLE[..]].concat());
    let text = command.env("HBUILD_BUILDER_ID", "https://auditor.example/1").output().unwrap();
    let text = String::from_utf8_lossy(&text.stdout).into_owned();
    assert!(text.contains("identical: every byte came again") && text.contains("layer 1"), "{text}");
    let other = fs::read_to_string(workspace.path(&format!("auditor/other/{stem}.provenance.json"))).unwrap();
    assert!(other.contains("\"id\":\"https://auditor.example/1\""), "{other}");
    let other: Value = serde_json::from_str(&other).unwrap();
    assert_eq!(other["predicate"]["buildDefinition"], provenance["predicate"]["buildDefinition"]);
}

#[test]
fn inputs_come_from_a_store_or_a_mirror_and_archives_are_images_too() {
    let workspace = built(RECIPE);
    // The files that the user's store fetched are enough; nothing that it built is looked at.
    let own = ["reproduce", "out/app", "--offline"];
    let said = workspace.must(&own);
    assert!(said.contains("identical"), "{said}");
    // A damaged file there is not used; with the mirror gone there is no other place.
    for (path, bytes) in files(&workspace.path("store/objects")) {
        if bytes.starts_with(b"!<arch>") {
            let path = workspace.path("store/objects").join(path);
            fs::remove_file(&path).unwrap();
            fs::write(&path, [&bytes[..bytes.len() - 1], b"x"].concat()).unwrap();
        }
    }
    workspace.must_fail(&["reproduce", "out/app"], 3, "hbuild::host::");
    fs::rename(workspace.path("gone"), workspace.path("archive")).unwrap();
    workspace.must(&["reproduce", "out/app"]);
    fs::remove_dir_all(workspace.path("store")).unwrap();
    workspace.must(&["build", "-o", "gzip", "--compression", "gzip"]);
    let archive = "app.tar";
    let mut tar = Command::new("tar");
    tar.args(["-cf", archive, "-C", "gzip/app", "."]).current_dir(workspace.path("project"));
    assert!(tar.status().unwrap().success());
    workspace.must(&["reproduce", archive, "--recipe", "app.hb"]);
    workspace.must(&["reproduce", archive, "--recipe", "..", "--arch", "amd64"]);
    workspace.must_fail(&["reproduce", archive, "--arch", "arm64"], 2, "hbuild::image::unknown_reference");
}

#[test]
fn a_changed_image_is_found_out_however_well_it_fits_together() {
    let workspace = built(RECIPE);
    let layout = workspace.path("project/out/app");
    let forged = workspace.path("forged");
    let arguments = [&["../forged"], &BUNDLE[..]].concat();
    // One flipped bit: the copy is damaged, whatever it was built from.
    Forgery::of(&layout).write(&forged);
    let (_, manifest) = Forgery::of(&layout).manifest();
    let layer = manifest["layers"][0]["digest"].as_str().unwrap()[7..].to_owned();
    let path = forged.join("blobs/sha256").join(&layer);
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, &bytes).unwrap();
    refused(&workspace, &arguments, 3, "hbuild::image::bad_blob");
    // One more file; config, manifest, index and every document say what fits.
    let mut forgery = Forgery::of(&layout);
    forgery.change_layer(3, |tar| add_file(tar, "usr/bin/backdoor", "#!/bin/true\n"));
    forgery.write(&forged);
    let why = workspace.must(&["why", "../forged", "/usr/bin/app"]);
    assert!(why.contains("package    app"), "the evidence fits: {why}");
    let (report, status) = reproduce(&workspace, &arguments);
    assert_eq!((status, report["result"].as_str()), (1, Some("different")), "{report}");
    let difference = report["differences"]["app:1.0-debian12-amd64"]["files"].to_string();
    assert!(difference.contains("usr/bin/backdoor") && !difference.contains("usr/bin/app"), "{difference}");
    assert_eq!(names(&workspace.path("auditor/out/reproduced")), ["app"], "what was built is kept beside");
    let layers = report["platforms"][0]["comparison"]["layers"].as_array().unwrap();
    assert_eq!(layers.last().unwrap()["result"], "different");
    // The same files, another user; and in words.
    let mut forgery = Forgery::of(&layout);
    let config = forgery.manifest().1["config"]["digest"].as_str().unwrap()[7..].to_owned();
    forgery.edit(&config, |config| config["config"]["User"] = "0:0".into());
    forgery.write(&forged);
    let output = auditor(&workspace, &[&["reproduce"], &arguments[..]].concat()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("DIFFERENT") && text.contains("0:0"), "{text}");
    // The image is genuine, a document about it is not.
    let mut forgery = Forgery::of(&layout);
    let digest = forgery.manifest().0;
    let sbom = forgery.find(|it| {
        it["spdxVersion"].is_string()
            && it.to_string().contains(&digest)
            && it["packages"].to_string().contains("libapp")
    });
    forgery.edit(&sbom.0, |sbom| sbom["packages"][0]["versionInfo"] = "9".into());
    forgery.write(&forged);
    let (report, status) = reproduce(&workspace, &arguments);
    assert_eq!((status, report["result"].as_str()), (1, Some("evidence-differs")), "{report}");
}

#[test]
fn another_compressor_is_told_from_other_content() {
    let workspace = built(RECIPE);
    let layout = workspace.path("project/out/app");
    let arguments = [&["../forged"], &BUNDLE[..]].concat();
    let mut forgery = Forgery::of(&layout);
    // The same tar, packed harder; the provenance says that hbuild packed it.
    forgery.change_layer(19, |_| {});
    forgery.write(&workspace.path("forged"));
    let (report, status) = reproduce(&workspace, &arguments);
    assert_eq!((status, report["result"].as_str()), (1, Some("different")), "{report}");
    let layers = report["platforms"][0]["comparison"]["layers"].as_array().unwrap();
    assert_eq!(layers.last().unwrap()["result"], "same-content");
    // It says that another version of the compressor did.
    let (manifest, _) = forgery.manifest();
    let (provenance, _) = forgery.find(|it| {
        it["predicateType"] == "https://slsa.dev/provenance/v1"
            && it["subject"][0]["digest"]["sha256"] == manifest.as_str()
    });
    forgery.edit(&provenance, |statement| {
        let parameters = &mut statement["predicate"]["buildDefinition"]["internalParameters"];
        parameters["compression"]["library"] = "libzstd 1.0.0".into();
    });
    forgery.write(&workspace.path("forged"));
    let (report, status) = reproduce(&workspace, &arguments);
    assert_eq!((status, report["result"].as_str()), (0, Some("same-content")), "{report}");
    let summary = workspace.path("auditor/out/reproduced/app-1.0-debian12-amd64.summary.json");
    let summary = fs::read_to_string(summary).unwrap();
    assert!(summary.contains("HBUILD_REPRODUCED_CONTENT"), "{summary}");
    let said = auditor(&workspace, &[&["reproduce"], &arguments[..]].concat()).output().unwrap();
    assert!(String::from_utf8_lossy(&said.stdout).contains("diffIDs equal"));
}

#[test]
fn what_is_missing_is_said() {
    let workspace = built(RECIPE);
    refused(&workspace, &[IMAGE], 3, "hbuild::reproduce::no_recipe");
    refused(&workspace, &["../none"], 2, "hbuild::usage::no_image_file");
    workspace.write_recipe(&RECIPE.replace("hello", "Hello"));
    let said = refused(&workspace, &[IMAGE, "--recipe", "../project"], 1, "hbuild::reproduce::other_recipe");
    assert!(said.contains("`app.hb`"), "{said}");
    workspace.write_recipe(RECIPE);
    let lock = workspace.path("project/hbuild.lock");
    let text = fs::read_to_string(&lock).unwrap();
    fs::write(&lock, text.replace("size = ", "size = 1")).unwrap();
    refused(&workspace, &[IMAGE, "--recipe", "../project"], 1, "hbuild::reproduce::other_lock");
    fs::write(&lock, text).unwrap();
    refused(&workspace, &[IMAGE, "--recipe", "../project"], 3, "hbuild::");
    let layout = workspace.path("project/out/app");
    let forged = workspace.path("forged");
    let about = |forgery: &Forgery| {
        let manifest = forgery.manifest().0;
        forgery.find(|it| {
            it["predicateType"] == "https://slsa.dev/provenance/v1"
                && it["subject"][0]["digest"]["sha256"] == manifest.as_str()
        })
    };
    type Change = fn(&mut Value);
    let changes: [(&str, Change); 4] = [
        ("hbuild::reproduce::other_subject", |it| {
            it["subject"][0]["digest"]["sha256"] = "0".repeat(64).into()
        }),
        ("hbuild::reproduce::other_build_type", |it| {
            it["predicate"]["buildDefinition"]["buildType"] = "https://example.org/make".into();
        }),
        ("hbuild::reproduce::bad_provenance", |it| it["predicate"]["runDetails"] = 7.into()),
        ("hbuild::reproduce::unknown_image", |it| {
            it["predicate"]["buildDefinition"]["externalParameters"]["image"] = "other".into();
        }),
    ];
    for (code, change) in changes {
        let mut forgery = Forgery::of(&layout);
        let digest = about(&forgery).0;
        forgery.edit(&digest, change);
        forgery.write(&forged);
        let status = if code.ends_with("bad_provenance") { 3 } else { 1 };
        refused(&workspace, &[&["../forged"], &BUNDLE[..]].concat(), status, code);
    }
    // A copy without its referrers.
    Forgery::of(&layout).write(&forged);
    let mut index: Value = serde_json::from_slice(&fs::read(forged.join("index.json")).unwrap()).unwrap();
    index["manifests"].as_array_mut().unwrap().retain(|entry| {
        !entry["annotations"]["org.opencontainers.image.ref.name"]
            .as_str()
            .unwrap_or_default()
            .starts_with("sha256-")
    });
    fs::write(forged.join("index.json"), index.to_string()).unwrap();
    refused(&workspace, &[&["../forged"], &BUNDLE[..]].concat(), 3, "hbuild::reproduce::no_provenance");
}

#[test]
fn what_came_again_is_signed_by_who_built_it_again() {
    let workspace = built(RECIPE);
    let mut command = auditor(&workspace, &["keygen", "-o", "mine"]);
    let output = command.env("HBUILD_PASSPHRASE", "correct horse").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let arguments = [&["reproduce", IMAGE, "--key", "mine.key"], &BUNDLE[..]].concat();
    let output = auditor(&workspace, &arguments).env("HBUILD_PASSPHRASE", "correct horse").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let key = fs::read_to_string(workspace.path("auditor/mine.pub")).unwrap();
    let key = hbuild::evidence::signing::PublicKey::from_pem(&key).unwrap();
    for kind in ["provenance", "summary"] {
        let stem = workspace.path(&format!("auditor/out/reproduced/app-1.0-debian12-amd64.{kind}"));
        let bytes = fs::read(stem.with_extension(format!("{kind}.sigstore.json")))
            .or_else(|_| fs::read(format!("{}.sigstore.json", stem.display())));
        let bundle = hbuild::evidence::signing::Bundle::parse(&bytes.unwrap()).unwrap();
        bundle.verify(&key).unwrap();
        assert_eq!(bundle.payload(), fs::read(format!("{}.json", stem.display())).unwrap());
    }
}

const BUILDS: &str = r#"
build words {
  for distro, arch
  repositories = [test]
  tools   = [tools]
  version = "1.0"
  license = "MIT"
  script  = """
    mkdir -p $OUT/usr/share
    echo pear apple > $OUT/usr/share/words
    """
}

image app {
  for distro, arch
  version      = "1.0"
  repositories = [test]
  packages     = ["app"]
  contents     = [words]
  entrypoint   = ["/usr/bin/none"]
}
"#;

#[test]
fn builds_from_source_are_executed_again() {
    let workspace = Workspace::new();
    workspace.write_recipe(&builds::recipe(BUILDS));
    if !builds::add_tools(&workspace, &["bash", "mkdir"]) || !builds::executes(&workspace, "app.hb") {
        return;
    }
    workspace.must(&["bundle", "-o", "../app.bundle"]);
    fs::rename(workspace.path("archive"), workspace.path("gone")).unwrap();
    let (report, status) = reproduce(&workspace, &[&[IMAGE], &BUNDLE[..]].concat());
    assert_eq!((status, report["result"].as_str()), (0, Some("identical")), "{report}");
    // A store that claims another output for the build is of no use to whoever forged it.
    let (report, status) = {
        let output = workspace.run(&["reproduce", "out/app", "--offline", "--json"]);
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        (report, output.status.code().unwrap())
    };
    assert_eq!((status, report["result"].as_str()), (0, Some("identical")), "{report}");
    let mut forgery = Forgery::of(&workspace.path("project/out/app"));
    forgery.change_layer(3, |tar| {
        let at = tar
            .windows(4)
            .position(|it| it == b"pear")
            .or_else(|| tar.windows(4).position(|it| it == b"SPDX"));
        tar[at.unwrap()] = b'b';
    });
    forgery.write(&workspace.path("forged"));
    assert_eq!(reproduce(&workspace, &[&["../forged"], &BUNDLE[..]].concat()).1, 1);
}

#[test]
fn every_platform_of_an_index_is_built_again() {
    let Some(setting) = Setting::new() else { return };
    let workspace = &setting.workspace;
    workspace.write_recipe(&signed_by_test_key("\"alpine-release\""));
    workspace.must(&["lock"]);
    workspace.must(&["build", "--arch", "all"]);
    let said = workspace.must(&["reproduce", "out/app", "--json"]);
    let report: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(report["result"], "identical", "{report}");
    assert_eq!(report["platforms"].as_array().unwrap().len(), 2);
    assert_eq!(report["index"]["image"], report["index"]["rebuilt"]);
    let one = workspace.must(&["reproduce", "out/app", "--json", "--arch", "arm64"]);
    let one: Value = serde_json::from_str(&one).unwrap();
    assert_eq!(one["platforms"].as_array().unwrap().len(), 1);
    assert!(one.get("index").is_none(), "{one}");
}
