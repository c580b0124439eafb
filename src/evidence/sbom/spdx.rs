//! SPDX 2.3 as JSON: <https://spdx.github.io/spdx-spec/v2.3/>.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::HBUILD_VERSION;
use super::inventory::{Inventory, Item};
use crate::digest::Sha256;
use crate::evidence::{PackageFiles, purl};
use crate::graph::spdx::{
    NO_ASSERTION, build_identifier, identifier, name_and_version, plain_expression, purl_version, uuid_of,
};
use crate::lock::{BuildComponent, LockedPackage, SourceComponent};

const DOCUMENT: &str = "SPDXRef-DOCUMENT";
const IMAGE: &str = "SPDXRef-Image";
const SYSTEM: &str = "SPDXRef-OperatingSystem";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    #[serde(rename = "SPDXID")]
    id: &'static str,
    spdx_version: &'static str,
    data_license: &'static str,
    name: String,
    document_namespace: String,
    creation_info: CreationInfo,
    packages: Vec<Package>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    has_extracted_licensing_infos: Vec<ExtractedLicense>,
    relationships: Vec<Relationship>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CreationInfo {
    created: String,
    creators: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Package {
    #[serde(rename = "SPDXID")]
    id: String,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    version_info: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    package_file_name: Option<String>,
    supplier: &'static str,
    download_location: String,
    files_analyzed: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    checksums: Vec<Checksum>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_info: Option<String>,
    license_concluded: &'static str,
    license_declared: String,
    copyright_text: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
    primary_package_purpose: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    external_refs: Vec<ExternalReference>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Checksum {
    algorithm: &'static str,
    checksum_value: Sha256,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExternalReference {
    reference_category: &'static str,
    reference_type: &'static str,
    reference_locator: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExtractedLicense {
    license_id: String,
    extracted_text: String,
    name: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Relationship {
    spdx_element_id: String,
    relationship_type: &'static str,
    related_spdx_element: String,
}

impl Package {
    fn new(id: String, name: &str, purpose: &'static str) -> Self {
        Self {
            id,
            name: name.to_owned(),
            version_info: None,
            package_file_name: None,
            supplier: NO_ASSERTION,
            download_location: NO_ASSERTION.to_owned(),
            files_analyzed: false,
            checksums: Vec::new(),
            source_info: None,
            license_concluded: NO_ASSERTION,
            license_declared: NO_ASSERTION.to_owned(),
            copyright_text: NO_ASSERTION,
            description: None,
            comment: None,
            primary_package_purpose: purpose,
            external_refs: Vec::new(),
        }
    }

    fn sha256(mut self, digest: Option<Sha256>) -> Self {
        let checksum = |checksum_value| Checksum { algorithm: "SHA256", checksum_value };
        self.checksums.extend(digest.map(checksum));
        self
    }

    fn purl(mut self, purl: Option<String>) -> Self {
        self.refer("PACKAGE-MANAGER", "purl", purl);
        self
    }

    fn refer(&mut self, category: &'static str, kind: &'static str, locator: Option<String>) {
        self.external_refs.extend(locator.map(|reference_locator| ExternalReference {
            reference_category: category,
            reference_type: kind,
            reference_locator,
        }));
    }
}

/// The SPDX document of `inventory`. Its namespace ends in a UUID made from the rest of the document.
pub fn spdx(inventory: &Inventory<'_>) -> Vec<u8> {
    let components = inventory.components;
    let mut document = Document {
        id: DOCUMENT,
        spdx_version: "SPDX-2.3",
        data_license: "CC0-1.0",
        name: format!("{}:{}", components.image, inventory.image_version()),
        document_namespace: String::new(),
        creation_info: CreationInfo {
            created: components.created.clone(),
            creators: vec![format!("Tool: hbuild-{HBUILD_VERSION}")],
        },
        packages: vec![image(inventory), system(inventory)],
        has_extracted_licensing_infos: extracted(inventory),
        relationships: vec![relation(DOCUMENT, "DESCRIBES", IMAGE), relation(IMAGE, "CONTAINS", SYSTEM)],
    };
    let mut upstream = BTreeMap::new();
    for item in &inventory.items {
        let package = binary(item);
        let (source_id, source) = source_package(item.package);
        document.relationships.push(relation(IMAGE, "CONTAINS", &package.id));
        document.relationships.push(relation(&package.id, "GENERATED_FROM", &source_id));
        document.packages.push(package);
        upstream.insert(source_id, source);
    }
    let contained: BTreeSet<&LockedPackage> = components.packages.iter().collect();
    for build in &components.builds {
        let package = built(build);
        document.relationships.push(relation(IMAGE, "CONTAINS", &package.id));
        for source in build.sources.values() {
            made_from(&mut document.relationships, &mut upstream, &package.id, source);
        }
        for tool in &build.tools {
            let id = if contained.contains(tool) {
                binary_id(tool, &purl::package(&components.distro, tool))
            } else {
                let (id, package) = build_tool(tool, &inventory.files);
                upstream.insert(id.clone(), package);
                id
            };
            document.relationships.push(relation(&id, "BUILD_TOOL_OF", &package.id));
        }
        document.packages.push(package);
    }
    document.packages.extend(upstream.into_values());
    for source in &components.sources {
        let package = recipe_source(source);
        document.relationships.push(relation(IMAGE, "CONTAINS", &package.id));
        document.packages.push(package);
    }
    let unnamed = serde_json::to_vec(&document).expect("the document holds strings and lists");
    document.document_namespace =
        format!("https://hbuild.dev/spdx/{}/{}", components.image, uuid_of(&unnamed));
    serde_json::to_vec(&document).expect("the document holds strings and lists")
}

fn image(inventory: &Inventory<'_>) -> Package {
    let components = inventory.components;
    let mut package = Package::new(IMAGE.to_owned(), &components.image, "CONTAINER")
        .sha256(Some(inventory.manifest))
        .purl(Some(inventory.image_purl()));
    package.version_info = Some(inventory.image_version());
    package.description = components.description.clone();
    if let Some(license) = plain_expression(&components.license) {
        package.license_declared = license.to_owned();
    }
    package
}

fn system(inventory: &Inventory<'_>) -> Package {
    let (name, release) = inventory.system();
    let mut package = Package::new(SYSTEM.to_owned(), name, "OPERATING_SYSTEM");
    package.version_info = Some(release.to_owned());
    package
}

fn binary_id(locked: &LockedPackage, purl: &str) -> String {
    identifier("Package", &locked.name, purl)
}

fn binary(item: &Item<'_>) -> Package {
    let locked = item.package;
    let mut package = Package::new(binary_id(locked, &item.purl), &locked.name, "LIBRARY")
        .sha256(item.sha256)
        .purl(Some(item.purl.clone()));
    package.version_info = Some(locked.version.clone());
    package.package_file_name = Some(locked.file.clone());
    package.supplier = supplier(&locked.snapshot);
    package.source_info = Some(format!("built package from: {}", source_name(locked)));
    package.comment = Some(format!("files and links in the image: {}", item.files));
    if let Some(declared) = &item.declared {
        package.license_declared = declared.expression();
    }
    package
}

/// The source package that `locked` was built from. It has no purl, because scanners take whatever has one for
/// installed.
fn source_package(locked: &LockedPackage) -> (String, Package) {
    let name = source_name(locked);
    let id = identifier("SourcePackage", &locked.source, &name);
    let mut package = Package::new(id.clone(), &locked.source, "SOURCE");
    package.version_info = Some(source_version(locked).to_owned());
    package.supplier = supplier(&locked.snapshot);
    (id, package)
}

/// What `build` put into the image.
fn built(build: &BuildComponent) -> Package {
    let (name, version) = name_and_version(build);
    let mut package = Package::new(build_identifier(build), name, "APPLICATION").purl(build.purl.clone());
    package.refer("SECURITY", "cpe23Type", build.cpe.clone());
    package.version_info = version.map(str::to_owned);
    package.description = build.description.clone();
    package.source_info = Some(format!("built from source by the build `{}` at {}", build.name, build.place));
    if let Some(license) = plain_expression(&build.license) {
        package.license_declared = license.to_owned();
    }
    package
}

/// States that the package `id` was made from `source` and its patches, which go to `packages`. Neither has a
/// purl, because scanners take whatever has one for installed.
fn made_from(
    relationships: &mut Vec<Relationship>,
    packages: &mut BTreeMap<String, Package>,
    id: &str,
    source: &SourceComponent,
) {
    let source_id = identifier("BuildSource", &source.name, &source_identity(source));
    let mut package = recipe_source(source);
    package.id.clone_from(&source_id);
    package.external_refs.clear();
    packages.insert(source_id.clone(), package);
    relationships.push(relation(id, "GENERATED_FROM", &source_id));
    for (path, digest) in &source.patches {
        let patch_id = identifier("Patch", path, &format!("{source_id} {digest}"));
        let mut patch = Package::new(patch_id.clone(), path, "SOURCE").sha256(Some(*digest));
        patch.package_file_name = Some(path.clone());
        if packages.insert(patch_id.clone(), patch).is_none() {
            relationships.push(relation(&patch_id, "PATCH_APPLIED", &source_id));
        }
    }
}

/// A package that only the root of a build held, without a purl for the same reason.
fn build_tool(locked: &LockedPackage, files: &PackageFiles) -> (String, Package) {
    let sha256 = files.sha256(locked);
    let digest = sha256.map(|digest| digest.to_string()).unwrap_or_default();
    let id = identifier("Tool", &locked.name, &format!("{} {}", locked.reference(), digest));
    let mut package = Package::new(id.clone(), &locked.name, "LIBRARY").sha256(sha256);
    package.version_info = Some(locked.version.clone());
    package.package_file_name = Some(locked.file.clone());
    package.supplier = supplier(&locked.snapshot);
    (id, package)
}

/// What tells a source from another of its name: where it is from, its bytes, its patches.
fn source_identity(source: &SourceComponent) -> String {
    let patches = source.patches.iter().map(|(path, digest)| format!(" {path} {digest}"));
    let digest = source.sha256.map(|digest| digest.to_string()).unwrap_or_default();
    format!("{} {digest}{}", source.uri, patches.collect::<String>())
}

fn recipe_source(source: &SourceComponent) -> Package {
    let id = identifier("Source", &source.name, &source.uri);
    let mut package =
        Package::new(id, &source.name, "SOURCE").sha256(source.sha256).purl(source.purl.clone());
    package.refer("SECURITY", "cpe23Type", source.cpe.clone());
    package.version_info = source.purl.as_deref().and_then(purl_version).map(str::to_owned);
    let url = source.uri.strip_prefix("git+").unwrap_or(&source.uri);
    if ["https://", "http://", "ftp://", "ssh://"].iter().any(|scheme| url.starts_with(scheme)) {
        package.download_location = source.uri.clone();
    } else {
        package.source_info = Some(source.uri.clone());
    }
    if let Some(license) = plain_expression(&source.license) {
        package.license_declared = license.to_owned();
    }
    package
}

/// The texts of all licences that are no SPDX identifiers, sorted by id.
fn extracted(inventory: &Inventory<'_>) -> Vec<ExtractedLicense> {
    let mut by_id = BTreeMap::new();
    for item in &inventory.items {
        let Some(declared) = &item.declared else { continue };
        for (name, text) in &declared.texts {
            let extracted_text = if text.is_empty() {
                format!("The copyright file names \"{name}\" and gives no text for it.")
            } else {
                text.clone()
            };
            let license_id = declared.reference(name);
            let info =
                ExtractedLicense { license_id: license_id.clone(), extracted_text, name: name.clone() };
            by_id.entry(license_id).or_insert(info);
        }
    }
    by_id.into_values().collect()
}

fn relation(element: &str, relationship_type: &'static str, related: &str) -> Relationship {
    Relationship {
        spdx_element_id: element.to_owned(),
        relationship_type,
        related_spdx_element: related.to_owned(),
    }
}

fn supplier(snapshot: &str) -> &'static str {
    match snapshot.split('/').next() {
        Some("debian" | "debian-security") => "Organization: Debian",
        Some("alpine") => "Organization: Alpine Linux",
        _ => NO_ASSERTION,
    }
}

fn source_version(locked: &LockedPackage) -> &str {
    locked.source_version.as_deref().unwrap_or(&locked.version)
}

fn source_name(locked: &LockedPackage) -> String {
    format!("{} {}", locked.source, source_version(locked))
}
