//! What derivations do: the parameters of each kind. Everything that serialises here is part of derivation id
//! and key; what cannot change an output (mirrors, labels) is skipped.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hbuild_lang::recipe::{Arch, Family, Flavor, Group, PathRule, RepositoryKey, User, Waiver};
use serde::{Deserialize, Serialize};

use super::{ImageTests, IndexDefinition, IndexDocument};
use crate::compression::Compression;
use crate::digest::{Digest, Sha256};
use crate::distro::alpine::checksum::Checksum;
use crate::tree::Origin;

/// The action of a derivation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase", tag = "kind")]
pub enum Action {
    /// Bytes by digest. No input. Output: `file`.
    Fetch(Fetch),
    /// An archive to an image tree. One input: the fetch's `file`; of layers, one for each. Outputs: `tree`, `origins`, `pack`, and for
    /// packages `control`.
    Unpack(Unpack),
    /// Ordered trees to one. Outputs: `tree`, `origins`, `pack` (generated content), and a tree and an origin
    /// map for each layer.
    Merge(Box<Merge>),
    /// An image tree to an exec tree (design section 6). One input: a `tree`. Output: `tree`. Contents stay where
    /// they are.
    Project(Project),
    /// A command in a sandbox. Inputs: the root's exec tree, then one for each of [`Exec::sources`], all named
    /// `tree`. Outputs: `tree`, `<name>.tree` for each of [`Exec::outputs`], `pack` where a file has content, `log`
    /// where anything was written.
    Exec(Box<Exec>),
    /// One slice of a merge to a compressed tar. One input: the slice. Outputs: `layer`, `descriptor`.
    Layer(Layer),
    /// Config and manifest. Inputs: each layer's `descriptor` in order, then the policy report's `document`.
    Image(Box<ImageConfig>),
    /// Commands in the finished image. One input: the merge's `tree`. Outputs: `document`, the predicate that says what
    /// passed, and `log`. A test that fails fails the derivation.
    Test(Box<ImageTests>),
    /// A document about the image. Output: `document`.
    Evidence(Box<Evidence>),
}

/// Parameters of a fetch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fetch {
    /// What the bytes must be.
    pub content: FixedOutput,
    /// Where they may be had. Not part of the identity.
    #[serde(skip)]
    pub locations: Vec<Location>,
    /// Length in bytes where the lock knows it. Not part of the identity: the digest settles it.
    #[serde(skip)]
    pub size: Option<u64>,
}

/// The fixed output of a fetch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FixedOutput {
    /// One file with this SHA-256.
    Sha256(Sha256),
    /// An Alpine package, apk v2. An index pins it by the SHA-1 of its control segment, which holds the SHA-256 of all that
    /// follows; of the signatures before it one must hold.
    Apk {
        /// What the signed index states.
        checksum: Checksum,
        /// The keys that may have signed it: those of its repository.
        keys: Arc<[RepositoryKey]>,
    },
}

impl FixedOutput {
    /// A name of its own for a file.
    pub fn file_name(&self) -> String {
        match self {
            Self::Sha256(sha256) => sha256.to_hex(),
            Self::Apk { checksum, .. } => {
                checksum.0.iter().fold("apk-".to_owned(), |name, byte| format!("{name}{byte:02x}"))
            }
        }
    }
}

/// Where bytes may be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// Below a distro repository's base, found through the mirrors configured for it.
    Mirror {
        /// Repository: `debian`, `debian-security`, `alpine`, or one of the recipe's own.
        repository: String,
        /// Path below the base: `pool/main/h/hello/hello_2.10-3_amd64.deb`.
        path: String,
        /// Date of the signed index (RFC 3339, UTC), by which a snapshot archive finds it.
        date: Option<String>,
        /// Base URL of a repository that the recipe brings.
        url: Option<String>,
    },
    /// A whole URL.
    Url(String),
    /// A commit: the bytes are the tar archive that `host::git` makes of its tree.
    Git {
        /// The repository: `https:`, `ssh:` or `file:`.
        url: String,
        /// The commit.
        commit: String,
        /// Whether the trees of submodules are there too.
        submodules: bool,
    },
    /// Of a registry.
    Registry {
        /// Registry and repository: `docker.io/library/alpine`.
        name: String,
        /// Whether it is a manifest or index, not a blob.
        manifest: bool,
    },
    /// A file or folder of the recipe, absolute on this host.
    Local(std::path::PathBuf),
}

/// Parameters of an unpack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unpack {
    /// What the archive is.
    pub format: ArchiveFormat,
    /// The origin of every file in it.
    pub origin: Origin,
}

/// Archives that unpack to image trees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ArchiveFormat {
    /// A Debian binary package, deb(5) format 2.0.
    Deb,
    /// An Alpine package, apk v2.
    Apk {
        /// What the signed index states of it.
        checksum: Checksum,
        /// The keys that may have signed it: those of its repository.
        keys: Arc<[RepositoryKey]>,
    },
    /// A tar archive (plain, gz, bz2, xz or zst, told by its first bytes) of a source, with `strip` top folders
    /// taken off; owners become root, times `epoch`.
    Tar {
        /// 0 or 1.
        strip: u32,
        /// Seconds since 1970.
        epoch: i64,
    },
    /// The layers of an OCI image, one for each input, lowest first; each a tar archive, plain, gz or zst. Owners, modes
    /// and times are theirs.
    Layers,
    /// One file as it is, to stand at this name.
    File {
        /// File name in the tree.
        name: String,
        /// Mode.
        mode: u16,
        /// Modification time.
        epoch: i64,
    },
}

/// Parameters of a merge. `inputs` says what each input of the derivation is, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Merge {
    /// Whose conflict rules hold.
    pub family: Family,
    /// The distro's release: `12`.
    pub release: String,
    /// The architecture.
    pub arch: Arch,
    /// The flavor.
    pub flavor: Flavor,
    /// Times of directories and generated files.
    pub epoch: i64,
    /// What each input is.
    pub inputs: Vec<MergeInput>,
    /// Rules by absolute path or glob, the recipe's over the edition's already; the most specific glob wins.
    pub rules: BTreeMap<String, PathRule>,
    /// Accounts.
    pub users: BTreeMap<String, User>,
    /// Groups.
    pub groups: BTreeMap<String, Group>,
    /// Native effects by package name.
    pub effects: BTreeMap<String, Vec<String>>,
    /// Fields of `/etc/os-release` to set.
    pub os_release: BTreeMap<String, String>,
    /// The layers but the last: for each the origins whose files it holds. What no layer names (generated
    /// files, and all that the recipe's rules touch) goes to one more layer, the last. The outputs of an empty
    /// layer are an empty tree and map. A merge without any has no outputs for layers.
    pub layers: Vec<Vec<Origin>>,
    /// Alpine: the packages asked for, as `etc/apk/world` lists them, sorted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub world: Vec<String>,
    /// Alpine: the lines of `etc/apk/repositories`: a URL each, behind `@<tag>` where the repository has one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub apk_repositories: Vec<String>,
    /// Alpine: the keys of the recipe's own repositories by file name, which the dev flavor has in `etc/apk/keys`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub apk_keys: BTreeMap<String, String>,
}

/// One input of a merge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase", tag = "kind")]
pub enum MergeInput {
    /// A package: input outputs `control`, `origins`, `tree`.
    Package {
        /// Its name.
        name: String,
        /// Its origin.
        origin: Origin,
        /// Of an .apk: what the installed database has of it and the archive does not say.
        #[serde(skip_serializing_if = "Option::is_none")]
        apk: Option<ApkEntry>,
    },
    /// The image that this one extends: input outputs `origins`, `tree` of its merge. What its rules made, dropped and
    /// changed of the packages and contents that both have is so here, too; the layers hold what differs from it.
    Base {
        /// The origins of its packages and contents.
        origins: Vec<Origin>,
        /// The accounts and groups that its recipe sets, which are not taken over.
        accounts: BTreeSet<String>,
    },
    /// A content of the recipe: input outputs `origins`, `tree`.
    Content {
        /// Its origin.
        origin: Origin,
        /// Absolute directory it is placed at.
        at: String,
        /// Globs to take; all where empty.
        only: Vec<String>,
        /// Globs to leave out.
        without: Vec<String>,
        /// Globs of files of another origin it may replace.
        replacing: Vec<String>,
    },
}

/// What Alpine's installed database has of a package beside what is in the archive itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ApkEntry {
    /// What the signed index states: the SHA-1 of its control segment.
    pub checksum: Checksum,
    /// Length of the .apk in bytes.
    pub size: u64,
    /// The tag of the repository that it is from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
}

/// Parameters of a projection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Project {
    /// The time of every entry, seconds since 1970.
    pub epoch: i64,
}

/// Parameters of a sandboxed execution. It can always be expressed as an Action of the Bazel Remote Execution API:
/// input root, command, environment, output paths, platform, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Exec {
    /// The platform that executes it: `linux` on this architecture.
    pub arch: Arch,
    /// Command line of the shell; a step's script and its name come behind it.
    pub shell: Vec<String>,
    /// The steps in order. Each is a process of its own; all are in one sandbox.
    pub steps: Vec<ExecStep>,
    /// The environment of all steps, complete but for `JOBS`, which cannot change an output.
    pub env: BTreeMap<String, String>,
    /// Where each further input is put, writable: an absolute directory below `/build`.
    pub sources: Vec<String>,
    /// Names of further outputs: what stands in [`paths::output`] of each.
    pub outputs: Vec<String>,
    /// The time of every file of root, sources and outputs, seconds since 1970.
    pub epoch: i64,
    /// Whether the loopback interface is up.
    pub loopback: bool,
}

/// One step of an execution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExecStep {
    /// Its name.
    pub name: String,
    /// Absolute working directory.
    pub dir: String,
    /// What it sets over [`Exec::env`].
    pub env: BTreeMap<String, String>,
    /// What the shell is given.
    pub script: String,
}

/// The constant paths of a sandbox. All below them is writable, everything else is not.
pub mod paths {
    /// Home and working folder.
    pub const BUILD: &str = "/build";
    /// `$SRC`.
    pub const SOURCES: &str = "/build/src";
    /// Patches, one folder for each source that has some.
    pub const PATCHES: &str = "/build/patches";
    /// `$OUT`.
    pub const OUT: &str = "/out";
    /// `$TMPDIR`.
    pub const TEMPORARY: &str = "/tmp";

    /// `$OUT_<NAME>` of the further output `name`.
    pub fn output(name: &str) -> String {
        format!("{OUT}-{name}")
    }
}

/// Parameters of a layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Layer {
    /// How it is compressed.
    pub compression: Compression,
    /// Times of parent directories that no input has.
    pub epoch: i64,
}

/// The document `descriptor` of a layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct LayerDescriptor {
    /// OCI media type.
    pub media_type: String,
    /// SHA-256 of the compressed bytes.
    pub digest: Sha256,
    /// Their number.
    pub size: u64,
    /// SHA-256 of the tar.
    pub diff_id: Sha256,
    /// Length of the tar in bytes.
    pub uncompressed_size: u64,
    /// BLAKE3 of the compressed bytes: the blob in the store.
    pub blob: Digest,
    /// One line for the history: what is in it.
    pub created_by: String,
}

/// Parameters of config and manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ImageConfig {
    /// Architecture.
    pub arch: Arch,
    /// RFC 3339, UTC: the date of the newest signed index.
    pub created: String,
    /// `uid:gid`, or an account's name that the merge's `/etc/passwd` resolves.
    pub user: String,
    /// Environment.
    pub env: BTreeMap<String, String>,
    /// Entry point.
    pub entrypoint: Vec<String>,
    /// Default arguments.
    pub cmd: Vec<String>,
    /// Working directory.
    pub work_dir: String,
    /// Ports.
    pub ports: Vec<String>,
    /// Volumes.
    pub volumes: Vec<String>,
    /// Stop signal.
    pub stop_signal: Option<String>,
    /// All labels, the standard ones included.
    pub labels: BTreeMap<String, String>,
    /// All annotations of manifest and index.
    pub annotations: BTreeMap<String, String>,
}

/// The version of hbuild and of what its documents say: they are made anew when it changes.
pub const DOCUMENTS: &str = concat!(env!("CARGO_PKG_VERSION"), "-2");

/// Parameters of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "document")]
pub enum Evidence {
    /// What each ELF file needs and where it is found. Input: the merge's `tree`.
    Elf {
        /// The architecture all must have.
        arch: Arch,
        /// glibc or musl rules.
        family: Family,
    },
    /// The policy result; a break that is not waived is an error. Inputs: the merge's `origins` and `tree`, the
    /// ELF report's `document`.
    Policy {
        /// Which rules hold.
        flavor: Flavor,
        /// `Config.User` as configured.
        user: String,
        /// What the recipe waives.
        waivers: Vec<Waiver>,
    },
    /// What the merged tree says of each package: its declared licences, and how many files of it are there.
    /// Apart from the SBOMs because it does not depend on the config. Input: the merge's `origins` and `tree`.
    Survey {
        /// [`DOCUMENTS`].
        documents: &'static str,
        /// Package names with the origins of their files.
        packages: Vec<(String, crate::tree::Origin)>,
    },
    /// The SHA-256 of package files that the lock knows by checksum alone. Inputs: the `file` of each fetch, in the
    /// order of the names.
    PackageFiles {
        /// The packages as `name=version:arch`.
        packages: Vec<String>,
    },
    /// An SBOM. Inputs: the image's `manifest`, the survey's `document`, and where there are such packages the
    /// `document` of [`Evidence::PackageFiles`].
    Sbom {
        /// Which format.
        format: SbomFormat,
        /// What is in the image.
        components: crate::lock::Components,
    },
    /// An in-toto statement with a SLSA provenance predicate. Inputs: the image's `manifest`, the policy
    /// report's `document`, and as for an SBOM that of [`Evidence::PackageFiles`].
    Provenance(Box<crate::lock::BuildDefinition>),
    /// An in-toto statement of where every path came from. Inputs: the image's `manifest`, the merge's `origins`
    /// and `tree`.
    Origins {
        /// What is in the image.
        components: crate::lock::Components,
    },
    /// An in-toto statement whose predicate is a report. Inputs: the image's `manifest`, the report's `document`.
    Report {
        /// Which report.
        report: ReportKind,
        /// What is in the image.
        components: crate::lock::Components,
    },
    /// A document about the image index of a variant. Inputs: the image's `manifest` of each platform in order, for
    /// [`IndexDocument::Policy`] then each policy report's `document`.
    Index {
        /// Which document.
        what: IndexDocument,
        /// The variant.
        definition: IndexDefinition,
    },
}

/// Reports that become statements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReportKind {
    /// The document of [`Evidence::Elf`].
    Elf,
    /// The document of [`Evidence::Policy`].
    Policy,
    /// The document of [`Action::Test`].
    Tests,
}

/// SBOM formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SbomFormat {
    /// SPDX 2.3 JSON.
    Spdx,
    /// CycloneDX 1.6 JSON.
    CycloneDx,
}
