//! What images are made of: their documents, and the blobs that these name.

use std::collections::{BTreeMap, BTreeSet};

use oci_spec::image::Descriptor;

use super::documents::{Parts, is_document};
use super::listing::digest_of;
use super::{RemoteError, workers};
use crate::digest::Sha256;
use crate::image::read::Layout;

/// Nesting of indexes that is followed.
const MOST_DEPTH: usize = 4;

/// A manifest or an index.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub digest: Sha256,
    pub media_type: String,
    pub bytes: Vec<u8>,
    /// Its blobs with their lengths.
    pub blobs: BTreeMap<Sha256, u64>,
}

/// The documents that `entries` lead to, once each, those that an index names before it.
pub(super) fn collect(layout: &Layout<'_>, entries: &[Descriptor]) -> Result<Vec<Item>, RemoteError> {
    let mut seen = BTreeSet::new();
    let mut levels = Vec::new();
    let mut level = entries.to_vec();
    for _ in 0..MOST_DEPTH {
        level.retain(|entry| {
            let digest = digest_of(entry).filter(|_| is_document(entry.media_type().as_ref()));
            digest.is_some_and(|digest| seen.insert(digest))
        });
        let found = workers::each(&level, |entry| item(layout, entry))?;
        if found.is_empty() {
            break;
        }
        level = found.iter().flat_map(|(_, below)| below).cloned().collect();
        levels.push(found);
    }
    Ok(levels.into_iter().rev().flatten().map(|(item, _)| item).collect())
}

/// The document of `entry`, and the documents below it.
fn item(layout: &Layout<'_>, entry: &Descriptor) -> Result<(Item, Vec<Descriptor>), RemoteError> {
    let bytes = layout.blob(entry)?;
    let parts = Parts::parse(entry.digest().as_ref(), &bytes)?;
    let blobs = parts.blobs().filter_map(|blob| Some((digest_of(blob)?, blob.size()))).collect();
    let digest = Sha256::of(&bytes);
    let item = Item { digest, media_type: entry.media_type().to_string(), bytes, blobs };
    Ok((item, parts.manifests().to_vec()))
}
