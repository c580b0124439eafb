//! Images of registries, by the OCI distribution specification (1.1): documents and blobs by their digests.
//!
//! What a registry says is believed by digest alone, and every document has a greatest length. Mirrors are asked
//! first: an OCI layout in a folder, or a server that stands for others. Registries are asked by `https:`, those of
//! this host by `http:`; a token is fetched where one wants it, and goes to that registry alone.

mod authorization;
mod document;
mod image;
mod login;
mod token;

use super::fetch::{Content, Failure, FetchError, Fetched, Fetcher, Progress, Sink, Wanted};
use super::mirror::Mirrors;
use super::url::{HttpUrl, Url};
use crate::digest::Sha256;
pub use authorization::{AuthorizationError, Authorizations, Scope};
pub use document::DocumentFault;
pub use image::RemoteImage;
pub use login::{LoginError, Logins};

/// The greatest document that is read: what the specification lets registries refuse.
pub const MOST_DOCUMENT_BYTES: u64 = 4 << 20;
/// What manifests may be.
pub const MANIFESTS: &str = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json";

/// Asks registries and their mirrors.
pub struct Registry<'a> {
    fetcher: &'a Fetcher,
    mirrors: &'a Mirrors,
    /// Whether only files of this host may be used.
    offline: bool,
    authorizations: Authorizations,
}

/// Something of a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part<'a> {
    /// Registry and repository: `docker.io/library/alpine`.
    pub name: &'a str,
    /// Its digest.
    pub sha256: Sha256,
    /// Its length in bytes, where known.
    pub size: Option<u64>,
    /// Whether it is a manifest or an index, which registries keep apart from blobs.
    pub manifest: bool,
}

/// Why an image could not be had.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum RegistryError {
    /// A transfer failed.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Fetch(#[from] FetchError),
    /// The network may not be used.
    #[error("{what} is in no mirror of this host, and the network may not be used")]
    #[diagnostic(
        code(hbuild::host::registry_offline),
        help(
            "run the command once without `--offline`, or name an OCI layout in `HBUILD_OCI_MIRROR`, as `file:/…`"
        )
    )]
    Offline {
        /// What was wanted.
        what: String,
    },
    /// It does not let us.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Authorization(#[from] AuthorizationError),
    /// What has the digest is no image.
    #[error("{reference} is no image that can be taken: {fault}")]
    #[diagnostic(code(hbuild::host::not_an_image), help("{}", fault.help()))]
    NotAnImage {
        /// The reference.
        reference: String,
        /// Why.
        fault: DocumentFault,
    },
}

impl<'a> Registry<'a> {
    /// Registries as `fetcher` and `mirrors` reach them.
    pub fn new(fetcher: &'a Fetcher, mirrors: &'a Mirrors, offline: bool) -> Self {
        Self { fetcher, mirrors, offline, authorizations: Authorizations::default() }
    }

    /// Fetches `part` into `sink`, which may hold the beginning of it.
    pub fn fetch(
        &self,
        part: Part<'_>,
        sink: &mut dyn Sink,
        progress: Progress<'_>,
    ) -> Result<Fetched, RegistryError> {
        let what = format!("{}@{}", part.name, part.sha256.to_oci());
        let (mirrors, only) = self.mirror_urls(part);
        let last = self.offline || only;
        if !mirrors.is_empty() {
            match self.fetcher.fetch(&wanted(part, mirrors, None), sink, progress) {
                Ok(fetched) => return Ok(fetched),
                Err(error @ (FetchError::Cancelled { .. } | FetchError::Sink { .. })) => {
                    return Err(error.into());
                }
                Err(error) if last && !(self.offline && error.is_not_found()) => return Err(error.into()),
                Err(_) => {}
            }
        }
        if self.offline {
            return Err(RegistryError::Offline { what });
        }
        fetch_part(self.fetcher, &self.authorizations, &Scope::pull(part.name), part, sink, progress)
    }

    /// Where mirrors may have it, and whether nothing else is to be asked.
    fn mirror_urls(&self, part: Part<'_>) -> (Vec<Url>, bool) {
        let bases = self.mirrors.bases(MIRROR, None, None).unwrap_or_default();
        let hex = part.sha256.to_string();
        let mut urls = Vec::new();
        for base in &bases {
            match base {
                Url::File(_) => {
                    urls.push(base.join(&format!("{}/blobs/sha256/{hex}", part.name)));
                    urls.push(base.join(&format!("blobs/sha256/{hex}")));
                }
                Url::Http(_) if self.offline => {}
                Url::Http(_) => urls.push(base.join(&path(part))),
            }
        }
        (urls, !bases.is_empty() && !self.mirrors.fallback())
    }
}

/// Fetches `part` from its registry into `sink`, which may hold the beginning of it.
pub fn fetch_part(
    fetcher: &Fetcher,
    authorizations: &Authorizations,
    scope: &Scope,
    part: Part<'_>,
    sink: &mut dyn Sink,
    progress: Progress<'_>,
) -> Result<Fetched, RegistryError> {
    let url = base_url(split(part.name).0).below(&path(part));
    let urls = || vec![Url::Http(url.clone())];
    let known = authorizations.known(scope);
    match fetcher.fetch(&wanted(part, urls(), known), sink, progress) {
        Ok(fetched) => Ok(fetched),
        Err(error) => {
            let Some(challenge) = challenge(&error) else { return Err(error.into()) };
            let header = authorizations.answer(fetcher, scope, &url, &challenge)?;
            Ok(fetcher.fetch(&wanted(part, urls(), Some(header)), sink, progress)?)
        }
    }
}

fn wanted(part: Part<'_>, urls: Vec<Url>, authorization: Option<String>) -> Wanted {
    let accept = if part.manifest { MANIFESTS } else { "*/*" };
    let mut headers = vec![("accept".to_owned(), accept.to_owned())];
    headers.extend(authorization.map(|header| ("authorization".to_owned(), header)));
    Wanted {
        what: format!("{}@{}", part.name, part.sha256.to_oci()),
        urls,
        content: Some(Content::Sha256(part.sha256)),
        size: part.size,
        limit: part.size.unwrap_or(MOST_DOCUMENT_BYTES),
        headers,
    }
}

/// Where a registry is asked.
pub fn base_url(registry: &str) -> HttpUrl {
    // The names by which Docker Hub is known and by which it answers differ.
    let host = if registry == "docker.io" { "registry-1.docker.io" } else { registry };
    let scheme = if is_loopback(host) { "http" } else { "https" };
    match format!("{scheme}://{host}").parse() {
        Ok(Url::Http(url)) => url,
        _ => unreachable!("the name of a registry was checked where it was read"),
    }
}

/// The name under which mirrors of registries are configured.
pub const MIRROR: &str = "oci";

/// Registry, and repository there.
fn split(name: &str) -> (&str, &str) {
    name.split_once('/').unwrap_or((name, ""))
}

fn path(part: Part<'_>) -> String {
    let kind = if part.manifest { "manifests" } else { "blobs" };
    format!("v2/{}/{kind}/{}", split(part.name).1, part.sha256.to_oci())
}

/// Whether a registry is on this host: there alone no TLS is asked for.
fn is_loopback(authority: &str) -> bool {
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    host == "localhost" || host.parse().is_ok_and(|address: std::net::Ipv4Addr| address.is_loopback())
}

/// What the registry wants to know first, where that is why it refused.
fn challenge(error: &FetchError) -> Option<String> {
    let FetchError::Unreachable { failures, .. } = error else { return None };
    failures.iter().find_map(|entry| match &entry.failure {
        Failure::Challenge(challenge) => Some(challenge.clone()),
        _ => None,
    })
}
