//! Results: from the records of a build to layouts, archives and root file systems in the output folder.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hbuild_lang::recipe::Arch;
use serde::Serialize;

use super::graph::Planned;
use super::tested::Tests;
use super::{BuildFailure, TestState};
use crate::digest::{Digest, Sha256};
use crate::evidence::{indexes_referrer, media};
use crate::graph::{DerivationId, LayerDescriptor, ReportKind, SbomFormat, VariantPlan, outputs};
use crate::host::folder::HostFolder;
use crate::host::root_folder::HostRoot;
use crate::image::formats::{
    docker_archive_name, oci_archive_name, root_name, write_docker_archive, write_oci_archive, write_root,
};
use crate::image::layout::{
    self, Blob, BlobContent, LayoutImage, Platform, Referrer, Subject, Variant, WriteOptions,
    referrer_manifest,
};
use crate::store::{ObjectRef, Pack, Packs, Record, Store, StoreError};
use crate::tree::{ContentError, Tree};

/// In which form images are put into the output folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A layout folder for each image name.
    Oci,
    /// A `docker load` archive for each platform.
    Docker,
    /// An OCI archive for each variant.
    Tar,
    /// A root file system for each platform.
    Dir,
}

/// What became of one image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ImageResult {
    /// Its name.
    pub image: String,
    /// Its variant.
    pub variant: String,
    /// Its architecture.
    pub arch: Arch,
    /// Digest of its manifest.
    pub digest: Sha256,
    /// Bytes of its layers as they are transferred.
    pub size: u64,
    /// Bytes of its layers unpacked.
    pub unpacked_size: u64,
    /// Number of packages in it.
    pub packages: usize,
    /// Where it is.
    pub path: PathBuf,
    /// Its names in a layout.
    pub references: Vec<String>,
    /// What became of its tests, where it has any.
    pub tests: Option<TestState>,
    /// Remarks on the result, such as owners that could not be set.
    pub remarks: Vec<String>,
}

/// The documents about the index of each variant, by the names of image and variant.
pub(super) type VariantPlans<'a> = BTreeMap<(&'a str, &'a str), VariantPlan>;

/// What results are made from.
pub(super) struct Source<'a> {
    /// The store.
    pub store: &'a Store,
    /// The records of the graph's roots.
    pub records: &'a BTreeMap<DerivationId, Record>,
    /// The documents about indexes.
    pub variants: &'a VariantPlans<'a>,
    /// What becomes of tests.
    pub tests: &'a Tests,
    /// Set to stop.
    pub cancel: &'a AtomicBool,
}

/// An image with the bytes of its documents.
struct Built<'a> {
    planned: &'a Planned<'a>,
    platform: Platform,
    referrers: Vec<Referrer>,
    tests: Option<TestState>,
}

impl Source<'_> {
    /// An output.
    pub fn object(&self, id: DerivationId, output: &str) -> &ObjectRef {
        let record = self.records.get(&id).expect("every root has a record after a build");
        record.outputs.get(output).expect("builders give all outputs of their kind")
    }

    /// The bytes of an output.
    pub fn bytes(&self, id: DerivationId, output: &str) -> Result<Vec<u8>, BuildFailure> {
        Ok(self.store.read(self.object(id, output))?)
    }

    /// A tree among the outputs of `id`.
    pub fn tree(&self, id: DerivationId, output: &str) -> Result<Tree, BuildFailure> {
        let tree = Tree::decode(&self.bytes(id, output)?);
        Ok(tree.map_err(|error| ContentError::Io(std::io::Error::other(error)))?)
    }

    /// The packs with the contents of the files of the trees of `id`.
    pub fn packs(&self, id: DerivationId) -> Result<Packs, StoreError> {
        let record = &self.records[&id];
        let own = record.outputs.get(outputs::PACK).map(|pack| &pack.digest);
        let packs = record.references.iter().chain(own);
        let packs = packs.map(|digest| Ok(Arc::new(Pack::open(self.store, digest)?)));
        Ok(Packs::new(packs.collect::<Result<_, StoreError>>()?))
    }

    fn open(&self, digest: Digest) -> Result<Box<dyn Read + Send>, ContentError> {
        let size = self.store.size(&digest).ok_or(ContentError::Missing(digest))?;
        Ok(self.store.reader(&crate::store::ObjectRef { digest, size })?)
    }

    fn built<'p>(&self, planned: &'p Planned<'p>) -> Result<Built<'p>, BuildFailure> {
        let plan = &planned.plan;
        let manifest = self.bytes(plan.image, outputs::MANIFEST)?;
        let config = self.bytes(plan.image, outputs::CONFIG)?;
        let mut layers = Vec::with_capacity(plan.layers.len());
        for &layer in &plan.layers {
            let bytes = self.bytes(layer, outputs::DESCRIPTOR)?;
            let descriptor: LayerDescriptor = serde_json::from_slice(&bytes)
                .map_err(|error| ContentError::Io(std::io::Error::other(error)))?;
            layers.push(descriptor);
        }
        let subject = Subject::manifest(&manifest);
        let mut referrers = Vec::new();
        let tests = self.tests.statement(planned);
        let tests = tests.map(|id| (id, media::IN_TOTO, media::report(ReportKind::Tests)));
        for (id, artifact, predicate) in documents(planned).into_iter().chain(tests) {
            referrers.push(self.referrer(subject, id, (artifact, predicate))?);
        }
        if let Some(fetches) = &planned.indexes {
            let files = plan.indexes.files.iter().zip(fetches).map(|(file, id)| {
                let object = self.object(*id, outputs::FILE);
                let content = BlobContent::Stored(object.digest);
                (file.name.clone(), Blob { digest: file.sha256, size: object.size, content })
            });
            referrers.push(indexes_referrer(subject, files.collect(), &plan.indexes.certificates));
        }
        let platform = Platform { arch: planned.image.arch, manifest, config, layers };
        let tests = self.tests.state(planned).cloned();
        Ok(Built { planned, platform, referrers, tests })
    }

    /// The document that `id` makes, about `subject`, with its artifact type and where it is a statement its predicate
    /// type.
    fn referrer(
        &self,
        subject: Subject,
        id: DerivationId,
        (artifact, predicate): (&str, &str),
    ) -> Result<Referrer, BuildFailure> {
        let annotation = (media::PREDICATE_TYPE_ANNOTATION.to_owned(), predicate.to_owned());
        let annotations = if predicate.is_empty() { BTreeMap::new() } else { BTreeMap::from([annotation]) };
        let object = self.object(id, outputs::DOCUMENT);
        let document = match self.records[&id].sha256.get(outputs::DOCUMENT) {
            Some(digest) => {
                Blob { digest: *digest, size: object.size, content: BlobContent::Stored(object.digest) }
            }
            None => Blob::of(&self.bytes(id, outputs::DOCUMENT)?),
        };
        Ok(referrer_manifest(subject, artifact, artifact, document, annotations))
    }

    /// Adds to `variant` of the image `name`, which has all its platforms, the documents about its index.
    fn add_index_referrers(&self, name: &str, variant: &mut Variant) -> Result<(), BuildFailure> {
        let Some(plan) = self.variants.get(&(name, variant.name.as_str())) else { return Ok(()) };
        variant.annotations.clone_from(&plan.annotations);
        let subject = Subject::index(&variant.index());
        for (document, id) in &plan.documents {
            let referrer = self.referrer(subject, *id, media::index(*document))?;
            variant.referrers.push(referrer);
        }
        Ok(())
    }
}

/// The documents of an image: derivation, media type, and predicate type where it is a statement.
fn documents(planned: &Planned<'_>) -> [(DerivationId, &'static str, &'static str); 6] {
    let plan = &planned.plan;
    [
        (plan.spdx, media::sbom(SbomFormat::Spdx), ""),
        (plan.cyclonedx, media::sbom(SbomFormat::CycloneDx), ""),
        (plan.provenance, media::IN_TOTO, media::PREDICATE_PROVENANCE),
        (plan.origins, media::IN_TOTO, media::PREDICATE_ORIGINS),
        (plan.policy, media::IN_TOTO, media::report(ReportKind::Policy)),
        (plan.elf, media::IN_TOTO, media::report(ReportKind::Elf)),
    ]
}

/// Writes everything in `format` below `folder`; returns one result for each image, in order.
pub(super) fn write(
    source: &Source<'_>,
    images: &[&Planned<'_>],
    folder: &Path,
    format: Format,
) -> Result<Vec<ImageResult>, BuildFailure> {
    let mut by_name: BTreeMap<&str, Vec<Built<'_>>> = BTreeMap::new();
    for &planned in images {
        by_name.entry(&planned.image.name).or_default().push(source.built(planned)?);
    }
    let mut results = Vec::new();
    for (name, built) in &by_name {
        results.extend(match format {
            Format::Oci => write_layout(source, name, built, folder)?,
            Format::Docker | Format::Tar => write_archives(source, name, built, folder, format)?,
            Format::Dir => write_roots(source, name, built, folder)?,
        });
    }
    let place = |result: &ImageResult| {
        images.iter().position(|planned| {
            let image = planned.image;
            (&image.name, &image.variant, image.arch) == (&result.image, &result.variant, result.arch)
        })
    };
    results.sort_by_key(place);
    Ok(results)
}

/// A variant, with what was built of it.
type BuiltVariant<'b> = (Variant, Vec<&'b Built<'b>>);

/// The variants of one image.
fn variants<'b>(source: &Source<'_>, built: &'b [Built<'b>]) -> Result<Vec<BuiltVariant<'b>>, BuildFailure> {
    let mut order: Vec<BuiltVariant<'b>> = Vec::new();
    for one in built {
        let image = one.planned.image;
        let at = order.iter().position(|(variant, _)| variant.name == image.variant).unwrap_or_else(|| {
            order.push((
                Variant {
                    name: image.variant.clone(),
                    tags: image.tags.clone(),
                    annotations: BTreeMap::new(),
                    platforms: Vec::new(),
                    referrers: Vec::new(),
                },
                Vec::new(),
            ));
            order.len() - 1
        });
        order[at].0.platforms.push(one.platform.clone());
        order[at].0.referrers.extend(one.referrers.iter().cloned());
        order[at].1.push(one);
    }
    for (variant, of_variant) in &mut order {
        source.add_index_referrers(&of_variant[0].planned.image.name, variant)?;
    }
    Ok(order)
}

fn result(built: &Built<'_>, path: PathBuf, references: Vec<String>) -> ImageResult {
    let image = built.planned.image;
    let layers = built.platform.manifest_layers().unwrap_or_default();
    ImageResult {
        image: image.name.clone(),
        variant: image.variant.clone(),
        arch: image.arch,
        digest: Sha256::of(&built.platform.manifest),
        size: layers.iter().map(|layer| layer.size).sum(),
        unpacked_size: layers.iter().map(|layer| layer.uncompressed_size).sum(),
        packages: built.planned.packages,
        path,
        references,
        tests: built.tests.clone(),
        remarks: Vec::new(),
    }
}

fn write_layout(
    source: &Source<'_>,
    name: &str,
    built: &[Built<'_>],
    folder: &Path,
) -> Result<Vec<ImageResult>, BuildFailure> {
    let path = folder.join(name);
    let variants = variants(source, built)?;
    let image = LayoutImage {
        name: name.to_owned(),
        variants: variants.iter().map(|(variant, _)| variant.clone()).collect(),
    };
    let cancelled = || source.cancel.load(Ordering::Relaxed);
    let options = WriteOptions { verify: false, cancelled: &cancelled };
    let open = |digest: Digest| -> Result<Box<dyn Read + Send + '_>, ContentError> { source.open(digest) };
    layout::write(&image, &HostFolder::new(&path), &open, options)?;
    let mut results = Vec::new();
    for (variant, of_variant) in variants {
        for one in of_variant {
            let mut references =
                vec![format!("{}-{}", variant.name, one.platform.arch), variant.name.clone()];
            references.extend(variant.tags.iter().cloned());
            results.push(result(one, path.clone(), references));
        }
    }
    Ok(results)
}

fn write_archives(
    source: &Source<'_>,
    name: &str,
    built: &[Built<'_>],
    folder: &Path,
    format: Format,
) -> Result<Vec<ImageResult>, BuildFailure> {
    let cancelled = || source.cancel.load(Ordering::Relaxed);
    let open = |digest: Digest| -> Result<Box<dyn Read + Send + '_>, ContentError> { source.open(digest) };
    let target = HostFolder::new(folder);
    let mut results = Vec::new();
    for (variant, of_variant) in variants(source, built)? {
        if format == Format::Tar {
            write_oci_archive(name, &variant, &target, &open, &cancelled)?;
        }
        for one in of_variant {
            let file = match format {
                Format::Tar => oci_archive_name(name, &variant),
                _ => {
                    write_docker_archive(name, &variant, &one.platform, &target, &open, &cancelled)?;
                    docker_archive_name(name, &variant, &one.platform)
                }
            };
            results.push(result(one, folder.join(file), Vec::new()));
        }
    }
    Ok(results)
}

fn write_roots(
    source: &Source<'_>,
    name: &str,
    built: &[Built<'_>],
    folder: &Path,
) -> Result<Vec<ImageResult>, BuildFailure> {
    let cancelled = || source.cancel.load(Ordering::Relaxed);
    let mut results = Vec::new();
    for one in built {
        let image = one.planned.image;
        let path = folder.join(root_name(name, &image.variant, image.arch));
        let id = one.planned.plan.merge;
        let tree = source.tree(id, outputs::TREE)?;
        let target = HostRoot::new(&path);
        let shown = path.display().to_string();
        let report = write_root(&shown, &tree, image.epoch, &source.packs(id)?, &target, &cancelled)?;
        let mut found = result(one, path, Vec::new());
        if !report.owners {
            found.remarks.push(format!(
                "all files belong to you, not to the accounts of the image: only root can set owners{}",
                reduced(report.reduced.len())
            ));
        }
        results.push(found);
    }
    Ok(results)
}

fn reduced(files: usize) -> String {
    match files {
        0 => String::new(),
        count => format!("; {count} files lost setuid bits or capabilities"),
    }
}
