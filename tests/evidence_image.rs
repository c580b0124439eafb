//! The documents that a built image and its index carry, as hbuild's commands give them and as programs of others read
//! them.

mod support;

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
fn with_ending(workspace: &Workspace, ending: &str, files: &[&Path]) -> Vec<PathBuf> {
    let copy = |(number, file): (usize, &&Path)| {
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
    for documents in [&of_image, &of_index] {
        let spdx = one(documents, "application/spdx+json", "");
        check_schema("spdx-2.3/spdx-schema.json", &spdx);
        let named = with_ending(&workspace, ".spdx.json", &[&spdx]);
        if has("pyspdxtools") {
            run(Command::new("pyspdxtools").arg("-i").args(&named));
        }
        let cyclonedx = one(documents, "application/vnd.cyclonedx+json", "");
        check_schema("cyclonedx/bom-1.6.schema.json", &cyclonedx);
        if has("cyclonedx-validate") {
            run(Command::new("cyclonedx-validate").arg(&cyclonedx));
        }
        let statements = documents.iter().filter(|(artifact, ..)| artifact == IN_TOTO);
        let statements: Vec<&PathBuf> = statements.map(|(_, _, path)| path).collect();
        if has("in-toto-validate") {
            run(Command::new("in-toto-validate").args(&statements));
        }
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
