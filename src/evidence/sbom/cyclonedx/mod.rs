//! CycloneDX 1.6 as JSON: <https://cyclonedx.org/docs/1.6/json/>. Here the document of an image.

mod index;
mod model;

pub use self::index::index;
use self::model::{
    Bom, Component, Diff, Evidence, ExternalReference, Hash, LicenseChoice, NamedLicense, Organization,
    Patch, Pedigree, Property,
};
use super::inventory::{Inventory, Item};
use crate::digest::Sha256;
use crate::evidence::copyright::Declared;
use crate::evidence::purl;
use crate::graph::spdx::{name_and_version, plain_expression, purl_version};
use crate::lock::{BuildComponent, SourceComponent};

/// The CycloneDX document of `inventory`. Its serial number is made from the rest of the document.
pub fn cyclonedx(inventory: &Inventory<'_>) -> Vec<u8> {
    let image = inventory.image_purl();
    let mut components = vec![system(inventory)];
    components.extend(inventory.items.iter().map(|item| binary(inventory, item)));
    components.extend(inventory.components.builds.iter().map(|build| Component {
        evidence: Evidence::of(inventory.files_of(&build.origin)),
        ..built(build)
    }));
    components.extend(inventory.components.sources.iter().map(|source| Component {
        evidence: Evidence::of(inventory.files_of(&source.origin())),
        ..recipe_source(source)
    }));
    Bom::new(&inventory.components.created, image_component(inventory, &image), components).finish()
}

fn image_component(inventory: &Inventory<'_>, purl: &str) -> Component {
    let components = inventory.components;
    let own = inventory.own_files();
    let own = own.flat_map(|(origin, files)| files.iter().map(|file| (file, Some(origin.to_string()))));
    Component {
        kind: "container",
        bom_ref: Some(purl.to_owned()),
        name: components.image.clone(),
        version: Some(inventory.image_version()),
        description: components.description.clone(),
        hashes: vec![sha256(inventory.manifest)],
        licenses: stated(&components.license),
        purl: Some(purl.to_owned()),
        evidence: Evidence::with_context(own),
        ..Component::default()
    }
}

fn system(inventory: &Inventory<'_>) -> Component {
    let (name, release) = inventory.system();
    Component {
        kind: "operating-system",
        bom_ref: Some(format!("system:{name}-{release}")),
        name: name.to_owned(),
        version: Some(release.to_owned()),
        ..Component::default()
    }
}

fn binary(inventory: &Inventory<'_>, item: &Item<'_>) -> Component {
    let locked = item.package;
    let ancestor = Component {
        kind: "library",
        name: locked.source.clone(),
        version: Some(locked.source_version.as_ref().unwrap_or(&locked.version).clone()),
        purl: Some(purl::source_package(&inventory.components.distro, locked)),
        ..Component::default()
    };
    Component {
        kind: "library",
        bom_ref: Some(item.purl.clone()),
        supplier: supplier(&locked.snapshot),
        name: locked.name.clone(),
        version: Some(locked.version.clone()),
        hashes: item.sha256.map(sha256).into_iter().collect(),
        licenses: item.declared.as_ref().map(licenses).unwrap_or_default(),
        purl: Some(item.purl.clone()),
        pedigree: Some(Pedigree { ancestors: vec![ancestor], patches: Vec::new() }),
        properties: vec![
            Property { name: "hbuild:file", value: locked.file.clone() },
            Property { name: "hbuild:files-in-image", value: item.files.len().to_string() },
            Property { name: "hbuild:index", value: locked.snapshot.clone() },
        ],
        evidence: Evidence::of(&item.files),
        ..Component::default()
    }
}

/// What `build` put into the image. The packages of its root are not in the image and not in this bill.
fn built(build: &BuildComponent) -> Component {
    let (name, version) = name_and_version(build);
    let point: Vec<_> = build.point.iter().map(|(axis, label)| format!("{axis}={label}")).collect();
    let patches = || build.sources.values().flat_map(|source| &source.patches);
    let patch = |path: &str| Patch { kind: "unofficial", diff: Diff { url: purl::recipe_file(path) } };
    let property = |(path, digest): &(String, Sha256)| Property {
        name: "hbuild:patch",
        value: format!("{path} sha256:{digest}"),
    };
    Component {
        kind: "application",
        bom_ref: Some(format!("build:{}?{}", build.name, point.join("&"))),
        name: name.to_owned(),
        version: version.map(str::to_owned),
        description: build.description.clone(),
        licenses: stated(&build.license),
        cpe: build.cpe.clone(),
        purl: build.purl.clone(),
        pedigree: Some(Pedigree {
            ancestors: build.sources.values().map(build_source).collect(),
            patches: patches().map(|(path, _)| patch(path)).collect(),
        }),
        properties: patches().map(property).collect(),
        ..Component::default()
    }
}

/// What a build was made from: not in the image, so without a reference, a purl or a CPE of its own.
fn build_source(source: &SourceComponent) -> Component {
    let kind = if source.uri.starts_with("git+") { "vcs" } else { "source-distribution" };
    let hashes = || source.sha256.map(sha256).into_iter().collect();
    Component {
        kind: "file",
        name: source.name.clone(),
        version: source.purl.as_deref().and_then(purl_version).map(str::to_owned),
        hashes: hashes(),
        licenses: stated(&source.license),
        external_references: vec![ExternalReference { kind, url: source.uri.clone(), hashes: hashes() }],
        ..Component::default()
    }
}

fn recipe_source(source: &SourceComponent) -> Component {
    Component {
        kind: "file",
        bom_ref: Some(format!("source:{}", source.name)),
        name: source.name.clone(),
        version: source.purl.as_deref().and_then(purl_version).map(str::to_owned),
        hashes: source.sha256.map(sha256).into_iter().collect(),
        licenses: stated(&source.license),
        cpe: source.cpe.clone(),
        purl: source.purl.clone(),
        external_references: vec![ExternalReference {
            kind: "distribution",
            url: source.uri.clone(),
            hashes: Vec::new(),
        }],
        ..Component::default()
    }
}

/// One expression where SPDX has every name, else the names one by one: CycloneDX has no place for the texts.
fn licenses(declared: &Declared) -> Vec<LicenseChoice> {
    if declared.texts.is_empty() {
        return vec![LicenseChoice::Expression(declared.expression())];
    }
    let parts = match &declared.terms {
        crate::evidence::license::Terms::All(parts) => parts.as_slice(),
        other => std::slice::from_ref(other),
    };
    let name = |terms: &crate::evidence::license::Terms| terms.expression(&str::to_owned);
    parts.iter().map(|terms| LicenseChoice::License(NamedLicense { name: name(terms) })).collect()
}

fn stated(license: &Option<String>) -> Vec<LicenseChoice> {
    match (plain_expression(license), license) {
        (Some(expression), _) => vec![LicenseChoice::Expression(expression.to_owned())],
        (None, Some(name)) => vec![LicenseChoice::License(NamedLicense { name: name.clone() })],
        (None, None) => Vec::new(),
    }
}

fn supplier(snapshot: &str) -> Option<Organization> {
    let name = match snapshot.split('/').next() {
        Some("debian" | "debian-security") => "Debian",
        Some("alpine") => "Alpine Linux",
        _ => return None,
    };
    Some(Organization { name })
}

fn sha256(content: Sha256) -> Hash {
    Hash { alg: "SHA-256", content }
}
