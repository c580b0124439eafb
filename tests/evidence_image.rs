//! The documents that a built image and its index carry, as hbuild's commands give them and as programs of others read
//! them.

mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use support::oracles::{check_schema, has, run};
use support::workspace::Workspace;

const IN_TOTO: &str = "application/vnd.in-toto+json";

fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn blob(layout: &Path, digest: &Value) -> PathBuf {
    layout.join("blobs/sha256").join(digest.as_str().unwrap().strip_prefix("sha256:").unwrap())
}

/// The digest of what `reference` names in the layout.
fn named(layout: &Path, reference: &str) -> String {
    let index = json(&layout.join("index.json"));
    let is_it = |entry: &&Value| entry["annotations"]["org.opencontainers.image.ref.name"] == reference;
    let entry = index["manifests"].as_array().unwrap().iter().find(is_it).expect(reference);
    entry["digest"].as_str().unwrap().to_owned()
}

/// The documents about `subject`: artifact type, predicate type and file.
fn documents(layout: &Path, subject: &str) -> Vec<(String, String, PathBuf)> {
    let referrers = json(&blob(layout, &Value::from(named(layout, &subject.replace(':', "-")))));
    let document = |entry: &Value| {
        let manifest = json(&blob(layout, &entry["digest"]));
        assert_eq!(manifest["subject"]["digest"], subject);
        let predicate = entry["annotations"]["in-toto.io/predicate-type"].as_str().unwrap_or_default();
        let artifact = entry["artifactType"].as_str().unwrap();
        (artifact.to_owned(), predicate.to_owned(), blob(layout, &manifest["layers"][0]["digest"]))
    };
    referrers["manifests"].as_array().unwrap().iter().map(document).collect()
}

fn one(documents: &[(String, String, PathBuf)], artifact: &str, predicate: &str) -> PathBuf {
    let fits = |(found, kind, _): &&(String, String, PathBuf)| found == artifact && kind == predicate;
    let found: Vec<_> = documents.iter().filter(fits).collect();
    assert_eq!(found.len(), 1, "{artifact} {predicate}: {documents:?}");
    found[0].2.clone()
}

fn built() -> (Workspace, PathBuf) {
    let workspace = Workspace::new();
    workspace.must(&["lock", "."]);
    workspace.must(&["build", "."]);
    let layout = workspace.path("project/out/app");
    (workspace, layout)
}

/// Copies of `files` with the ending that tools want.
fn with_ending(workspace: &Workspace, ending: &str, files: &[PathBuf]) -> Vec<PathBuf> {
    let copy = |(number, file): (usize, &PathBuf)| {
        let copy = workspace.path(&format!("document-{number}{ending}"));
        std::fs::copy(file, &copy).unwrap();
        copy
    };
    files.iter().enumerate().map(copy).collect()
}

#[test]
fn image_and_index_have_valid_documents() {
    let (workspace, layout) = built();
    let (image, index) = (named(&layout, "1.0-debian12-amd64"), named(&layout, "1.0-debian12"));
    let (of_image, of_index) = (documents(&layout, &image), documents(&layout, &index));
    assert_eq!((of_image.len(), of_index.len()), (6, 4));
    let both = |artifact: &str| [one(&of_image, artifact, ""), one(&of_index, artifact, "")];
    let (spdx, cyclonedx) = (both("application/spdx+json"), both("application/vnd.cyclonedx+json"));
    check_schema("spdx-2.3/spdx-schema.json", &spdx);
    check_schema("cyclonedx/bom-1.6.schema.json", &cyclonedx);
    if has("pyspdxtools") {
        for file in with_ending(&workspace, ".spdx.json", &spdx) {
            run(Command::new("pyspdxtools").arg("-i").arg(&file));
        }
    }
    if has("cyclonedx-validate") {
        cyclonedx.iter().for_each(|bill| drop(run(Command::new("cyclonedx-validate").arg(bill))));
    }
    if has("in-toto-validate") {
        let all = of_image.iter().chain(&of_index).filter(|(artifact, ..)| artifact == IN_TOTO);
        run(Command::new("in-toto-validate").args(all.map(|(_, _, path)| path)));
    }
    let subject =
        |path: PathBuf| format!("sha256:{}", json(&path)["subject"][0]["digest"]["sha256"].as_str().unwrap());
    let provenance = one(&of_index, IN_TOTO, "https://slsa.dev/provenance/v1");
    let statement = json(&provenance);
    assert_eq!(subject(provenance), index);
    let definition = &statement["predicate"]["buildDefinition"];
    assert_eq!(definition["buildType"], "https://hbuild.dev/build-types/index/v1");
    assert_eq!(
        format!("sha256:{}", definition["resolvedDependencies"][0]["digest"]["sha256"].as_str().unwrap()),
        image
    );
    let policy = one(&of_index, IN_TOTO, "https://hbuild.dev/policy-summary/v1");
    let report = one(&of_image, IN_TOTO, "https://slsa.dev/provenance/v1");
    let report = json(&report)["predicate"]["runDetails"]["byproducts"][0]["digest"]["sha256"].clone();
    assert_eq!(json(&policy)["predicate"]["platforms"][0]["report"], report);
    assert_eq!(subject(policy), index);
    let bill = json(&one(&of_index, "application/spdx+json", ""));
    let relations = bill["relationships"].as_array().unwrap();
    assert!(relations.iter().any(|relation| relation["relationshipType"] == "VARIANT_OF"), "{bill}");
}

/// The path of each SPDX file with the package that contains it and its digests.
fn files_of(bill: &Value) -> BTreeMap<String, (String, Value)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let packages = bill["packages"].as_array().unwrap().iter();
    let purpose =
        |package: &Value| format!("{} {}", text(&package["primaryPackagePurpose"]), text(&package["name"]));
    let packages: BTreeMap<_, _> = packages.map(|it| (text(&it["SPDXID"]), purpose(it))).collect();
    let contained = bill["relationships"].as_array().unwrap().iter();
    let contained = contained.filter(|relation| relation["relationshipType"] == "CONTAINS");
    let holders: BTreeMap<_, _> = contained
        .map(|it| (text(&it["relatedSpdxElement"]), packages[&text(&it["spdxElementId"])].clone()))
        .collect();
    let file = |file: &Value| {
        (text(&file["fileName"]), (holders[&text(&file["SPDXID"])].clone(), file["checksums"].clone()))
    };
    bill["files"].as_array().unwrap().iter().map(file).collect()
}

#[test]
fn bills_list_each_file_below_what_it_came_from() {
    let (workspace, layout) = built();
    let documents = documents(&layout, &named(&layout, "1.0-debian12-amd64"));
    let spdx = one(&documents, "application/spdx+json", "");
    let files = files_of(&json(&spdx));
    let holder = |path: &str| files[path].0.as_str();
    assert_eq!((holder("./usr/bin/app"), holder("./usr/lib/libapp.txt")), ("LIBRARY app", "LIBRARY libapp"));
    assert_eq!(holder("./etc/motd"), "CONTAINER app");
    let library = workspace.path("library");
    std::fs::write(&library, "a library\n").unwrap();
    for (number, tool) in ["sha1sum", "sha256sum"].into_iter().enumerate() {
        let expected = run(Command::new(tool).arg(&library));
        let found = files["./usr/lib/libapp.txt"].1[number]["checksumValue"].as_str().unwrap();
        assert_eq!(Some(found), expected.split_whitespace().next());
    }
    let cyclonedx = one(&documents, "application/vnd.cyclonedx+json", "");
    let bill = json(&cyclonedx);
    let components = bill["components"].as_array().unwrap();
    let places = |component: &Value| -> Vec<String> {
        let all = component["evidence"]["occurrences"].as_array().unwrap().iter();
        all.map(|one| one["location"].as_str().unwrap().to_owned()).collect()
    };
    let component = |name: &str| components.iter().find(|component| component["name"] == name).unwrap();
    assert!(places(component("app")).contains(&"/usr/bin/app".to_owned()), "{bill}");
    assert!(places(&bill["metadata"]["component"]).contains(&"/etc/motd".to_owned()), "{bill}");
    let listed: usize = files.len();
    let occurring: usize =
        components.iter().filter(|one| one["purl"].is_string()).map(|one| places(one).len()).sum();
    assert!(occurring < listed && files.keys().all(|path| path.starts_with("./")), "{files:?}");
    for (bill, ending) in [(spdx, ".spdx.json"), (cyclonedx, ".cdx.json")] {
        scanners_find_the_packages(&with_ending(&workspace, ending, &[bill])[0]);
    }
}

/// syft and trivy take from a bill the two packages, and neither a file nor anything else.
fn scanners_find_the_packages(bill: &Path) {
    let purls = |text: &str, list: &str, purl: &dyn Fn(&Value) -> Option<String>| {
        let document: Value = serde_json::from_str(text).unwrap();
        let mut found: Vec<String> = document[list].as_array().unwrap().iter().filter_map(purl).collect();
        found.retain(|purl| !purl.is_empty() && !purl.starts_with("pkg:oci/"));
        found.sort();
        let expected =
            ["app", "libapp"].map(|name| format!("pkg:deb/debian/{name}@1.0-1?arch=amd64&distro=debian-12"));
        assert_eq!(found, expected, "{}", bill.display());
    };
    if has("syft") {
        let mut syft = Command::new("syft");
        syft.arg("convert").arg(bill).args(["-o", "syft-json"]).env("SYFT_CHECK_FOR_APP_UPDATE", "false");
        purls(&run(&mut syft), "artifacts", &|artifact| Some(artifact["purl"].as_str().unwrap().to_owned()));
    }
    if has("trivy") {
        let mut trivy = Command::new("trivy");
        trivy.args([
            "sbom",
            "--quiet",
            "--offline-scan",
            "--skip-db-update",
            "--list-all-pkgs",
            "--format",
            "cyclonedx",
        ]);
        trivy.arg(bill).env("TRIVY_CACHE_DIR", bill.parent().unwrap());
        purls(&run(&mut trivy), "components", &|component| Some(component["purl"].as_str()?.to_owned()));
    }
}

#[test]
fn commands_print_what_an_image_carries_and_holds() {
    let (workspace, layout) = built();
    let (image, index) = (named(&layout, "1.0-debian12-amd64"), named(&layout, "1.0-debian12"));
    let carried = |subject: &str, artifact: &str| {
        std::fs::read_to_string(one(&documents(&layout, subject), artifact, "")).unwrap()
    };
    assert_eq!(workspace.must(&["sbom", "out/app"]), carried(&image, "application/spdx+json"));
    let cyclonedx = workspace.must(&["sbom", "out/app:1.0-debian12-amd64", "--format", "cyclonedx"]);
    assert_eq!(cyclonedx, carried(&image, "application/vnd.cyclonedx+json"));
    assert_eq!(workspace.must(&["sbom", "out/app", "--index"]), carried(&index, "application/spdx+json"));
    let files = workspace.must(&["sbom", "out/app", "--files"]);
    workspace.must(&["build", ".", "--format", "dir", "-o", "root"]);
    let root = workspace.path("project/root").join("app-1.0-debian12-amd64.rootfs");
    let list = workspace.path("list");
    std::fs::write(&list, &files).unwrap();
    run(Command::new("sha256sum").args(["--check", "--strict", "--quiet"]).arg(&list).current_dir(&root));
    let regular = run(Command::new("find").arg(&root).args(["-type", "f"]));
    assert_eq!(files.lines().count(), regular.lines().count(), "{files}\n{regular}");

    let shown: Value = serde_json::from_str(&workspace.must(&["show", "--json", "out/app"])).unwrap();
    assert_eq!((&shown["digest"], &shown["index"]), (&Value::from(image), &Value::from(index)));
    assert_eq!(
        (&shown["run"]["user"], &shown["run"]["entrypoint"][0]),
        (&"65532:65532".into(), &"/usr/bin/app".into())
    );
    let contents = shown["contents"].as_array().unwrap();
    let libapp = contents.iter().find(|one| one["name"] == "libapp").unwrap();
    // The library and, unless the flavor drops it, its copyright file.
    assert!(libapp["size"].as_u64().unwrap() >= "a library\n".len() as u64, "{libapp}");
    assert_eq!((&libapp["kind"], &libapp["version"]), (&"package".into(), &"1.0-1".into()));
    let sum: u64 = contents.iter().map(|one| one["size"].as_u64().unwrap()).sum();
    assert_eq!(shown["installed-size"].as_u64(), Some(sum));
    assert_eq!((shown["evidence"].as_array().unwrap().len(), &shown["signatures"]), (10, &0.into()));
    let page = workspace.must(&["show", "out/app:1.0-debian12"]);
    for part in [
        "user         65532:65532",
        "waived       nothing",
        "signatures   none",
        "libapp",
        "https://slsa.dev/provenance/v1",
    ] {
        assert!(page.contains(part), "no {part} in:\n{page}");
    }
    assert!(workspace.must(&["show", "app.hb"]).contains("packages     app"), "a recipe is shown as before");

    workspace.must(&["build", ".", "--format", "tar", "-o", "archives"]);
    let archive = "archives/app-1.0-debian12.oci.tar";
    workspace.must_fail(&["sbom", archive], 1, "hbuild::evidence::no_bill");
    let page = workspace.must(&["show", archive]);
    assert!(page.contains("contents unknown") && page.contains("no document is attached"), "{page}");
}

/// Puts `document` in the place of the SPDX document of the image, with everything that names it.
fn forge(layout: &Path, subject: &str, document: &[u8]) {
    let put = |bytes: &[u8]| {
        let digest = hbuild::digest::Sha256::of(bytes);
        std::fs::write(layout.join(format!("blobs/sha256/{digest}")), bytes).unwrap();
        (digest.to_oci(), bytes.len())
    };
    let describe = |descriptor: &mut Value, bytes: &[u8]| {
        let (digest, size) = put(bytes);
        descriptor["digest"] = digest.into();
        descriptor["size"] = size.into();
    };
    let mut top = json(&layout.join("index.json"));
    let tag = subject.replace(':', "-");
    let is_it =
        |entry: &&mut Value| entry["annotations"]["org.opencontainers.image.ref.name"] == tag.as_str();
    let entry = top["manifests"].as_array_mut().unwrap().iter_mut().find(is_it).unwrap();
    let mut referrers = json(&blob(layout, &entry["digest"]));
    let is_spdx = |one: &&mut Value| one["artifactType"] == "application/spdx+json";
    let referrer = referrers["manifests"].as_array_mut().unwrap().iter_mut().find(is_spdx).unwrap();
    let mut manifest = json(&blob(layout, &referrer["digest"]));
    describe(&mut manifest["layers"][0], document);
    describe(referrer, manifest.to_string().as_bytes());
    describe(entry, referrers.to_string().as_bytes());
    std::fs::write(layout.join("index.json"), top.to_string()).unwrap();
}

#[test]
fn a_bill_of_another_image_is_refused() {
    let (workspace, layout) = built();
    let (image, index) = (named(&layout, "1.0-debian12-amd64"), named(&layout, "1.0-debian12"));
    let of_index = std::fs::read(one(&documents(&layout, &index), "application/spdx+json", "")).unwrap();
    forge(&layout, &image, &of_index);
    workspace.must_fail(&["sbom", "out/app"], 1, "hbuild::evidence::other_image");
    forge(&layout, &image, b"{\"packages\": [], \"packages\": []}");
    workspace.must_fail(&["sbom", "out/app"], 3, "hbuild::evidence::bad_attachment");
}

#[test]
fn version_says_what_decides_bytes() {
    let output = Command::new(env!("CARGO_BIN_EXE_hbuild")).args(["version", "--json"]).output().unwrap();
    let version: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(version["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!((&version["encoding-schema"], &version["lock-version"]), (&1.into(), &1.into()));
    assert!(version["compressors"].as_array().unwrap().iter().all(Value::is_string), "{version}");
    let commit = version["commit"].as_str();
    assert!(commit.is_none_or(|commit| commit.len() == 40), "{version}");
    assert!(version["features"].is_array() && version["modified"].is_boolean(), "{version}");
}

#[test]
fn an_image_carries_its_signed_indexes_where_that_is_asked_for() {
    let workspace = Workspace::new();
    workspace.must(&["lock", "."]);
    workspace.must(&["build", ".", "--evidence", "indexes"]);
    let layout = workspace.path("project/out/app");
    let image = named(&layout, "1.0-debian12-amd64");
    let all = documents(&layout, &image);
    let list = json(&one(&all, "application/vnd.hbuild.indexes.v1+json", ""));
    let listed = |kind: &str, ending: &str| {
        let (name, digest) =
            list[kind].as_object().unwrap().iter().find(|(name, _)| name.ends_with(ending)).unwrap();
        assert!(name.starts_with("test/stable@"), "{name}");
        std::fs::read(layout.join("blobs/sha256").join(digest.as_str().unwrap())).unwrap()
    };
    let archive = |path: &str| std::fs::read(workspace.path("archive").join(path)).unwrap();
    assert_eq!(listed("indexes", "/InRelease"), archive("dists/stable/InRelease"));
    let certificate = std::fs::read(workspace.path("project/archive.asc")).unwrap();
    assert_eq!(listed("certificates", "/archive.asc"), certificate);

    // From another store, which fetches them: the same bytes.
    let index = std::fs::read(layout.join("index.json")).unwrap();
    let again = workspace.command(&["build", ".", "--evidence", "indexes", "-o", "again"]);
    let output = { again }.env("HBUILD_STORE", workspace.path("other-store")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(std::fs::read(workspace.path("project/again/app/index.json")).unwrap() == index);

    // The provenance names them, and the certificate, by the same digests.
    let provenance = json(&one(&all, IN_TOTO, "https://slsa.dev/provenance/v1"));
    let resolved = provenance["predicate"]["buildDefinition"]["resolvedDependencies"].as_array().unwrap();
    let digests: Vec<&Value> = resolved.iter().map(|one| &one["digest"]["sha256"]).collect();
    let mut carried =
        ["indexes", "certificates"].into_iter().flat_map(|kind| list[kind].as_object().unwrap().values());
    assert!(carried.all(|digest| digests.contains(&digest)), "{list}\n{provenance}");
    assert!(digests.iter().all(|digest| digest.is_string()), "an input without a digest: {provenance}");
}
