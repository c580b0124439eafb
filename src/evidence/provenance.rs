//! SLSA provenance v1, as <https://slsa.dev/spec/v1.0/provenance> defines it, for the build type
//! `https://hbuild.dev/build-types/recipe/v1` (`docs/src/build-types/recipe-v1.md`).
//!
//! The predicate is deterministic: it states what the build is defined by, never when, where, from which mirror
//! or by which binary it ran.

use std::collections::{BTreeMap, BTreeSet};

use hbuild_lang::recipe::{Distro, Place, Point};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::execution::{BuildV1, DeclaredSandbox};
use super::statement::sha256;
use super::{PackageFiles, ResourceDescriptor, Statement, media, purl};
use crate::digest::Sha256;
use crate::graph::{Compression, ENCODING_SCHEMA};
use crate::lock::{BuildDefinition, LockedPackage, RecipePlaces, Snapshot, SnapshotIndex, SourceComponent};

/// Keys of the annotations of resolved dependencies.
pub mod annotation {
    /// `package`, `index`, `packages`, `certificate`, `source`, `layer`, `patch` or `recipe`; of an index, `image`.
    pub const KIND: &str = "kind";
    /// Of a package or a Packages file: the name of the signed index it is vouched for by.
    pub const INDEX: &str = "index";
    /// Of a package: its path below the repository's base.
    pub const FILE: &str = "file";
    /// Of an Alpine package: what the signed index states of it, `Q1` and base64.
    pub const CHECKSUM: &str = "checksum";
    /// Of a signed index: the repository's name.
    pub const REPOSITORY: &str = "repository";
    /// Of a signed index: the suite as requested, of Alpine the branch.
    pub const SUITE: &str = "suite";
    /// Of Debian's signed index: its code name.
    pub const CODENAME: &str = "codename";
    /// Of a signed index: its date, RFC 3339.
    pub const DATE: &str = "date";
    /// Of a signed index: when it ends to be valid, RFC 3339.
    pub const VALID_UNTIL: &str = "validUntil";
    /// Of a signed index: the keys that signed it, by fingerprint, of Alpine by file name; a list.
    pub const SIGNED_BY: &str = "signedBy";
    /// Of a Packages file and of Alpine's index: its component.
    pub const COMPONENT: &str = "component";
    /// Of a Packages file and of Alpine's index: its architecture.
    pub const ARCH: &str = "arch";
    /// Of a source: its package URL.
    pub const PURL: &str = "purl";
    /// Of a source: the patches applied to it in order, each with `path` and `sha256`.
    pub const PATCHES: &str = "patches";
    /// Of a package, source or patch: `build` where it was used to build and is itself not in the image.
    pub const FOR: &str = "for";
}

/// The predicate, with the internal parameters of its build type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProvenanceV1<I = InternalParameters> {
    /// The inputs.
    pub build_definition: BuildDefinitionV1<I>,
    /// The builder.
    pub run_details: RunDetails,
}

/// `buildDefinition`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BuildDefinitionV1<I = InternalParameters> {
    /// [`media::BUILD_TYPE`], of an index [`media::BUILD_TYPE_INDEX`].
    pub build_type: String,
    /// What the recipe's author chooses.
    pub external_parameters: ExternalParameters,
    /// What follows from it and from hbuild.
    pub internal_parameters: I,
    /// Signed indexes, packages, sources and recipe files.
    pub resolved_dependencies: Vec<ResourceDescriptor>,
}

/// `externalParameters`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExternalParameters {
    /// The recipe file.
    pub recipe: RecipeReference,
    /// The image item.
    pub image: String,
    /// The point of the axes: axis to label.
    pub point: Point,
}

/// Names a recipe file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecipeReference {
    /// Relative to the lock's folder.
    pub path: String,
}

/// `internalParameters`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InternalParameters {
    /// The variant's name.
    pub variant: String,
    /// The image's `created`: the date of the newest signed index.
    pub created: String,
    /// SHA-256 of the part of the lock that this variant uses.
    pub lock: BTreeMap<String, String>,
    /// The compressor of the layers.
    pub compression: Compression,
    /// Requested packages as written, with the place of the request.
    pub requested: Vec<(String, Place)>,
    /// Where the recipe asks for everything else in the image.
    pub places: RecipePlaces,
    /// The sandbox of all builds, where there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sandbox: Option<DeclaredSandbox>,
    /// Every build that something in the image was made with, each behind those that it needs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub builds: Vec<BuildV1>,
}

/// `runDetails`, without `metadata`: a run's id and times are not deterministic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunDetails {
    /// The builder.
    pub builder: BuilderV1,
    /// The policy report.
    pub byproducts: Vec<ResourceDescriptor>,
}

/// `builder`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuilderV1 {
    /// The configured builder id.
    pub id: String,
    /// `hbuild` and `hbuild-encoding`.
    pub version: BTreeMap<String, String>,
}

impl BuilderV1 {
    /// This version of hbuild under the configured `id`.
    pub(super) fn new(id: &str) -> Self {
        let version = BTreeMap::from([
            ("hbuild".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
            ("hbuild-encoding".to_owned(), ENCODING_SCHEMA.to_string()),
        ]);
        Self { id: id.to_owned(), version }
    }
}

/// The provenance statement of the image with the digest `manifest`; `policy_report` is the SHA-256 of the
/// policy report's document, `files` have the digests that the lock does not state.
pub fn provenance(
    definition: &BuildDefinition,
    (manifest, policy_report): (Sha256, Sha256),
    files: &PackageFiles,
) -> Statement<ProvenanceV1> {
    let components = &definition.components;
    let executions = definition.executions.iter();
    let predicate = ProvenanceV1 {
        build_definition: BuildDefinitionV1 {
            build_type: media::BUILD_TYPE.to_owned(),
            external_parameters: ExternalParameters {
                recipe: RecipeReference { path: definition.recipe.clone() },
                image: components.image.clone(),
                point: definition.point.clone(),
            },
            internal_parameters: InternalParameters {
                variant: components.variant.clone(),
                created: components.created.clone(),
                lock: sha256(definition.lock_digest),
                compression: definition.compression.clone(),
                requested: definition.requested.clone(),
                places: definition.places.clone(),
                sandbox: (!definition.executions.is_empty()).then(DeclaredSandbox::current),
                builds: executions.map(|one| BuildV1::of(one, &components.builds)).collect(),
            },
            resolved_dependencies: resolved(definition, files),
        },
        run_details: RunDetails {
            builder: BuilderV1::new(&definition.builder),
            byproducts: vec![ResourceDescriptor {
                name: Some("policy-report".to_owned()),
                digest: sha256(policy_report),
                media_type: Some("application/json".to_owned()),
                ..ResourceDescriptor::default()
            }],
        },
    };
    Statement::about(components, manifest, media::PREDICATE_PROVENANCE, predicate)
}

fn resolved(definition: &BuildDefinition, files: &PackageFiles) -> Vec<ResourceDescriptor> {
    let components = &definition.components;
    let mut all = Vec::new();
    for snapshot in &definition.snapshots {
        match snapshot.in_release {
            Some(in_release) => {
                all.push(signed_index(snapshot, ("dists/", "InRelease"), Some(in_release)));
                all.extend(snapshot.indexes.iter().map(|index| packages_file(snapshot, index)));
            }
            None => all.extend(snapshot.indexes.iter().map(|index| apk_index(snapshot, index))),
        }
    }
    let package = |package| locked_package(&components.distro, package, files);
    all.extend(components.packages.iter().map(package));
    for used in &components.sources {
        all.push(source(used));
        all.extend(layers(used));
    }
    all.extend(for_builds(definition, files));
    all.extend(definition.certificates.iter().map(|(uri, digest)| certificate(uri, *digest)));
    all.extend(definition.recipe_files.iter().map(|(name, digest)| recipe_file(name, *digest)));
    all
}

/// What builds used and what is itself not in the image: packages, sources, patches, each once.
fn for_builds(definition: &BuildDefinition, files: &PackageFiles) -> Vec<ResourceDescriptor> {
    let BuildDefinition { components, executions, .. } = definition;
    let contained: BTreeSet<&LockedPackage> = components.packages.iter().collect();
    let tools = executions.iter().flat_map(|one| one.tools.iter().map(|tool| (tool, &one.distro)));
    let tools: BTreeSet<_> = tools.filter(|(tool, _)| !contained.contains(tool)).collect();
    let tool = |(package, distro)| locked_package(distro, package, files);
    let mut all: Vec<_> = tools.into_iter().map(tool).collect();
    for used in executions.iter().flat_map(|one| one.sources.values()) {
        all.push(source(used));
        all.extend(layers(used));
        all.extend(used.patches.iter().map(|(path, digest)| patch(path, *digest)));
    }
    let mut once: Vec<ResourceDescriptor> = Vec::new();
    for mut descriptor in all {
        descriptor.annotations.insert(annotation::FOR.to_owned(), json!("build"));
        if !once.contains(&descriptor) {
            once.push(descriptor);
        }
    }
    once
}

/// `debian:dists/bookworm/InRelease`, `alpine:v3.19/main/x86_64/APKINDEX.tar.gz`, or the recipe's own URL with the same
/// path.
fn index_uri(snapshot: &Snapshot, (folder, path): (&str, &str)) -> String {
    let Snapshot { repository, suite, .. } = snapshot;
    match &snapshot.url {
        Some(url) => format!("{}/{folder}{suite}/{path}", url.trim_end_matches('/')),
        None => format!("{repository}:{folder}{suite}/{path}"),
    }
}

/// Alpine's index, which is signed itself.
fn apk_index(snapshot: &Snapshot, index: &SnapshotIndex) -> ResourceDescriptor {
    let mut descriptor = signed_index(snapshot, ("", &index.path), Some(index.sha256));
    descriptor.annotations.insert(annotation::COMPONENT.to_owned(), json!(index.component));
    descriptor.annotations.insert(annotation::ARCH.to_owned(), json!(index.arch));
    descriptor
}

fn signed_index(snapshot: &Snapshot, path: (&str, &str), sha256: Option<Sha256>) -> ResourceDescriptor {
    let mut annotations = BTreeMap::from([
        (annotation::KIND.to_owned(), json!("index")),
        (annotation::REPOSITORY.to_owned(), json!(snapshot.repository)),
        (annotation::SUITE.to_owned(), json!(snapshot.suite)),
        (annotation::DATE.to_owned(), json!(snapshot.date)),
        (annotation::SIGNED_BY.to_owned(), json!(snapshot.signed_by)),
    ]);
    if let Some(codename) = &snapshot.codename {
        annotations.insert(annotation::CODENAME.to_owned(), json!(codename));
    }
    if let Some(date) = &snapshot.valid_until {
        annotations.insert(annotation::VALID_UNTIL.to_owned(), json!(date));
    }
    descriptor(&snapshot.id, index_uri(snapshot, path), sha256, annotations)
}

fn packages_file(snapshot: &Snapshot, index: &SnapshotIndex) -> ResourceDescriptor {
    let annotations = BTreeMap::from([
        (annotation::KIND.to_owned(), json!("packages")),
        (annotation::INDEX.to_owned(), json!(snapshot.id)),
        (annotation::COMPONENT.to_owned(), json!(index.component)),
        (annotation::ARCH.to_owned(), json!(index.arch)),
    ]);
    descriptor(&index.path, index_uri(snapshot, ("dists/", &index.path)), Some(index.sha256), annotations)
}

fn locked_package(distro: &Distro, package: &LockedPackage, files: &PackageFiles) -> ResourceDescriptor {
    let annotations = BTreeMap::from([
        (annotation::KIND.to_owned(), json!("package")),
        (annotation::INDEX.to_owned(), json!(package.snapshot)),
        (annotation::FILE.to_owned(), json!(package.file)),
    ]);
    let uri = purl::package(distro, package);
    let mut descriptor = descriptor(&package.reference(), uri, files.sha256(package), annotations);
    if let Some(checksum) = package.checksum {
        descriptor.annotations.insert(annotation::CHECKSUM.to_owned(), json!(checksum));
    }
    descriptor
}

/// Of git, the digest is that of the archive made of the commit's tree; the commit stands beside it.
pub(super) fn source(source: &SourceComponent) -> ResourceDescriptor {
    let mut annotations = BTreeMap::from([(annotation::KIND.to_owned(), json!("source"))]);
    if let Some(purl) = &source.purl {
        annotations.insert(annotation::PURL.to_owned(), json!(purl));
    }
    if !source.patches.is_empty() {
        let patch = |(path, sha256): &(String, Sha256)| json!({ "path": path, "sha256": sha256 });
        let patches: Vec<Value> = source.patches.iter().map(patch).collect();
        annotations.insert(annotation::PATCHES.to_owned(), Value::Array(patches));
    }
    let mut descriptor = descriptor(&source.name, source.uri.clone(), source.sha256, annotations);
    if let Some((_, commit)) = source.uri.strip_prefix("git+").and_then(|uri| uri.rsplit_once('@')) {
        descriptor.digest.insert("gitCommit".to_owned(), commit.to_owned());
    }
    descriptor
}

/// What is fetched of an image of a registry.
fn layers(source: &SourceComponent) -> impl Iterator<Item = ResourceDescriptor> {
    let annotations = BTreeMap::from([(annotation::KIND.to_owned(), json!("layer"))]);
    source
        .layers
        .iter()
        .map(move |(uri, digest)| descriptor(&source.name, uri.clone(), Some(*digest), annotations.clone()))
}

fn certificate(uri: &str, digest: Sha256) -> ResourceDescriptor {
    let annotations = BTreeMap::from([(annotation::KIND.to_owned(), json!("certificate"))]);
    let name = uri.rsplit(['/', ':']).next().unwrap_or(uri);
    descriptor(name, uri.to_owned(), Some(digest), annotations)
}

fn patch(path: &str, digest: Sha256) -> ResourceDescriptor {
    let annotations = BTreeMap::from([(annotation::KIND.to_owned(), json!("patch"))]);
    descriptor(path, purl::recipe_file(path), Some(digest), annotations)
}

/// `recipe:<path>`, or `hbuild:std/<name>` for a module of the standard library.
pub(super) fn recipe_file(name: &str, digest: Sha256) -> ResourceDescriptor {
    let scheme = if name.starts_with("std/") { "hbuild" } else { "recipe" };
    let annotations = BTreeMap::from([(annotation::KIND.to_owned(), json!("recipe"))]);
    descriptor(name, format!("{scheme}:{name}"), Some(digest), annotations)
}

fn descriptor(
    name: &str,
    uri: String,
    digest: Option<Sha256>,
    annotations: BTreeMap<String, Value>,
) -> ResourceDescriptor {
    ResourceDescriptor {
        name: Some(name.to_owned()),
        uri: Some(uri),
        digest: digest.map(sha256).unwrap_or_default(),
        media_type: None,
        annotations,
    }
}
