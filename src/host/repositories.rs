//! Repositories as the configured mirrors have them.

use super::fetch::{Content, FetchError, Fetcher, Wanted};
use super::mirror::Mirrors;
use crate::distro::access::{AccessError, RepositoryAccess, RepositoryFile};

/// Files of repositories, fetched from their mirrors into memory.
#[derive(Debug, Clone, Copy)]
pub struct Archive<'a> {
    /// What fetches.
    pub fetcher: &'a Fetcher,
    /// Where from.
    pub mirrors: &'a Mirrors,
}

impl RepositoryAccess for Archive<'_> {
    fn fetch(&self, file: &RepositoryFile<'_>) -> Result<Vec<u8>, AccessError> {
        let what = match file.paths.last() {
            Some(path) => format!("`{path}` of the repository `{}`", file.repository),
            None => format!("a file of the repository `{}`", file.repository),
        };
        let bases = self.mirrors.bases(file.repository, file.url, None);
        let bases = bases.map_err(|source| {
            AccessError(Box::new(RepositoryUrlError { repository: file.repository.to_owned(), source }))
        })?;
        let urls = bases.iter().flat_map(|base| file.paths.iter().map(|path| base.join(path))).collect();
        let wanted = Wanted {
            what,
            urls,
            content: file.sha256.map(Content::Sha256),
            size: file.size,
            limit: file.limit,
            headers: Vec::new(),
        };
        let mut bytes = Vec::with_capacity(file.size.map_or(0, |size| size.min(1 << 28) as usize));
        let fetched = self.fetcher.fetch(&wanted, &mut bytes, &|_, _| {});
        fetched.map_err(|error: FetchError| AccessError(Box::new(error)))?;
        Ok(bytes)
    }
}

/// The URL that a recipe gives a repository.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("the URL of the repository `{repository}` cannot be used: {source}")]
#[diagnostic(
    code(hbuild::host::bad_repository_url),
    help("give the repository a `url` of the form `https://host/path`, without the suite")
)]
pub struct RepositoryUrlError {
    /// Its name.
    pub repository: String,
    /// Why.
    pub source: super::url::ParseUrlError,
}
