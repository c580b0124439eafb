//! The archive that `docker load` reads (Docker image specification 1.2).

use std::collections::BTreeSet;
use std::io::Read;

use serde::Serialize;

use super::file::{ArchiveWriter, write_if_different};
use crate::digest::Sha256;
use crate::graph::LayerDescriptor;
use crate::image::config::to_canonical;
use crate::image::layout::{Folder, LayoutError, OpenBlob, Platform, Variant, blob_path, copy_checked};
use crate::image::media_type;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Manifest {
    config: String,
    repo_tags: Vec<String>,
    layers: Vec<String>,
}

/// The file name of the archive of one platform.
pub fn docker_archive_name(image: &str, variant: &Variant, platform: &Platform) -> String {
    format!("{image}-{}-{}.docker.tar", variant.name, platform.arch)
}

/// Writes [`docker_archive_name`] into `folder`: the config, each layer uncompressed and checked against its
/// diff id, and `manifest.json` with `<image>:<variant>` and `<image>:<tag>` for each tag. Returns whether the
/// file was not already so.
pub fn write_docker_archive(
    image: &str,
    variant: &Variant,
    platform: &Platform,
    folder: &dyn Folder,
    open: &OpenBlob<'_>,
    cancelled: &(dyn Fn() -> bool + Sync),
) -> Result<bool, LayoutError> {
    let layers = platform.manifest_layers()?;
    let config_path = blob_path(Sha256::of(&platform.config));
    let tags: BTreeSet<&String> = variant.tags.iter().chain([&variant.name]).collect();
    let manifest = to_canonical(&[Manifest {
        config: config_path.clone(),
        repo_tags: tags.into_iter().map(|tag| format!("{image}:{tag}")).collect(),
        layers: layers.iter().map(|layer| blob_path(layer.diff_id)).collect(),
    }]);
    let name = docker_archive_name(image, variant, platform);
    write_if_different(folder, &name, &|out| {
        let mut archive = ArchiveWriter::new(out);
        archive.folder("blobs")?;
        archive.folder("blobs/sha256")?;
        archive.bytes(&config_path, &platform.config)?;
        let mut written = BTreeSet::new();
        for layer in layers.iter().filter(|layer| written.insert(layer.diff_id)) {
            archive.file(&blob_path(layer.diff_id), layer.uncompressed_size, |out| {
                let mut reader = decompressed(layer, open)?;
                copy_checked(&mut reader, layer.diff_id, layer.uncompressed_size, cancelled, out)
            })?;
        }
        archive.bytes("manifest.json", &manifest)?;
        archive.finish()
    })
}

fn decompressed<'a>(layer: &LayerDescriptor, open: &OpenBlob<'a>) -> Result<Box<dyn Read + 'a>, LayoutError> {
    let digest = layer.digest;
    let reader = open(layer.blob).map_err(|source| LayoutError::Open { digest, source })?;
    match layer.media_type.as_str() {
        media_type::LAYER_GZIP => Ok(Box::new(flate2::read::GzDecoder::new(reader))),
        media_type::LAYER_ZSTD => match zstd::Decoder::new(reader) {
            Ok(decoder) => Ok(Box::new(decoder)),
            Err(error) => Err(LayoutError::Open { digest, source: error.into() }),
        },
        _ => Ok(reader),
    }
}
