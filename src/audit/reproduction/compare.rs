//! Two images held against each other: manifest, config, each layer as it is transferred and as it unpacks.

use oci_spec::image::Descriptor;
use serde::Serialize;

use crate::digest::Sha256;
use crate::image::config::to_canonical;
use crate::image::read::{Image, Layout, ReadError};

/// How an image compares with one that was built again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The same bytes.
    Identical,
    /// The same config and the same layers unpacked; they were packed by another compressor.
    SameContent,
    /// Neither.
    Different,
}

/// Something of the image, and of the one built again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Pair<T> {
    /// Of the image.
    pub image: T,
    /// Of the one built again.
    pub rebuilt: T,
}

/// The digests of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct LayerDigests {
    /// Of the layer as it is transferred.
    pub digest: Sha256,
    /// Of the tar.
    pub diff_id: Sha256,
}

/// One layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct LayerComparison {
    /// How the two compare.
    pub result: Outcome,
    /// Their digests; `None` for one that has no such layer.
    #[serde(flatten)]
    pub digests: Pair<Option<LayerDigests>>,
}

/// A comparison.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Comparison {
    /// How they compare.
    pub result: Outcome,
    /// The manifests.
    pub manifest: Pair<Sha256>,
    /// The configs.
    pub config: Pair<Sha256>,
    /// The layers, lowest first.
    pub layers: Vec<LayerComparison>,
}

/// Compares `image` with `rebuilt`. Every layer of `image` is read and held against its digests. `same_compressor` says
/// that both claim to be packed by the same one: then other bytes are no other compressor's.
pub fn compare(
    (layout, image): (&Layout<'_>, &Image),
    rebuilt: &Image,
    same_compressor: bool,
) -> Result<Comparison, ReadError> {
    let (ours, theirs) = (image.manifest.layers(), rebuilt.manifest.layers());
    let mut layers = Vec::with_capacity(ours.len().max(theirs.len()));
    for number in 0..ours.len().max(theirs.len()) {
        let digests = Pair { image: digests(image, number)?, rebuilt: digests(rebuilt, number)? };
        let result = match digests {
            Pair { image: Some(one), rebuilt: Some(two) } if one == two => Outcome::Identical,
            Pair { image: Some(one), rebuilt: Some(two) } if one.diff_id == two.diff_id => {
                Outcome::SameContent
            }
            _ => Outcome::Different,
        };
        layers.push(LayerComparison { result, digests });
    }
    for (number, layer) in ours.iter().enumerate() {
        match layers[number].result {
            // What was built again has this digest, so that it unpacks to the same.
            Outcome::Identical => layout.check_blob(layer)?,
            _ => {
                layout.check_layer(layer, image.config.rootfs().diff_ids().get(number).map(String::as_str))?
            }
        }
    }
    let manifest = Pair { image: image.digest, rebuilt: rebuilt.digest };
    let config = Pair { image: Sha256::of(&image.config_bytes), rebuilt: Sha256::of(&rebuilt.config_bytes) };
    let same_content = config.image == config.rebuilt
        && without_layers(image) == without_layers(rebuilt)
        && layers.iter().all(|layer| layer.result != Outcome::Different);
    let result = match manifest.image == manifest.rebuilt {
        true => Outcome::Identical,
        false if same_content && !same_compressor => Outcome::SameContent,
        false => Outcome::Different,
    };
    Ok(Comparison { result, manifest, config, layers })
}

fn digests(image: &Image, number: usize) -> Result<Option<LayerDigests>, ReadError> {
    let Some(layer) = image.manifest.layers().get(number) else { return Ok(None) };
    let bad = || ReadError::Blob { digest: layer.digest().to_string() };
    let digest = layer.as_digest_sha256().and_then(|hex| hex.parse().ok()).ok_or_else(bad)?;
    let diff_id = image.config.rootfs().diff_ids().get(number).and_then(|id| id.strip_prefix("sha256:"));
    let diff_id = diff_id.and_then(|hex| hex.parse().ok()).ok_or_else(bad)?;
    Ok(Some(LayerDigests { digest, diff_id }))
}

/// The manifest with nothing of its layers but their number.
fn without_layers(image: &Image) -> Vec<u8> {
    let mut manifest = image.manifest.clone();
    let nothing: Vec<Descriptor> = Vec::new();
    manifest.set_layers(nothing);
    to_canonical(&manifest)
}
