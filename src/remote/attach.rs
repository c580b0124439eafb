//! Documents attached to an image that is in a registry.

use std::collections::BTreeMap;
use std::io::Read;

use super::blobs::Outgoing;
use super::referrers::Additions;
use super::{RemoteError, Repository, workers};
use crate::digest::Sha256;
use crate::image::layout::{Artifact, Blob, BlobContent, Referrer};
use crate::image::media_type;

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Attached {
    /// Documents that were sent.
    pub sent: usize,
    /// Documents that were there and listed.
    pub there: usize,
}

/// Attaches `referrers` to their subjects, which are in the repository, and puts `artifacts` under their names. What
/// others attach meanwhile stays.
pub fn attach(
    repository: &Repository,
    referrers: &[Referrer],
    artifacts: &[Artifact],
) -> Result<Attached, RemoteError> {
    let mut lists = BTreeMap::new();
    for referrer in referrers {
        let subject = referrer.subject.digest;
        if lists.contains_key(&subject) {
            continue;
        }
        if repository.digest_of(&subject.to_oci())?.is_none() {
            let what = format!("{}@{}", repository.name(), subject.to_oci());
            return Err(RemoteError::NotFound { what });
        }
        lists.insert(subject, repository.referrers(subject)?);
    }
    let listed = |referrer: &&Referrer| lists[&referrer.subject.digest].has(Sha256::of(&referrer.manifest));
    let missing: Vec<&Referrer> = referrers.iter().filter(|referrer| !listed(referrer)).collect();
    let manifest = |referrer: &Referrer| Sha256::of(&referrer.manifest);
    let own = |referrer: &&Referrer| {
        let digest = manifest(referrer);
        referrer.blobs().filter(move |(other, _)| *other != digest).collect::<Vec<_>>()
    };
    let blobs: BTreeMap<Sha256, Blob> = missing.iter().flat_map(own).collect();
    workers::each(&blobs.into_values().collect::<Vec<_>>(), |blob| match &blob.content {
        BlobContent::Bytes(bytes) => send_bytes(repository, bytes),
        BlobContent::Stored(_) => Ok(()),
    })?;
    let unlisted = workers::each(&missing, |referrer| {
        let digest = manifest(referrer);
        let put = repository.put(&digest.to_oci(), media_type::MANIFEST, &referrer.manifest)?;
        Ok((!put.referrers).then(|| (referrer.subject.digest, referrer.descriptor())))
    })?;
    let mut additions = Additions::new();
    for (subject, entry) in unlisted.into_iter().flatten() {
        additions.entry(subject).or_default().push(entry);
    }
    repository.list(additions)?;
    let put = workers::each(artifacts, |artifact| {
        if repository.digest_of(&artifact.name)? == Some(Sha256::of(&artifact.manifest)) {
            return Ok(false);
        }
        for bytes in &artifact.blobs {
            send_bytes(repository, bytes)?;
        }
        repository.put(&artifact.name, media_type::MANIFEST, &artifact.manifest)?;
        Ok(true)
    })?;
    let sent = missing.len() + put.iter().filter(|sent| **sent).count();
    Ok(Attached { sent, there: referrers.len() + artifacts.len() - sent })
}

fn send_bytes(repository: &Repository, bytes: &[u8]) -> Result<(), RemoteError> {
    let (digest, size) = (Sha256::of(bytes), bytes.len() as u64);
    if repository.has_blob(digest, size)? {
        return Ok(());
    }
    let open = || Ok(Box::new(bytes) as Box<dyn Read + Send + '_>);
    repository.send_blob(&Outgoing { digest, size, open: &open }, &[])?;
    Ok(())
}
