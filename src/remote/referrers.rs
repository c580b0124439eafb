//! Referrers in registries that do not list them: the index under the tag `sha256-<hex>` is read, extended and written.
//!
//! No such registry can be told to replace one index and no other. Two that write at once can each overwrite what the
//! other added, so whoever wrote waits until the other must be done, reads again, and adds again what is missing.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use oci_spec::image::Descriptor;

use super::listing::digest_of;
use super::{RemoteError, Repository, workers};
use crate::digest::Sha256;
use crate::image::layout::{referrers_index, referrers_tag};
use crate::image::media_type;

/// Rounds of writing and reading again.
const ROUNDS: u32 = 30;
/// How long another writer takes at least between reading and writing.
const SETTLE: Duration = Duration::from_millis(300);
/// How much longer than our own writing the other's may take.
const SLOWER: u32 = 5;

/// Referrers to be listed, by their subjects.
pub(super) type Additions = BTreeMap<Sha256, Vec<Descriptor>>;

impl Repository {
    /// Has `additions`, whose manifests were sent and not taken for referrers, listed: a registry that lists them
    /// all the same is left alone.
    pub(super) fn list(&self, mut additions: Additions) -> Result<(), RemoteError> {
        let subjects: Vec<Sha256> = additions.keys().copied().collect();
        let lists = workers::each(&subjects, |subject| self.referrers(*subject))?;
        for (subject, listed) in subjects.iter().zip(lists) {
            let listed_all = |entries: &Vec<Descriptor>| {
                entries.iter().filter_map(digest_of).all(|digest| listed.by_api && listed.has(digest))
            };
            if additions.get(subject).is_some_and(listed_all) {
                additions.remove(subject);
            }
        }
        self.list_under_tags(&additions)
    }

    /// Lists `additions` under the tags of their subjects, and comes back when they are there.
    fn list_under_tags(&self, additions: &Additions) -> Result<(), RemoteError> {
        let mut pending: Vec<(&Sha256, &Vec<Descriptor>)> = additions.iter().collect();
        for _ in 0..ROUNDS {
            let outcomes = workers::each(&pending, |(subject, entries)| self.extend(**subject, entries))?;
            let slowest = outcomes.iter().flatten().max().copied();
            let written = pending.iter().zip(&outcomes).filter(|(_, wrote)| wrote.is_some());
            pending = written.map(|(subject, _)| *subject).collect();
            let Some(slowest) = slowest else { return Ok(()) };
            self.wait(SETTLE.max(slowest * SLOWER))?;
        }
        let names: Vec<String> = pending.iter().map(|(subject, _)| subject.to_oci()).collect();
        Err(RemoteError::Contended { what: format!("{}@{}", self.name(), names.join(", ")) })
    }

    /// Adds what is missing under the tag of `subject`; how long that took, or `None` where nothing was missing.
    fn extend(&self, subject: Sha256, entries: &[Descriptor]) -> Result<Option<Duration>, RemoteError> {
        let begun = Instant::now();
        let tag = referrers_tag(subject);
        let document = self.document(&tag)?;
        if document.as_ref().is_some_and(|document| !document.parts.is_index()) {
            let what = format!("{}:{tag}", self.name());
            let reason = "what the tag of the referrers names is no index".to_owned();
            return Err(RemoteError::Answer { what, reason });
        }
        let there = document.as_ref().map_or(&[][..], |document| document.parts.manifests());
        let has = |all: &[Descriptor], wanted: &Descriptor| {
            all.iter().any(|entry| digest_of(entry) == digest_of(wanted))
        };
        if entries.iter().all(|entry| has(there, entry)) {
            return Ok(None);
        }
        let kept = there.iter().filter(|entry| !has(entries, entry));
        let index = referrers_index(kept.chain(entries).cloned().collect());
        let etag = document.as_ref().and_then(|document| document.etag.as_deref());
        self.put_if(&tag, media_type::INDEX, &index, etag)?;
        Ok(Some(begun.elapsed()))
    }
}
