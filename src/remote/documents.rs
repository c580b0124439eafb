//! Manifests and indexes of a registry, by tag or by digest.

use oci_spec::image::Descriptor;
use serde::Deserialize;
use ureq::http::Method;

use super::client::{Reply, Tries, refused};
use super::{RemoteError, Repository};
use crate::digest::Sha256;
use crate::host::registry::{MANIFESTS, MOST_DOCUMENT_BYTES};
use crate::image::media_type;

const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";

/// A manifest or index.
#[derive(Debug, Clone)]
pub(super) struct Document {
    pub digest: Sha256,
    pub media_type: String,
    pub bytes: Vec<u8>,
    pub parts: Parts,
    /// The registry's `ETag`.
    pub etag: Option<String>,
}

/// What a manifest or index leads to.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Parts {
    media_type: Option<String>,
    manifests: Option<Vec<Descriptor>>,
    config: Option<Descriptor>,
    layers: Option<Vec<Descriptor>>,
}

impl Parts {
    /// The parts of the document in `bytes`.
    pub fn parse(what: &str, bytes: &[u8]) -> Result<Self, RemoteError> {
        let bad = |reason: String| RemoteError::Answer { what: what.to_owned(), reason };
        let parts: Self = serde_json::from_slice(bytes).map_err(|error| bad(error.to_string()))?;
        match (&parts.manifests, &parts.config) {
            (Some(_), None) | (None, Some(_)) => Ok(parts),
            (Some(_), Some(_)) => Err(bad("it is index and manifest at once".to_owned())),
            (None, None) => Err(bad("it is neither index nor manifest".to_owned())),
        }
    }

    /// Whether it is an index.
    pub fn is_index(&self) -> bool {
        self.manifests.is_some()
    }

    /// The manifests below an index.
    pub fn manifests(&self) -> &[Descriptor] {
        self.manifests.as_deref().unwrap_or_default()
    }

    /// Config and layers of a manifest that the registry itself has.
    pub fn blobs(&self) -> impl Iterator<Item = &Descriptor> {
        let foreign = |entry: &&Descriptor| {
            let media_type = entry.media_type().to_string();
            media_type.contains("nondistributable") || media_type.contains(".foreign.")
        };
        let layers = self.layers.iter().flatten().filter(move |entry| !foreign(entry));
        self.config.iter().chain(layers)
    }

    /// The media type: its own, else what it must be.
    pub fn media_type(&self) -> &str {
        let default = if self.is_index() { media_type::INDEX } else { media_type::MANIFEST };
        self.media_type.as_deref().unwrap_or(default)
    }
}

/// What was said about a manifest that was sent.
pub(super) struct Put {
    /// Whether the registry keeps referrers by itself.
    pub referrers: bool,
}

impl Repository {
    /// The document that a tag or a digest (`sha256:…`) names; `None` where there is none.
    pub(super) fn document(&self, reference: &str) -> Result<Option<Document>, RemoteError> {
        let Some((reply, what)) = self.ask(Method::GET, reference)? else { return Ok(None) };
        let said = digest_header(&reply);
        let content_type = reply.header("content-type").map(str::to_owned);
        let etag = reply.header("etag").map(str::to_owned);
        let bytes = reply.bytes(&what, MOST_DOCUMENT_BYTES)?;
        let digest = Sha256::of(&bytes);
        let asked = reference.strip_prefix("sha256:").and_then(|hex| hex.parse().ok());
        if let Some(expected) = asked.or(said).filter(|expected| *expected != digest) {
            return Err(RemoteError::WrongDigest { what, found: digest, expected });
        }
        let parts = Parts::parse(&what, &bytes)?;
        let said = content_type.filter(|said| {
            let list = [media_type::INDEX, DOCKER_LIST].contains(&said.as_str());
            parts.media_type.is_none() && list == parts.is_index()
        });
        let media_type = said.unwrap_or_else(|| parts.media_type().to_owned());
        Ok(Some(Document { digest, media_type, bytes, parts, etag }))
    }

    /// The digest that a tag or a digest names; `None` where there is nothing.
    pub(super) fn digest_of(&self, reference: &str) -> Result<Option<Sha256>, RemoteError> {
        let Some((reply, what)) = self.ask(Method::HEAD, reference)? else { return Ok(None) };
        let asked = reference.strip_prefix("sha256:").and_then(|hex| hex.parse().ok());
        match (digest_header(&reply), asked) {
            (Some(found), Some(expected)) if found != expected => {
                Err(RemoteError::WrongDigest { what, found, expected })
            }
            (Some(found), _) => Ok(Some(found)),
            // A registry need not say it: what it has is asked for and hashed.
            (None, _) => Ok(self.document(reference)?.map(|document| document.digest)),
        }
    }

    fn ask(&self, method: Method, reference: &str) -> Result<Option<(Reply, String)>, RemoteError> {
        let mut call = self.call(method, &format!("manifests/{reference}"));
        call.headers.push(("accept".to_owned(), MANIFESTS.to_owned()));
        let separator = if reference.starts_with("sha256:") { '@' } else { ':' };
        call.what = format!("{}{separator}{reference}", self.name());
        let reply = self.send(&call)?;
        match reply.status {
            200 => Ok(Some((reply, call.what))),
            404 => Ok(None),
            _ => Err(refused(&call.what, reply)),
        }
    }

    /// Sends a document under a tag or its digest.
    pub(super) fn put(&self, reference: &str, media_type: &str, bytes: &[u8]) -> Result<Put, RemoteError> {
        self.put_if(reference, media_type, bytes, None).map(|put| put.unwrap_or(Put { referrers: false }))
    }

    /// Sends a document, where given only in place of the one with this `ETag`; `None` where another is there.
    pub(super) fn put_if(
        &self,
        reference: &str,
        media_type: &str,
        bytes: &[u8],
        etag: Option<&str>,
    ) -> Result<Option<Put>, RemoteError> {
        let mut call = self.call(Method::PUT, &format!("manifests/{reference}"));
        call.headers.push(("content-type".to_owned(), media_type.to_owned()));
        call.headers.extend(etag.map(|etag| ("if-match".to_owned(), etag.to_owned())));
        call.body = bytes;
        let mut tries = Tries::new(self);
        let reply = loop {
            let reply = self.send(&call)?;
            match reply.status {
                412 if etag.is_some() => return Ok(None),
                200..=204 => break reply,
                _ => {}
            }
            match refused(&call.what, reply) {
                // The digest is right. Docker's registry says this while another client sends a blob that the
                // manifest names too.
                RemoteError::Refused { what, status: 400, detail }
                    if detail.starts_with(": DIGEST_INVALID") =>
                {
                    tries.again(None, || RemoteError::Refused { what, status: 400, detail })?;
                }
                error => return Err(error),
            }
        };
        let expected = Sha256::of(bytes);
        if let Some(found) = digest_header(&reply).filter(|found| *found != expected) {
            return Err(RemoteError::WrongDigest { what: call.what, found, expected });
        }
        Ok(Some(Put { referrers: reply.header("oci-subject").is_some() }))
    }
}

/// The digest that an answer says it is about.
pub(super) fn digest_header(reply: &Reply) -> Option<Sha256> {
    reply.header("docker-content-digest")?.trim().strip_prefix("sha256:")?.parse().ok()
}

/// Whether a media type is that of a manifest or an index.
pub(super) fn is_document(media_type: &str) -> bool {
    [media_type::INDEX, media_type::MANIFEST, DOCKER_LIST, DOCKER_MANIFEST].contains(&media_type)
}
