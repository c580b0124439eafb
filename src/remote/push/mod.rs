//! Pushing: blobs, manifests, evidence, and the tags last.
//!
//! Receives an image of any kind as a [`Layout`]. What is there by digest is not sent again, so of an image that did
//! not change nothing is sent.

mod evidence;
mod targets;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use oci_spec::image::Descriptor;
use serde::Serialize;

use super::blobs::{Outgoing, Sent};
use super::collect::{Item, collect};
use super::{RemoteError, Repository, workers};
use crate::digest::Sha256;
use crate::image::layout::blob_path;
use crate::image::read::{ImageFiles, Layout, ReadError};
pub use targets::{Target, targets};

/// How an image is pushed.
#[derive(Debug, Clone, Default)]
pub struct PushOptions {
    /// Whether tags that are there may be given another image.
    pub move_tags: bool,
    /// Whether nothing is sent, only asked.
    pub dry_run: bool,
    /// Repositories of the same registry that may have blobs already.
    pub mount_from: Vec<String>,
}

/// What became of a push, or would become of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Pushed {
    /// Whether nothing was sent.
    pub dry_run: bool,
    /// The tags.
    pub tags: Vec<PushedTag>,
    /// Blobs of images and evidence.
    pub blobs: Counts,
    /// Bytes of the blobs that were sent.
    pub bytes: u64,
    /// Manifests and indexes of images.
    pub manifests: Counts,
    /// Manifests of evidence.
    pub evidence: Counts,
}

/// A tag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PushedTag {
    /// Registry, repository and tag.
    pub reference: String,
    /// What it names.
    pub digest: String,
    /// What became of it.
    pub state: TagState,
}

/// What becomes of a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TagState {
    /// It is made.
    New,
    /// It named another image.
    Moved,
    /// It names this image already.
    Unchanged,
}

/// How many of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Counts {
    /// Sent.
    pub sent: usize,
    /// Taken over from another repository of the registry.
    pub mounted: usize,
    /// There already.
    pub there: usize,
}

/// Pushes `targets` of the image in `files` to `repository`.
pub fn push(
    files: &dyn ImageFiles,
    targets: &[Target],
    repository: &Repository,
    options: &PushOptions,
) -> Result<Pushed, RemoteError> {
    let layout = Layout::open(files)?;
    let push = Push { files, layout: &layout, repository, options, had: Mutex::default() };
    let tags = workers::each(targets, |target| push.tag_state(target))?;
    let mut pushed = Pushed {
        dry_run: options.dry_run,
        tags: Vec::new(),
        blobs: Counts::default(),
        bytes: 0,
        manifests: Counts::default(),
        evidence: Counts::default(),
    };
    let entries: Vec<Descriptor> = targets.iter().map(|target| target.entry.clone()).collect();
    let items = collect(&layout, &entries)?;
    let settled: Vec<Descriptor> = targets
        .iter()
        .zip(&tags)
        .filter(|(_, state)| **state == TagState::Unchanged)
        .map(|(target, _)| target.entry.clone())
        .collect();
    let settled: BTreeSet<Sha256> = collect(&layout, &settled)?.into_iter().map(|item| item.digest).collect();
    push.items(&items, &settled, &mut pushed)?;
    push.evidence(&items, &mut pushed)?;
    for (target, state) in targets.iter().zip(tags) {
        if state != TagState::Unchanged && !options.dry_run {
            push.tag(target)?;
        }
        let reference = format!("{}:{}", repository.name(), target.tag);
        pushed.tags.push(PushedTag { reference, digest: target.entry.digest().to_string(), state });
    }
    Ok(pushed)
}

struct Push<'a> {
    files: &'a dyn ImageFiles,
    layout: &'a Layout<'a>,
    repository: &'a Repository,
    options: &'a PushOptions,
    /// Blobs that were asked for or sent.
    had: Mutex<BTreeSet<Sha256>>,
}

/// What became of a blob.
#[derive(Clone, Copy, PartialEq, Eq)]
enum BlobState {
    There,
    Sent,
    Mounted,
}

impl Push<'_> {
    /// What becomes of a tag; an error where it names another image and may not be moved.
    fn tag_state(&self, target: &Target) -> Result<TagState, RemoteError> {
        let there = self.repository.digest_of(&target.tag)?;
        match there {
            None => Ok(TagState::New),
            Some(there) if there.to_oci() == target.entry.digest().to_string() => Ok(TagState::Unchanged),
            Some(_) if self.options.move_tags => Ok(TagState::Moved),
            Some(there) => {
                let reference = format!("{}:{}", self.repository.name(), target.tag);
                Err(RemoteError::TagExists { reference, there })
            }
        }
    }

    /// Makes or moves a tag, unless someone else did meanwhile.
    fn tag(&self, target: &Target) -> Result<(), RemoteError> {
        self.tag_state(target)?;
        let bytes = self.layout.blob(&target.entry)?;
        self.repository.put(&target.tag, target.entry.media_type().as_ref(), &bytes)?;
        Ok(())
    }

    /// Sends the documents of images and their blobs, but for those that a tag leads to already.
    fn items(
        &self,
        items: &[Item],
        settled: &BTreeSet<Sha256>,
        pushed: &mut Pushed,
    ) -> Result<(), RemoteError> {
        let is_there = workers::each(items, |item| match settled.contains(&item.digest) {
            true => Ok(true),
            false => Ok(self.repository.digest_of(&item.digest.to_oci())?.is_some()),
        })?;
        let (there, missing): (Vec<_>, Vec<_>) = items.iter().zip(is_there).partition(|(_, there)| *there);
        for (item, _) in &there {
            let mut had = self.had.lock().expect("no holder panics");
            pushed.blobs.there += item.blobs.keys().filter(|digest| had.insert(**digest)).count();
        }
        pushed.manifests.there += there.len();
        pushed.manifests.sent += missing.len();
        let blobs: BTreeMap<Sha256, u64> = missing.iter().flat_map(|(item, _)| item.blobs.clone()).collect();
        self.blobs(blobs, pushed)?;
        if !self.options.dry_run {
            // An index is taken when what it leads to is there.
            for (item, _) in &missing {
                self.repository.put(&item.digest.to_oci(), &item.media_type, &item.bytes)?;
            }
        }
        Ok(())
    }

    /// Sends blobs that are not there.
    fn blobs(&self, blobs: BTreeMap<Sha256, u64>, pushed: &mut Pushed) -> Result<(), RemoteError> {
        let fresh = |digest: &Sha256| self.had.lock().expect("no holder panics").insert(*digest);
        let mut blobs: Vec<(Sha256, u64)> = blobs.into_iter().filter(|(digest, _)| fresh(digest)).collect();
        // The longest first: none is left alone at the end.
        blobs.sort_by_key(|(_, size)| std::cmp::Reverse(*size));
        let states = workers::each(&blobs, |(digest, size)| self.blob(*digest, *size))?;
        for ((_, size), state) in blobs.iter().zip(states) {
            match state {
                BlobState::There => pushed.blobs.there += 1,
                BlobState::Mounted => pushed.blobs.mounted += 1,
                BlobState::Sent => {
                    pushed.blobs.sent += 1;
                    pushed.bytes += size;
                }
            }
        }
        Ok(())
    }

    fn blob(&self, digest: Sha256, size: u64) -> Result<BlobState, RemoteError> {
        if self.repository.has_blob(digest, size)? {
            return Ok(BlobState::There);
        }
        if self.options.dry_run {
            return Ok(BlobState::Sent);
        }
        let missing = || ReadError::Blob { digest: digest.to_oci() };
        let open = || self.files.open(&blob_path(digest))?.ok_or_else(missing);
        let blob = Outgoing { digest, size, open: &open };
        match self.repository.send_blob(&blob, &self.options.mount_from)? {
            Sent::Whole => Ok(BlobState::Sent),
            Sent::Mounted => Ok(BlobState::Mounted),
        }
    }
}

impl Pushed {
    /// Whether the registry had all of it.
    pub fn is_unchanged(&self) -> bool {
        let sent = |counts: &Counts| counts.sent + counts.mounted;
        sent(&self.blobs) + sent(&self.manifests) + sent(&self.evidence) == 0
            && self.tags.iter().all(|tag| tag.state == TagState::Unchanged)
    }
}
