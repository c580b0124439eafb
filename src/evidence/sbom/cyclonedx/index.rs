//! The CycloneDX document of an image index: the images of its platforms.

use super::model::{Bom, Component};
use super::{sha256, stated};
use crate::evidence::ImageIndex;

/// The CycloneDX document of `index`: it is the subject, the images of its platforms are the components. What is in
/// these stands in documents of their own.
pub fn index(index: &ImageIndex<'_>) -> Vec<u8> {
    let definition = index.definition;
    let purl = index.purl();
    let component = Component {
        kind: "container",
        bom_ref: Some(purl.clone()),
        name: definition.image.clone(),
        version: Some(definition.variant.clone()),
        description: definition.description.clone(),
        hashes: vec![sha256(index.digest)],
        licenses: stated(&definition.license),
        purl: Some(purl),
        ..Component::default()
    };
    let platforms = index.platforms.iter().map(|(arch, manifest)| {
        let purl = index.platform_purl(*arch, *manifest);
        Component {
            kind: "container",
            bom_ref: Some(purl.clone()),
            name: definition.image.clone(),
            version: Some(format!("{}-{arch}", definition.variant)),
            hashes: vec![sha256(*manifest)],
            purl: Some(purl),
            ..Component::default()
        }
    });
    Bom::new(&definition.created, component, platforms.collect()).finish()
}
