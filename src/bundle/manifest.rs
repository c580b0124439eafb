//! What a bundle says of itself: `manifest.json`, canonical JSON (RFC 8785) with a line feed behind it.

use hbuild_lang::recipe::Point;
use serde::{Deserialize, Serialize};

use super::{BundleError, RECIPES, STANDARD};
use crate::digest::Sha256;
use crate::distro::alpine::checksum::Checksum;
use crate::graph::ENCODING_SCHEMA;

/// The format of bundles that this hbuild writes and reads.
pub const FORMAT: &str = "https://hbuild.dev/bundle/v1";

/// A manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: String,
    /// The hbuild that made it.
    pub hbuild: Maker,
    /// What is built from it, in order.
    pub items: Vec<BundledItem>,
    /// Every file but the manifest, sorted by the bytes of the path.
    pub entries: Vec<Entry>,
}

/// Version of an hbuild.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Maker {
    /// Its version.
    pub version: String,
    /// Its encoding schema.
    pub encoding: u32,
}

impl Maker {
    /// This hbuild.
    pub fn this() -> Self {
        Self { version: env!("CARGO_PKG_VERSION").to_owned(), encoding: ENCODING_SCHEMA }
    }
}

/// An image or a build at one point of its axes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct BundledItem {
    /// Path of its recipe below `recipes/`.
    pub recipe: String,
    /// What it is.
    pub kind: ItemKind,
    /// Its name.
    pub name: String,
    /// Its point.
    pub point: Point,
}

impl BundledItem {
    /// In words: ``image `redis` (amd64, debian12)``.
    pub fn shown(&self) -> String {
        let kind = match self.kind {
            ItemKind::Image => "image",
            ItemKind::Build => "build",
        };
        let labels: Vec<&str> = self.point.values().map(String::as_str).collect();
        let (name, labels) = (self.name.escape_debug(), labels.join(", "));
        match labels.is_empty() {
            true => format!("{kind} `{name}`"),
            false => format!("{kind} `{name}` ({})", labels.escape_debug()),
        }
    }
}

/// Items of recipes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ItemKind {
    /// An image.
    Image,
    /// A build that was named for itself.
    Build,
}

/// A file of a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Entry {
    /// Its path in the archive.
    pub path: String,
    /// Its digest.
    pub sha256: Sha256,
    /// Its length in bytes.
    pub size: u64,
    /// What it is, sorted.
    pub uses: Vec<Use>,
}

/// One thing that a file is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Use {
    /// Of which kind.
    pub kind: Kind,
    /// What it is called.
    pub name: String,
    /// Of an Alpine package, what the signed index states of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksum: Option<Checksum>,
}

impl Use {
    /// A use of this kind and name.
    pub fn new(kind: Kind, name: impl Into<String>) -> Self {
        Self { kind, name: name.into(), checksum: None }
    }
}

/// Kinds of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A key of a repository.
    Certificate,
    /// Index or manifest of an image of a registry.
    Document,
    /// A file beside a recipe: a key, a patch, a local source.
    File,
    /// The archive of a folder that is a local source.
    Folder,
    /// The archive of a git commit.
    Git,
    /// A signed index, or an index that it names.
    Index,
    /// A layer of an image of a registry.
    Layer,
    /// A lock.
    Lock,
    /// A module of the standard library.
    Module,
    /// A package.
    Package,
    /// A recipe, or a file that it imports.
    Recipe,
    /// A source from a URL.
    Source,
}

impl Manifest {
    /// Its bytes.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes =
            serde_json_canonicalizer::to_vec(self).expect("a manifest holds text and whole numbers");
        bytes.push(b'\n');
        bytes
    }

    /// The manifest whose bytes these are, with every path checked.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, BundleError> {
        let bad = |reason: String| BundleError::Manifest { reason };
        #[derive(Deserialize)]
        struct AnyFormat {
            format: String,
        }
        let any: AnyFormat = serde_json::from_slice(bytes).map_err(|error| bad(error.to_string()))?;
        if any.format != FORMAT {
            return Err(BundleError::Format { found: any.format.escape_debug().to_string(), known: FORMAT });
        }
        let manifest: Self = serde_json::from_slice(bytes).map_err(|error| bad(error.to_string()))?;
        manifest.check_paths()?;
        // One text for one manifest: no key twice, no number that two programs read differently.
        if manifest.encode() != bytes {
            return Err(bad("it is not in canonical form, or a key stands in it twice".to_owned()));
        }
        Ok(manifest)
    }

    fn check_paths(&self) -> Result<(), BundleError> {
        for entry in &self.entries {
            let in_folder = [RECIPES, STANDARD]
                .iter()
                .any(|folder| entry.path.strip_prefix(folder).is_some_and(is_inside));
            if !in_folder && entry.path != blob_path(&entry.sha256) {
                return Err(BundleError::Path { path: entry.path.escape_debug().to_string() });
            }
        }
        if let Some(item) = self.items.iter().find(|item| !is_inside(&item.recipe)) {
            return Err(BundleError::Path { path: item.recipe.escape_debug().to_string() });
        }
        match self.entries.windows(2).find(|pair| pair[0].path >= pair[1].path) {
            Some(pair) => Err(BundleError::Order { path: pair[1].path.clone() }),
            None => Ok(()),
        }
    }
}

/// The path of content that is known by its digest alone.
pub fn blob_path(sha256: &Sha256) -> String {
    format!("blobs/sha256/{sha256}")
}

/// Whether `path` is one below a folder, in the one form that it has.
fn is_inside(path: &str) -> bool {
    !path.is_empty()
        && !path.chars().any(|c| c.is_control() || c == '\\')
        && path.split('/').all(|part| !matches!(part, "" | "." | ".."))
}
