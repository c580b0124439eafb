//! Referrers: documents about an image, attached to it by digest (OCI distribution specification 1.1).

use std::collections::BTreeMap;

use oci_spec::image::{Descriptor, ImageIndexBuilder, ImageManifestBuilder, MediaType};

use super::Blob;
use crate::digest::Sha256;
use crate::image::config::{descriptor, to_canonical};
use crate::image::media_type;

/// The config of every artifact.
pub(crate) const EMPTY_CONFIG: &[u8] = b"{}";

/// What a document is about: a manifest or an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subject {
    /// SHA-256 of its bytes.
    pub digest: Sha256,
    /// Their number.
    pub size: u64,
    /// Whether it is an image index.
    pub index: bool,
}

impl Subject {
    /// The image manifest of these bytes.
    pub fn manifest(bytes: &[u8]) -> Self {
        Self { digest: Sha256::of(bytes), size: bytes.len() as u64, index: false }
    }

    /// The image index of these bytes.
    pub fn index(bytes: &[u8]) -> Self {
        Self { index: true, ..Self::manifest(bytes) }
    }
}

/// A document with the artifact manifest that attaches it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Referrer {
    /// What it is about.
    pub subject: Subject,
    /// The artifact's type.
    pub artifact_type: String,
    /// Annotations of the artifact manifest, repeated in the referrers index.
    pub annotations: BTreeMap<String, String>,
    /// The bytes of the artifact manifest.
    pub manifest: Vec<u8>,
    /// The document.
    pub document: Blob,
    /// Files that stand behind the document, in order.
    pub files: Vec<Blob>,
}

/// The artifact that attaches `document` to `subject`: its config is empty, its one layer is the document. No
/// time stands in it.
pub fn referrer_manifest(
    subject: Subject,
    artifact_type: &str,
    document_type: &str,
    document: Blob,
    annotations: BTreeMap<String, String>,
) -> Referrer {
    let layer = descriptor(document_type, document.digest, document.size);
    let manifest = artifact_manifest(subject, artifact_type, vec![layer], &annotations);
    let artifact_type = artifact_type.to_owned();
    Referrer { subject, artifact_type, annotations, manifest, document, files: Vec::new() }
}

/// The artifact that attaches `files`, each with its name, to `subject`, behind `document`, which says what they are
/// and is of the artifact's own type.
pub fn artifact_with_files(
    subject: Subject,
    artifact_type: &str,
    document: Blob,
    files: Vec<(String, Blob)>,
) -> Referrer {
    let mut layers = vec![descriptor(artifact_type, document.digest, document.size)];
    for (name, blob) in &files {
        let mut layer = descriptor(media_type::BYTES, blob.digest, blob.size);
        layer.set_annotations(Some([(media_type::TITLE.to_owned(), name.clone())].into()));
        layers.push(layer);
    }
    let annotations = BTreeMap::new();
    let manifest = artifact_manifest(subject, artifact_type, layers, &annotations);
    let artifact_type = artifact_type.to_owned();
    let files = files.into_iter().map(|(_, blob)| blob).collect();
    Referrer { subject, artifact_type, annotations, manifest, document, files }
}

fn artifact_manifest(
    subject: Subject,
    artifact_type: &str,
    layers: Vec<Descriptor>,
    annotations: &BTreeMap<String, String>,
) -> Vec<u8> {
    let subject_type = if subject.index { media_type::INDEX } else { media_type::MANIFEST };
    let manifest = ImageManifestBuilder::default()
        .schema_version(2u32)
        .media_type(MediaType::ImageManifest)
        .artifact_type(MediaType::from(artifact_type))
        .config(descriptor(media_type::EMPTY, Sha256::of(EMPTY_CONFIG), EMPTY_CONFIG.len() as u64))
        .layers(layers)
        .subject(descriptor(subject_type, subject.digest, subject.size));
    let manifest = match annotations.is_empty() {
        true => manifest,
        false => {
            manifest.annotations(annotations.clone().into_iter().collect::<std::collections::HashMap<_, _>>())
        }
    };
    to_canonical(&manifest.build().expect("all fields are set"))
}

impl Referrer {
    /// All that a layout or a registry needs of it: manifest, document, config, files.
    pub(crate) fn blobs(&self) -> impl Iterator<Item = (Sha256, Blob)> {
        let all = [Blob::of(&self.manifest), self.document.clone(), Blob::of(EMPTY_CONFIG)];
        all.into_iter().chain(self.files.iter().cloned()).map(|blob| (blob.digest, blob))
    }

    /// Whether it takes the place of the artifact that `old` describes: the same type with the same annotations.
    pub fn supersedes(&self, old: &Descriptor) -> bool {
        let kind = old.artifact_type().as_ref().map(ToString::to_string);
        let annotations = old.annotations().clone().unwrap_or_default();
        kind.as_ref() == Some(&self.artifact_type)
            && annotations.into_iter().collect::<BTreeMap<_, _>>() == self.annotations
    }

    /// Its entry in a referrers index.
    pub fn descriptor(&self) -> Descriptor {
        let digest = Sha256::of(&self.manifest);
        let mut entry = descriptor(media_type::MANIFEST, digest, self.manifest.len() as u64);
        entry.set_artifact_type(Some(MediaType::from(self.artifact_type.as_str())));
        if !self.annotations.is_empty() {
            entry.set_annotations(Some(self.annotations.clone().into_iter().collect()));
        }
        entry
    }
}

/// The tag under which a registry without the referrers API, and a layout, keep the referrers of a subject.
pub fn referrers_tag(subject: Sha256) -> String {
    format!("sha256-{subject}")
}

/// The bytes of a referrers index over `entries`, which are sorted here and kept once each.
pub(crate) fn referrers_index(mut entries: Vec<Descriptor>) -> Vec<u8> {
    let key = |entry: &Descriptor| {
        (entry.artifact_type().as_ref().map(ToString::to_string), entry.digest().to_string())
    };
    entries.sort_by_key(key);
    entries.dedup_by(|one, two| key(one) == key(two));
    let index = ImageIndexBuilder::default()
        .schema_version(2u32)
        .media_type(MediaType::ImageIndex)
        .manifests(entries)
        .build()
        .expect("all fields are set");
    to_canonical(&index)
}
