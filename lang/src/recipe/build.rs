//! Evaluated builds.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Arch, Content, Distro, Located, PathRule, Place, Point, Repository};

/// A build at one point of the axes it varies over. What thousands of builds of a file have in common is shared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Build {
    /// The item's name.
    pub name: String,
    /// Its point, on the axes it varies over alone.
    pub point: Point,
    /// The distribution its packages come from: what the recipe says, else that of its point.
    pub distro: Distro,
    /// The distribution of its point where its packages come from another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Distro>,
    /// The platform it is executed on and, unless `any_arch`, the one its outputs are for. With `arch = any` the
    /// first label of the file's axis `arch`.
    pub arch: Arch,
    /// Whether its outputs are the same for every architecture (`arch = any`).
    pub any_arch: bool,
    /// Its doc comment.
    pub description: Option<String>,
    /// Version of what it makes; `None` where neither it nor its one source says.
    pub version: Option<String>,
    /// SPDX licence expression; its one source's where it says none.
    pub license: Option<String>,
    /// Package URL; its one source's where it says none.
    pub purl: Option<String>,
    /// CPE 2.3 name; its one source's where it says none.
    pub cpe: Option<String>,
    /// Repositories that packages come from; the distro's own first.
    pub repositories: Arc<Vec<Repository>>,
    /// Packages for the platform that builds, in the distro's own grammar, in order.
    pub tools: Arc<Vec<Located<String>>>,
    /// Packages for the platform that runs, likewise.
    pub inputs: Arc<Vec<Located<String>>>,
    /// Packages never taken unless requested.
    pub exclude: Arc<Vec<Located<String>>>,
    /// What native effects each package has, by package name, from `std`, as for an image.
    pub effects: Arc<BTreeMap<String, Vec<String>>>,
    /// Rules of the edition for roots: what of the packages no build needs (`root-rules` of `std/edition/paths`).
    pub default_paths: Arc<BTreeMap<String, PathRule>>,
    /// Builds and sources merged into the root after the packages: first those of `tools`, then those of `inputs`,
    /// each in order.
    pub contents: Vec<Located<Content>>,
    /// Sources unpacked writable before the first step, by the folder below `$SRC`; the empty name is `$SRC`
    /// itself.
    pub sources: BTreeMap<String, Located<SourceUse>>,
    /// Environment of all steps besides what the edition sets.
    pub env: Arc<BTreeMap<String, String>>,
    /// Working directory of all steps: absolute, or relative to `$SRC`; `$SRC` by default.
    pub dir: Option<String>,
    /// The shell's command line; a step's script is its last argument but one, the step's name its last. `bash
    /// -euo pipefail -c` by default.
    pub shell: Vec<String>,
    /// The steps in order.
    pub steps: Arc<Vec<Step>>,
    /// The last step, which checks what the others made.
    pub check: Option<Step>,
    /// Names of further outputs, each `$OUT_<NAME>`, in order.
    pub outputs: Vec<String>,
    /// Whether the loopback interface is up.
    pub loopback: bool,
    /// `SOURCE_DATE_EPOCH` and the time of every file, seconds since 1970; 315532800 by default.
    pub epoch: i64,
    /// Where the item stands.
    pub place: Place,
}

/// A source that a build unpacks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceUse {
    /// Name of the source.
    pub source: String,
    /// The source's point.
    pub point: Point,
}

/// One step of a build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Its name; `build` for the step of `script =`, `check` for that of `check =`.
    pub name: String,
    /// Environment over the build's.
    pub env: BTreeMap<String, String>,
    /// Working directory over the build's: absolute, or relative to `$SRC`.
    pub dir: Option<String>,
    /// What the shell is given.
    pub script: String,
    /// Where it stands.
    pub place: Place,
}
