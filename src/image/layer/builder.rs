//! Performs layer derivations.

use std::collections::{BTreeMap, BTreeSet};

use super::{archive_size, compress_with, with_parents, write_archive};
use crate::digest::Sha256;
use crate::exec::{BuildContext, BuildError, BuildOutputs, Builder, ObjectRef};
use crate::graph::{Action, Algorithm, Derivation, Layer, LayerDescriptor, outputs};
use crate::image::media_type;
use crate::tree::{OriginMap, Tree};

/// Length of an archive without a member; the image leaves layers of this size out.
pub const EMPTY_ARCHIVE_SIZE: u64 = 1024;
const MOST_NAMES: usize = 12;

/// Makes `layer` and `descriptor` of one slice: an input with the outputs `….tree` and `….origins`.
#[derive(Debug, Clone, Copy, Default)]
pub struct LayerBuilder;

impl Builder for LayerBuilder {
    fn build(&self, derivation: &Derivation, context: &dyn BuildContext) -> Result<BuildOutputs, BuildError> {
        let Action::Layer(layer) = &derivation.action else {
            unreachable!("the scheduler hands layer derivations to this builder");
        };
        let names = derivation.inputs.iter().flat_map(|input| &input.outputs);
        let name = |suffix: &str| names.clone().find(|name| name.ends_with(suffix));
        let (Some(tree), Some(origins)) = (name(outputs::TREE), name(outputs::ORIGINS)) else {
            unreachable!("a layer's input names the tree and the origins of a slice");
        };
        let (tree, origins) = (context.tree(0, tree)?, context.origins(0, origins)?);
        let created_by = format!("hbuild: {}", summary(&tree, &origins));
        let (object, descriptor) = write(layer, &with_parents(&tree, layer.epoch), created_by, context)?;
        let document = serde_json_canonicalizer::to_vec(&descriptor).expect("a descriptor is plain JSON");
        Ok(BTreeMap::from([
            (outputs::LAYER.to_owned(), object),
            (outputs::DESCRIPTOR.to_owned(), context.put(&document)?),
        ]))
    }
}

fn write(
    layer: &Layer,
    tree: &Tree,
    created_by: String,
    context: &dyn BuildContext,
) -> Result<(ObjectRef, LayerDescriptor), BuildError> {
    let size = archive_size(tree)?;
    let out = context.create()?;
    let mut done = 0;
    let (archive, out) = compress_with(&layer.compression, size, context.spare_threads(), out, |sink| {
        write_archive(tree, context.contents(), &mut |block| {
            if context.cancelled() {
                return Err(BuildError::Cancelled);
            }
            sink(block)?;
            done += block.len() as u64;
            context.progress(done, Some(size));
            Ok(())
        })
    })?;
    let (object, sha256): (ObjectRef, Sha256) = out.finish()?;
    let media_type = match layer.compression.algorithm {
        Algorithm::None => media_type::LAYER_TAR,
        Algorithm::Gzip => media_type::LAYER_GZIP,
        Algorithm::Zstd => media_type::LAYER_ZSTD,
    };
    let descriptor = LayerDescriptor {
        media_type: media_type.to_owned(),
        digest: sha256,
        size: object.size,
        diff_id: archive.diff_id,
        uncompressed_size: archive.size,
        blob: object.digest,
        created_by,
    };
    Ok((object, descriptor))
}

/// What is in a layer, in one line: the origins of its files, at most twelve of them by name.
fn summary(tree: &Tree, origins: &OriginMap) -> String {
    let files = tree.entries().iter().filter(|entry| !entry.is_directory());
    let mut found: BTreeSet<_> = files.filter_map(|entry| origins.get(&entry.path)).collect();
    if found.is_empty() {
        found = tree.entries().iter().filter_map(|entry| origins.get(&entry.path)).collect();
    }
    let names: Vec<String> = found
        .iter()
        .take(MOST_NAMES)
        .map(|origin| match origin.package() {
            Some((name, version, _)) => format!("{name} {version}"),
            None => origin.to_string(),
        })
        .collect();
    match found.len() {
        0 => "nothing".to_owned(),
        count if count > MOST_NAMES => format!("{} and {} more", names.join(", "), count - MOST_NAMES),
        _ => names.join(", "),
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
