//! The OCI documents that an image is made of, read strictly: as much of them as decides what an image is.
//!
//! oci-spec's types take more than that: they let a document be an index and a manifest at once, and say of a
//! digest that is a path only that it does not parse.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::Problem;
use crate::digest::Sha256;
use crate::evidence::json;
use crate::image::media_type;

/// A descriptor.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Descriptor {
    pub media_type: String,
    pub digest: String,
    pub size: u64,
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
    #[serde(default)]
    pub platform: Option<Platform>,
}

/// The platform of an index's entry.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Platform {
    pub os: String,
    pub architecture: String,
    #[serde(default)]
    pub variant: Option<String>,
}

/// An image index, the layout's own among them.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Index {
    #[serde(default)]
    media_type: Option<String>,
    pub manifests: Vec<Descriptor>,
    #[serde(default)]
    config: Option<IgnoredAny>,
    #[serde(default)]
    layers: Option<IgnoredAny>,
}

/// A manifest, of an image or an artifact.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Manifest {
    #[serde(default)]
    media_type: Option<String>,
    #[serde(default)]
    pub artifact_type: Option<String>,
    pub config: Descriptor,
    pub layers: Vec<Descriptor>,
    #[serde(default)]
    pub subject: Option<Descriptor>,
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
    #[serde(default)]
    manifests: Option<IgnoredAny>,
}

/// An image config.
#[derive(Debug, Deserialize)]
pub(super) struct Config {
    #[serde(default)]
    pub created: Option<String>,
    pub rootfs: RootFs,
}

/// What a config says of the layers.
#[derive(Debug, Deserialize)]
pub(super) struct RootFs {
    #[serde(default)]
    pub diff_ids: Vec<String>,
}

impl Descriptor {
    /// The SHA-256 that names the blob of `what`.
    pub fn sha256(&self, what: &str) -> Result<Sha256, Problem> {
        let hex = self.digest.strip_prefix("sha256:");
        hex.and_then(|hex| hex.parse().ok())
            .ok_or_else(|| Problem::Digest { what: what.to_owned(), digest: super::shown(&self.digest) })
    }

    /// Whether it names an image index.
    pub fn is_index(&self) -> bool {
        self.media_type == media_type::INDEX
    }

    /// `linux/arm64`, where the entry says so.
    pub fn platform_name(&self) -> Option<String> {
        let Platform { os, architecture, variant } = self.platform.as_ref()?;
        let variant = variant.as_ref().map(|variant| format!("/{variant}")).unwrap_or_default();
        Some(super::shown(&format!("{os}/{architecture}{variant}")))
    }
}

impl Index {
    /// The index that the bytes of `what` are.
    pub fn parse(what: &str, bytes: &[u8]) -> Result<Self, Problem> {
        let index: Self = document(what, bytes)?;
        let alone = index.config.is_none() && index.layers.is_none();
        of_one_kind(what, index.media_type.as_deref(), media_type::INDEX, alone)?;
        Ok(index)
    }
}

impl Manifest {
    /// The manifest that the bytes of `what` are.
    pub fn parse(what: &str, bytes: &[u8]) -> Result<Self, Problem> {
        let manifest: Self = document(what, bytes)?;
        let alone = manifest.manifests.is_none();
        of_one_kind(what, manifest.media_type.as_deref(), media_type::MANIFEST, alone)?;
        Ok(manifest)
    }
}

impl Config {
    /// The config that the bytes of `what` are.
    pub fn parse(what: &str, bytes: &[u8]) -> Result<Self, Problem> {
        document(what, bytes)
    }
}

fn document<T: DeserializeOwned>(what: &str, bytes: &[u8]) -> Result<T, Problem> {
    json::parse(bytes).map_err(|source| Problem::Document { what: what.to_owned(), source })
}

/// Fails where one reader could take a document for a manifest and another for an index.
fn of_one_kind(what: &str, stated: Option<&str>, expected: &str, alone: bool) -> Result<(), Problem> {
    match alone && stated.is_none_or(|stated| stated == expected) {
        true => Ok(()),
        false => Err(Problem::TwoKinds { what: what.to_owned() }),
    }
}
