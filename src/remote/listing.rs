//! The referrers of a manifest in a registry: by the referrers API, else under the tag `sha256-<hex>`.

use std::collections::BTreeSet;

use oci_spec::image::{Descriptor, ImageManifest, MediaType};
use serde::Deserialize;
use ureq::http::Method;

use super::client::{Reply, refused};
use super::{RemoteError, Repository, workers};
use crate::digest::Sha256;
use crate::host::registry::MOST_DOCUMENT_BYTES;
use crate::host::url::{HttpUrl, Url};
use crate::image::layout::referrers_tag;
use crate::image::media_type;

/// More than anyone attaches to one image.
pub(super) const MOST_REFERRERS: usize = 2000;

/// More pages than they would stand on.
const MOST_PAGES: usize = 100;

/// The referrers of one subject.
#[derive(Debug, Clone, Default)]
pub(super) struct Listed {
    /// Their descriptors, once each.
    pub entries: Vec<Descriptor>,
    /// Whether the registry itself lists them.
    pub by_api: bool,
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    manifests: Vec<Descriptor>,
}

impl Listed {
    /// Whether a referrer with this digest is listed.
    pub fn has(&self, digest: Sha256) -> bool {
        self.entries.iter().any(|entry| digest_of(entry) == Some(digest))
    }
}

impl Repository {
    /// The referrers of `subject`.
    pub(super) fn referrers(&self, subject: Sha256) -> Result<Listed, RemoteError> {
        if let Some(entries) = self.by_api(subject)? {
            return Ok(Listed { entries, by_api: true });
        }
        let tag = referrers_tag(subject);
        let entries = match self.document(&tag)? {
            Some(document) if document.parts.is_index() => document.parts.manifests().to_vec(),
            _ => Vec::new(),
        };
        Ok(Listed { entries: once_each(&format!("{}:{tag}", self.name()), entries)?, by_api: false })
    }

    /// All pages of the referrers API; `None` where the registry has none.
    fn by_api(&self, subject: Sha256) -> Result<Option<Vec<Descriptor>>, RemoteError> {
        let mut call = self.call(Method::GET, &format!("referrers/{}", subject.to_oci()));
        call.headers.push(("accept".to_owned(), media_type::INDEX.to_owned()));
        let endless = || RemoteError::EndlessReferrers { what: call.what.clone() };
        let mut seen = BTreeSet::new();
        let mut entries = Vec::new();
        loop {
            if !seen.insert(call.url.clone()) {
                return Err(endless());
            }
            let reply = self.send(&call)?;
            // A registry that does not know the API says so in one of many ways.
            if matches!(reply.status, 400..=499) && !matches!(reply.status, 401 | 403) && entries.is_empty() {
                return Ok(None);
            }
            if reply.status != 200 {
                return Err(refused(&call.what, reply));
            }
            let next = self.next(&call.url, &call.what, &reply)?;
            let bytes = reply.bytes(&call.what, MOST_DOCUMENT_BYTES)?;
            let Ok(page) = serde_json::from_slice::<Page>(&bytes) else {
                let reason = "it is no image index".to_owned();
                return Err(RemoteError::Answer { what: call.what, reason });
            };
            entries.extend(page.manifests);
            if entries.len() > MOST_REFERRERS || seen.len() > MOST_PAGES {
                return Err(endless());
            }
            match next {
                Some(next) => call.url = next,
                None => return Ok(Some(once_each(&call.what, entries)?)),
            }
        }
    }

    /// The next page, by the header `Link` (RFC 8288): of this registry and no other.
    fn next(&self, asked: &HttpUrl, what: &str, reply: &Reply) -> Result<Option<HttpUrl>, RemoteError> {
        let Some(link) = reply.header("link") else { return Ok(None) };
        let next = link.split(',').find(|link| {
            link.split(';').skip(1).any(|part| matches!(part.trim(), "rel=\"next\"" | "rel=next"))
        });
        let Some(target) = next.and_then(|link| link.split_once('<')?.1.split_once('>')) else {
            return Ok(None);
        };
        match asked.resolve(target.0) {
            Ok(Url::Http(url)) if url.same_server(&self.base) => Ok(Some(url)),
            _ => Err(RemoteError::UnsafeRedirect { what: what.to_owned() }),
        }
    }

    /// `entries` with artifact type and annotations of the manifests, where whoever listed them left them out.
    pub(super) fn completed(&self, entries: Vec<Descriptor>) -> Result<Vec<Descriptor>, RemoteError> {
        workers::each(&entries, |entry| {
            let mut entry = entry.clone();
            let annotated = entry.annotations().as_ref().is_some_and(|annotations| !annotations.is_empty());
            let kind = entry.artifact_type().as_ref().map(ToString::to_string);
            if annotated && kind.is_some_and(|kind| kind != media_type::EMPTY) {
                return Ok(entry);
            }
            let Some(document) = self.document(entry.digest().as_ref())? else { return Ok(entry) };
            if let Ok(manifest) = serde_json::from_slice::<ImageManifest>(&document.bytes) {
                let kind = manifest.artifact_type().clone();
                entry.set_artifact_type(Some(kind.unwrap_or_else(|| manifest.config().media_type().clone())));
                entry.set_annotations(manifest.annotations().clone());
            }
            Ok(entry)
        })
    }
}

/// `entries` without repetition and without what is no manifest by SHA-256.
fn once_each(what: &str, entries: Vec<Descriptor>) -> Result<Vec<Descriptor>, RemoteError> {
    if entries.len() > MOST_REFERRERS {
        return Err(RemoteError::EndlessReferrers { what: what.to_owned() });
    }
    let mut seen = BTreeSet::new();
    let manifest = |entry: &Descriptor| {
        matches!(entry.media_type(), MediaType::ImageManifest | MediaType::ImageIndex)
            && entry.size() <= MOST_DOCUMENT_BYTES
    };
    let wanted = |entry: &Descriptor| digest_of(entry).is_some_and(|digest| seen.insert(digest));
    Ok(entries
        .into_iter()
        .filter(manifest)
        .filter({
            let mut wanted = wanted;
            move |entry| wanted(entry)
        })
        .collect())
}

/// The SHA-256 digest of a descriptor.
pub(super) fn digest_of(entry: &Descriptor) -> Option<Sha256> {
    entry.as_digest_sha256()?.parse().ok()
}
