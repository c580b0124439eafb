//! An image in a registry as the files of a layout: its documents and blobs are fetched when they are read.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Cursor, Read};
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use oci_spec::image::{Descriptor, ImageIndexBuilder, MediaType};

use super::documents::{Document, Parts, is_document};
use super::listing::digest_of;
use super::stream::Stream;
use super::{Reference, RemoteError, Repository, workers};
use crate::digest::Sha256;
use crate::distro::access::AccessError;
use crate::host::registry::MOST_DOCUMENT_BYTES;
use crate::image::config::{descriptor, to_canonical};
use crate::image::layout::{OCI_LAYOUT, blob_path, referrers_index, referrers_tag};
use crate::image::media_type;
use crate::image::read::{ImageFiles, ReadError};

/// Blobs up to this length are kept in memory.
const SMALL: u64 = MOST_DOCUMENT_BYTES;
/// Bytes that are kept in memory.
const MOST_MEMORY: u64 = 128 << 20;
/// Blobs up to this length are kept in a temporary file. Longer ones are fetched each time they are read.
const MIDDLE: u64 = 512 << 20;
/// Bytes that are kept in temporary files.
const MOST_FILES: u64 = 2 << 30;
/// Tags that cosign 2 keeps signatures, attestations and SBOMs under.
pub(super) const LEGACY_TAGS: [&str; 3] = ["sig", "att", "sbom"];
/// Nesting of indexes that is followed.
const MOST_DEPTH: usize = 4;

/// The files of a layout with one image of a registry, its platforms and all that refers to them.
pub struct RegistryFiles {
    repository: Repository,
    index: Vec<u8>,
    name: String,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// What is known to be there.
    known: BTreeMap<Sha256, Known>,
    /// What is kept.
    small: BTreeMap<Sha256, Arc<[u8]>>,
    memory: u64,
    files: BTreeMap<Sha256, Arc<File>>,
    on_disk: u64,
}

#[derive(Clone, Copy)]
struct Known {
    size: u64,
    document: bool,
}

impl RegistryFiles {
    /// The image that `reference` names: by its digest where it has one, else by its tag, `latest` where it has none.
    pub fn open(repository: Repository, reference: &Reference) -> Result<Self, RemoteError> {
        let tag = reference.tag.as_deref();
        let asked = match (reference.digest, tag) {
            (Some(digest), _) => digest.to_oci(),
            (None, tag) => tag.unwrap_or("latest").to_owned(),
        };
        let missing = || {
            let separator = if reference.digest.is_some() { '@' } else { ':' };
            RemoteError::NotFound { what: format!("{}{separator}{asked}", reference.name()) }
        };
        let document = repository.document(&asked)?.ok_or_else(missing)?;
        let name = tag.map_or(asked, str::to_owned);
        let mut files = Self { repository, index: Vec::new(), name, state: Mutex::default() };
        let entry = described(&document);
        let mut found = vec![(entry.clone(), document)];
        files.descend(&mut found)?;
        let subjects: Vec<Sha256> = found.iter().map(|(_, document)| document.digest).collect();
        let mut entries = vec![named(entry, &files.name)];
        for (found, document) in found {
            files.state().keep_document(&found, document);
        }
        entries.extend(files.referring(&subjects)?);
        files.index = index_of(entries);
        Ok(files)
    }

    /// The name of the image in the layout.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Registry and repository.
    pub fn repository(&self) -> &Repository {
        &self.repository
    }

    /// Fetches the manifests below the indexes in `found`.
    fn descend(&self, found: &mut Vec<(Descriptor, Document)>) -> Result<(), RemoteError> {
        let mut from = 0;
        for _ in 0..MOST_DEPTH {
            let below: Vec<Descriptor> =
                found[from..].iter().flat_map(|(_, document)| document.parts.manifests()).cloned().collect();
            from = found.len();
            let fetched = workers::each(&below, |entry| {
                // A copy of some platforms alone is an image too: what is missing is seen by whoever wants it.
                let document = self.repository.document(entry.digest().as_ref())?;
                Ok(document.map(|document| (entry.clone(), document)))
            })?;
            found.extend(fetched.into_iter().flatten());
        }
        Ok(())
    }

    /// The entries of the layout's index for all that refers to `subjects`.
    fn referring(&self, subjects: &[Sha256]) -> Result<Vec<Descriptor>, RemoteError> {
        let lists = workers::each(subjects, |subject| {
            let listed = self.repository.referrers(*subject)?;
            Ok((*subject, self.repository.completed(listed.entries)?))
        })?;
        let mut entries = Vec::new();
        for (subject, referrers) in lists.into_iter().filter(|(_, referrers)| !referrers.is_empty()) {
            referrers.iter().for_each(|referrer| self.state().know(referrer));
            let index = referrers_index(referrers);
            let digest = Sha256::of(&index);
            let entry = descriptor(media_type::INDEX, digest, index.len() as u64);
            entries.push(named(entry, &referrers_tag(subject)));
            self.state().keep(digest, index.into());
        }
        entries.extend(self.legacy(subjects)?);
        Ok(entries)
    }

    fn legacy(&self, subjects: &[Sha256]) -> Result<Vec<Descriptor>, RemoteError> {
        let tags: Vec<String> = subjects
            .iter()
            .flat_map(|subject| LEGACY_TAGS.map(|kind| format!("{}.{kind}", referrers_tag(*subject))))
            .collect();
        let found = workers::each(&tags, |tag| {
            let document = self.repository.document(tag)?;
            Ok(document.map(|document| (tag.clone(), document)))
        })?;
        let mut entries = Vec::new();
        for (tag, document) in found.into_iter().flatten() {
            let entry = described(&document);
            entries.push(named(entry.clone(), &tag));
            self.state().keep_document(&entry, document);
        }
        Ok(entries)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fetch(&self, digest: Sha256, known: Known) -> Result<Box<dyn Read + Send + '_>, RemoteError> {
        if known.document {
            let missing = || RemoteError::NotFound { what: digest.to_oci() };
            let document = self.repository.document(&digest.to_oci())?.ok_or_else(missing)?;
            let bytes: Arc<[u8]> = document.bytes.into();
            self.state().keep(digest, bytes.clone());
            self.state().learn(&document.parts);
            return Ok(Box::new(Cursor::new(bytes)));
        }
        if known.size <= SMALL {
            let mut bytes = Vec::new();
            self.repository.fetch_blob(digest, known.size, &mut bytes)?;
            let bytes: Arc<[u8]> = bytes.into();
            self.state().keep(digest, bytes.clone());
            return Ok(Box::new(Cursor::new(bytes)));
        }
        if known.size > MIDDLE || self.state().on_disk + known.size > MOST_FILES {
            return Ok(Box::new(Stream::new(self.repository.clone(), digest, known.size)));
        }
        let failed = |source| RemoteError::Keep { path: std::env::temp_dir(), source };
        let mut file = tempfile::tempfile().map_err(failed)?;
        self.repository.fetch_blob(digest, known.size, &mut file)?;
        let file = Arc::new(file);
        let mut state = self.state();
        if state.files.insert(digest, file.clone()).is_none() {
            state.on_disk += known.size;
        }
        Ok(Box::new(At { file, at: 0 }))
    }
}

impl ImageFiles for RegistryFiles {
    fn open(&self, path: &str) -> Result<Option<Box<dyn Read + Send + '_>>, ReadError> {
        match path {
            "index.json" => return Ok(Some(Box::new(&self.index[..]))),
            "oci-layout" => return Ok(Some(Box::new(OCI_LAYOUT))),
            _ => {}
        }
        let digest = path.rsplit('/').next().and_then(|hex| hex.parse().ok());
        let Some(digest) = digest.filter(|digest| blob_path(*digest) == path) else { return Ok(None) };
        let state = self.state();
        if let Some(bytes) = state.small.get(&digest) {
            return Ok(Some(Box::new(Cursor::new(bytes.clone()))));
        }
        if let Some(file) = state.files.get(&digest) {
            return Ok(Some(Box::new(At { file: file.clone(), at: 0 })));
        }
        let Some(known) = state.known.get(&digest).copied() else { return Ok(None) };
        drop(state);
        self.fetch(digest, known).map(Some).map_err(|error| ReadError::Access(AccessError(Box::new(error))))
    }
}

impl State {
    fn keep(&mut self, digest: Sha256, bytes: Arc<[u8]>) {
        let length = bytes.len() as u64;
        if self.memory + length <= MOST_MEMORY && self.small.insert(digest, bytes).is_none() {
            self.memory += length;
        }
    }

    fn keep_document(&mut self, entry: &Descriptor, document: Document) {
        self.know(entry);
        self.learn(&document.parts);
        self.keep(document.digest, document.bytes.into());
    }

    fn know(&mut self, entry: &Descriptor) {
        let document = is_document(entry.media_type().as_ref());
        if let Some(digest) = digest_of(entry) {
            self.known.entry(digest).or_insert(Known { size: entry.size(), document });
        }
    }

    fn learn(&mut self, parts: &Parts) {
        parts.manifests().iter().chain(parts.blobs()).for_each(|entry| self.know(entry));
    }
}

/// A reader over a file that others read too.
struct At {
    file: Arc<File>,
    at: u64,
}

impl Read for At {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(out, self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}

/// The descriptor of a document.
fn described(document: &Document) -> Descriptor {
    descriptor(&document.media_type, document.digest, document.bytes.len() as u64)
}

/// An entry of a layout's index with this name. A digest is no name.
fn named(mut entry: Descriptor, name: &str) -> Descriptor {
    if !name.starts_with("sha256:") {
        entry.set_annotations(Some([(media_type::REF_NAME.to_owned(), name.to_owned())].into()));
    }
    entry
}

fn index_of(entries: Vec<Descriptor>) -> Vec<u8> {
    let index = ImageIndexBuilder::default()
        .schema_version(2u32)
        .media_type(MediaType::ImageIndex)
        .manifests(entries)
        .build()
        .expect("all fields are set");
    to_canonical(&index)
}
