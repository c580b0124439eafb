//! Documents that come to a layout after its images were written.

use std::collections::BTreeMap;

use oci_spec::image::{Descriptor, ImageIndex};

use super::merge::{About, Plan, about, annotation, listing, named, top_index};
use super::reach::{Reached, reach, read_document};
use super::write::{carry_out, parse_index, read_index};
use super::{Blob, Folder, LayoutError, Referrer, WriteOptions, Written, blob_path};
use crate::digest::Sha256;
use crate::image::config::descriptor;
use crate::image::media_type;
use crate::tree::ContentError;

/// A manifest that stands under a name of its own.
#[derive(Debug, Clone)]
pub struct Artifact {
    /// Its name in `index.json`, its tag in a registry.
    pub name: String,
    /// The bytes of its manifest.
    pub manifest: Vec<u8>,
    /// Every blob that the manifest names.
    pub blobs: Vec<Vec<u8>>,
}

/// Adds `referrers` and `artifacts` to the layout of the image `name` that is in `folder`. A referrer takes the place
/// of one of the same subject, artifact type and annotations, an artifact that of the one under its name; all else
/// stays. On an error the layout is what it was before.
pub fn attach(
    folder: &dyn Folder,
    name: &str,
    referrers: &[Referrer],
    artifacts: &[Artifact],
) -> Result<Written, LayoutError> {
    let _guard = folder.lock()?;
    let none = || LayoutError::NotALayout { name: name.to_owned(), found: "no index.json".to_owned() };
    let old_bytes = read_index(name, folder, &folder.list("")?)?.ok_or_else(none)?;
    let old = parse_index(name, &old_bytes)?;
    let plan = plan(folder, name, &old, referrers, artifacts)?;
    let all_are_bytes = |digest| Err(ContentError::Missing(digest));
    let options = WriteOptions { verify: false, cancelled: &|| false };
    carry_out(plan, Some(&old_bytes), folder, &all_are_bytes, options)
}

fn plan(
    folder: &dyn Folder,
    name: &str,
    old: &ImageIndex,
    referrers: &[Referrer],
    artifacts: &[Artifact],
) -> Result<Plan, LayoutError> {
    let mut by_subject: BTreeMap<Sha256, Vec<&Referrer>> = BTreeMap::new();
    for referrer in referrers {
        let subject = referrer.subject;
        if folder.size(&blob_path(subject.digest))? != Some(subject.size) {
            return Err(LayoutError::Damaged { name: name.to_owned(), digest: subject.digest });
        }
        by_subject.entry(subject.digest).or_default().push(referrer);
    }
    let (mut unnamed, mut entries, mut reached) = (Vec::new(), BTreeMap::new(), Reached::default());
    let mut listed: BTreeMap<Sha256, Vec<Descriptor>> = BTreeMap::new();
    for entry in old.manifests() {
        let own = std::slice::from_ref(entry);
        match (about(entry), annotation(entry, media_type::REF_NAME)) {
            (Some((_, subject, About::Referrers)), _) if by_subject.contains_key(&subject) => {
                let index = parse_index(name, &read_document(name, entry, folder)?)?;
                let stays = |old: &&Descriptor| !by_subject[&subject].iter().any(|new| new.supersedes(old));
                let kept: Vec<Descriptor> = index.manifests().iter().filter(stays).cloned().collect();
                reach(name, &kept, folder, &mut reached)?;
                listed.insert(subject, kept);
            }
            (_, Some(own_name)) if artifacts.iter().any(|artifact| artifact.name == own_name) => {}
            (_, Some(own_name)) => {
                reach(name, own, folder, &mut reached)?;
                entries.insert(own_name.to_owned(), entry.clone());
            }
            (_, None) => {
                reach(name, own, folder, &mut reached)?;
                unnamed.push(entry.clone());
            }
        }
    }
    let mut blobs = BTreeMap::new();
    for (subject, referrers) in by_subject {
        let mut all = listed.remove(&subject).unwrap_or_default();
        all.extend(referrers.iter().map(|referrer| referrer.descriptor()));
        blobs.extend(referrers.iter().flat_map(|referrer| referrer.blobs()));
        let (tag, entry, index) = listing(subject, all);
        entries.insert(tag, entry);
        blobs.insert(index.digest, index);
    }
    for artifact in artifacts {
        let manifest = Blob::of(&artifact.manifest);
        let entry = descriptor(media_type::MANIFEST, manifest.digest, manifest.size);
        entries.insert(artifact.name.clone(), named(entry, &artifact.name, None));
        let parts = artifact.blobs.iter().map(|bytes| Blob::of(bytes)).chain([manifest]);
        blobs.extend(parts.map(|blob| (blob.digest, blob)));
    }
    Ok(Plan { index: top_index(unnamed, entries), blobs, kept: reached.blobs, names: Vec::new() })
}
