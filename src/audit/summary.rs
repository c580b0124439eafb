//! What is in an image: its packages by size, what it runs as whom, what the policy waives, what it carries.
//!
//! Everything is what the image and its documents say of themselves. Layers are checked against their digests, and
//! documents must be about the image; no signature is checked.

use std::collections::{BTreeMap, BTreeSet};

use hbuild_lang::recipe::Arch;
use oci_spec::image::{Config, MediaType};
use serde::Serialize;

use crate::evidence::{Attached, AttachedError, Origins, media};
use crate::image::policy::{PolicyReport, Waived};
use crate::image::read::{HashingSink, Image, Layout};
use crate::tree::{EntryKind, Origin, Tree};

/// What is in an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Summary {
    /// Digest of the image manifest.
    pub digest: String,
    /// Digest of the image index, where one was named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<String>,
    /// Architecture.
    pub arch: String,
    /// Operating system.
    pub os: String,
    /// RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// How it runs.
    pub run: Run,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Its layers, lowest first.
    pub layers: Vec<LayerSummary>,
    /// Bytes of its layers as they are transferred.
    pub size: u64,
    /// Bytes of its files.
    pub installed_size: u64,
    /// Number of its files and links.
    pub files: usize,
    /// What its files came from, the largest first; absent where the image does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contents: Option<Vec<ContentSummary>>,
    /// The breaks of the policy that its recipe waives; absent where the image does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waived: Option<Vec<Waived>>,
    /// The documents about the image, and about the index where one was named.
    pub evidence: Vec<DocumentSummary>,
    /// How many signatures are there. None was verified.
    pub signatures: usize,
}

/// What a container of the image runs, and as whom.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Run {
    /// `Config.User`.
    pub user: String,
    /// Entry point.
    pub entrypoint: Vec<String>,
    /// Default arguments.
    pub cmd: Vec<String>,
    /// Environment, `NAME=value`.
    pub env: Vec<String>,
    /// Working directory.
    pub work_dir: String,
    /// Ports.
    pub ports: BTreeSet<String>,
    /// Volumes.
    pub volumes: BTreeSet<String>,
    /// Stop signal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_signal: Option<String>,
}

/// A layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct LayerSummary {
    /// Its digest.
    pub digest: String,
    /// Media type.
    pub media_type: String,
    /// Its bytes.
    pub size: u64,
    /// What its history says is in it.
    pub created_by: String,
}

/// What came from one package, source or build, from the recipe, or was made by hbuild.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ContentSummary {
    /// `package`, `source`, `build`, `recipe` or `effect`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// The version of a package.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Package URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// How many files and links are in the image.
    pub files: usize,
    /// Their bytes; a file with several names counts once.
    pub size: u64,
}

/// A document that is attached.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct DocumentSummary {
    /// `image` or `index`.
    pub about: &'static str,
    /// The artifact's type.
    pub artifact_type: String,
    /// The type of the predicate of a statement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub predicate_type: Option<String>,
    /// Digest of the artifact's manifest.
    pub digest: String,
}

impl Summary {
    /// Of what `reference` names in `layout`; of an index, the image for `arch`.
    pub fn of(layout: &Layout<'_>, reference: Option<&str>, arch: Arch) -> Result<Self, AttachedError> {
        let entry = layout.resolve(reference)?;
        let image = layout.image(reference, Some(arch))?;
        let attached = Attached::read(layout, image.digest)?;
        let mut evidence = documents("image", &attached);
        let mut signatures = attached.signatures().count();
        let mut index = None;
        if *entry.media_type() == MediaType::ImageIndex {
            let digest = layout.digest(&entry)?;
            let about_index = Attached::read(layout, digest)?;
            evidence.extend(documents("index", &about_index));
            signatures += about_index.signatures().count();
            index = Some(digest.to_oci());
        }
        let tree = layout.tree(&image, &mut HashingSink)?;
        let sizes = sizes(&tree);
        let origins = attached.statement::<Origins>(media::PREDICATE_ORIGINS)?;
        let policy = attached.statement::<PolicyReport>(media::PREDICATE_POLICY)?;
        evidence.sort();
        Ok(Self {
            digest: image.digest.to_oci(),
            index,
            arch: image.config.architecture().to_string(),
            os: image.config.os().to_string(),
            created: image.config.created().clone(),
            run: image.config.config().as_ref().map(run).unwrap_or_default(),
            labels: labels(image.config.config().as_ref()),
            size: image.manifest.layers().iter().map(|layer| layer.size()).sum(),
            layers: layers(&image),
            installed_size: sizes.values().sum(),
            files: sizes.len(),
            contents: origins.map(|statement| contents(&statement.predicate, &sizes)),
            waived: policy.map(|statement| statement.predicate.waived),
            evidence,
            signatures,
        })
    }
}

fn documents(about: &'static str, attached: &Attached<'_>) -> Vec<DocumentSummary> {
    let document = |one: &crate::evidence::Attachment| DocumentSummary {
        about,
        artifact_type: one.artifact_type.clone(),
        predicate_type: one.predicate_type.clone(),
        digest: one.digest.clone(),
    };
    attached.all.iter().map(document).collect()
}

fn run(config: &Config) -> Run {
    let texts = |list: &Option<Vec<String>>| list.clone().unwrap_or_default();
    Run {
        user: config.user().clone().unwrap_or_default(),
        entrypoint: texts(config.entrypoint()),
        cmd: texts(config.cmd()),
        env: texts(config.env()),
        work_dir: config.working_dir().clone().unwrap_or_default(),
        ports: texts(config.exposed_ports()).into_iter().collect(),
        volumes: texts(config.volumes()).into_iter().collect(),
        stop_signal: config.stop_signal().clone(),
    }
}

fn labels(config: Option<&Config>) -> BTreeMap<String, String> {
    let labels = config.and_then(|config| config.labels().clone());
    labels.unwrap_or_default().into_iter().collect()
}

fn layers(image: &Image) -> Vec<LayerSummary> {
    let history = image.config.history().iter().flatten();
    let mut made = history.filter(|step| step.empty_layer() != Some(true));
    let layer = |layer: &oci_spec::image::Descriptor| LayerSummary {
        digest: layer.digest().to_string(),
        media_type: layer.media_type().to_string(),
        size: layer.size(),
        created_by: made.next().and_then(|step| step.created_by().clone()).unwrap_or_default(),
    };
    image.manifest.layers().iter().map(layer).collect()
}

/// The bytes of each file and link by its path; of a file with several names all count for the first.
fn sizes(tree: &Tree) -> BTreeMap<String, u64> {
    let mut seen = BTreeSet::new();
    let files = tree.entries().iter().filter(|entry| !entry.is_directory());
    let size = |kind: &EntryKind| match kind {
        EntryKind::File { link: Some(group), .. } if !seen.insert(*group) => 0,
        EntryKind::File { size, .. } => *size,
        _ => 0,
    };
    let mut size = size;
    files.map(|entry| (entry.path.text(), size(&entry.kind))).collect()
}

/// What each origin has of `sizes`: effects together, all else by itself.
fn contents(origins: &Origins, sizes: &BTreeMap<String, u64>) -> Vec<ContentSummary> {
    let mut found: BTreeMap<(&str, String), ContentSummary> = BTreeMap::new();
    for group in &origins.origins {
        let (kind, name, version) = named(&group.origin);
        let key = (kind, format!("{name} {}", version.as_deref().unwrap_or_default()));
        let entry = found.entry(key).or_insert_with(|| ContentSummary {
            kind,
            name,
            version,
            uri: group.uri.clone(),
            files: 0,
            size: 0,
        });
        for size in group.paths.iter().filter_map(|path| sizes.get(&path.text())) {
            entry.files += 1;
            entry.size += size;
        }
    }
    let mut contents: Vec<_> = found.into_values().collect();
    contents.sort_by_key(|one| std::cmp::Reverse(one.size));
    contents
}

fn named(origin: &Origin) -> (&'static str, String, Option<String>) {
    if let Some((name, version, _)) = origin.package() {
        return ("package", name.to_owned(), Some(version.to_owned()));
    }
    match origin.0.split_once(':') {
        Some(("source", name)) => ("source", name.to_owned(), None),
        Some(("build", name)) => ("build", name.to_owned(), None),
        Some(("effect", _)) => ("effect", "made by hbuild".to_owned(), None),
        _ => ("recipe", "of the recipe".to_owned(), None),
    }
}
