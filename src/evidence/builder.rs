//! The builder of every document of this module.

use std::io::Read as _;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::Value;
use sha2::Digest as _;

use super::sbom::{self, Inventory, Survey};
use super::{EvidenceError, ImageIndex, PackageFiles, Statement, media, origins, provenance};
use crate::digest::Sha256;
use crate::exec::{BuildContext, BuildError, BuildOutputs, Builder};
use crate::graph::{
    Action, Derivation, Evidence, IndexDefinition, IndexDocument, ReportKind, SbomFormat, outputs,
};
use crate::image::layout::variant_index;
use crate::lock::Components;
use crate::tree::{ContentError, Origin, OriginMap, Tree};

/// Builds [`Evidence::Survey`], [`Evidence::PackageFiles`], [`Evidence::Sbom`], [`Evidence::Provenance`], [`Evidence::Origins`],
/// [`Evidence::Report`] and [`Evidence::Index`].
#[derive(Debug, Clone, Copy, Default)]
pub struct EvidenceBuilder;

impl Builder for EvidenceBuilder {
    fn build(&self, derivation: &Derivation, context: &dyn BuildContext) -> Result<BuildOutputs, BuildError> {
        let wrong = || EvidenceError::WrongAction { label: derivation.label.clone() };
        let Action::Evidence(evidence) = &derivation.action else {
            return Err(BuildError::action(wrong()));
        };
        let document = match evidence.as_ref() {
            Evidence::Sbom { format, components } => bill(derivation, context, *format, components)?,
            Evidence::Survey { packages, .. } => survey(context, packages)?,
            Evidence::PackageFiles { packages } => package_files(context, packages)?,
            Evidence::Provenance(definition) => {
                let report = Sha256::of(&context.bytes(context.input(1, outputs::DOCUMENT)?)?);
                let files = files_of_packages(derivation, context)?;
                provenance(definition, (manifest(context)?, report), &files).to_json()
            }
            Evidence::Origins { components } => {
                let (map, tree) = merged(context)?;
                origins(components, manifest(context)?, &map, &tree).to_json()
            }
            Evidence::Report { report, components } => {
                report_statement(derivation, context, *report, components)?
            }
            Evidence::Index { what, definition } => index_document(derivation, context, *what, definition)?,
            Evidence::Elf { .. } | Evidence::Policy { .. } => return Err(BuildError::action(wrong())),
        };
        let object = context.put(&document)?;
        context.keep_sha256(object, Sha256::of(&document));
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

fn survey(context: &dyn BuildContext, packages: &[(String, Origin)]) -> Result<Vec<u8>, ContentError> {
    let (map, tree) = (context.origins(0, outputs::ORIGINS)?, context.tree(0, outputs::TREE)?);
    let survey = Survey::take(packages, &map, &tree, context.contents())?;
    Ok(serde_json::to_vec(&survey).expect("texts and numbers serialise to JSON"))
}

fn bill(
    derivation: &Derivation,
    context: &dyn BuildContext,
    format: SbomFormat,
    components: &Components,
) -> Result<Vec<u8>, BuildError> {
    let survey: Survey = document(derivation, context, 1)?;
    let files = files_of_packages(derivation, context)?;
    let inventory = Inventory::new(components, manifest(context)?, survey, files);
    Ok(match format {
        SbomFormat::Spdx => sbom::spdx(&inventory),
        SbomFormat::CycloneDx => sbom::cyclonedx(&inventory),
    })
}

fn package_files(context: &dyn BuildContext, packages: &[String]) -> Result<Vec<u8>, ContentError> {
    let digest = |(number, reference): (usize, &String)| {
        if let Some(known) = context.input_sha256(number, outputs::FILE) {
            return Ok((reference.clone(), known));
        }
        let mut file = context.open(context.input(number, outputs::FILE)?)?;
        let (mut hasher, mut buffer) = (sha2::Sha256::new(), vec![0; 1 << 16]);
        loop {
            match file.read(&mut buffer)? {
                0 => break Ok((reference.clone(), Sha256(hasher.finalize().into()))),
                length => hasher.update(&buffer[..length]),
            }
        }
    };
    let digests = packages.iter().enumerate().map(digest).collect::<Result<_, ContentError>>()?;
    Ok(serde_json::to_vec(&PackageFiles(digests)).expect("texts serialise to JSON"))
}

/// The digests of package files, input 2 where there is one.
fn files_of_packages(
    derivation: &Derivation,
    context: &dyn BuildContext,
) -> Result<PackageFiles, BuildError> {
    if derivation.inputs.len() > 2 { document(derivation, context, 2) } else { Ok(PackageFiles::default()) }
}

/// The document that is the input `number`.
fn document<T: DeserializeOwned>(
    derivation: &Derivation,
    context: &dyn BuildContext,
    number: usize,
) -> Result<T, BuildError> {
    let bytes = context.bytes(context.input(number, outputs::DOCUMENT)?)?;
    serde_json::from_slice(&bytes).map_err(|source| {
        BuildError::action(EvidenceError::BadReport { label: derivation.label.clone(), source })
    })
}

fn report_statement(
    derivation: &Derivation,
    context: &dyn BuildContext,
    report: ReportKind,
    components: &Components,
) -> Result<Vec<u8>, BuildError> {
    let predicate: Value = document(derivation, context, 1)?;
    let statement = Statement::about(components, manifest(context)?, media::report(report), predicate);
    Ok(statement.to_json())
}

fn index_document(
    derivation: &Derivation,
    context: &dyn BuildContext,
    kind: IndexDocument,
    definition: &IndexDefinition,
) -> Result<Vec<u8>, BuildError> {
    let count = definition.platforms.len();
    let manifests = (0..count).map(|number| context.bytes(context.input(number, outputs::MANIFEST)?));
    let manifests: Vec<Vec<u8>> = manifests.collect::<Result<_, ContentError>>()?;
    let platforms = || definition.platforms.iter().copied().zip(manifests.iter().map(Vec::as_slice));
    let index = ImageIndex {
        definition,
        digest: Sha256::of(&variant_index(&definition.annotations, &platforms().collect::<Vec<_>>())),
        platforms: platforms().map(|(arch, manifest)| (arch, Sha256::of(manifest))).collect(),
    };
    Ok(match kind {
        IndexDocument::Spdx => sbom::spdx_index(&index),
        IndexDocument::CycloneDx => sbom::cyclonedx_index(&index),
        IndexDocument::Provenance => index.provenance().to_json(),
        IndexDocument::Policy => {
            let report = |number| {
                let digest = Sha256::of(&context.bytes(context.input(number, outputs::DOCUMENT)?)?);
                Ok((digest, document(derivation, context, number)?))
            };
            let reports: Vec<_> = (count..2 * count).map(report).collect::<Result<_, BuildError>>()?;
            index.policy(&reports).to_json()
        }
    })
}
