//! Evaluated sources.

use serde::{Deserialize, Serialize};

use super::{Located, Place, Point};

/// A source at one point of the axes it varies over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The item's name.
    pub name: String,
    /// Its point, on the axes it varies over alone.
    pub point: Point,
    /// Where its bytes come from.
    pub from: SourceFrom,
    /// SPDX licence expression.
    pub license: Option<String>,
    /// Package URL.
    pub purl: Option<String>,
    /// CPE 2.3 name.
    pub cpe: Option<String>,
    /// Patches, applied in order with `patch -p1` where a build unpacks the source: files beside the recipe,
    /// without leading `/` and without `..`.
    #[serde(default)]
    pub patches: Vec<Located<String>>,
    /// Its doc comment.
    pub description: Option<String>,
    /// Where the item stands.
    pub place: Place,
}

/// Where the bytes of a source come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SourceFrom {
    /// A file to download; archives are unpacked.
    Url {
        /// Tried in order; `debian:pool/…` is relative to the distro's mirror.
        urls: Vec<String>,
        /// SHA-256 of the file, 64 lower-case hexadecimal digits.
        sha256: String,
        /// Whether the single top folder of an archive is taken off (1) or not (0).
        strip: u32,
    },
    /// The tree of a commit; the lock has the digest of its content.
    Git {
        /// URL of the repository: `https:`, `ssh:` or `file:`.
        url: String,
        /// The commit, 40 or 64 lower-case hexadecimal digits.
        commit: String,
        /// Whether the trees of submodules are there too.
        submodules: bool,
    },
    /// The files of an image in a registry: its layers, one over the other.
    Oci {
        /// Registry and repository: `docker.io/library/alpine`.
        name: String,
        /// What people call it; the digest alone counts.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tag: Option<String>,
        /// SHA-256 of its manifest or index, 64 lower-case hexadecimal digits.
        digest: String,
    },
    /// A file or folder beside the recipe, relative to its folder.
    Path {
        /// Without leading `/` and without `..`.
        path: String,
    },
}
