//! Documents attached to an image that is in a registry.

use std::collections::BTreeMap;

use super::blobs::Outgoing;
use super::referrers::Additions;
use super::{RemoteError, Repository, workers};
use crate::digest::Sha256;
use crate::image::layout::{EMPTY_CONFIG, Referrer};
use crate::image::media_type;

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Attached {
    /// Documents that were sent.
    pub sent: usize,
    /// Documents that were there and listed.
    pub there: usize,
}

/// Attaches `referrers` to their subjects, which are in the repository. What others attach meanwhile stays.
pub fn attach(repository: &Repository, referrers: &[Referrer]) -> Result<Attached, RemoteError> {
    let mut lists = BTreeMap::new();
    for referrer in referrers {
        let subject = referrer.subject.digest;
        if !lists.contains_key(&subject) {
            if repository.digest_of(&subject.to_oci())?.is_none() {
                let what = format!("{}@{}", repository.name(), subject.to_oci());
                return Err(RemoteError::NotFound { what });
            }
            lists.insert(subject, repository.referrers(subject)?);
        }
    }
    let missing: Vec<&Referrer> = referrers
        .iter()
        .filter(|referrer| !lists[&referrer.subject.digest].has(Sha256::of(&referrer.manifest)))
        .collect();
    if !missing.is_empty() {
        send_bytes(repository, EMPTY_CONFIG)?;
    }
    let unlisted = workers::each(&missing, |referrer| {
        send_bytes(repository, &referrer.document)?;
        let digest = Sha256::of(&referrer.manifest).to_oci();
        let put = repository.put(&digest, media_type::MANIFEST, &referrer.manifest)?;
        Ok((!put.referrers).then(|| (referrer.subject.digest, referrer.descriptor())))
    })?;
    let mut additions = Additions::new();
    for (subject, entry) in unlisted.into_iter().flatten() {
        additions.entry(subject).or_default().push(entry);
    }
    repository.list(additions)?;
    Ok(Attached { sent: missing.len(), there: referrers.len() - missing.len() })
}

fn send_bytes(repository: &Repository, bytes: &[u8]) -> Result<(), RemoteError> {
    let (digest, size) = (Sha256::of(bytes), bytes.len() as u64);
    if repository.has_blob(digest, size)? {
        return Ok(());
    }
    let open = || Ok(Box::new(bytes) as Box<dyn std::io::Read + Send + '_>);
    repository.send_blob(&Outgoing { digest, size, open: &open }, &[])?;
    Ok(())
}
