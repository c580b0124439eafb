//! What the entries of a layout reach.

use std::collections::BTreeSet;
use std::io::Read;

use oci_spec::image::{Descriptor, ImageIndex, ImageManifest, MediaType};

use super::{Folder, LayoutError, blob_path};
use crate::digest::Sha256;

/// Manifests and indexes above this length are refused, as registries do.
const MOST_DOCUMENT_BYTES: u64 = 4 << 20;
const MOST_DEPTH: usize = 4;

/// Digests that a set of index entries leads to.
#[derive(Debug, Default, Clone)]
pub(super) struct Reached {
    /// All blobs.
    pub blobs: BTreeSet<Sha256>,
    /// Those that are manifests or indexes.
    pub subjects: BTreeSet<Sha256>,
}

/// The SHA-256 digest of a descriptor, if it has one.
pub(super) fn digest_of(entry: &Descriptor) -> Option<Sha256> {
    entry.as_digest_sha256()?.parse().ok()
}

/// The bytes of a small blob, checked against its descriptor.
pub(super) fn read_document(
    name: &str,
    entry: &Descriptor,
    folder: &dyn Folder,
) -> Result<Vec<u8>, LayoutError> {
    let digest = digest_of(entry).unwrap_or(Sha256([0; 32]));
    let damaged = || LayoutError::Damaged { name: name.to_owned(), digest };
    let reader = folder.open(&blob_path(digest))?.ok_or_else(damaged)?;
    let mut bytes = Vec::new();
    reader.take(MOST_DOCUMENT_BYTES + 1).read_to_end(&mut bytes).map_err(|_| damaged())?;
    if entry.size() > MOST_DOCUMENT_BYTES || Sha256::of(&bytes) != digest {
        return Err(damaged());
    }
    Ok(bytes)
}

/// Adds all that `entries` lead to. Entries of foreign types count as blobs.
pub(super) fn reach(
    name: &str,
    entries: &[Descriptor],
    folder: &dyn Folder,
    reached: &mut Reached,
) -> Result<(), LayoutError> {
    walk(name, entries, folder, reached, MOST_DEPTH)
}

fn walk(
    name: &str,
    entries: &[Descriptor],
    folder: &dyn Folder,
    reached: &mut Reached,
    depth: usize,
) -> Result<(), LayoutError> {
    for entry in entries {
        let Some(digest) = digest_of(entry) else { continue };
        if !reached.blobs.insert(digest) || depth == 0 {
            continue;
        }
        let damaged = || LayoutError::Damaged { name: name.to_owned(), digest };
        match entry.media_type() {
            MediaType::ImageIndex => {
                reached.subjects.insert(digest);
                let bytes = read_document(name, entry, folder)?;
                let index: ImageIndex = serde_json::from_slice(&bytes).map_err(|_| damaged())?;
                walk(name, index.manifests(), folder, reached, depth - 1)?;
            }
            MediaType::ImageManifest => {
                reached.subjects.insert(digest);
                let bytes = read_document(name, entry, folder)?;
                let manifest: ImageManifest = serde_json::from_slice(&bytes).map_err(|_| damaged())?;
                let parts = manifest.layers().iter().chain([manifest.config()]);
                reached.blobs.extend(parts.filter_map(digest_of));
            }
            _ => {}
        }
    }
    Ok(())
}
