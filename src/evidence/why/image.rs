//! The documents of one image, read and held against its manifest.

use serde::de::DeserializeOwned;

use super::WhyError;
use crate::digest::Sha256;
use crate::evidence::links::{Last, follow};
use crate::evidence::{Origins, ProvenanceV1, ResourceDescriptor, Statement, annotation, media};
use crate::tree::{Origin, TreePath};

/// The evidence that `why` needs.
#[derive(Debug)]
pub struct ImageEvidence {
    /// SHA-256 of the manifest.
    pub manifest: Sha256,
    /// The origins statement.
    pub origins: Statement<Origins>,
    /// The provenance statement.
    pub provenance: Statement<ProvenanceV1>,
}

impl ImageEvidence {
    /// Reads both statements. They must be about `manifest`.
    pub fn read(manifest: Sha256, origins: &[u8], provenance: &[u8]) -> Result<Self, WhyError> {
        Ok(Self {
            manifest,
            origins: statement("origins", media::PREDICATE_ORIGINS, manifest, origins)?,
            provenance: statement("provenance", media::PREDICATE_PROVENANCE, manifest, provenance)?,
        })
    }

    /// The target of the symlink at `path`.
    pub(super) fn link(&self, path: &TreePath) -> Option<&str> {
        self.origins.predicate.links.get(path).map(String::as_str)
    }

    /// The origin of `path`.
    pub(super) fn origin(&self, path: &TreePath) -> Option<&Origin> {
        let mut groups = self.origins.predicate.origins.iter();
        groups.find(|group| group.paths.binary_search(path).is_ok()).map(|group| &group.origin)
    }

    /// `path` with the symlinks among its folders followed.
    pub(super) fn resolve(&self, path: &TreePath) -> Option<TreePath> {
        follow(path, Last::Kept, &|path| self.link(path).map(str::as_bytes))
    }

    /// The resolved dependencies of one kind.
    pub(super) fn dependencies(&self, kind: &str) -> impl Iterator<Item = &ResourceDescriptor> {
        let all = &self.provenance.predicate.build_definition.resolved_dependencies;
        all.iter().filter(move |dependency| dependency.text(annotation::KIND) == Some(kind))
    }

    /// The resolved dependency of one kind and name.
    pub(super) fn dependency(&self, kind: &str, name: &str) -> Option<&ResourceDescriptor> {
        self.dependencies(kind).find(|dependency| dependency.name.as_deref() == Some(name))
    }
}

fn statement<P: DeserializeOwned>(
    document: &'static str,
    expected: &'static str,
    manifest: Sha256,
    bytes: &[u8],
) -> Result<Statement<P>, WhyError> {
    let damaged = |source| WhyError::DamagedStatement { document, source };
    let bare: Statement<serde::de::IgnoredAny> = serde_json::from_slice(bytes).map_err(damaged)?;
    if bare.predicate_type != expected {
        return Err(WhyError::OtherPredicate { document, found: bare.predicate_type, expected });
    }
    let statement: Statement<P> = serde_json::from_slice(bytes).map_err(damaged)?;
    if !statement.is_about(manifest) {
        return Err(WhyError::OtherSubject { document, manifest });
    }
    Ok(statement)
}
