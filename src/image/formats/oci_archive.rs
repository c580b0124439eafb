//! An OCI layout of one variant in one tar file.

use std::collections::{BTreeMap, HashMap};

use oci_spec::image::{ImageIndexBuilder, MediaType};

use super::file::{ArchiveWriter, write_if_different};
use crate::digest::Sha256;
use crate::image::config::{descriptor, to_canonical};
use crate::image::layout::{Blob, Folder, LayoutError, OCI_LAYOUT, OpenBlob, Variant, blob_path, copy_blob};
use crate::image::media_type;

/// The file name of the archive of one variant, all its platforms included.
pub fn oci_archive_name(image: &str, variant: &Variant) -> String {
    format!("{image}-{}.oci.tar", variant.name)
}

/// Writes [`oci_archive_name`] into `folder`. Its `index.json` has one entry, the variant's manifest where it
/// has one platform and its image index where it has several, so that `podman load` takes it. Returns whether
/// the file was not already so.
pub fn write_oci_archive(
    image: &str,
    variant: &Variant,
    folder: &dyn Folder,
    open: &OpenBlob<'_>,
    cancelled: &(dyn Fn() -> bool + Sync),
) -> Result<bool, LayoutError> {
    let mut blobs: BTreeMap<Sha256, Blob> = BTreeMap::new();
    for platform in &variant.platforms {
        blobs.extend(platform.blobs()?.into_iter().map(|blob| (blob.digest, blob)));
    }
    let mut entry = match variant.platforms.as_slice() {
        [only] => only.descriptor(),
        _ => {
            let index = Blob::of(&variant.index());
            let entry = descriptor(media_type::INDEX, index.digest, index.size);
            blobs.insert(index.digest, index);
            entry
        }
    };
    entry.set_annotations(Some(HashMap::from([(media_type::REF_NAME.to_owned(), variant.name.clone())])));
    let index = ImageIndexBuilder::default()
        .schema_version(2u32)
        .media_type(MediaType::ImageIndex)
        .manifests(vec![entry])
        .build()
        .expect("all fields are set");
    let index = to_canonical(&index);
    write_if_different(folder, &oci_archive_name(image, variant), &|out| {
        let mut archive = ArchiveWriter::new(out);
        archive.folder("blobs")?;
        archive.folder("blobs/sha256")?;
        for blob in blobs.values() {
            let path = blob_path(blob.digest);
            archive.file(&path, blob.size, |out| copy_blob(blob, open, cancelled, out))?;
        }
        archive.bytes("index.json", &index)?;
        archive.bytes("oci-layout", OCI_LAYOUT)?;
        archive.finish()
    })
}
