//! Writing a layout.

use std::io::{self, Read, Write};
use std::sync::Mutex;

use oci_spec::image::ImageIndex;
use rayon::prelude::*;
use sha2::Digest as _;

use super::merge::{Plan, plan};
use super::{Blob, BlobContent, Folder, LayoutError, LayoutImage, OCI_LAYOUT, OpenBlob, blob_path};
use crate::digest::Sha256;

const MOST_INDEX_BYTES: u64 = 16 << 20;
const BLOBS: &str = "blobs/sha256";
const COPY_BYTES: u64 = 256 * 1024;

/// How a layout is written.
#[derive(Clone, Copy)]
pub struct WriteOptions<'a> {
    /// Whether blobs that are there are hashed again, instead of only measured.
    pub verify: bool,
    /// Whether the run is being stopped.
    pub cancelled: &'a (dyn Fn() -> bool + Sync),
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Written {
    /// Every name of this run with the digest of the index or manifest it names, sorted by name.
    pub names: Vec<(String, Sha256)>,
    /// Blobs written.
    pub blobs: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Whether `index.json` changed.
    pub changed: bool,
}

/// Makes `folder` a layout of `image`, keeping variants that are in it but not in this run. Blobs that are
/// there with the right length are not written again, and where all is as it shall be nothing is written at
/// all. On an error, or when cancelled, the layout is what it was before.
pub fn write(
    image: &LayoutImage,
    folder: &dyn Folder,
    open: &OpenBlob<'_>,
    options: WriteOptions<'_>,
) -> Result<Written, LayoutError> {
    let _guard = folder.lock()?;
    let found = folder.list("")?;
    let outcome = write_locked(image, folder, open, options, &found);
    if outcome.is_err() && found.is_empty() {
        // The layout did not exist: leave no empty folders either. A failure here would hide the real one.
        for path in ["oci-layout", BLOBS, "blobs", ""] {
            let _ = folder.remove(path);
        }
    }
    outcome
}

fn write_locked(
    image: &LayoutImage,
    folder: &dyn Folder,
    open: &OpenBlob<'_>,
    options: WriteOptions<'_>,
    found: &[String],
) -> Result<Written, LayoutError> {
    let old_bytes = read_index(&image.name, folder, found)?;
    let old = old_bytes.as_deref().map(|bytes| parse_index(&image.name, bytes)).transpose()?;
    let plan = plan(image, old.as_ref(), folder)?;
    carry_out(plan, old_bytes.as_deref(), folder, open, options)
}

/// Writes the blobs of `plan` that are missing, then `index.json`, and removes what it no longer leads to.
pub(super) fn carry_out(
    plan: Plan,
    old_index: Option<&[u8]>,
    folder: &dyn Folder,
    open: &OpenBlob<'_>,
    options: WriteOptions<'_>,
) -> Result<Written, LayoutError> {
    let mut missing = Vec::new();
    for blob in plan.blobs.values() {
        if !is_there(blob, folder, options.verify)? {
            missing.push(blob);
        }
    }
    write_blobs(&missing, folder, open, options)?;
    if folder.size("oci-layout")? != Some(OCI_LAYOUT.len() as u64) {
        put(folder, "oci-layout", OCI_LAYOUT)?;
    }
    let changed = old_index != Some(&plan.index);
    if changed {
        put(folder, "index.json", &plan.index)?;
    }
    remove_unreached(&plan, folder)?;
    Ok(Written {
        blobs: missing.len(),
        bytes: missing.iter().map(|blob| blob.size).sum(),
        names: plan.names,
        changed,
    })
}

/// The bytes of the `index.json` of the layout of `image`; an error where the folder holds something else.
pub(super) fn read_index(
    image: &str,
    folder: &dyn Folder,
    found: &[String],
) -> Result<Option<Vec<u8>>, LayoutError> {
    let ours = |name: &&String| {
        matches!(name.as_str(), "oci-layout" | "index.json" | "blobs") || name.starts_with(".tmp-")
    };
    if !found.iter().any(|name| name == "index.json")
        && let Some(other) = found.iter().find(|name| !ours(name))
    {
        return Err(LayoutError::NotALayout { name: image.to_owned(), found: other.clone() });
    }
    let Some(reader) = folder.open("index.json")? else { return Ok(None) };
    let mut bytes = Vec::new();
    let read = reader.take(MOST_INDEX_BYTES).read_to_end(&mut bytes);
    read.map_err(|_| no_index(image))?;
    Ok(Some(bytes))
}

/// The index of these bytes.
pub(super) fn parse_index(image: &str, bytes: &[u8]) -> Result<ImageIndex, LayoutError> {
    serde_json::from_slice(bytes).map_err(|_| no_index(image))
}

fn no_index(image: &str) -> LayoutError {
    LayoutError::NotALayout { name: image.to_owned(), found: "index.json".to_owned() }
}

fn is_there(blob: &Blob, folder: &dyn Folder, verify: bool) -> Result<bool, LayoutError> {
    let path = blob_path(blob.digest);
    if folder.size(&path)? != Some(blob.size) {
        return Ok(false);
    }
    if !verify {
        return Ok(true);
    }
    let Some(mut reader) = folder.open(&path)? else { return Ok(false) };
    Ok(copy_checked(&mut reader, blob.digest, blob.size, &|| false, &mut io::sink()).is_ok())
}

/// Writes all `blobs`, some at once; where one fails, none stays.
fn write_blobs(
    blobs: &[&Blob],
    folder: &dyn Folder,
    open: &OpenBlob<'_>,
    options: WriteOptions<'_>,
) -> Result<(), LayoutError> {
    let written = Mutex::new(Vec::new());
    let outcome = blobs.par_iter().try_for_each(|blob| {
        let path = blob_path(blob.digest);
        let mut file = folder.create(&path)?;
        copy_blob(blob, open, options.cancelled, &mut file)?;
        file.finish()?;
        written.lock().expect("no holder panics").push(path);
        Ok(())
    });
    if outcome.is_err() {
        for path in written.into_inner().expect("no holder panics") {
            let _ = folder.remove(&path);
        }
    }
    outcome
}

/// Copies a blob to `out`, and fails unless its bytes have the digest and length it states.
pub(crate) fn copy_blob(
    blob: &Blob,
    open: &OpenBlob<'_>,
    cancelled: &(dyn Fn() -> bool + Sync),
    out: &mut dyn Write,
) -> Result<(), LayoutError> {
    let digest = blob.digest;
    let mut reader: Box<dyn Read + Send + '_> = match &blob.content {
        BlobContent::Bytes(bytes) => Box::new(&bytes[..]),
        BlobContent::Stored(stored) => {
            open(*stored).map_err(|source| LayoutError::Open { digest, source })?
        }
    };
    copy_checked(&mut reader, digest, blob.size, cancelled, out)
}

/// Copies everything `reader` gives to `out`, and fails unless it has this digest and length. Bytes are hashed while those
/// before them are written and the next ones read: at the end of a build one large layer is all that is waited for.
pub(crate) fn copy_checked(
    reader: &mut dyn Read,
    digest: Sha256,
    length: u64,
    cancelled: &(dyn Fn() -> bool + Sync),
    out: &mut dyn Write,
) -> Result<(), LayoutError> {
    let mut hasher = sha2::Sha256::new();
    let mut size = 0;
    let (mut block, mut next) = (Vec::new(), Vec::new());
    loop {
        if cancelled() {
            return Err(LayoutError::Cancelled);
        }
        rayon::in_place_scope(|scope| {
            if !block.is_empty() {
                scope.spawn(|_| hasher.update(&block));
                out.write_all(&block).map_err(|error| write_failed(blob_path(digest), error))?;
            }
            next.reserve_exact(COPY_BYTES.min(length + 1 - size.min(length)) as usize);
            let read = reader.take(COPY_BYTES).read_to_end(&mut next);
            read.map_err(|error| LayoutError::Open { digest, source: error.into() })
        })?;
        size += next.len() as u64;
        if next.is_empty() || size > length {
            break;
        }
        std::mem::swap(&mut block, &mut next);
        next.clear();
    }
    let right = size == length && hasher.finalize()[..] == digest.0;
    if right { Ok(()) } else { Err(LayoutError::Content { digest }) }
}

fn put(folder: &dyn Folder, path: &str, bytes: &[u8]) -> Result<(), LayoutError> {
    let mut file = folder.create(path)?;
    file.write_all(bytes).map_err(|error| write_failed(path.to_owned(), error))?;
    Ok(file.finish()?)
}

fn write_failed(path: String, source: io::Error) -> LayoutError {
    super::FolderError { action: "write", path: path.into(), source }.into()
}

/// Removes blobs that the new index does not lead to, and what an interrupted run left.
fn remove_unreached(plan: &Plan, folder: &dyn Folder) -> Result<(), LayoutError> {
    for name in folder.list(BLOBS)? {
        let reached =
            name.parse().is_ok_and(|digest| plan.blobs.contains_key(&digest) || plan.kept.contains(&digest));
        if !reached {
            folder.remove(&format!("{BLOBS}/{name}"))?;
        }
    }
    for name in folder.list("")?.iter().filter(|name| name.starts_with(".tmp-")) {
        folder.remove(name)?;
    }
    Ok(())
}
