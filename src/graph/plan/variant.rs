//! The derivations of one variant: the documents about the image index over its platforms.

use std::collections::BTreeMap;

use hbuild_lang::recipe::{Arch, Image, Point};

use super::ImagePlan;
use super::inputs::input;
use crate::digest::Sha256;
use crate::graph::{
    Action, DOCUMENTS, Derivation, DerivationId, Evidence, Graph, GraphError, IndexDefinition, IndexDocument,
    outputs,
};

/// Where a variant comes from, and who builds it.
#[derive(Debug)]
pub struct VariantSource {
    /// The recipe's file name, relative to the lock's folder.
    pub recipe: String,
    /// SHA-256 of the recipe and of each file it imports, by name.
    pub recipe_files: BTreeMap<String, Sha256>,
    /// Configured builder id.
    pub builder: String,
}

/// The documents about the index of a variant, by what they are.
#[derive(Debug, Clone)]
pub struct VariantPlan {
    /// Annotations of the index.
    pub annotations: BTreeMap<String, String>,
    /// Each document with the derivation that makes it.
    pub documents: Vec<(IndexDocument, DerivationId)>,
}

impl VariantPlan {
    /// Adds to `graph` the documents about the index over `platforms`, the images of one variant.
    pub fn add(
        graph: &mut Graph,
        source: VariantSource,
        platforms: &[(&Image, &ImagePlan)],
    ) -> Result<Self, GraphError> {
        let mut platforms = platforms.to_vec();
        platforms.sort_by_key(|(image, _)| image.arch);
        let definition = definition(source, &platforms);
        let manifests = platforms.iter().map(|(_, plan)| input(plan.image, &[outputs::MANIFEST]));
        let manifests: Vec<_> = manifests.collect();
        let reports = platforms.iter().map(|(_, plan)| input(plan.policy_report, &[outputs::DOCUMENT]));
        let with_reports: Vec<_> = manifests.iter().cloned().chain(reports).collect();
        let mut documents = Vec::new();
        for document in IndexDocument::ALL {
            let inputs = match document {
                IndexDocument::Policy => with_reports.clone(),
                _ => manifests.clone(),
            };
            let evidence = Evidence::Index { what: document, definition: definition.clone() };
            let made = graph.add(Derivation {
                label: format!(
                    "{} of the index {} {}",
                    document.name(),
                    definition.image,
                    definition.variant
                ),
                action: Action::Evidence(Box::new(evidence)),
                inputs,
            })?;
            documents.push((document, made));
        }
        Ok(Self { annotations: definition.annotations, documents })
    }
}

/// Of `platforms`, sorted by architecture. What they differ in is that of the one with the newest index.
fn definition(source: VariantSource, platforms: &[(&Image, &ImagePlan)]) -> IndexDefinition {
    let created = |(_, plan): &&(&Image, &ImagePlan)| plan.config.created.clone();
    let (image, plan) = platforms.iter().rev().max_by_key(created).expect("a variant has a platform");
    let mut point: Point = image.point.clone();
    point.retain(|axis, label| platforms.iter().all(|(other, _)| other.point.get(axis) == Some(label)));
    IndexDefinition {
        documents: DOCUMENTS.to_owned(),
        image: image.name.clone(),
        variant: image.variant.clone(),
        version: image.version.clone(),
        license: image.license.clone(),
        description: image.description.clone(),
        created: plan.config.created.clone(),
        platforms: platforms.iter().map(|(image, _)| image.arch).collect::<Vec<Arch>>(),
        annotations: plan.config.annotations.clone(),
        recipe: source.recipe,
        recipe_files: source.recipe_files,
        point,
        builder: source.builder,
    }
}
