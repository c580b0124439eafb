//! Images that come from elsewhere: their blobs are in the folder, and the layout is to lead to them.

use std::collections::{BTreeMap, BTreeSet};

use oci_spec::image::Descriptor;

use super::merge::{About, Plan, VARIANT, about, annotation, listing, named, top_index};
use super::reach::{Reached, digest_of, reach, read_document};
use super::write::{carry_out, parse_index, read_index};
use super::{Folder, LayoutError, WriteOptions, Written};
use crate::digest::Sha256;
use crate::image::media_type;
use crate::tree::ContentError;

/// What a layout is to lead to.
#[derive(Debug, Clone, Default)]
pub struct Adopted {
    /// The variant that named entries belong to. What the layout had of it goes.
    pub variant: Option<String>,
    /// Entries by name; one without a name is found by its digest.
    pub entries: Vec<(Option<String>, Descriptor)>,
    /// Referrers by subject, beside those that the layout has.
    pub referrers: Vec<(Sha256, Vec<Descriptor>)>,
}

/// Has the layout of the image `name` in `folder` lead to what is adopted, and removes what it does not lead to any
/// more. Whoever calls holds the folder's lock and has put the blobs there.
pub fn adopt(folder: &dyn Folder, name: &str, adopted: &Adopted) -> Result<Written, LayoutError> {
    let old_bytes = read_index(name, folder, &folder.list("")?)?;
    let old = old_bytes.as_deref().map(|bytes| parse_index(name, bytes)).transpose()?;
    let old = old.as_ref().map_or(&[][..], |index| index.manifests());
    let (unnamed, mut entries) = joined(old, adopted);
    let mut reached = Reached::default();
    reach(name, &unnamed, folder, &mut reached)?;
    reach(name, &entries.values().cloned().collect::<Vec<_>>(), folder, &mut reached)?;
    let mut listed: BTreeMap<Sha256, Vec<Descriptor>> = BTreeMap::new();
    for entry in old {
        let Some((own_name, subject, kind)) = about(entry) else { continue };
        if !reached.subjects.contains(&subject) {
            continue;
        }
        match kind {
            About::Referrers => {
                let index = parse_index(name, &read_document(name, entry, folder)?)?;
                listed.entry(subject).or_default().extend(index.manifests().iter().cloned());
            }
            About::Cosign => {
                entries.entry(own_name.to_owned()).or_insert_with(|| entry.clone());
            }
        }
    }
    for (subject, referrers) in &adopted.referrers {
        let list = listed.entry(*subject).or_default();
        let new: BTreeSet<_> = referrers.iter().map(digest_of).collect();
        list.retain(|entry| !new.contains(&digest_of(entry)));
        list.extend(referrers.iter().cloned());
    }
    let mut blobs = BTreeMap::new();
    for (subject, list) in listed.into_iter().filter(|(_, list)| !list.is_empty()) {
        reach(name, &list, folder, &mut reached)?;
        let (tag, entry, index) = listing(subject, list);
        entries.insert(tag, entry);
        blobs.insert(index.digest, index);
    }
    let about_images: Vec<Descriptor> =
        entries.values().filter(|entry| matches!(about(entry), Some((.., About::Cosign)))).cloned().collect();
    reach(name, &about_images, folder, &mut reached)?;
    let plan = Plan { index: top_index(unnamed, entries), blobs, kept: reached.blobs, names: Vec::new() };
    let all_are_bytes = |digest| Err(ContentError::Missing(digest));
    let options = WriteOptions { verify: false, cancelled: &|| false };
    carry_out(plan, old_bytes.as_deref(), folder, &all_are_bytes, options)
}

/// Entries without and with a name: the old ones that stay, but for what is about others, and the new ones.
fn joined(old: &[Descriptor], adopted: &Adopted) -> (Vec<Descriptor>, BTreeMap<String, Descriptor>) {
    let (mut unnamed, mut entries) = (Vec::new(), BTreeMap::new());
    let replaced = |entry: &Descriptor| {
        adopted.variant.is_some() && annotation(entry, VARIANT) == adopted.variant.as_deref()
    };
    for entry in old.iter().filter(|entry| about(entry).is_none() && !replaced(entry)) {
        match annotation(entry, media_type::REF_NAME) {
            Some(name) => {
                entries.insert(name.to_owned(), entry.clone());
            }
            None => unnamed.push(entry.clone()),
        }
    }
    for (name, entry) in &adopted.entries {
        match name {
            Some(name) => {
                let entry = named(entry.clone(), name, None);
                let variant = adopted.variant.as_deref().filter(|_| about(&entry).is_none());
                entries.insert(name.clone(), named(entry, name, variant));
            }
            None if unnamed.iter().any(|other| other.digest() == entry.digest()) => {}
            None => unnamed.push(entry.clone()),
        }
    }
    (unnamed, entries)
}
