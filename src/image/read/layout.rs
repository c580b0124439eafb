//! Finding images in a layout.

use std::io::Read;

use hbuild_lang::recipe::Arch;
use oci_spec::image::{Descriptor, ImageConfiguration, ImageIndex, ImageManifest, MediaType};
use serde::de::DeserializeOwned;

use super::{ImageFiles, ReadError};
use crate::digest::Sha256;
use crate::image::layout::{blob_path, referrers_tag};
use crate::image::media_type;

const MOST_DOCUMENT_BYTES: u64 = 64 << 20;
const MOST_DEPTH: usize = 4;

/// An open layout.
pub struct Layout<'a> {
    files: &'a dyn ImageFiles,
    index: ImageIndex,
}

/// An image with its documents.
#[derive(Debug, Clone)]
pub struct Image {
    /// SHA-256 of the manifest.
    pub digest: Sha256,
    /// The manifest.
    pub manifest: ImageManifest,
    /// Its bytes.
    pub manifest_bytes: Vec<u8>,
    /// The config.
    pub config: ImageConfiguration,
    /// Its bytes.
    pub config_bytes: Vec<u8>,
}

impl<'a> Layout<'a> {
    /// The layout whose files are `files`.
    pub fn open(files: &'a dyn ImageFiles) -> Result<Self, ReadError> {
        let missing = || ReadError::NoLayout { missing: "index.json".to_owned() };
        let mut bytes = Vec::new();
        let reader = files.open("index.json")?.ok_or_else(missing)?;
        reader.take(MOST_DOCUMENT_BYTES).read_to_end(&mut bytes).map_err(|_| missing())?;
        let index = serde_json::from_slice(&bytes).map_err(|_| missing())?;
        Ok(Self { files, index })
    }

    /// Every named entry of the index but the referrers, in the order they stand there.
    pub fn names(&self) -> Vec<(String, Descriptor)> {
        let named = |entry: &Descriptor| Some((ref_name(entry)?.to_owned(), entry.clone()));
        let entries = self.index.manifests().iter().filter_map(named);
        entries.filter(|(name, _)| !name.starts_with("sha256-")).collect()
    }

    /// The descriptor that `reference` names: a reference name, `sha256:<hex>` of any entry, or, for `None`,
    /// the only image there is.
    pub fn resolve(&self, reference: Option<&str>) -> Result<Descriptor, ReadError> {
        let names = self.names();
        let there = || names.iter().map(|(name, _)| name.clone()).collect();
        let Some(wanted) = reference else {
            let mut entries = self.index.manifests().iter();
            let mut entries: Vec<&Descriptor> = entries
                .by_ref()
                .filter(|entry| !ref_name(entry).is_some_and(|name| name.starts_with("sha256-")))
                .collect();
            if entries.iter().any(|entry| *entry.media_type() == MediaType::ImageIndex) {
                entries.retain(|entry| *entry.media_type() == MediaType::ImageIndex);
            }
            entries.dedup_by_key(|entry| entry.digest().to_string());
            return match entries.as_slice() {
                [only] => Ok((*only).clone()),
                _ => Err(ReadError::Ambiguous { there: there() }),
            };
        };
        let entries = self.index.manifests().iter();
        let mut found =
            entries.filter(|entry| ref_name(entry) == Some(wanted) || entry.digest().to_string() == wanted);
        let unknown = || ReadError::UnknownReference { wanted: wanted.to_owned(), there: there() };
        found.next().cloned().ok_or_else(unknown)
    }

    /// The images that `reference` names (see [`Layout::resolve`]): of an index that of each platform, in order.
    pub fn images(&self, reference: Option<&str>) -> Result<Vec<Image>, ReadError> {
        let entry = self.resolve(reference)?;
        if *entry.media_type() != MediaType::ImageIndex {
            return Ok(vec![self.image_of(&entry)?]);
        }
        let index: ImageIndex = self.document(&entry)?.0;
        index.manifests().iter().map(|entry| self.image_of(entry)).collect()
    }

    /// The image that `reference` names (see [`Layout::resolve`]); of an index, the one for `arch`, or its
    /// only one.
    pub fn image(&self, reference: Option<&str>, arch: Option<Arch>) -> Result<Image, ReadError> {
        let mut entry = self.resolve(reference)?;
        for _ in 0..MOST_DEPTH {
            if *entry.media_type() != MediaType::ImageIndex {
                break;
            }
            let index: ImageIndex = self.document(&entry)?.0;
            entry = choose(&index, arch)?;
        }
        self.image_of(&entry)
    }

    /// The image whose manifest is `entry`.
    fn image_of(&self, entry: &Descriptor) -> Result<Image, ReadError> {
        let (manifest, manifest_bytes): (ImageManifest, _) = self.document(entry)?;
        let (config, config_bytes) = self.document(manifest.config())?;
        let digest = Sha256::of(&manifest_bytes);
        Ok(Image { digest, manifest, manifest_bytes, config, config_bytes })
    }

    /// The referrers of a manifest or index: the descriptors of their artifact manifests.
    pub fn referrers(&self, subject: Sha256) -> Result<Vec<Descriptor>, ReadError> {
        let tag = referrers_tag(subject);
        let entry = self.index.manifests().iter().find(|entry| ref_name(entry) == Some(&tag));
        let Some(entry) = entry else { return Ok(Vec::new()) };
        let index: ImageIndex = self.document(entry)?.0;
        Ok(index.manifests().clone())
    }

    /// The manifest of an artifact.
    pub fn artifact_manifest(&self, referrer: &Descriptor) -> Result<ImageManifest, ReadError> {
        Ok(self.document(referrer)?.0)
    }

    /// The document that an artifact manifest holds as its first layer.
    pub fn artifact(&self, referrer: &Descriptor) -> Result<Vec<u8>, ReadError> {
        let manifest = self.artifact_manifest(referrer)?;
        let missing = || ReadError::Blob { digest: referrer.digest().to_string() };
        self.blob(manifest.layers().first().ok_or_else(missing)?)
    }

    /// The SHA-256 that an entry names.
    pub fn digest(&self, entry: &Descriptor) -> Result<Sha256, ReadError> {
        let digest = entry.as_digest_sha256().and_then(|hex| hex.parse().ok());
        digest.ok_or_else(|| ReadError::Blob { digest: entry.digest().to_string() })
    }

    /// The bytes of a small blob, checked.
    pub fn blob(&self, entry: &Descriptor) -> Result<Vec<u8>, ReadError> {
        let bad = || ReadError::Blob { digest: entry.digest().to_string() };
        let (reader, digest) = self.open_blob(entry)?;
        let mut bytes = Vec::new();
        reader.take(MOST_DOCUMENT_BYTES + 1).read_to_end(&mut bytes).map_err(|_| bad())?;
        let right = bytes.len() as u64 <= MOST_DOCUMENT_BYTES && Sha256::of(&bytes) == digest;
        if right { Ok(bytes) } else { Err(bad()) }
    }

    /// Reads a blob of any length and refuses one that does not have its digest.
    pub fn check_blob(&self, entry: &Descriptor) -> Result<(), ReadError> {
        let bad = || ReadError::Blob { digest: entry.digest().to_string() };
        let (reader, digest) = self.open_blob(entry)?;
        let mut hashed = super::tree::Hashed::new(reader.take(entry.size().saturating_add(1)));
        let size = std::io::copy(&mut hashed, &mut std::io::sink()).map_err(|_| bad())?;
        if size == entry.size() && hashed.finish() == digest { Ok(()) } else { Err(bad()) }
    }

    /// A reader over a blob, not checked, with the digest it must have.
    pub(crate) fn open_blob(
        &self,
        entry: &Descriptor,
    ) -> Result<(Box<dyn Read + Send + '_>, Sha256), ReadError> {
        let bad = || ReadError::Blob { digest: entry.digest().to_string() };
        let digest = entry.as_digest_sha256().and_then(|hex| hex.parse().ok()).ok_or_else(bad)?;
        Ok((self.files.open(&blob_path(digest))?.ok_or_else(bad)?, digest))
    }

    fn document<T: DeserializeOwned>(&self, entry: &Descriptor) -> Result<(T, Vec<u8>), ReadError> {
        let bytes = self.blob(entry)?;
        match serde_json::from_slice(&bytes) {
            Ok(document) => Ok((document, bytes)),
            Err(source) => Err(ReadError::Document { digest: entry.digest().to_string(), source }),
        }
    }
}

fn ref_name(entry: &Descriptor) -> Option<&str> {
    entry.annotations().as_ref()?.get(media_type::REF_NAME).map(String::as_str)
}

fn choose(index: &ImageIndex, arch: Option<Arch>) -> Result<Descriptor, ReadError> {
    let architecture = |entry: &Descriptor| {
        entry.platform().as_ref().map_or_else(String::new, |platform| platform.architecture().to_string())
    };
    let fits = |entry: &&Descriptor| arch.is_none_or(|arch| architecture(entry) == arch.as_str());
    let found: Vec<&Descriptor> = index.manifests().iter().filter(fits).collect();
    let there = || index.manifests().iter().map(&architecture).collect();
    match (found.as_slice(), arch) {
        ([only], _) => Ok((*only).clone()),
        ([], Some(arch)) => Err(ReadError::UnknownReference { wanted: arch.to_string(), there: there() }),
        _ => Err(ReadError::Ambiguous { there: there() }),
    }
}
