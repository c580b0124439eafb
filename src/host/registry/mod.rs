//! Images of registries, by the OCI distribution specification (1.1): documents and blobs by their digests.
//!
//! What a registry says is believed by digest alone, and every document has a greatest length. Mirrors are asked
//! first: an OCI layout in a folder, or a server that stands for others. Registries are asked by `https:`, those of
//! this host by `http:`; a token is fetched where one wants it, and goes to that registry alone.

mod document;
mod image;
mod token;

use std::collections::BTreeMap;
use std::sync::Mutex;

use super::fetch::{Content, Failure, FetchError, Fetched, Fetcher, Progress, Sink, Wanted};
use super::mirror::Mirrors;
use super::url::Url;
use crate::digest::Sha256;
pub use document::DocumentFault;
pub use image::RemoteImage;

/// The greatest document that is read: what the specification lets registries refuse.
const MOST_DOCUMENT_BYTES: u64 = 4 << 20;
/// What manifests may be.
const MANIFESTS: &str = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json";

/// Asks registries and their mirrors.
pub struct Registry<'a> {
    fetcher: &'a Fetcher,
    mirrors: &'a Mirrors,
    /// Whether only files of this host may be used.
    offline: bool,
    /// `Authorization` by registry and repository, where one was needed.
    tokens: Mutex<BTreeMap<String, String>>,
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
    /// A registry asks for credentials in a way that is not followed.
    #[error("the registry of {name} gives no token: {reason}")]
    #[diagnostic(
        code(hbuild::host::registry_token),
        help(
            "hbuild reads what anyone may read: check the name, or copy the image into an OCI layout and name it in `HBUILD_OCI_MIRROR`"
        )
    )]
    Token {
        /// Registry and repository.
        name: String,
        /// Why.
        reason: String,
    },
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
        Self { fetcher, mirrors, offline, tokens: Mutex::default() }
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
        let limit = part.size.unwrap_or(MOST_DOCUMENT_BYTES);
        let wanted = |urls, headers| Wanted {
            what: what.clone(),
            urls,
            content: Some(Content::Sha256(part.sha256)),
            size: part.size,
            limit,
            headers,
        };
        let accept = || vec![("accept".to_owned(), if part.manifest { MANIFESTS } else { "*/*" }.to_owned())];
        let last = self.offline || only;
        if !mirrors.is_empty() {
            match self.fetcher.fetch(&wanted(mirrors, accept()), sink, progress) {
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
        let url = self.registry_url(part);
        let mut headers = accept();
        headers.extend(self.token(part.name).map(|token| ("authorization".to_owned(), token)));
        match self.fetcher.fetch(&wanted(vec![url.clone()], headers), sink, progress) {
            Ok(fetched) => Ok(fetched),
            Err(error) => {
                let Some(challenge) = challenge(&error) else { return Err(error.into()) };
                let token = self.new_token(part.name, &url, &challenge)?;
                let mut headers = accept();
                headers.push(("authorization".to_owned(), token));
                Ok(self.fetcher.fetch(&wanted(vec![url], headers), sink, progress)?)
            }
        }
    }

    fn token(&self, name: &str) -> Option<String> {
        self.tokens.lock().expect("no holder panics").get(name).cloned()
    }

    fn new_token(&self, name: &str, url: &Url, challenge: &str) -> Result<String, RegistryError> {
        let refused = |reason: String| RegistryError::Token { name: name.to_owned(), reason };
        let realm = token::realm(challenge, split(name).1, url).map_err(refused)?;
        let wanted = Wanted {
            what: format!("the token for {name}"),
            urls: vec![realm],
            content: None,
            size: None,
            limit: 1 << 20,
            headers: vec![("accept".to_owned(), "application/json".to_owned())],
        };
        let mut answer = Vec::new();
        self.fetcher.fetch(&wanted, &mut answer, &|_, _| {})?;
        let token = token::of_answer(&answer).map_err(refused)?;
        self.tokens.lock().expect("no holder panics").insert(name.to_owned(), token.clone());
        Ok(token)
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

    fn registry_url(&self, part: Part<'_>) -> Url {
        let (registry, _) = split(part.name);
        // The names by which Docker Hub is known and by which it answers differ.
        let host = if registry == "docker.io" { "registry-1.docker.io" } else { registry };
        let scheme = if is_loopback(host) { "http" } else { "https" };
        let base: Url = format!("{scheme}://{host}").parse().expect("evaluation checked the registry's name");
        base.join(&path(part))
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
