//! Statements about the image index of a variant: what it is made of, and what the policy reports of its platforms
//! say. Everything else about them stands in the documents of the platforms' own manifests.

use std::collections::BTreeMap;

use hbuild_lang::recipe::{Arch, Flavor};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::provenance::{
    BuildDefinitionV1, BuilderV1, ExternalParameters, ProvenanceV1, RecipeReference, RunDetails, annotation,
    recipe_file,
};
use super::statement::sha256;
use super::{ResourceDescriptor, STATEMENT_TYPE, Statement, Subject, media, purl};
use crate::digest::Sha256;
use crate::graph::IndexDefinition;
use crate::image::media_type;
use crate::image::policy::{PolicyReport, Waived};

/// An image index with the manifests that it names.
#[derive(Debug)]
pub struct ImageIndex<'a> {
    /// What it is made from.
    pub definition: &'a IndexDefinition,
    /// SHA-256 of the index.
    pub digest: Sha256,
    /// SHA-256 of the manifest of each platform, in order.
    pub platforms: Vec<(Arch, Sha256)>,
}

/// `internalParameters` of the build type of indexes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IndexParameters {
    /// The variant's name.
    pub variant: String,
    /// The newest `created` of the platforms.
    pub created: String,
}

/// The predicate [`media::PREDICATE_POLICY_SUMMARY`]. It exists only where nothing is broken without a waiver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct PolicySummary {
    /// 1.
    pub schema: u32,
    /// What was held against the rules.
    pub platforms: Vec<PlatformPolicy>,
    /// Breaks waived, each once.
    pub waived: Vec<WaivedOn>,
}

/// What a policy report says of one platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct PlatformPolicy {
    /// The platform.
    pub arch: Arch,
    /// SHA-256 of its manifest.
    pub manifest: Sha256,
    /// SHA-256 of its policy report, as its provenance names it.
    pub report: Sha256,
    /// The flavor whose rules held.
    pub flavor: Flavor,
    /// `Config.User` in numbers.
    pub user: String,
    /// Codes of the rules that would have failed the build.
    pub rules: Vec<String>,
    /// How much is reported and breaks nothing.
    pub reported: usize,
    /// How much the ELF closure could not prove.
    pub not_proven: usize,
}

/// A break that is waived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaivedOn {
    /// The break and the reason.
    #[serde(flatten)]
    pub waived: Waived,
    /// The platforms that have it.
    pub platforms: Vec<Arch>,
}

impl ImageIndex<'_> {
    /// Its package URL.
    pub fn purl(&self) -> String {
        purl::index(&self.definition.image, self.digest, &self.definition.variant)
    }

    /// The package URL of the image of one platform.
    pub fn platform_purl(&self, arch: Arch, manifest: Sha256) -> String {
        purl::image(&self.definition.image, manifest, arch, &self.definition.variant)
    }

    fn statement<P>(&self, predicate_type: &str, predicate: P) -> Statement<P> {
        let name = format!("{}:{}", self.definition.image, self.definition.variant);
        Statement {
            kind: STATEMENT_TYPE.to_owned(),
            subject: vec![Subject { name, digest: sha256(self.digest) }],
            predicate_type: predicate_type.to_owned(),
            predicate,
        }
    }

    /// The provenance: an index is made of the manifests that it names, and of nothing else.
    pub fn provenance(&self) -> Statement<ProvenanceV1<IndexParameters>> {
        let definition = self.definition;
        let images = self.platforms.iter().map(|(arch, manifest)| ResourceDescriptor {
            name: Some(format!("{}:{}-{arch}", definition.image, definition.variant)),
            uri: Some(self.platform_purl(*arch, *manifest)),
            digest: sha256(*manifest),
            media_type: Some(media_type::MANIFEST.to_owned()),
            annotations: BTreeMap::from([
                (annotation::KIND.to_owned(), json!("image")),
                (annotation::ARCH.to_owned(), json!(arch)),
            ]),
        });
        let recipes = definition.recipe_files.iter().map(|(name, digest)| recipe_file(name, *digest));
        let predicate = ProvenanceV1 {
            build_definition: BuildDefinitionV1 {
                build_type: media::BUILD_TYPE_INDEX.to_owned(),
                external_parameters: ExternalParameters {
                    recipe: RecipeReference { path: definition.recipe.clone() },
                    image: definition.image.clone(),
                    point: definition.point.clone(),
                },
                internal_parameters: IndexParameters {
                    variant: definition.variant.clone(),
                    created: definition.created.clone(),
                },
                resolved_dependencies: images.chain(recipes).collect(),
            },
            run_details: RunDetails { builder: BuilderV1::new(&definition.builder), byproducts: Vec::new() },
        };
        self.statement(media::PREDICATE_PROVENANCE, predicate)
    }

    /// The summary of the policy reports of the platforms, in their order, each with its SHA-256.
    pub fn policy(&self, reports: &[(Sha256, PolicyReport)]) -> Statement<PolicySummary> {
        let platforms = self.platforms.iter().zip(reports);
        let of_platform =
            |(&(arch, manifest), (digest, report)): (&(Arch, Sha256), &(Sha256, PolicyReport))| {
                PlatformPolicy {
                    arch,
                    manifest,
                    report: *digest,
                    flavor: report.flavor,
                    user: report.user.clone(),
                    rules: report.rules.clone(),
                    reported: report.reported.len(),
                    not_proven: report.not_proven.len(),
                }
            };
        let mut waived: BTreeMap<&Waived, Vec<Arch>> = BTreeMap::new();
        for ((arch, _), (_, report)) in platforms.clone() {
            report.waived.iter().for_each(|one| waived.entry(one).or_default().push(*arch));
        }
        let waived =
            waived.into_iter().map(|(waived, platforms)| WaivedOn { waived: waived.clone(), platforms });
        let summary = PolicySummary {
            schema: 1,
            platforms: platforms.map(of_platform).collect(),
            waived: waived.collect(),
        };
        self.statement(media::PREDICATE_POLICY_SUMMARY, summary)
    }
}
