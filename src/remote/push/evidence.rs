//! All that refers to the images that are pushed.

use std::collections::BTreeMap;

use oci_spec::image::Descriptor;

use super::super::collect::{Item, collect};
use super::super::files::LEGACY_TAGS;
use super::super::listing::{Listed, digest_of};
use super::super::referrers::Additions;
use super::super::{RemoteError, workers};
use super::{Push, Pushed, TagState, Target};
use crate::digest::Sha256;
use crate::image::layout::referrers_tag;

impl Push<'_> {
    /// Sends what refers to `items` and is not listed, and has it listed. Nothing that others attached goes.
    pub(super) fn evidence(&self, items: &[Item], pushed: &mut Pushed) -> Result<(), RemoteError> {
        let mut referrers = Vec::new();
        for item in items {
            let list = self.layout.referrers(item.digest)?;
            if !list.is_empty() {
                referrers.push((item.digest, list));
            }
        }
        let lists = workers::each(&referrers, |(subject, _)| self.repository.referrers(*subject))?;
        let mut missing: Vec<(Sha256, Descriptor)> = Vec::new();
        for ((subject, list), listed) in referrers.iter().zip(lists) {
            let fresh = list.iter().filter(|entry| !is_listed(&listed, entry)).cloned();
            let fresh: Vec<_> = fresh.map(|entry| (*subject, entry)).collect();
            pushed.evidence.there += list.len() - fresh.len();
            missing.extend(fresh);
        }
        pushed.evidence.sent += missing.len();
        let entries: Vec<Descriptor> = missing.iter().map(|(_, entry)| entry.clone()).collect();
        let documents = collect(self.layout, &entries)?;
        self.blobs(documents.iter().flat_map(|item| item.blobs.clone()).collect(), pushed)?;
        if !self.options.dry_run {
            self.attach(&missing, &documents)?;
        }
        self.legacy(items, pushed)
    }

    /// Sends the manifests of evidence whose blobs are there.
    fn attach(&self, missing: &[(Sha256, Descriptor)], documents: &[Item]) -> Result<(), RemoteError> {
        let taken = workers::each(documents, |item| {
            let put = self.repository.put(&item.digest.to_oci(), &item.media_type, &item.bytes)?;
            Ok((item.digest, put.referrers))
        })?;
        let taken: BTreeMap<Sha256, bool> = taken.into_iter().collect();
        let mut additions = Additions::new();
        for (subject, entry) in missing {
            let listed = digest_of(entry).and_then(|digest| taken.get(&digest)).copied();
            if listed == Some(false) {
                additions.entry(*subject).or_default().push(entry.clone());
            }
        }
        self.repository.list(additions)
    }

    /// Sends what stands under the tags `sha256-<hex>.sig` and the like.
    fn legacy(&self, items: &[Item], pushed: &mut Pushed) -> Result<(), RemoteError> {
        for item in items {
            for kind in LEGACY_TAGS {
                let tag = format!("{}.{kind}", referrers_tag(item.digest));
                let Ok(entry) = self.layout.resolve(Some(&tag)) else { continue };
                let target = Target { entry, tag };
                if self.tag_state(&target)? == TagState::Unchanged {
                    pushed.evidence.there += 1;
                    continue;
                }
                pushed.evidence.sent += 1;
                let documents = collect(self.layout, std::slice::from_ref(&target.entry))?;
                self.blobs(documents.iter().flat_map(|item| item.blobs.clone()).collect(), pushed)?;
                if !self.options.dry_run {
                    self.tag(&target)?;
                }
            }
        }
        Ok(())
    }
}

fn is_listed(listed: &Listed, entry: &Descriptor) -> bool {
    digest_of(entry).is_some_and(|digest| listed.has(digest))
}
