//! SPDX 2.3 as JSON: <https://spdx.github.io/spdx-spec/v2.3/>. Here the document of an image.

mod index;
mod model;

use std::collections::{BTreeMap, BTreeSet};

pub use self::index::index;
use self::model::{DOCUMENT, Document, ExtractedLicense, IMAGE, Package, Relationship, SYSTEM, relation};
use super::inventory::{Inventory, Item};
use crate::evidence::{PackageFiles, purl};
use crate::graph::spdx::{
    NO_ASSERTION, build_identifier, identifier, name_and_version, plain_expression, purl_version,
};
use crate::lock::{BuildComponent, LockedPackage, SourceComponent};
use crate::tree::Origin;

/// The SPDX document of `inventory`. Its namespace ends in a UUID made from the rest of the document.
pub fn spdx(inventory: &Inventory<'_>) -> Vec<u8> {
    let components = inventory.components;
    let name = format!("{}:{}", components.image, inventory.image_version());
    let mut document = Document::new(name, &components.created);
    document.has_extracted_licensing_infos = extracted(inventory);
    document.relationships =
        vec![relation(DOCUMENT, "DESCRIBES", IMAGE), relation(IMAGE, "CONTAINS", SYSTEM)];
    let mut of_image = image(inventory);
    let own: Vec<_> = inventory
        .own_files()
        .flat_map(|(origin, files)| files.iter().map(move |file| (file, origin)))
        .collect();
    document.contain(&mut of_image, own.iter().map(|(file, origin)| (*file, Some(origin.to_string()))));
    document.packages = vec![of_image, system(inventory)];
    let mut listed = BTreeSet::new();
    let mut upstream = BTreeMap::new();
    for item in &inventory.items {
        let mut package = binary(item);
        document.contain(&mut package, item.files.iter().map(|file| (file, None)));
        let (source_id, source) = source_package(item.package);
        document.relationships.push(relation(IMAGE, "CONTAINS", &package.id));
        document.relationships.push(relation(&package.id, "GENERATED_FROM", &source_id));
        document.packages.push(package);
        upstream.insert(source_id, source);
    }
    let contained: BTreeSet<&LockedPackage> = components.packages.iter().collect();
    for build in &components.builds {
        let mut package = built(build);
        contain_once(&mut document, &mut package, &mut listed, (inventory, &build.origin));
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
        let mut package = recipe_source(source);
        contain_once(&mut document, &mut package, &mut listed, (inventory, &source.origin()));
        document.relationships.push(relation(IMAGE, "CONTAINS", &package.id));
        document.packages.push(package);
    }
    document.finish(&components.image)
}

/// States that `package` has the files of `origin`, unless another one of that origin has them.
fn contain_once(
    document: &mut Document,
    package: &mut Package,
    listed: &mut BTreeSet<Origin>,
    (inventory, origin): (&Inventory<'_>, &Origin),
) {
    if listed.insert(origin.clone()) {
        document.contain(package, inventory.files_of(origin).iter().map(|file| (file, None)));
    }
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
    package.comment = Some(format!("files and links in the image: {}", item.files.len()));
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
