//! What documents about the image index of a variant are made from.

use std::collections::BTreeMap;

use hbuild_lang::recipe::{Arch, Point};
use serde::{Deserialize, Serialize};

use super::SbomFormat;
use crate::digest::Sha256;

/// The documents about an image index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IndexDocument {
    /// The images of the platforms as SPDX packages.
    Spdx,
    /// The images of the platforms as CycloneDX components.
    CycloneDx,
    /// SLSA provenance.
    Provenance,
    /// What the policy reports of the platforms have in common and waive.
    Policy,
}

impl IndexDocument {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Spdx, Self::CycloneDx, Self::Provenance, Self::Policy];

    /// The format, of an SBOM.
    pub fn sbom(self) -> Option<SbomFormat> {
        match self {
            Self::Spdx => Some(SbomFormat::Spdx),
            Self::CycloneDx => Some(SbomFormat::CycloneDx),
            Self::Provenance | Self::Policy => None,
        }
    }

    /// Its name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Spdx => "SPDX",
            Self::CycloneDx => "CycloneDX",
            Self::Provenance => "provenance",
            Self::Policy => "policy summary",
        }
    }
}

/// A variant of an image: what its index is made of, besides the manifests of its platforms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct IndexDefinition {
    /// [`super::DOCUMENTS`].
    pub documents: String,
    /// Image name.
    pub image: String,
    /// Variant name.
    pub variant: String,
    /// Version of the image.
    pub version: Option<String>,
    /// Licence of the image.
    pub license: Option<String>,
    /// Description.
    pub description: Option<String>,
    /// RFC 3339: the newest `created` of the platforms.
    pub created: String,
    /// The platforms, sorted.
    pub platforms: Vec<Arch>,
    /// Annotations of the index.
    pub annotations: BTreeMap<String, String>,
    /// The recipe's file name, relative to the lock's folder.
    pub recipe: String,
    /// SHA-256 of the recipe and of each file it imports, by name.
    pub recipe_files: BTreeMap<String, Sha256>,
    /// What the points of the platforms have in common.
    pub point: Point,
    /// Configured builder id, a URI.
    pub builder: String,
}
