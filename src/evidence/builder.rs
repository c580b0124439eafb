//! The builder of every document of this module.

use std::sync::Arc;

use serde_json::Value;

use super::sbom::{self, Inventory};
use super::{EvidenceError, Statement, media, origins, provenance};
use crate::digest::Sha256;
use crate::exec::{BuildContext, BuildError, BuildOutputs, Builder};
use crate::graph::{Action, Derivation, Evidence, ReportKind, SbomFormat, outputs};
use crate::lock::Components;
use crate::tree::{ContentError, OriginMap, Tree};

/// Builds [`Evidence::Sbom`], [`Evidence::Provenance`], [`Evidence::Origins`] and [`Evidence::Report`].
#[derive(Debug, Clone, Copy, Default)]
pub struct EvidenceBuilder;

impl Builder for EvidenceBuilder {
    fn build(&self, derivation: &Derivation, context: &dyn BuildContext) -> Result<BuildOutputs, BuildError> {
        let wrong = || EvidenceError::WrongAction { label: derivation.label.clone() };
        let Action::Evidence(evidence) = &derivation.action else {
            return Err(BuildError::action(wrong()));
        };
        let document = match evidence.as_ref() {
            Evidence::Sbom { format, components } => bill(context, *format, components)?,
            Evidence::Provenance(definition) => {
                let report = Sha256::of(&context.bytes(context.input(1, outputs::DOCUMENT)?)?);
                provenance(definition, manifest(context)?, report).to_json()
            }
            Evidence::Origins { components } => {
                let (map, tree) = merged(context)?;
                origins(components, manifest(context)?, &map, &tree).to_json()
            }
            Evidence::Report { report, components } => {
                report_statement(derivation, context, *report, components)?
            }
            Evidence::Elf { .. } | Evidence::Policy { .. } => return Err(BuildError::action(wrong())),
        };
        let object = context.put(&document)?;
        Ok(BuildOutputs::from([(outputs::DOCUMENT.to_owned(), object)]))
    }
}

/// The digest of the manifest, input 0.
fn manifest(context: &dyn BuildContext) -> Result<Sha256, ContentError> {
    let bytes = context.bytes(context.input(0, outputs::MANIFEST)?)?;
    Ok(Sha256::of(&bytes))
}

/// The merge, input 1.
fn merged(context: &dyn BuildContext) -> Result<(Arc<OriginMap>, Arc<Tree>), ContentError> {
    Ok((context.origins(1, outputs::ORIGINS)?, context.tree(1, outputs::TREE)?))
}

fn bill(
    context: &dyn BuildContext,
    format: SbomFormat,
    components: &Components,
) -> Result<Vec<u8>, ContentError> {
    let (map, tree) = merged(context)?;
    let inventory = Inventory::take(components, manifest(context)?, &map, &tree, context.contents())?;
    Ok(match format {
        SbomFormat::Spdx => sbom::spdx(&inventory),
        SbomFormat::CycloneDx => sbom::cyclonedx(&inventory),
    })
}

fn report_statement(
    derivation: &Derivation,
    context: &dyn BuildContext,
    report: ReportKind,
    components: &Components,
) -> Result<Vec<u8>, BuildError> {
    let bytes = context.bytes(context.input(1, outputs::DOCUMENT)?)?;
    let predicate: Value = serde_json::from_slice(&bytes).map_err(|source| {
        BuildError::action(EvidenceError::BadReport { label: derivation.label.clone(), source })
    })?;
    let statement = Statement::about(components, manifest(context)?, media::report(report), predicate);
    Ok(statement.to_json())
}
