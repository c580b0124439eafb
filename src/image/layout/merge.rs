//! The new `index.json`: what this run made, and what the layout had of other variants.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use oci_spec::image::{Descriptor, ImageIndex, ImageIndexBuilder, MediaType};

use super::reach::{Reached, digest_of, reach, read_document};
use super::referrer::{referrers_index, referrers_tag};
use super::{Blob, Folder, LayoutError, LayoutImage, Referrer, Variant};
use crate::digest::Sha256;
use crate::image::config::{descriptor, to_canonical};
use crate::image::media_type;

/// The annotation of an entry of `index.json` that says which variant it belongs to.
pub(super) const VARIANT: &str = "io.hbuild.variant";

/// A layout as it shall be.
#[derive(Debug)]
pub(super) struct Plan {
    /// The bytes of `index.json`.
    pub index: Vec<u8>,
    /// The blobs of this run.
    pub blobs: BTreeMap<Sha256, Blob>,
    /// Blobs of what stays from before.
    pub kept: BTreeSet<Sha256>,
    /// Reference names of this run with what they name, sorted.
    pub names: Vec<(String, Sha256)>,
}

/// Joins the variants of `image` with the entries of `old`. A variant of this run replaces all that the
/// layout had of it: its index, its platforms, its tags. Referrers of a manifest that stays are kept, unless
/// this run attaches one of the same artifact type.
pub(super) fn plan(
    image: &LayoutImage,
    old: Option<&ImageIndex>,
    folder: &dyn Folder,
) -> Result<Plan, LayoutError> {
    let mut blobs = BTreeMap::new();
    let mut entries = BTreeMap::new();
    for variant in &image.variants {
        add_variant(&image.name, variant, &mut entries, &mut blobs)?;
    }
    let names = entries.iter().filter_map(|(name, entry)| Some((name.clone(), digest_of(entry)?))).collect();
    let mut subjects: BTreeSet<Sha256> = blobs.keys().copied().collect();
    let old_entries = old.map_or(&[][..], |index| index.manifests());
    let kept_entries: Vec<Descriptor> =
        old_entries.iter().filter(|entry| stays(entry, image, &entries)).cloned().collect();
    let mut reached = Reached::default();
    reach(&image.name, &kept_entries, folder, &mut reached)?;
    subjects.extend(&reached.subjects);
    add_referrers(
        image,
        old_entries,
        &subjects,
        folder,
        &mut Additions { entries: &mut entries, blobs: &mut blobs, reached: &mut reached },
    )?;
    let unnamed = kept_entries.iter().filter(|entry| annotation(entry, media_type::REF_NAME).is_none());
    let unnamed = unnamed.cloned().collect();
    for entry in kept_entries {
        if let Some(name) = annotation(&entry, media_type::REF_NAME).map(str::to_owned) {
            entries.entry(name).or_insert(entry);
        }
    }
    Ok(Plan { index: top_index(unnamed, entries), blobs, kept: reached.blobs, names })
}

pub(super) fn annotation<'a>(entry: &'a Descriptor, key: &str) -> Option<&'a str> {
    entry.annotations().as_ref()?.get(key).map(String::as_str)
}

pub(super) fn named(mut entry: Descriptor, name: &str, variant: Option<&str>) -> Descriptor {
    let mut annotations = HashMap::from([(media_type::REF_NAME.to_owned(), name.to_owned())]);
    annotations.extend(variant.map(|variant| (VARIANT.to_owned(), variant.to_owned())));
    entry.set_annotations(Some(annotations));
    entry
}

fn add_variant(
    image: &str,
    variant: &Variant,
    entries: &mut BTreeMap<String, Descriptor>,
    blobs: &mut BTreeMap<Sha256, Blob>,
) -> Result<(), LayoutError> {
    let index = Blob::of(&variant.index());
    let index_entry = descriptor(media_type::INDEX, index.digest, index.size);
    let mut add = |name: &str, entry: &Descriptor| {
        let entry = named(entry.clone(), name, Some(&variant.name));
        match entries.insert(name.to_owned(), entry) {
            None => Ok(()),
            Some(_) => Err(LayoutError::DuplicateTag { name: image.to_owned(), tag: name.to_owned() }),
        }
    };
    add(&variant.name, &index_entry)?;
    for tag in variant.tags.iter().filter(|tag| **tag != variant.name) {
        add(tag, &index_entry)?;
    }
    for platform in &variant.platforms {
        add(&format!("{}-{}", variant.name, platform.arch), &platform.descriptor())?;
        blobs.extend(platform.blobs()?.into_iter().map(|blob| (blob.digest, blob)));
    }
    blobs.insert(index.digest, index);
    Ok(())
}

/// Whether an entry of the old index has a place in the new one. Referrers indexes are made anew.
fn stays(entry: &Descriptor, image: &LayoutImage, entries: &BTreeMap<String, Descriptor>) -> bool {
    let variant = annotation(entry, VARIANT);
    let name = annotation(entry, media_type::REF_NAME);
    let replaced = image.variants.iter().any(|made| Some(made.name.as_str()) == variant);
    let renamed = name.is_some_and(|name| entries.contains_key(name) || name.starts_with("sha256-"));
    !replaced && !renamed
}

/// What an entry named `sha256-…` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum About {
    /// The referrers index of its subject.
    Referrers,
    /// What cosign before version 3 keeps of its subject under a tag: `sha256-<hex>.sig`, `.att`, `.sbom`.
    Cosign,
}

/// Name, subject and kind of an entry that is about another.
pub(super) fn about(entry: &Descriptor) -> Option<(&str, Sha256, About)> {
    let name = annotation(entry, media_type::REF_NAME)?;
    let rest = name.strip_prefix("sha256-")?;
    match rest.split_once('.') {
        None => Some((name, rest.parse().ok()?, About::Referrers)),
        Some((hex, _)) => Some((name, hex.parse().ok()?, About::Cosign)),
    }
}

struct Additions<'a> {
    entries: &'a mut BTreeMap<String, Descriptor>,
    blobs: &'a mut BTreeMap<Sha256, Blob>,
    reached: &'a mut Reached,
}

fn add_referrers(
    image: &LayoutImage,
    old_entries: &[Descriptor],
    subjects: &BTreeSet<Sha256>,
    folder: &dyn Folder,
    additions: &mut Additions<'_>,
) -> Result<(), LayoutError> {
    let mut by_subject: BTreeMap<Sha256, Vec<&Referrer>> = BTreeMap::new();
    for referrer in image.variants.iter().flat_map(|variant| &variant.referrers) {
        by_subject.entry(referrer.subject.digest).or_default().push(referrer);
    }
    let mut listed: BTreeMap<Sha256, Vec<Descriptor>> = BTreeMap::new();
    for entry in old_entries {
        let Some((name, subject, kind)) = about(entry).filter(|(_, subject, _)| subjects.contains(subject))
        else {
            continue;
        };
        if kind == About::Cosign {
            reach(&image.name, std::slice::from_ref(entry), folder, additions.reached)?;
            additions.entries.insert(name.to_owned(), entry.clone());
            continue;
        }
        let bytes = read_document(&image.name, entry, folder)?;
        let damaged = || LayoutError::Damaged { name: image.name.clone(), digest: Sha256::of(&bytes) };
        let index: ImageIndex = serde_json::from_slice(&bytes).map_err(|_| damaged())?;
        let superseded = |old: &&Descriptor| {
            let kind = old.artifact_type().as_ref().map(ToString::to_string);
            let new = by_subject.get(&subject).map_or(&[][..], Vec::as_slice);
            new.iter().any(|referrer| Some(&referrer.artifact_type) == kind.as_ref())
        };
        let kept: Vec<_> = index.manifests().iter().filter(|old| !superseded(old)).cloned().collect();
        reach(&image.name, &kept, folder, additions.reached)?;
        listed.insert(subject, kept);
    }
    for (subject, referrers) in by_subject {
        let entries = listed.entry(subject).or_default();
        entries.extend(referrers.iter().map(|referrer| referrer.descriptor()));
        additions.blobs.extend(referrers.iter().flat_map(|referrer| referrer.blobs()));
    }
    for (subject, entries) in listed.into_iter().filter(|(_, entries)| !entries.is_empty()) {
        let (name, entry, index) = listing(subject, entries);
        additions.entries.insert(name, entry);
        additions.blobs.insert(index.digest, index);
    }
    Ok(())
}

/// The referrers index of `subject` over `entries`: name and entry in `index.json`, and the blob.
pub(super) fn listing(subject: Sha256, entries: Vec<Descriptor>) -> (String, Descriptor, Blob) {
    let index = Blob::of(&referrers_index(entries));
    let name = referrers_tag(subject);
    let entry = named(descriptor(media_type::INDEX, index.digest, index.size), &name, None);
    (name, entry, index)
}

/// The bytes of `index.json` over `unnamed` entries and those of `named`, by name.
pub(super) fn top_index(unnamed: Vec<Descriptor>, named: BTreeMap<String, Descriptor>) -> Vec<u8> {
    let manifests: Vec<Descriptor> = unnamed.into_iter().chain(named.into_values()).collect();
    let index = ImageIndexBuilder::default()
        .schema_version(2u32)
        .media_type(MediaType::ImageIndex)
        .manifests(manifests)
        .build()
        .expect("all fields are set");
    to_canonical(&index)
}
