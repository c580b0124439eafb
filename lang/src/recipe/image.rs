//! Evaluated images.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Arch, Distro, Flavor, Located, Place, Point};

/// One image at one point of the axes. Fields that the recipe left out hold the edition's default. What the variants of
/// an image have in common is shared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// The item's name, which is the name of the image.
    pub name: String,
    /// Its point on every axis it varies over.
    pub point: Point,
    /// `<version>-<distro><release>[-<flavor>][-<other labels>]`; never the architecture. `runtime` adds no
    /// suffix.
    pub variant: String,
    /// The distribution.
    pub distro: Distro,
    /// The flavor; `runtime` where the file has no such axis.
    pub flavor: Flavor,
    /// The architecture.
    pub arch: Arch,
    /// The doc comment of the item.
    pub description: Option<String>,
    /// The image whose layers it begins with; its files are there, its config is not taken over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extends: Option<Located<ImageUse>>,
    /// Version of the main thing inside; `None` leaves it out of names and labels.
    pub version: Option<String>,
    /// Title for people; the name where not set.
    pub title: String,
    /// SPDX licence expression of the image as a whole.
    pub license: Option<String>,
    /// Named dates (`release`, `end-of-life`), `YYYY-MM-DD`.
    pub dates: Arc<BTreeMap<String, String>>,
    /// Tags besides the variant's name, in order, without duplicates.
    pub tags: Vec<String>,
    /// Repositories that packages come from; the distro's own first.
    pub repositories: Arc<Vec<Repository>>,
    /// Packages requested, in the distro's own grammar, in order.
    pub packages: Arc<Vec<Located<String>>>,
    /// Packages never taken unless requested.
    pub exclude: Arc<Vec<Located<String>>>,
    /// Whether dependencies are taken too.
    pub resolve: Resolve,
    /// Contents added after the packages, in order.
    pub contents: Vec<Located<Content>>,
    /// Rules for files by absolute path or glob, as the recipe wrote them.
    pub paths: Arc<BTreeMap<String, Located<PathRule>>>,
    /// Rules of the edition for this flavor, below every rule of `paths`: what `runtime` drops by default.
    pub default_paths: Arc<BTreeMap<String, PathRule>>,
    /// Accounts to be there, by name.
    pub users: Arc<BTreeMap<String, User>>,
    /// Groups to be there, by name.
    pub groups: Arc<BTreeMap<String, Group>>,
    /// Name or `uid[:gid]` of who runs the image; `65532:65532` by default.
    pub run_as: Located<String>,
    /// Environment of the image config.
    pub env: Arc<BTreeMap<String, String>>,
    /// Entry point.
    pub entrypoint: Arc<Vec<String>>,
    /// Default arguments.
    pub cmd: Arc<Vec<String>>,
    /// Working directory, absolute; `/` by default.
    pub work_dir: String,
    /// Ports as `6379/tcp`.
    pub ports: Arc<Vec<String>>,
    /// Volumes, absolute paths.
    pub volumes: Arc<Vec<String>>,
    /// Signal that stops the container, `SIGTERM` where `None`.
    pub stop_signal: Option<String>,
    /// Labels besides the standard ones.
    pub labels: Arc<BTreeMap<String, String>>,
    /// Annotations besides the standard ones.
    pub annotations: Arc<BTreeMap<String, String>>,
    /// Fields that replace or extend the distro's `/etc/os-release`.
    pub os_release: Arc<BTreeMap<String, String>>,
    /// What native effects each package has, by package name, from `std`: values are names such as
    /// `ca-bundle`, `ld-so-cache`. Only packages of this distro.
    pub effects: Arc<BTreeMap<String, Vec<String>>>,
    /// Tests to run in the image.
    pub tests: Arc<Vec<Test>>,
    /// Policy rules waived, with reasons.
    pub waivers: Arc<Vec<Waiver>>,
    /// Times of directories and generated files, seconds since 1970; 315532800 by default.
    pub epoch: i64,
    /// Where the item stands.
    pub place: Place,
}

/// An image that another one extends.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ImageUse {
    /// Name of the image.
    pub image: String,
    /// The image's point.
    pub point: Point,
}

/// A signed package repository.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Repository {
    /// Its name in locks and evidence: `debian`, `debian-security`, `alpine`, or the author's item.
    pub name: String,
    /// `None` for one of the distro's own, found through the mirrors configured for `name`; else its URL.
    pub url: Option<String>,
    /// Debian: the suite (`bookworm-updates`). Alpine: the branch (`v3.19`).
    pub suite: String,
    /// Debian: components (`main`). Alpine: the repository below the branch (`main`, `community`).
    pub components: Vec<String>,
    /// Certificates or keys that may sign it, ASCII-armoured or PEM, each with the name it is reported by.
    pub keys: Vec<RepositoryKey>,
    /// Alpine's `@tag`.
    pub tag: Option<String>,
}

/// A key that may sign a repository.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RepositoryKey {
    /// File name of the key.
    pub name: String,
    /// Its text.
    pub text: Arc<str>,
}

/// How far packages are resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Resolve {
    /// With all dependencies, as the distro's own tool installs them, without recommendations.
    #[default]
    Full,
    /// The listed packages and nothing else.
    Listed,
}

/// Something merged into the image after its packages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// Name of the source or build.
    pub source: String,
    /// Whether it is a source or a build.
    pub kind: ContentKind,
    /// A further output of a build (`x.modules`); the first where `None`.
    pub output: Option<String>,
    /// The item's point.
    pub point: Point,
    /// Absolute directory it is placed at; `/` where `.at` is not used.
    pub at: String,
    /// Only paths that match one of these globs, relative to the content's own root; all where empty.
    pub only: Vec<String>,
    /// None of the paths that match one of these globs.
    pub without: Vec<String>,
    /// Globs, absolute in the image, of files of another origin that it may replace.
    pub replacing: Vec<String>,
}

/// What a content comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ContentKind {
    /// A source, unpacked as it is.
    Source,
    /// An output of a build.
    Build,
}

/// What is done at one path, or at the paths that match a glob.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum PathRule {
    /// A file with this text.
    File {
        /// The content.
        text: String,
        /// Account that owns it, root by default.
        owner: Option<String>,
        /// Its group, the owner's first group by default.
        group: Option<String>,
        /// Mode, 0644 by default.
        mode: Option<u16>,
    },
    /// A directory.
    Directory {
        /// Account that owns it, root by default.
        owner: Option<String>,
        /// Its group.
        group: Option<String>,
        /// Mode, 0755 by default.
        mode: Option<u16>,
    },
    /// A symbolic link.
    Symlink {
        /// The target as it will stand.
        target: String,
    },
    /// Path or glob is dropped.
    Delete,
    /// Exempts a path or glob from a less specific `delete`.
    Keep,
    /// Sets what is given and leaves the rest, on every path that matches.
    Attrs {
        /// Account.
        owner: Option<String>,
        /// Group.
        group: Option<String>,
        /// Mode; on a glob it is set on files and directories alike.
        mode: Option<u16>,
    },
}

/// An account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// User id.
    pub uid: u32,
    /// Primary group id.
    pub gid: u32,
    /// Home directory.
    pub home: String,
    /// Login shell.
    pub shell: String,
    /// Free text.
    pub gecos: String,
}

/// A group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Group id.
    pub gid: u32,
    /// Members besides those whose primary group it is.
    pub members: Vec<String>,
}

/// A test run in the finished image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Test {
    /// What it shows.
    pub name: String,
    /// Command and arguments.
    pub run: Vec<String>,
    /// What standard output must be.
    pub stdout: Option<Expectation>,
    /// What standard error must be.
    pub stderr: Option<Expectation>,
    /// Expected exit status, 0 by default.
    pub status: i32,
    /// Where it stands.
    pub place: Place,
}

/// What a stream of a test must hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Expectation {
    /// This text somewhere.
    Contains(String),
    /// Exactly this text.
    Equals(String),
}

/// A policy rule that this image may break, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiver {
    /// Code of the rule: `setuid`, `shell`, `elf-relro`.
    pub rule: String,
    /// Globs of absolute paths it holds for; everywhere where empty.
    pub paths: Vec<String>,
    /// The reason, never empty.
    pub because: String,
    /// Where it stands.
    pub place: Place,
}
