//! The index of a repository at one moment: its APKINDEX.tar.gz, verified.
//!
//! Trust goes one way: the keyring of the recipe -> the signature -> the bytes behind it -> the checksum of each
//! package. Whatever a mirror gives outside that chain is refused.
//!
//! An APKINDEX has no expiry, and the index of a release that is not supported any more stays as it is for ever, so that no
//! age by itself says that a mirror is held back. What is refused is an index older than the one that the lock knows, and one
//! from the future.

mod archive;
mod error;

pub use error::RepositoryError;

use hbuild_lang::recipe::Repository;

use super::index::{Index, MAX_INDEX_SIZE};
use super::signature::Keyring;
use crate::digest::Sha256;
use crate::distro::access::RepositoryFile;
use crate::distro::surroundings::Surroundings;
use crate::timestamp::Timestamp;
use archive::Opened;

/// Name of the derived form that indexes are kept in; another one for every change of it.
pub const DERIVED_FORM: &str = "alpine-index-1";

/// The base URL of Alpine's own mirror.
pub const PRIMARY_MIRROR: &str = "https://dl-cdn.alpinelinux.org/alpine";

/// Largest APKINDEX.tar.gz taken, in bytes; Alpine's have less than 3 MB.
const MAX_ARCHIVE_BYTES: u64 = 64 << 20;
/// How far an index's date may be ahead of the clock.
const MAX_AHEAD_SECONDS: i64 = 24 * 3600;

/// An index whose signature holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIndex {
    /// Name of the repository.
    pub repository: String,
    /// URL of a repository of the recipe.
    pub url: Option<String>,
    /// The branch: `v3.19`.
    pub branch: String,
    /// The repository below the branch: `main`.
    pub component: String,
    /// Alpine's name of the architecture: `x86_64`.
    pub arch: String,
    /// SHA-256 of the APKINDEX.tar.gz as fetched.
    pub sha256: Sha256,
    /// Its length in bytes.
    pub size: u64,
    /// When it was made: the time of the APKINDEX in the archive; where that is not kept, of the newest package.
    pub date: Timestamp,
    /// Names of the keys whose signatures hold, sorted.
    pub signed_by: Vec<String>,
    /// What the repository calls itself: `v3.19.1-1074-g0c7b6a8b0ba`.
    pub description: String,
}

/// What was believed of an index before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownIndex {
    /// Its date.
    pub date: Timestamp,
}

impl SignedIndex {
    /// The index of `component` for `arch` as the mirrors of `repository` have it now, its signature checked, and its
    /// date against `now` and what was `known` before. The file is kept.
    pub fn refresh(
        repository: &Repository,
        component: &str,
        arch: &str,
        known: Option<KnownIndex>,
        surroundings: Surroundings<'_>,
        now: Timestamp,
    ) -> Result<Self, RepositoryError> {
        let paths = [path(&repository.suite, component, arch)];
        let wanted = RepositoryFile {
            repository: &repository.name,
            url: repository.url.as_deref(),
            paths: &paths,
            sha256: None,
            size: None,
            limit: MAX_ARCHIVE_BYTES,
        };
        let bytes = surroundings.access.fetch(&wanted)?;
        let index = Self::verify(repository, component, arch, &bytes)?;
        let (name, date) = (index.name(), index.date);
        if date > now.plus(MAX_AHEAD_SECONDS) {
            return Err(RepositoryError::NotYetValid { name, date, now });
        }
        if let Some(KnownIndex { date: locked }) = known.filter(|known| known.date > date) {
            return Err(RepositoryError::Older { name, date, locked });
        }
        let kept = surroundings.cache.keep_file(index.sha256, &bytes);
        kept.map_err(|source| RepositoryError::Cache { name, source })?;
        Ok(index)
    }

    /// The index that `bytes`, an APKINDEX.tar.gz, is, if a signature by the repository's keys holds.
    pub fn verify(
        repository: &Repository,
        component: &str,
        arch: &str,
        bytes: &[u8],
    ) -> Result<Self, RepositoryError> {
        let name = name(&repository.name, &repository.suite, component, arch);
        if repository.keys.is_empty() {
            return Err(RepositoryError::NoKeys { name });
        }
        let keyring = Keyring::parse(repository.keys.iter().map(|key| (key.name.as_str(), &*key.text)))?;
        let opened = Opened::new(bytes, &name)?;
        let signed_by = keyring.verify(opened.signed, &opened.signatures);
        let signed_by =
            signed_by.map_err(|source| RepositoryError::Signature { name: name.clone(), source })?;
        let about = opened.about(&name)?;
        Ok(Self {
            repository: repository.name.clone(),
            url: repository.url.clone(),
            branch: repository.suite.clone(),
            component: component.to_owned(),
            arch: arch.to_owned(),
            sha256: Sha256::of(bytes),
            size: bytes.len() as u64,
            date: about.date,
            signed_by,
            description: about.description,
        })
    }

    /// The packages in `bytes`, the APKINDEX.tar.gz that was verified.
    pub fn packages(&self, bytes: &[u8]) -> Result<Index, RepositoryError> {
        let name = self.name();
        let text = Opened::new(bytes, &name)?.text(&name)?;
        Index::parse(text).map_err(|source| RepositoryError::Index { name, source })
    }

    /// Path below the repository's base: `v3.19/main/x86_64/APKINDEX.tar.gz`.
    pub fn path(&self) -> String {
        path(&self.branch, &self.component, &self.arch)
    }

    /// How messages call it: `alpine/v3.19/main/x86_64`.
    pub fn name(&self) -> String {
        name(&self.repository, &self.branch, &self.component, &self.arch)
    }
}

/// The packages of a signed index: from its derived form where that is kept, else from the file itself, which is fetched
/// where it is not kept.
pub fn load_index(index: &SignedIndex, surroundings: Surroundings<'_>) -> Result<Index, RepositoryError> {
    let keep = |source| RepositoryError::Cache { name: index.name(), source };
    let Surroundings { access, cache } = surroundings;
    if cache.has_file(index.sha256) {
        let derived = cache.derived(DERIVED_FORM, index.sha256).map_err(keep)?;
        if let Some(Ok(found)) = derived.map(Index::from_cache) {
            return Ok(found);
        }
    }
    let kept = cache.file(index.sha256).map_err(keep)?;
    let bytes = match kept.filter(|bytes| Sha256::of(bytes) == index.sha256) {
        Some(bytes) => bytes,
        None => {
            let bytes = access.fetch(&RepositoryFile {
                repository: &index.repository,
                url: index.url.as_deref(),
                paths: &[index.path()],
                sha256: Some(index.sha256),
                size: Some(index.size),
                limit: index.size,
            })?;
            cache.keep_file(index.sha256, &bytes).map_err(keep)?;
            bytes
        }
    };
    let found = index.packages(&bytes)?;
    let derived = found.to_cache();
    cache.keep_derived(DERIVED_FORM, index.sha256, &derived).map_err(keep)?;
    Ok(found)
}

/// `v3.19/main/x86_64/APKINDEX.tar.gz`; a repository of the recipe may have neither branch nor component.
fn path(branch: &str, component: &str, arch: &str) -> String {
    joined([branch, component, arch, "APKINDEX.tar.gz"])
}

fn name(repository: &str, branch: &str, component: &str, arch: &str) -> String {
    joined([repository, branch, component, arch])
}

fn joined(parts: [&str; 4]) -> String {
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join("/")
}
