//! The Packages files of a suite: fetched by digest, checked, decompressed.

use std::io::Read;

use super::{RepositoryError, SignedSuite};
use crate::digest::Sha256;
use crate::distro::access::RepositoryFile;
use crate::distro::debian::index::Index;
use crate::distro::surroundings::Surroundings;

/// Name of the derived form that indexes are kept in; another one for every change of it.
pub const DERIVED_FORM: &str = "debian-index-1";

/// Largest Packages file read, decompressed, where the suite does not state its length.
const MAX_PACKAGES_BYTES: u64 = 1 << 29;
/// Memory that the xz decoder may take; `xz -9` needs 65 MiB.
const XZ_MEMORY: u64 = 256 << 20;

/// A Packages file that a suite names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexFile {
    /// `main`.
    pub component: String,
    /// Debian's name of the architecture, or `all`.
    pub arch: String,
    /// Path below the suite's folder.
    pub path: String,
    /// SHA-256 as fetched (compressed).
    pub sha256: Sha256,
    /// Length as fetched.
    pub size: u64,
    /// Length decompressed, where the suite states it.
    pub unpacked_size: Option<u64>,
    encoding: Encoding,
}

/// How a Packages file is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Xz,
    Gzip,
    Plain,
}

impl SignedSuite {
    /// The Packages files with the packages of `component` for `arch`: one, or two where packages for all
    /// architectures stand apart.
    pub fn index_files(&self, component: &str, arch: &str) -> Result<Vec<IndexFile>, RepositoryError> {
        let release = &self.release;
        if !release.has_component(component) {
            return Err(RepositoryError::NoComponent {
                name: self.name(),
                component: component.to_owned(),
                known: release.components.clone(),
            });
        }
        let found: Vec<IndexFile> = release
            .index_architectures(arch)
            .into_iter()
            .filter_map(|arch| self.index_file(component, arch))
            .collect();
        if found.iter().any(|file| file.arch == arch) {
            return Ok(found);
        }
        Err(RepositoryError::NoArchitecture {
            name: self.name(),
            arch: arch.to_owned(),
            known: release.architectures.clone(),
        })
    }

    fn index_file(&self, component: &str, arch: &str) -> Option<IndexFile> {
        let plain = format!("{component}/binary-{arch}/Packages");
        let unpacked_size = self.release.file(&plain).map(|file| file.size);
        let encodings = [(".xz", Encoding::Xz), (".gz", Encoding::Gzip), ("", Encoding::Plain)];
        encodings.into_iter().find_map(|(suffix, encoding)| {
            let file = self.release.file(&format!("{plain}{suffix}"))?;
            Some(IndexFile {
                component: component.to_owned(),
                arch: arch.to_owned(),
                path: file.path.clone(),
                sha256: file.sha256,
                size: file.size,
                unpacked_size,
                encoding,
            })
        })
    }

    /// How messages call it: `debian/bookworm`.
    pub(super) fn name(&self) -> String {
        format!("{}/{}", self.repository, self.suite)
    }
}

/// The index of a Packages file: from its derived form where that is kept, else from the file itself, which is
/// fetched where it is not kept.
pub fn load_index(
    suite: &SignedSuite,
    file: &IndexFile,
    surroundings: Surroundings<'_>,
) -> Result<Index, RepositoryError> {
    let keep = |source| RepositoryError::Cache { name: suite.name(), source };
    if surroundings.cache.has_file(file.sha256) {
        let derived = surroundings.cache.derived(DERIVED_FORM, file.sha256).map_err(keep)?;
        if let Some(Ok(index)) = derived.map(Index::from_cache) {
            return Ok(index);
        }
    }
    let text = packages_text(suite, file, surroundings)?;
    let index = Index::parse(text).map_err(|source| RepositoryError::Index {
        name: suite.name(),
        path: file.path.clone(),
        source,
    })?;
    let derived = index.to_cache();
    drop(index);
    surroundings.cache.keep_derived(DERIVED_FORM, file.sha256, &derived).map_err(keep)?;
    Index::from_cache(derived).map_err(|source| RepositoryError::Index {
        name: suite.name(),
        path: file.path.clone(),
        source,
    })
}

/// Brings a Packages file into the cache, as its mirrors have it, if it is not there.
pub fn fetch_index(
    suite: &SignedSuite,
    file: &IndexFile,
    surroundings: Surroundings<'_>,
) -> Result<(), RepositoryError> {
    if surroundings.cache.has_file(file.sha256) {
        return Ok(());
    }
    let bytes = fetch(suite, file, surroundings)?;
    let kept = surroundings.cache.keep_file(file.sha256, &bytes);
    kept.map_err(|source| RepositoryError::Cache { name: suite.name(), source })
}

/// The text of a Packages file, from the cache or from a mirror; in the latter case it is kept as fetched.
pub fn packages_text(
    suite: &SignedSuite,
    file: &IndexFile,
    surroundings: Surroundings<'_>,
) -> Result<Vec<u8>, RepositoryError> {
    let keep = |source| RepositoryError::Cache { name: suite.name(), source };
    let kept = surroundings.cache.file(file.sha256).map_err(keep)?;
    let bytes = match kept.filter(|bytes| Sha256::of(bytes) == file.sha256) {
        Some(bytes) => bytes,
        None => {
            let bytes = fetch(suite, file, surroundings)?;
            surroundings.cache.keep_file(file.sha256, &bytes).map_err(keep)?;
            bytes
        }
    };
    unpack(file, bytes).map_err(|reason| RepositoryError::Unpack {
        name: suite.name(),
        path: file.path.clone(),
        reason,
    })
}

fn fetch(
    suite: &SignedSuite,
    file: &IndexFile,
    surroundings: Surroundings<'_>,
) -> Result<Vec<u8>, RepositoryError> {
    let folder = format!("dists/{}", suite.suite);
    let mut paths = Vec::with_capacity(2);
    if suite.release.acquire_by_hash {
        let parent = file.path.rsplit_once('/').map_or("", |(parent, _)| parent);
        paths.push(format!("{folder}/{parent}/by-hash/SHA256/{}", file.sha256));
    }
    paths.push(format!("{folder}/{}", file.path));
    let wanted = RepositoryFile {
        repository: &suite.repository,
        url: suite.url.as_deref(),
        paths: &paths,
        sha256: Some(file.sha256),
        size: Some(file.size),
        limit: file.size,
    };
    Ok(surroundings.access.fetch(&wanted)?)
}

/// The decompressed text, of exactly the length that the suite states, or below a limit.
fn unpack(file: &IndexFile, bytes: Vec<u8>) -> Result<Vec<u8>, String> {
    let limit = file.unpacked_size.unwrap_or(MAX_PACKAGES_BYTES);
    if limit > MAX_PACKAGES_BYTES {
        return Err(format!("it has {limit} bytes unpacked, more than {MAX_PACKAGES_BYTES}"));
    }
    let capacity = file.unpacked_size.map_or(bytes.len() * 4, |size| size as usize + 1);
    let read = |reader: &mut dyn Read| {
        let mut text = Vec::with_capacity(capacity);
        reader.take(limit + 1).read_to_end(&mut text).map_err(|error| error.to_string())?;
        Ok::<_, String>(text)
    };
    let text = match file.encoding {
        Encoding::Plain => bytes,
        Encoding::Gzip => read(&mut flate2::bufread::MultiGzDecoder::new(bytes.as_slice()))?,
        Encoding::Xz => {
            let stream =
                liblzma::stream::Stream::new_stream_decoder(XZ_MEMORY, liblzma::stream::CONCATENATED);
            let stream = stream.map_err(|error| error.to_string())?;
            read(&mut liblzma::bufread::XzDecoder::new_stream(bytes.as_slice(), stream))?
        }
    };
    let length = text.len() as u64;
    match file.unpacked_size {
        Some(expected) if length != expected => {
            Err(format!("unpacked it has another length than {expected} bytes"))
        }
        None if length > limit => Err(format!("unpacked it has more than {limit} bytes")),
        _ => Ok(text),
    }
}
