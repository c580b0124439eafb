//! What an image's provenance claims it was built from.

use std::collections::BTreeMap;

use hbuild_lang::recipe::Arch;
use oci_spec::image::Descriptor;
use serde::Deserialize;

use super::ClaimError;
use super::evidence::statements;
use crate::digest::Sha256;
use crate::evidence::{ProvenanceV1, Statement, annotation, json, media};
use crate::image::read::{Image, Layout, ReadError};

/// Most characters shown of what somebody wrote.
const MOST_SHOWN: usize = 200;

/// An image with the provenance that came with it.
#[derive(Debug, Clone)]
pub struct Claim {
    /// The image.
    pub image: Image,
    /// The provenance.
    pub provenance: Statement<ProvenanceV1>,
    /// SHA-256 of its bytes.
    pub digest: Sha256,
}

/// What any statement has.
#[derive(Deserialize)]
struct AnyProvenance {
    predicate: AnyPredicate,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AnyPredicate {
    build_definition: AnyDefinition,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AnyDefinition {
    build_type: String,
}

/// The claims of the image that `reference` names, of an index those of each platform; only of `arch` where it is given.
pub fn claims(
    layout: &Layout<'_>,
    reference: Option<&str>,
    arch: Option<Arch>,
) -> Result<Vec<Claim>, ClaimError> {
    let mut images = layout.images(reference)?;
    if let Some(arch) = arch {
        let there = images.iter().map(|image| image.config.architecture().to_string()).collect();
        images.retain(|image| image.config.architecture().to_string() == arch.as_str());
        if images.is_empty() {
            return Err(ReadError::UnknownReference { wanted: arch.to_string(), there }.into());
        }
    }
    images.into_iter().map(|image| claim(layout, image)).collect()
}

fn claim(layout: &Layout<'_>, image: Image) -> Result<Claim, ClaimError> {
    let manifest = image.digest;
    let referrers: Vec<Descriptor> = layout.referrers(manifest)?;
    let found = statements(layout, &referrers, media::PREDICATE_PROVENANCE)?;
    let bytes = found.into_iter().next().ok_or(ClaimError::NoProvenance { manifest })?;
    let damaged = |source| ClaimError::Damaged { manifest, source };
    let any: AnyProvenance = json::parse(&bytes).map_err(damaged)?;
    let found = any.predicate.build_definition.build_type;
    if found != media::BUILD_TYPE {
        return Err(ClaimError::OtherBuildType { manifest, found: plain(&found) });
    }
    let provenance: Statement<ProvenanceV1> = json::parse(&bytes).map_err(damaged)?;
    if !provenance.is_about(manifest) {
        return Err(ClaimError::OtherSubject { manifest });
    }
    Ok(Claim { image, provenance, digest: Sha256::of(&bytes) })
}

/// What somebody wrote, as text that a terminal shows and does not obey, and not much of it.
pub fn plain(text: &str) -> String {
    text.chars().take(MOST_SHOWN).flat_map(char::escape_debug).collect()
}

impl Claim {
    /// The image in words, as its provenance names it: `` `app` (amd64, debian12)``.
    pub fn name(&self) -> String {
        let parameters = &self.predicate().build_definition.external_parameters;
        let labels: Vec<&str> = parameters.point.values().map(String::as_str).collect();
        format!("`{}` ({})", plain(&parameters.image), plain(&labels.join(", ")))
    }

    /// The predicate of the provenance.
    pub fn predicate(&self) -> &ProvenanceV1 {
        &self.provenance.predicate
    }

    /// The digests of recipe files by name, those of the standard library (`std/…`) included.
    pub fn recipe_files(&self) -> BTreeMap<&str, Option<Sha256>> {
        let all = &self.predicate().build_definition.resolved_dependencies;
        let recipes = all.iter().filter(|it| it.text(annotation::KIND) == Some("recipe"));
        recipes.filter_map(|it| Some((it.name.as_deref()?, it.sha256()))).collect()
    }

    /// Whether `other` is of the same recipe, built in the same way.
    pub fn is_built_as(&self, other: &Self) -> bool {
        let (one, two) = (&self.predicate().build_definition, &other.predicate().build_definition);
        one.external_parameters.recipe == two.external_parameters.recipe
            && self.recipe_files() == other.recipe_files()
            && one.internal_parameters.compression == two.internal_parameters.compression
            && self.predicate().run_details.builder == other.predicate().run_details.builder
    }

    /// The version of hbuild, and the encoding schema, by which it says it was built.
    pub fn built_by(&self) -> (&str, &str) {
        let version = &self.predicate().run_details.builder.version;
        let text = |key: &str| version.get(key).map_or("", String::as_str);
        (text("hbuild"), text("hbuild-encoding"))
    }
}
