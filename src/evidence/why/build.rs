//! The answer for what a build made: its derivation, what it was made from, and the line that says so.

use std::fmt;

use hbuild_lang::recipe::{Place, Point};
use serde::{Deserialize, Serialize};

use super::{ImageEvidence, WhyError};
use crate::digest::{Digest, Sha256};
use crate::evidence::{BuildV1, ResourceDescriptor, annotation};
use crate::graph::embedded_path;
use crate::tree::{Origin, TreePath};

/// The chain behind a file of a build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct BuildCause {
    /// Name of the build.
    pub name: String,
    /// Its point.
    pub point: Point,
    /// Id of its derivation.
    pub derivation: Digest,
    /// What it was made from, by the folder below `$SRC`.
    pub sources: Vec<BuildSource>,
    /// How many packages its root had.
    pub tools: usize,
    /// Where the recipe defines it.
    pub place: Place,
}

/// A source of a build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct BuildSource {
    /// Name of the item.
    pub name: String,
    /// Its URL, or `path:<path>`.
    pub uri: Option<String>,
    /// SHA-256 of the file, or of the archive made of a commit's tree.
    pub sha256: Option<Sha256>,
    /// The patches applied to it, in order.
    pub patches: Vec<Patch>,
}

/// A patch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Patch {
    /// Path beside the recipe.
    pub path: String,
    /// SHA-256.
    pub sha256: Sha256,
}

/// The build whose files have this origin.
pub(super) fn built(evidence: &ImageEvidence, origin: &Origin) -> Result<BuildCause, WhyError> {
    let found = builds(evidence).iter().find(|build| build.origin.as_ref() == Some(origin));
    found.map(cause).ok_or_else(|| WhyError::UnknownOrigin { origin: origin.0.clone() })
}

/// The build that hbuild wrote the SPDX file at `path` for.
pub(super) fn described(evidence: &ImageEvidence, path: &TreePath) -> Option<BuildCause> {
    let path = path.absolute();
    builds(evidence)
        .iter()
        .find(|build| build.origin.is_some() && embedded_path(&build.name) == path)
        .map(cause)
}

fn builds(evidence: &ImageEvidence) -> &[BuildV1] {
    &evidence.provenance.predicate.build_definition.internal_parameters.builds
}

fn cause(build: &BuildV1) -> BuildCause {
    BuildCause {
        name: build.name.clone(),
        point: build.point.clone(),
        derivation: build.derivation,
        sources: build.sources.values().map(source).collect(),
        tools: build.tools.len(),
        place: build.place.clone(),
    }
}

fn source(descriptor: &ResourceDescriptor) -> BuildSource {
    let patches = descriptor.annotations.get(annotation::PATCHES);
    let patches = patches.and_then(|patches| serde_json::from_value(patches.clone()).ok());
    BuildSource {
        name: descriptor.name.clone().unwrap_or_default(),
        uri: descriptor.uri.clone(),
        sha256: descriptor.sha256(),
        patches: patches.unwrap_or_default(),
    }
}

impl fmt::Display for BuildCause {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "  build      {}", self.name)?;
        writeln!(out, "  derivation {}", self.derivation)?;
        for source in &self.sources {
            source.fmt(out)?;
        }
        let plural = if self.tools == 1 { "" } else { "s" };
        writeln!(out, "  root       {} package{plural}, named by the provenance", self.tools)?;
        writeln!(out, "  recipe     build at {}", self.place)
    }
}

impl fmt::Display for BuildSource {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "  source     {}", self.name)?;
        if let Some(uri) = &self.uri {
            writeln!(out, "  from       {uri}")?;
        }
        if let Some(sha256) = &self.sha256 {
            writeln!(out, "  sha256     {sha256}")?;
        }
        for Patch { path, sha256 } in &self.patches {
            writeln!(out, "  patch      {path}, sha256 {sha256}")?;
        }
        Ok(())
    }
}
