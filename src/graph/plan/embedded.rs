//! The SPDX files inside an image by which scanners find what was built from source. What packages install has a
//! database of the distro; what a build makes has none.

use std::collections::BTreeMap;

use hbuild_lang::recipe::PathRule;
use serde::Serialize;
use serde_json::{Value, json};

use crate::graph::spdx::{NO_ASSERTION, build_identifier, name_and_version, plain_expression, uuid_of};
use crate::lock::BuildComponent;

/// Where the files stand, one for each build: `<name>.spdx.json`.
const FOLDER: &str = "/usr/share/sbom";

/// The time that the files state: hbuild's epoch, so that they change only with what they describe.
const CREATED: &str = "1980-01-01T00:00:00Z";

/// The files for `builds`: absolute path to a rule that writes an SPDX 2.3 document. Several builds of one name
/// share a file. Neither hbuild's version nor a date stands in it, so that images stay comparable.
pub fn embedded(builds: &[BuildComponent]) -> BTreeMap<String, PathRule> {
    let mut by_name: BTreeMap<&str, Vec<&BuildComponent>> = BTreeMap::new();
    for build in builds {
        by_name.entry(&build.name).or_default().push(build);
    }
    let file = |(name, builds): (&str, Vec<&BuildComponent>)| {
        let rule = PathRule::File { text: document(name, &builds), owner: None, group: None, mode: None };
        (embedded_path(name), rule)
    };
    by_name.into_iter().map(file).collect()
}

/// The absolute path of the file for the build `name`.
pub fn embedded_path(name: &str) -> String {
    format!("{FOLDER}/{name}.spdx.json")
}

fn document(name: &str, builds: &[&BuildComponent]) -> String {
    let packages: Vec<Value> = builds.iter().map(|build| package(build)).collect();
    let relationship = |package: &Value| {
        json!({
            "spdxElementId": "SPDXRef-DOCUMENT",
            "relationshipType": "DESCRIBES",
            "relatedSpdxElement": package["SPDXID"],
        })
    };
    let mut document = json!({
        "SPDXID": "SPDXRef-DOCUMENT",
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "name": name,
        "documentNamespace": "",
        "creationInfo": { "created": CREATED, "creators": ["Tool: hbuild"] },
        "relationships": packages.iter().map(relationship).collect::<Vec<_>>(),
        "packages": packages,
    });
    let uuid = uuid_of(canonical(&document).as_bytes());
    document["documentNamespace"] = json!(format!("https://hbuild.dev/spdx/build/{name}/{uuid}"));
    canonical(&document) + "\n"
}

fn canonical(value: &impl Serialize) -> String {
    serde_json_canonicalizer::to_string(value).expect("the document holds strings, lists and one boolean")
}

fn package(build: &BuildComponent) -> Value {
    let (name, version) = name_and_version(build);
    let reference = |category: &str, kind: &str, locator: &String| json!({ "referenceCategory": category, "referenceType": kind, "referenceLocator": locator });
    let purl = build.purl.iter().map(|purl| reference("PACKAGE-MANAGER", "purl", purl));
    let cpe = build.cpe.iter().map(|cpe| reference("SECURITY", "cpe23Type", cpe));
    let mut package = json!({
        "SPDXID": build_identifier(build),
        "name": name,
        "downloadLocation": NO_ASSERTION,
        "filesAnalyzed": false,
        "licenseConcluded": NO_ASSERTION,
        "licenseDeclared": plain_expression(&build.license).unwrap_or(NO_ASSERTION),
        "copyrightText": NO_ASSERTION,
        "primaryPackagePurpose": "APPLICATION",
        "externalRefs": purl.chain(cpe).collect::<Vec<_>>(),
    });
    if let Some(version) = version {
        package["versionInfo"] = json!(version);
    }
    package
}
