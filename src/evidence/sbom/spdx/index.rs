//! The SPDX document of an image index: the images of its platforms.

use super::model::{DOCUMENT, Document, Package, relation};
use crate::evidence::ImageIndex;
use crate::graph::spdx::plain_expression;

const INDEX: &str = "SPDXRef-Index";

/// The SPDX document of `index`: one package for it and one for the image of each platform, which are variants of it.
/// What is in these stands in documents of their own.
pub fn index(index: &ImageIndex<'_>) -> Vec<u8> {
    let definition = index.definition;
    let mut document =
        Document::new(format!("{}:{}", definition.image, definition.variant), &definition.created);
    let mut package = Package::new(INDEX.to_owned(), &definition.image, "CONTAINER")
        .sha256(Some(index.digest))
        .purl(Some(index.purl()));
    package.version_info = Some(definition.variant.clone());
    package.description.clone_from(&definition.description);
    if let Some(license) = plain_expression(&definition.license) {
        package.license_declared = license.to_owned();
    }
    document.packages.push(package);
    document.relationships.push(relation(DOCUMENT, "DESCRIBES", INDEX));
    for (arch, manifest) in &index.platforms {
        let id = format!("SPDXRef-Image-{arch}");
        let mut package = Package::new(id.clone(), &definition.image, "CONTAINER")
            .sha256(Some(*manifest))
            .purl(Some(index.platform_purl(*arch, *manifest)));
        package.version_info = Some(format!("{}-{arch}", definition.variant));
        document.packages.push(package);
        document.relationships.push(relation(INDEX, "CONTAINS", &id));
        document.relationships.push(relation(&id, "VARIANT_OF", INDEX));
    }
    document.finish(&definition.image)
}
