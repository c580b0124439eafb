//! What a run puts into a layout.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Arc;

use hbuild_lang::recipe::Arch;
use oci_spec::image::{Descriptor, ImageIndexBuilder, ImageManifest, MediaType, Os, PlatformBuilder};

use super::{LayoutError, Referrer};
use crate::digest::{Digest, Sha256};
use crate::graph::LayerDescriptor;
use crate::image::config::{descriptor, to_canonical};
use crate::image::media_type;
use crate::tree::ContentError;

/// The file `oci-layout`.
pub(crate) const OCI_LAYOUT: &[u8] = br#"{"imageLayoutVersion":"1.0.0"}"#;

/// Opens a blob of the store by its BLAKE3 digest.
pub type OpenBlob<'a> = dyn Fn(Digest) -> Result<Box<dyn Read + Send + 'a>, ContentError> + Sync + 'a;

/// All that a run has made of one image name.
#[derive(Debug, Clone)]
pub struct LayoutImage {
    /// The image's name: the layout's folder.
    pub name: String,
    /// Its variants.
    pub variants: Vec<Variant>,
}

/// One variant: an image index over its platforms.
#[derive(Debug, Clone)]
pub struct Variant {
    /// `<version>-<distro><release>[-dev]`.
    pub name: String,
    /// Further names of the same index.
    pub tags: Vec<String>,
    /// Annotations of the index.
    pub annotations: BTreeMap<String, String>,
    /// One image for each architecture.
    pub platforms: Vec<Platform>,
    /// Documents about the manifests of the platforms, or about the index.
    pub referrers: Vec<Referrer>,
}

/// One image of one architecture.
#[derive(Debug, Clone)]
pub struct Platform {
    /// Its architecture.
    pub arch: Arch,
    /// The bytes of its manifest.
    pub manifest: Vec<u8>,
    /// The bytes of its config.
    pub config: Vec<u8>,
    /// Descriptors of at least the layers that the manifest names.
    pub layers: Vec<LayerDescriptor>,
}

/// A blob with the place its bytes come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    /// SHA-256 of the bytes.
    pub digest: Sha256,
    /// Their number.
    pub size: u64,
    /// The bytes.
    pub content: BlobContent,
}

/// Where the bytes of a blob are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BlobContent {
    /// Here.
    Bytes(Arc<[u8]>),
    /// In the store, by their BLAKE3 digest.
    Stored(Digest),
}

impl Blob {
    /// A blob of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self {
            digest: Sha256::of(bytes),
            size: bytes.len() as u64,
            content: BlobContent::Bytes(bytes.into()),
        }
    }
}

impl Platform {
    /// The layers that the manifest names, lowest first.
    pub fn manifest_layers(&self) -> Result<Vec<&LayerDescriptor>, LayoutError> {
        let error = || LayoutError::Manifest { digest: Sha256::of(&self.manifest) };
        let manifest: ImageManifest = serde_json::from_slice(&self.manifest).map_err(|_| error())?;
        let find = |wanted: &Descriptor| {
            let wanted = wanted.as_digest_sha256()?;
            self.layers.iter().find(|layer| layer.digest.to_string() == wanted)
        };
        manifest.layers().iter().map(|layer| find(layer).ok_or_else(error)).collect()
    }

    /// Every blob of it: layers, config, manifest.
    pub(crate) fn blobs(&self) -> Result<Vec<Blob>, LayoutError> {
        let layers = self.manifest_layers()?;
        let layers = layers.into_iter().map(|layer| Blob {
            digest: layer.digest,
            size: layer.size,
            content: BlobContent::Stored(layer.blob),
        });
        Ok(layers.chain([Blob::of(&self.config), Blob::of(&self.manifest)]).collect())
    }

    /// The descriptor of the manifest, with the platform.
    pub(crate) fn descriptor(&self) -> Descriptor {
        platform_descriptor(self.arch, &self.manifest)
    }
}

fn platform_descriptor(arch: Arch, manifest: &[u8]) -> Descriptor {
    let mut descriptor = descriptor(media_type::MANIFEST, Sha256::of(manifest), manifest.len() as u64);
    let platform = PlatformBuilder::default().architecture(arch.as_str()).os(Os::Linux).build();
    descriptor.set_platform(Some(platform.expect("architecture and system are set")));
    descriptor
}

/// The bytes of an image index over the manifests of `platforms`, which are sorted here by architecture.
pub fn variant_index(annotations: &BTreeMap<String, String>, platforms: &[(Arch, &[u8])]) -> Vec<u8> {
    let mut platforms = platforms.to_vec();
    platforms.sort_by_key(|(arch, _)| *arch);
    let descriptors = platforms.iter().map(|(arch, manifest)| platform_descriptor(*arch, manifest));
    let index = ImageIndexBuilder::default()
        .schema_version(2u32)
        .media_type(MediaType::ImageIndex)
        .manifests(descriptors.collect::<Vec<_>>());
    let index = match annotations.is_empty() {
        true => index,
        false => {
            index.annotations(annotations.clone().into_iter().collect::<std::collections::HashMap<_, _>>())
        }
    };
    to_canonical(&index.build().expect("all fields are set"))
}

impl Variant {
    /// The bytes of its image index.
    pub fn index(&self) -> Vec<u8> {
        let platforms = self.platforms.iter().map(|platform| (platform.arch, &platform.manifest[..]));
        variant_index(&self.annotations, &platforms.collect::<Vec<_>>())
    }
}

/// Where a blob lies in a layout.
pub(crate) fn blob_path(digest: Sha256) -> String {
    format!("blobs/sha256/{digest}")
}
