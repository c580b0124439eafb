//! Pulling: an image with all that refers to it, into a layout folder as `hbuild build` writes it.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};

use oci_spec::image::{Descriptor, MediaType};
use sha2::Digest as _;

use super::collect::{Item, collect};
use super::files::LEGACY_TAGS;
use super::listing::digest_of;
use super::{RegistryFiles, RemoteError, workers};
use crate::digest::Sha256;
use crate::host::folder::HostFolder;
use crate::image::layout::{Adopted, Folder, adopt, blob_path, referrers_tag};
use crate::image::read::Layout;

/// What became of a pull.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pulled {
    /// The index or manifest.
    pub digest: Sha256,
    /// The name of the image in the layout.
    pub name: String,
    /// Blobs and documents that were fetched.
    pub fetched: usize,
    /// Bytes of the blobs that were fetched.
    pub bytes: u64,
    /// Blobs and documents that were there.
    pub there: usize,
    /// Pieces of evidence.
    pub evidence: usize,
}

/// Writes the image of `files` into the layout in `folder`, the image's `name`. What a stopped run fetched is used;
/// the layout leads to the image when all of it is there, not before.
pub fn pull(files: &RegistryFiles, name: &str, folder: &HostFolder) -> Result<Pulled, RemoteError> {
    let layout = Layout::open(files)?;
    let plan = Plan::new(&layout, files.name())?;
    let _guard = folder.lock()?;
    let transfer = Transfer { files, folder };
    let documents = workers::each(&plan.items, |item| transfer.document(item))?;
    let blobs: Vec<(Sha256, u64)> = plan
        .items
        .iter()
        .flat_map(|item| item.blobs.clone())
        .collect::<BTreeMap<_, _>>()
        .into_iter()
        .collect();
    let fetched = workers::each(&blobs, |(digest, size)| transfer.blob(*digest, *size))?;
    adopt(folder, name, &plan.adopted)?;
    let outcomes = || documents.iter().chain(&fetched);
    let sizes = blobs.iter().zip(&fetched).filter(|(_, new)| **new).map(|((_, size), _)| size);
    Ok(Pulled {
        digest: plan.digest,
        name: files.name().to_owned(),
        fetched: outcomes().filter(|new| **new).count(),
        bytes: sizes.sum(),
        there: outcomes().filter(|new| !**new).count(),
        evidence: plan.adopted.referrers.iter().map(|(_, referrers)| referrers.len()).sum(),
    })
}

/// What is to be in the layout.
struct Plan {
    digest: Sha256,
    items: Vec<Item>,
    adopted: Adopted,
}

impl Plan {
    fn new(layout: &Layout<'_>, name: &str) -> Result<Self, RemoteError> {
        let top = layout.resolve(Some(name))?;
        let bad = || RemoteError::Answer { what: name.to_owned(), reason: "no digest".to_owned() };
        let digest = digest_of(&top).ok_or_else(bad)?;
        let tag = (!name.starts_with("sha256:")).then(|| name.to_owned());
        let mut plain = top.clone();
        plain.set_annotations(None);
        let mut entries = vec![(tag.clone(), plain)];
        let image = collect(layout, std::slice::from_ref(&top))?;
        if *top.media_type() == MediaType::ImageIndex {
            entries.extend(tag.iter().flat_map(|tag| platforms(&image, digest, tag)));
        }
        let mut referrers = Vec::new();
        for item in &image {
            let tag = referrers_tag(item.digest);
            for legacy in LEGACY_TAGS.map(|kind| format!("{tag}.{kind}")) {
                if let Ok(mut entry) = layout.resolve(Some(&legacy)) {
                    entry.set_annotations(None);
                    entries.push((Some(legacy), entry));
                }
            }
            let list = layout.referrers(item.digest)?;
            if !list.is_empty() {
                referrers.push((item.digest, list));
            }
        }
        let about = referrers.iter().flat_map(|(_, list)| list);
        let all: Vec<Descriptor> = entries.iter().map(|(_, entry)| entry).chain(about).cloned().collect();
        let items = collect(layout, &all)?;
        Ok(Self { digest, items, adopted: Adopted { variant: tag, entries, referrers } })
    }
}

/// The platforms of the index with this digest, named as `hbuild build` names them.
fn platforms(items: &[Item], index: Sha256, tag: &str) -> Vec<(Option<String>, Descriptor)> {
    let Some(item) = items.iter().find(|item| item.digest == index) else { return Vec::new() };
    let Ok(index) = serde_json::from_slice::<oci_spec::image::ImageIndex>(&item.bytes) else {
        return Vec::new();
    };
    let mut named: BTreeMap<String, Descriptor> = BTreeMap::new();
    for entry in index.manifests() {
        if let Some(platform) = entry.platform() {
            let mut entry = entry.clone();
            entry.set_annotations(None);
            named.entry(format!("{tag}-{}", platform.architecture())).or_insert(entry);
        }
    }
    named.into_iter().map(|(name, entry)| (Some(name), entry)).collect()
}

struct Transfer<'a> {
    files: &'a RegistryFiles,
    folder: &'a HostFolder,
}

impl Transfer<'_> {
    /// Whether the document was written.
    fn document(&self, item: &Item) -> Result<bool, RemoteError> {
        let path = blob_path(item.digest);
        if self.is_there(item.digest, item.bytes.len() as u64)? {
            return Ok(false);
        }
        let mut file = self.folder.create(&path)?;
        file.write_all(&item.bytes).map_err(|source| self.failed(&path, source))?;
        file.finish()?;
        Ok(true)
    }

    /// Whether the blob was fetched. What was had of it before is kept under a name that no blob has.
    fn blob(&self, digest: Sha256, size: u64) -> Result<bool, RemoteError> {
        let path = blob_path(digest);
        if self.is_there(digest, size)? {
            return Ok(false);
        }
        let partial = format!(".tmp-{digest}");
        let place = self.folder.root().join(&partial);
        let failed = |source| self.failed(&partial, source);
        let mut options = OpenOptions::new();
        let mut file =
            options.read(true).write(true).create(true).truncate(false).open(&place).map_err(failed)?;
        self.files.repository().fetch_blob(digest, size, &mut file)?;
        drop(file);
        let target = self.folder.root().join(&path);
        let parent = target.parent().unwrap_or(self.folder.root());
        fs::create_dir_all(parent).and_then(|()| fs::rename(&place, &target)).map_err(failed)?;
        Ok(true)
    }

    /// Whether a blob is there whole.
    fn is_there(&self, digest: Sha256, size: u64) -> Result<bool, RemoteError> {
        let path = blob_path(digest);
        if self.folder.size(&path)? != Some(size) {
            return Ok(false);
        }
        let Some(mut reader) = self.folder.open(&path)? else { return Ok(false) };
        let mut hasher = sha2::Sha256::new();
        let mut buffer = vec![0; 1 << 16];
        loop {
            match reader.read(&mut buffer) {
                Ok(0) => return Ok(hasher.finalize()[..] == digest.0),
                Ok(count) => hasher.update(&buffer[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(self.failed(&path, source)),
            }
        }
    }

    fn failed(&self, path: &str, source: io::Error) -> RemoteError {
        RemoteError::Keep { path: self.folder.root().join(path), source }
    }
}
