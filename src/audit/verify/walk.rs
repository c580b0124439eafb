//! From the entry that is meant to everything it leads to: indexes, manifests, configs, layers and referrers.
//!
//! Every document is read, checked and parsed here; layers and evidence are listed, to be hashed later, several at
//! once.

use std::collections::{BTreeMap, BTreeSet};

use hbuild_lang::recipe::Arch;

use super::blob::{Blob, Layer};
use super::document::{Config, Descriptor, Index, Manifest};
use super::{Fault, Problem};
use crate::digest::Sha256;
use crate::evidence::signing::BUNDLE;
use crate::image::layout::referrers_tag;
use crate::image::media_type;
use crate::image::read::{ImageFiles, Layout, ReadError};

/// Manifests and indexes above this length are refused, as registries refuse them.
const MOST_MANIFEST_BYTES: u64 = 4 << 20;
/// Of configs and of the layout's own index.
const MOST_DOCUMENT_BYTES: u64 = 16 << 20;
/// Indexes below each other.
const MOST_DEPTH: usize = 4;
/// Entries of one index, layers of one image, referrers of one subject.
const MOST_PARTS: usize = 1000;

/// Something that is signed for itself: an image index or the manifest of one platform.
#[derive(Debug)]
pub(super) struct Subject {
    /// `index`, or the platform.
    pub label: String,
    pub digest: Sha256,
    pub is_index: bool,
    /// The config's `created`.
    pub created: Option<String>,
    /// Annotations of the manifest.
    pub annotations: BTreeMap<String, String>,
    pub artifacts: Vec<Artifact>,
}

/// A referrer.
#[derive(Debug)]
pub(super) struct Artifact {
    /// Its artifact manifest.
    pub manifest: Sha256,
    /// Its predicate type or, of a document that is no statement, its type; as it says itself.
    pub kind: String,
    /// Whether its document is a sigstore bundle.
    pub is_bundle: bool,
    /// The document.
    pub document: Blob,
    /// Why it is not about the subject, where its own manifest says so.
    pub fault: Option<Fault>,
}

/// All that an entry leads to.
#[derive(Debug, Default)]
pub(super) struct Walk {
    pub subjects: Vec<Subject>,
    /// Every blob that was not read yet, but for the evidence.
    pub blobs: BTreeMap<Sha256, Blob>,
    /// Number and bytes of the documents read.
    pub read: (usize, u64),
    pub problems: Vec<Problem>,
    /// Platforms of the index that were not asked for.
    pub left_out: Vec<String>,
    seen: BTreeSet<Sha256>,
}

/// What of a layout is meant.
#[derive(Debug)]
pub(super) struct Entry {
    pub digest: Sha256,
    pub size: u64,
    pub media_type: String,
    /// Digests of what else the layout names.
    pub others: BTreeSet<String>,
}

/// The entry that `reference` names, once the layout's own index was read strictly.
pub(super) fn entry(files: &dyn ImageFiles, reference: Option<&str>) -> Result<(Entry, Index), Problem> {
    let what = "the layout's index.json";
    let bytes = index_bytes(files, what)?;
    let index = Index::parse(what, &bytes)?;
    few(what, index.manifests.len())?;
    for entry in &index.manifests {
        entry.sha256("an entry of the layout's index.json")?;
    }
    let layout = Layout::open(files)?;
    let found = layout.resolve(reference)?;
    let digest = found.digest().to_string();
    let is_it = |entry: &&Descriptor| entry.digest == digest;
    let Some(meant) = index.manifests.iter().find(is_it) else {
        return Err(ReadError::UnknownReference { wanted: digest, there: Vec::new() }.into());
    };
    let names = layout.names();
    let others: BTreeSet<String> =
        names.iter().map(|(_, entry)| entry.digest().to_string()).filter(|other| *other != digest).collect();
    let entry =
        Entry { digest: meant.sha256(what)?, size: meant.size, media_type: meant.media_type.clone(), others };
    Ok((entry, index))
}

fn index_bytes(files: &dyn ImageFiles, what: &str) -> Result<Vec<u8>, Problem> {
    use std::io::Read;
    let missing = || ReadError::NoLayout { missing: "index.json".to_owned() };
    let reader = match files.open("index.json") {
        Ok(reader) => reader.ok_or_else(missing)?,
        Err(ReadError::NotPlain { path, reason }) => {
            return Err(Problem::NotPlain { what: what.to_owned(), path, reason });
        }
        Err(other) => return Err(other.into()),
    };
    let mut bytes = Vec::new();
    reader.take(MOST_DOCUMENT_BYTES + 1).read_to_end(&mut bytes).map_err(|_| missing())?;
    match bytes.len() as u64 {
        size if size > MOST_DOCUMENT_BYTES => {
            Err(Problem::Oversize { what: what.to_owned(), size, most: MOST_DOCUMENT_BYTES })
        }
        _ => Ok(bytes),
    }
}

/// Follows `entry`; of an index only the platform of `arch`, where one is given.
pub(super) fn walk(files: &dyn ImageFiles, entry: &Entry, layout: &Index, arch: Option<Arch>) -> Walk {
    let mut walk = Walk::default();
    let walker = Walker { files, layout, arch };
    let top = Descriptor {
        media_type: entry.media_type.clone(),
        digest: entry.digest.to_oci(),
        size: entry.size,
        annotations: BTreeMap::new(),
        platform: None,
    };
    let result = match top.is_index() {
        true => walker.index(&mut walk, "index", &top, 0),
        false => walker.image(&mut walk, "image", &top),
    };
    walk.problems.extend(result.err());
    if let Some(arch) = arch.filter(|_| top.is_index() && walk.problems.is_empty())
        && walk.subjects.iter().all(|subject| subject.is_index)
    {
        let there = walk.left_out.clone();
        walk.problems.push(Problem::NoPlatform { arch: arch.to_string(), there });
    }
    walk
}

struct Walker<'a> {
    files: &'a dyn ImageFiles,
    layout: &'a Index,
    arch: Option<Arch>,
}

impl Walker<'_> {
    fn document(
        &self,
        walk: &mut Walk,
        what: &str,
        entry: &Descriptor,
        most: u64,
    ) -> Result<(Sha256, Vec<u8>), Problem> {
        let digest = entry.sha256(what)?;
        let blob = Blob { what: what.to_owned(), digest, size: entry.size, layer: None };
        let bytes = blob.read(self.files, most)?;
        if walk.seen.insert(digest) {
            walk.read.0 += 1;
            walk.read.1 += entry.size;
        }
        Ok((digest, bytes))
    }

    fn index(&self, walk: &mut Walk, label: &str, entry: &Descriptor, depth: usize) -> Result<(), Problem> {
        let (digest, bytes) = self.document(walk, label, entry, MOST_MANIFEST_BYTES)?;
        let index = Index::parse(label, &bytes)?;
        few(label, index.manifests.len())?;
        let mut subject = Subject {
            label: label.to_owned(),
            digest,
            is_index: true,
            created: None,
            annotations: BTreeMap::new(),
            artifacts: Vec::new(),
        };
        self.referrers(walk, &mut subject);
        walk.subjects.push(subject);
        for (number, child) in index.manifests.iter().enumerate() {
            let name = child.platform_name().unwrap_or_else(|| format!("image {}", number + 1));
            let architecture = child.platform.as_ref().map(|platform| platform.architecture.as_str());
            let meant = self.arch.is_none_or(|arch| architecture == Some(arch.as_str()));
            let result = match child.is_index() {
                true if depth + 1 == MOST_DEPTH => Err(Problem::Nested { what: name, most: MOST_DEPTH }),
                true => self.index(walk, &format!("index {} in the {label}", number + 1), child, depth + 1),
                false if meant => self.image(walk, &name, child),
                false => {
                    walk.left_out.push(name);
                    Ok(())
                }
            };
            walk.problems.extend(result.err());
        }
        Ok(())
    }

    fn image(&self, walk: &mut Walk, label: &str, entry: &Descriptor) -> Result<(), Problem> {
        let what = format!("the manifest of {label}");
        let (digest, bytes) = self.document(walk, &what, entry, MOST_MANIFEST_BYTES)?;
        let manifest = Manifest::parse(&what, &bytes)?;
        few(&what, manifest.layers.len())?;
        let what = format!("the config of {label}");
        let read = self.document(walk, &what, &manifest.config, MOST_DOCUMENT_BYTES);
        let config = read.and_then(|(_, bytes)| Config::parse(&what, &bytes));
        let mut subject = Subject {
            label: label.to_owned(),
            digest,
            is_index: false,
            created: config.as_ref().ok().and_then(|config| config.created.clone()),
            annotations: manifest.annotations.clone(),
            artifacts: Vec::new(),
        };
        self.referrers(walk, &mut subject);
        walk.subjects.push(subject);
        let diff_ids = match &config {
            Ok(config) => &config.rootfs.diff_ids[..],
            Err(_) => &[],
        };
        for (number, layer) in manifest.layers.iter().enumerate() {
            let what = format!("layer {} of {label}", number + 1);
            let diff_id = diff_ids.get(number).cloned();
            let layer_of = |diff_id| Layer { media_type: layer.media_type.clone(), diff_id };
            let listed = self.list(walk, what, layer, diff_id.map(layer_of));
            walk.problems.extend(listed.err());
        }
        let (diff_ids, layers) = (config?.rootfs.diff_ids.len(), manifest.layers.len());
        match diff_ids == layers {
            true => Ok(()),
            false => Err(Problem::OtherLayers { subject: label.to_owned(), diff_ids, layers }),
        }
    }

    /// Lists a blob to be hashed.
    fn list(
        &self,
        walk: &mut Walk,
        what: String,
        entry: &Descriptor,
        layer: Option<Layer>,
    ) -> Result<(), Problem> {
        let (digest, size) = (entry.sha256(&what)?, entry.size);
        match walk.blobs.get(&digest) {
            Some(there) if there.size != size => {
                Err(Problem::TwoLengths { what, digest, size, other: there.size })
            }
            Some(there) if there.layer.is_some() || layer.is_none() => Ok(()),
            _ => {
                walk.blobs.insert(digest, Blob { what, digest, size, layer });
                Ok(())
            }
        }
    }

    /// Reads the artifact manifests that the layout lists for a subject.
    fn referrers(&self, walk: &mut Walk, subject: &mut Subject) {
        let tag = referrers_tag(subject.digest);
        let is_it = |entry: &&Descriptor| entry.annotations.get(media_type::REF_NAME) == Some(&tag);
        for entry in self.layout.manifests.iter().filter(is_it) {
            let what = format!("the referrers of {}", subject.label);
            let result = self.document(walk, &what, entry, MOST_MANIFEST_BYTES).and_then(|(_, bytes)| {
                let index = Index::parse(&what, &bytes)?;
                few(&what, index.manifests.len()).map(|()| index)
            });
            match result {
                Ok(index) => {
                    for entry in &index.manifests {
                        match self.artifact(walk, subject, entry) {
                            Ok(artifact) => subject.artifacts.extend(artifact),
                            Err(problem) => walk.problems.push(problem),
                        }
                    }
                }
                Err(problem) => walk.problems.push(problem),
            }
        }
    }

    fn artifact(
        &self,
        walk: &mut Walk,
        subject: &Subject,
        entry: &Descriptor,
    ) -> Result<Option<Artifact>, Problem> {
        let what = format!("a referrer of {}", subject.label);
        let (digest, bytes) = self.document(walk, &what, entry, MOST_MANIFEST_BYTES)?;
        let manifest = Manifest::parse(&what, &bytes)?;
        few(&what, manifest.layers.len())?;
        let about = manifest.subject.as_ref().map_or("none", |about| about.digest.as_str());
        let fault =
            (about != subject.digest.to_oci()).then(|| Fault::Misplaced { found: super::shown(about) });
        self.list(walk, format!("the config of {what}"), &manifest.config, None)?;
        let mut found = None;
        for (number, layer) in manifest.layers.iter().enumerate() {
            let stated = manifest.annotations.get(crate::evidence::media::PREDICATE_TYPE_ANNOTATION);
            let kind = stated.or(manifest.artifact_type.as_ref()).unwrap_or(&layer.media_type);
            let kind = super::shown(kind);
            let what = format!("the {kind} of {}", subject.label);
            // In a fallback index the entry may carry the config's type: the artifact itself decides.
            let is_bundle = number == 0
                && (manifest.artifact_type.as_deref() == Some(BUNDLE) || layer.media_type == BUNDLE);
            if number == 0 {
                let document =
                    Blob { what: what.clone(), digest: layer.sha256(&what)?, size: layer.size, layer: None };
                found = Some((kind, is_bundle, document));
            }
            if !is_bundle {
                self.list(walk, what, layer, None)?;
            }
        }
        let artifact =
            |(kind, is_bundle, document)| Artifact { manifest: digest, kind, is_bundle, document, fault };
        Ok(found.map(artifact))
    }
}

fn few(what: &str, found: usize) -> Result<(), Problem> {
    match found > MOST_PARTS {
        true => Err(Problem::TooMany { what: what.to_owned(), found, most: MOST_PARTS }),
        false => Ok(()),
    }
}
