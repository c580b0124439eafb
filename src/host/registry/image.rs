//! An image as its registry describes it: what a lock is made of.

use hbuild_lang::recipe::Arch;

use super::document::{self, Manifest, Top};
use super::{DocumentFault, Part, Registry, RegistryError};
use crate::digest::Sha256;
use crate::lock::{LockedBlob, LockedPlatform};

/// An image that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteImage {
    /// Its platforms, sorted.
    pub platforms: Vec<LockedPlatform>,
    /// Index, manifests and configs as the registry has them.
    pub documents: Vec<Vec<u8>>,
}

impl Registry<'_> {
    /// The image or index `name@sha256:<digest>`: for each architecture that hbuild knows its manifest and layers.
    pub fn image(&self, name: &str, digest: Sha256) -> Result<RemoteImage, RegistryError> {
        let fault =
            |fault| RegistryError::NotAnImage { reference: format!("{name}@{}", digest.to_oci()), fault };
        let mut image = RemoteImage { platforms: Vec::new(), documents: Vec::new() };
        let top = self.document(&mut image, Part { name, sha256: digest, size: None, manifest: true })?;
        let size = top.len() as u64;
        match document::top(&top).map_err(fault)? {
            Top::Manifest(manifest) => {
                let platform = self.platform(&mut image, name, (digest, size), &manifest, None)?;
                image.platforms.push(platform);
            }
            Top::Index(entries) => {
                for (arch, entry) in entries {
                    let part = Part { name, sha256: entry.sha256, size: Some(entry.size), manifest: true };
                    let bytes = self.document(&mut image, part)?;
                    let Top::Manifest(manifest) = document::top(&bytes).map_err(fault)? else {
                        let nested = "its index leads to another index".to_owned();
                        return Err(fault(DocumentFault::Malformed(nested)));
                    };
                    let named = (entry.sha256, entry.size);
                    let platform = self.platform(&mut image, name, named, &manifest, Some(arch))?;
                    image.platforms.push(platform);
                }
            }
        }
        Ok(image)
    }

    fn platform(
        &self,
        image: &mut RemoteImage,
        name: &str,
        (sha256, size): (Sha256, u64),
        manifest: &Manifest,
        expected: Option<Arch>,
    ) -> Result<LockedPlatform, RegistryError> {
        let config = &manifest.config;
        let part = Part { name, sha256: config.sha256, size: Some(config.size), manifest: false };
        let bytes = self.document(image, part)?;
        let arch = document::architecture(&bytes, manifest, expected).map_err(|fault| {
            RegistryError::NotAnImage { reference: format!("{name}@{}", sha256.to_oci()), fault }
        })?;
        let layer = |layer: &document::Descriptor| LockedBlob { sha256: layer.sha256, size: layer.size };
        Ok(LockedPlatform {
            arch: arch.to_string(),
            manifest: LockedBlob { sha256, size },
            layers: manifest.layers.iter().map(layer).collect(),
        })
    }

    fn document(&self, image: &mut RemoteImage, part: Part<'_>) -> Result<Vec<u8>, RegistryError> {
        if let Some(size) = part.size.filter(|size| *size > super::MOST_DOCUMENT_BYTES) {
            let fault = DocumentFault::Malformed(format!("a document of it has {size} bytes"));
            let reference = format!("{}@{}", part.name, part.sha256.to_oci());
            return Err(RegistryError::NotAnImage { reference, fault });
        }
        let mut bytes = Vec::new();
        self.fetch(part, &mut bytes, &|_, _| {})?;
        image.documents.push(bytes.clone());
        Ok(bytes)
    }
}
