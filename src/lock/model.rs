//! The lock file as values, and what graph and evidence take from it.

use std::collections::BTreeMap;

use hbuild_lang::recipe::{Arch, Distro, Family, Located, Place, Point};
use serde::{Deserialize, Serialize};

use crate::digest::{Digest, Sha256};
use crate::distro::alpine::checksum::Checksum;

/// File name of the lock, beside the recipes.
pub const LOCK_FILE: &str = "hbuild.lock";

/// A whole lock file. Vectors are sorted by their identifying fields; no host name stands in it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Lock {
    /// Schema version, 1.
    pub version: u32,
    /// Signed indexes that packages were taken from, sorted by id.
    #[serde(default, rename = "snapshot", skip_serializing_if = "Vec::is_empty")]
    pub snapshots: Vec<Snapshot>,
    /// Every package of any variant, sorted by name, version, architecture.
    #[serde(default, rename = "package", skip_serializing_if = "Vec::is_empty")]
    pub packages: Vec<LockedPackage>,
    /// Every image at every point, sorted by image, variant, architecture.
    #[serde(default, rename = "variant", skip_serializing_if = "Vec::is_empty")]
    pub variants: Vec<LockedVariant>,
    /// The packages in the roots of builds, sorted by request. Builds with one request share an entry.
    #[serde(default, rename = "root", skip_serializing_if = "Vec::is_empty")]
    pub roots: Vec<LockedRoot>,
    /// Every git source, sorted by URL, commit, submodules.
    #[serde(default, rename = "git", skip_serializing_if = "Vec::is_empty")]
    pub git: Vec<LockedGit>,
    /// Every image that a source is taken from, sorted by name and digest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub oci: Vec<LockedOci>,
}

/// One repository at one moment, as its signed index states it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Snapshot {
    /// `<repository>/<suite>@<date>`: `debian/bookworm@2026-01-10T10:12:52Z`; of Alpine each index is signed for itself:
    /// `alpine/v3.19/main/x86_64@2024-01-26T15:10:12Z`.
    pub id: String,
    /// Repository name: `debian`, `debian-security`.
    pub repository: String,
    /// Base URL for a repository of the recipe; never set for one of the distro's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Suite as requested; of Alpine the branch, `v3.19`.
    pub suite: String,
    /// Debian: `Codename` of the signed index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub codename: Option<String>,
    /// The date of the signed index, RFC 3339 UTC.
    pub date: String,
    /// `Valid-Until`, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<String>,
    /// Debian: SHA-256 of the whole InRelease.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_release: Option<Sha256>,
    /// Its length in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_release_size: Option<u64>,
    /// The keys that signed it: fingerprints in upper-case hexadecimal, of Alpine file names.
    pub signed_by: Vec<String>,
    /// Every Packages index used, sorted by component and architecture; of Alpine the signed index itself, alone.
    pub indexes: Vec<SnapshotIndex>,
}

impl Snapshot {
    /// SHA-256 of the file that bears the signature: Debian's InRelease, Alpine's index.
    pub fn signed_file(&self) -> Option<Sha256> {
        self.in_release.or_else(|| self.indexes.first().map(|index| index.sha256))
    }
}

/// One Packages file, or one APKINDEX.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SnapshotIndex {
    /// `main`.
    pub component: String,
    /// The distro's name of the architecture.
    pub arch: String,
    /// Path below the suite's folder: `main/binary-amd64/Packages.xz`, `main/x86_64/APKINDEX.tar.gz`.
    pub path: String,
    /// SHA-256 of the file as fetched (compressed).
    pub sha256: Sha256,
    /// Its length in bytes.
    pub size: u64,
}

/// A package pinned to its bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LockedPackage {
    /// Name.
    pub name: String,
    /// Whole version string of the distro.
    pub version: String,
    /// The distro's name of its architecture: `amd64`, `all`, `x86_64`.
    pub arch: String,
    /// Debian: SHA-256 of the package file. A package has this or `checksum`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Sha256>,
    /// Alpine: what the signed index states of the package file, the SHA-1 of its control segment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksum: Option<Checksum>,
    /// Length of the package file in bytes.
    pub size: u64,
    /// Path below the repository's base.
    pub file: String,
    /// Source package.
    pub source: String,
    /// Version of the source package, where it differs from `version`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_version: Option<String>,
    /// [`Snapshot::id`] of the signed index it came from.
    pub snapshot: String,
}

impl LockedPackage {
    /// The distribution that its file is of.
    pub fn family(&self) -> Family {
        if self.checksum.is_some() { Family::Alpine } else { Family::Debian }
    }

    /// `name=version:arch`, by which variants name it.
    pub fn reference(&self) -> String {
        format!("{}={}:{}", self.name, self.version, self.arch)
    }
}

/// What was asked for: the canonical resolution request. `build` compares it with the recipe's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Request {
    /// The distribution: `debian12`.
    pub distro: String,
    /// The distro's name of the architecture.
    pub arch: String,
    /// `<repository> <suite> <component>…` each, in order; one of the recipe's own has its URL and the SHA-256
    /// of its keys behind.
    pub repositories: Vec<String>,
    /// Requested packages with pins, sorted, without duplicates.
    pub packages: Vec<String>,
    /// Excluded packages, sorted, without duplicates.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<String>,
    /// `full` or `listed`.
    pub resolve: String,
}

/// One image at one point.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LockedVariant {
    /// Image name.
    pub image: String,
    /// The recipe's file name, in the lock's folder.
    pub recipe: String,
    /// Its point.
    pub point: Point,
    /// The request it answers.
    pub request: Request,
    /// The answer: [`LockedPackage::reference`] of each, sorted.
    pub packages: Vec<String>,
    /// Dependencies that `exclude` cut, as `package: relation`, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cut: Vec<String>,
}

/// The packages in the root of one or more builds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LockedRoot {
    /// File names of the recipes with such builds, in the lock's folder, sorted.
    pub recipes: Vec<String>,
    /// The request it answers: tools and inputs of the builds.
    pub request: Request,
    /// The answer: [`LockedPackage::reference`] of each, sorted.
    pub packages: Vec<String>,
    /// Dependencies that `exclude` cut, as `package: relation`, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cut: Vec<String>,
}

/// The content of a git source.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LockedGit {
    /// The repository as the recipe names it.
    pub url: String,
    /// The commit.
    pub commit: String,
    /// Whether the trees of submodules are there too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub submodules: bool,
    /// File names of the recipes with such sources, in the lock's folder, sorted.
    pub recipes: Vec<String>,
    /// SHA-256 of the tar archive that hbuild makes of the tree.
    pub sha256: Sha256,
}

/// What a git source is known by: URL, commit, and whether the trees of submodules are there too.
pub type GitKey = (String, String, bool);

impl LockedGit {
    /// What it is known by.
    pub fn key(&self) -> GitKey {
        (self.url.clone(), self.commit.clone(), self.submodules)
    }
}

/// An image of a registry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LockedOci {
    /// Registry and repository: `docker.io/library/alpine`.
    pub name: String,
    /// SHA-256 of its manifest or index, as the recipe has it.
    pub digest: Sha256,
    /// File names of the recipes with such sources, in the lock's folder, sorted.
    pub recipes: Vec<String>,
    /// What it has for each architecture, sorted.
    #[serde(rename = "platform")]
    pub platforms: Vec<LockedPlatform>,
}

/// An image of a registry for one architecture.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LockedPlatform {
    /// The architecture by its OCI name.
    pub arch: String,
    /// Its manifest.
    pub manifest: LockedBlob,
    /// Its layers, lowest first.
    pub layers: Vec<LockedBlob>,
}

/// Bytes in a registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LockedBlob {
    /// Their SHA-256.
    pub sha256: Sha256,
    /// Their number.
    pub size: u64,
}

/// What an image of a registry is known by: name and digest.
pub type OciKey = (String, Sha256);

impl LockedOci {
    /// What it is known by.
    pub fn key(&self) -> OciKey {
        (self.name.clone(), self.digest)
    }

    /// What it has for `arch`.
    pub fn platform(&self, arch: Arch) -> Option<&LockedPlatform> {
        self.platforms.iter().find(|platform| platform.arch == arch.as_str())
    }
}

/// What is in one image, for SBOMs: everything that does not depend on the merged tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Components {
    /// The version of hbuild and of what its documents say, which every document about the image depends on.
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
    /// RFC 3339: the image's `created`.
    pub created: String,
    /// The distribution.
    pub distro: Distro,
    /// Architecture.
    pub arch: Arch,
    /// Its packages.
    pub packages: Vec<LockedPackage>,
    /// Its sources.
    pub sources: Vec<SourceComponent>,
    /// What was built from source for it, sorted by name; what only their roots hold is not in it.
    pub builds: Vec<BuildComponent>,
}

/// Something in an image that was built from source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct BuildComponent {
    /// Name of the build.
    pub name: String,
    /// Its point.
    pub point: Point,
    /// The id of the derivation that makes it.
    pub derivation: Digest,
    /// Description.
    pub description: Option<String>,
    /// Version.
    pub version: Option<String>,
    /// Licence.
    pub license: Option<String>,
    /// Package URL.
    pub purl: Option<String>,
    /// CPE.
    pub cpe: Option<String>,
    /// What it was built from, by the folder below `$SRC`.
    pub sources: BTreeMap<String, SourceComponent>,
    /// The packages in its root: they were used, they are not in the image.
    pub tools: Vec<LockedPackage>,
    /// The origin of its files in the image.
    pub origin: crate::tree::Origin,
    /// Where the recipe defines it.
    pub place: Place,
}

/// A source in an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct SourceComponent {
    /// Name of the item.
    pub name: String,
    /// First URL, or `path:<path>`.
    pub uri: String,
    /// SHA-256 of the file; of a local folder and of git, that of the tar archive made of it.
    pub sha256: Option<Sha256>,
    /// Licence.
    pub license: Option<String>,
    /// Package URL.
    pub purl: Option<String>,
    /// CPE.
    pub cpe: Option<String>,
    /// Patches applied to it, in order: path beside the recipe, and SHA-256.
    pub patches: Vec<(String, Sha256)>,
    /// The layers of an image of a registry, lowest first: URI and SHA-256.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub layers: Vec<(String, Sha256)>,
}

impl SourceComponent {
    /// The origin of its files in an image.
    pub fn origin(&self) -> crate::tree::Origin {
        crate::tree::Origin(format!("source:{}", self.name))
    }
}

/// The deterministic part of the provenance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct BuildDefinition {
    /// What is in the image.
    pub components: Components,
    /// The recipe's file name, relative to the lock's folder.
    pub recipe: String,
    /// SHA-256 of the recipe and of each file it imports, by name; modules of `std` as `std/base`.
    pub recipe_files: BTreeMap<String, Sha256>,
    /// Requested packages with the place of the request, which names its file as `recipe_files` does.
    pub requested: Vec<(String, Place)>,
    /// SHA-256 of the lock file's part that this variant uses (its canonical JSON).
    pub lock_digest: Sha256,
    /// The variant's point.
    pub point: Point,
    /// Signed indexes used.
    pub snapshots: Vec<Snapshot>,
    /// SHA-256 of each certificate that may have signed them, by URI.
    pub certificates: BTreeMap<String, Sha256>,
    /// The layer compressor.
    pub compression: crate::compression::Compression,
    /// Configured builder id, a URI.
    pub builder: String,
    /// Where the recipe asks for everything else in the image.
    pub places: RecipePlaces,
    /// Every build that something in the image was made with, each behind those that it needs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub executions: Vec<ExecutionDefinition>,
}

/// A build that an image was made with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ExecutionDefinition {
    /// Name of the build.
    pub name: String,
    /// Its point.
    pub point: Point,
    /// The id of its derivation.
    pub derivation: Digest,
    /// The distro that the packages in its root come from.
    pub distro: Distro,
    /// The architecture that executes it.
    pub arch: Arch,
    /// Where the recipe defines it.
    pub place: Place,
    /// What it was built from, by the folder below `$SRC`.
    pub sources: BTreeMap<String, SourceComponent>,
    /// The packages in its root.
    pub tools: Vec<LockedPackage>,
}

/// Where a recipe asks for what is in one image besides packages. Files are named as in [`BuildDefinition::recipe_files`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct RecipePlaces {
    /// The image item.
    pub image: Place,
    /// Names of the sources among its contents, in order.
    pub contents: Vec<Located<String>>,
    /// The rules of `paths`, by path or glob.
    pub paths: BTreeMap<String, Place>,
}
