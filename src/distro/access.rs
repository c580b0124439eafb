//! How the files of a repository are had: the outside world as `distro` and `lock` see it.

use crate::digest::Sha256;

/// Gives files of repositories; [`crate::host::repositories`] does it from mirrors.
pub trait RepositoryAccess: Sync {
    /// The bytes of `file`. Where its digest is known, bytes of that digest; else whatever a mirror gives.
    fn fetch(&self, file: &RepositoryFile<'_>) -> Result<Vec<u8>, AccessError>;
}

/// A file of a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RepositoryFile<'a> {
    /// Name of the repository, by which its mirrors are configured.
    pub repository: &'a str,
    /// Base URL of a repository that the recipe brings.
    pub url: Option<&'a str>,
    /// Paths below the base that it may have, tried in order on each mirror.
    pub paths: &'a [String],
    /// Its SHA-256, where known.
    pub sha256: Option<Sha256>,
    /// Its length in bytes, where known.
    pub size: Option<u64>,
    /// Most bytes taken where the length is not known.
    pub limit: u64,
}

/// Why a file could not be had, as whoever fetches says it.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error(transparent)]
#[diagnostic(transparent)]
pub struct AccessError(pub Box<dyn miette::Diagnostic + Send + Sync>);
