//! CycloneDX 1.6 as JSON: <https://cyclonedx.org/docs/1.6/json/>.

use serde::Serialize;

use super::HBUILD_VERSION;
use super::inventory::{Inventory, Item};
use crate::digest::Sha256;
use crate::evidence::copyright::Declared;
use crate::evidence::purl;
use crate::graph::spdx::{name_and_version, plain_expression, purl_version, uuid_of};
use crate::lock::{BuildComponent, SourceComponent};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Bom {
    #[serde(rename = "$schema")]
    schema: &'static str,
    bom_format: &'static str,
    spec_version: &'static str,
    serial_number: String,
    version: u32,
    metadata: Metadata,
    components: Vec<Component>,
    dependencies: Vec<Dependency>,
    compositions: Vec<Composition>,
}

#[derive(Serialize)]
struct Metadata {
    timestamp: String,
    tools: Tools,
    component: Component,
}

#[derive(Serialize)]
struct Tools {
    components: Vec<Component>,
}

#[derive(Serialize, Default)]
#[serde(rename_all = "kebab-case")]
struct Component {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    bom_ref: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    supplier: Option<Organization>,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hashes: Vec<Hash>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    licenses: Vec<LicenseChoice>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cpe: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    purl: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pedigree: Option<Pedigree>,
    #[serde(skip_serializing_if = "Vec::is_empty", rename = "externalReferences")]
    external_references: Vec<ExternalReference>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    properties: Vec<Property>,
}

#[derive(Serialize)]
struct Organization {
    name: &'static str,
}

#[derive(Serialize)]
struct Hash {
    alg: &'static str,
    content: Sha256,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum LicenseChoice {
    Expression(String),
    License(NamedLicense),
}

#[derive(Serialize)]
struct NamedLicense {
    name: String,
}

#[derive(Serialize)]
struct Pedigree {
    ancestors: Vec<Component>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    patches: Vec<Patch>,
}

#[derive(Serialize)]
struct Patch {
    #[serde(rename = "type")]
    kind: &'static str,
    diff: Diff,
}

#[derive(Serialize)]
struct Diff {
    url: String,
}

#[derive(Serialize)]
struct ExternalReference {
    #[serde(rename = "type")]
    kind: &'static str,
    url: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hashes: Vec<Hash>,
}

#[derive(Serialize)]
struct Property {
    name: &'static str,
    value: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Dependency {
    #[serde(rename = "ref")]
    reference: String,
    depends_on: Vec<String>,
}

#[derive(Serialize)]
struct Composition {
    aggregate: &'static str,
    assemblies: Vec<String>,
}

/// The CycloneDX document of `inventory`. Its serial number is made from the rest of the document.
pub fn cyclonedx(inventory: &Inventory<'_>) -> Vec<u8> {
    let image = inventory.image_purl();
    let mut components = vec![system(inventory)];
    components.extend(inventory.items.iter().map(|item| binary(inventory, item)));
    components.extend(inventory.components.builds.iter().map(built));
    components.extend(inventory.components.sources.iter().map(recipe_source));
    let mut contained: Vec<String> =
        components.iter().filter_map(|component| component.bom_ref.clone()).collect();
    contained.sort();
    let mut bom = Bom {
        schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
        bom_format: "CycloneDX",
        spec_version: "1.6",
        serial_number: String::new(),
        version: 1,
        metadata: Metadata {
            timestamp: inventory.components.created.clone(),
            tools: Tools { components: vec![tool()] },
            component: image_component(inventory, &image),
        },
        components,
        dependencies: vec![Dependency { reference: image.clone(), depends_on: contained }],
        compositions: vec![Composition { aggregate: "complete", assemblies: vec![image] }],
    };
    let unnumbered = serde_json::to_vec(&bom).expect("the document holds strings and lists");
    bom.serial_number = format!("urn:uuid:{}", uuid_of(&unnumbered));
    serde_json::to_vec(&bom).expect("the document holds strings and lists")
}

fn tool() -> Component {
    Component {
        kind: "application",
        name: "hbuild".to_owned(),
        version: Some(HBUILD_VERSION.to_owned()),
        ..Component::default()
    }
}

fn image_component(inventory: &Inventory<'_>, purl: &str) -> Component {
    let components = inventory.components;
    Component {
        kind: "container",
        bom_ref: Some(purl.to_owned()),
        name: components.image.clone(),
        version: Some(inventory.image_version()),
        description: components.description.clone(),
        hashes: vec![sha256(inventory.manifest)],
        licenses: stated(&components.license),
        purl: Some(purl.to_owned()),
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
            Property { name: "hbuild:files-in-image", value: item.files.to_string() },
            Property { name: "hbuild:index", value: locked.snapshot.clone() },
        ],
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
