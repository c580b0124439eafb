//! The tree that the layers of an image make.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use std::ops::Bound;

use oci_spec::image::Descriptor;
use sha2::Digest as _;

use super::error::LayerFault;
use super::{Image, Layout, ReadError};
use crate::digest::{Digest, Sha256};
use crate::image::media_type;
use crate::tree::{ContentError, ContentSink, Entry, EntryKind, Tree, TreePath};

/// More uncompressed bytes than this in one layer are a bomb.
const MOST_LAYER_BYTES: u64 = 64 << 30;

/// What stands behind `.wh.` in the name of the whiteout of a whole folder.
const OPAQUE: &[u8] = b".wh..opq";

/// Keeps nothing: for trees whose contents are compared by digest only.
#[derive(Debug, Clone, Copy, Default)]
pub struct HashingSink;

impl ContentSink for HashingSink {
    fn keep(&mut self, content: &mut dyn Read) -> Result<(Digest, u64), ContentError> {
        let mut hasher = blake3::Hasher::new();
        let size = io::copy(content, &mut hasher)?;
        Ok((Digest(*hasher.finalize().as_bytes()), size))
    }
}

impl Layout<'_> {
    /// The tree that the layers of `image` make, lowest first; contents go to `sink`. Each layer is checked
    /// against its digest and its diff id.
    pub fn tree(&self, image: &Image, sink: &mut dyn ContentSink) -> Result<Tree, ReadError> {
        let mut entries = Entries::default();
        let diff_ids = image.config.rootfs().diff_ids();
        for (number, layer) in image.manifest.layers().iter().enumerate() {
            let diff_id = diff_ids.get(number).map(String::as_str);
            self.add_layer(layer, diff_id, &mut entries, sink)?;
        }
        let digest = image.manifest.config().digest().to_string();
        Tree::new(entries.by_path.into_values().collect())
            .map_err(|error| ReadError::Layer { digest, reason: LayerFault::Tree(error) })
    }

    /// Reads a layer and refuses one that does not have its digest, or unpacks to something else than `diff_id` says.
    pub fn check_layer(&self, layer: &Descriptor, diff_id: Option<&str>) -> Result<(), ReadError> {
        let fault = |reason| ReadError::Layer { digest: layer.digest().to_string(), reason };
        let (file, digest) = self.open_blob(layer)?;
        let mut packed = Hashed::new(file);
        let read = {
            let mut plain = Hashed::new(decoder(layer, &mut packed)?.take(MOST_LAYER_BYTES));
            let outcome = io::copy(&mut plain, &mut io::sink());
            outcome.map(|_| plain.finish().to_oci())
        };
        let rest = io::copy(&mut packed, &mut io::sink());
        // Damage of the blob is what is wrong, whatever its decoder says.
        if rest.is_err() || packed.finish() != digest {
            return Err(ReadError::Blob { digest: layer.digest().to_string() });
        }
        match read {
            Ok(found) if diff_id == Some(&found) => Ok(()),
            Ok(_) => Err(fault(LayerFault::DiffId)),
            Err(error) => Err(fault(LayerFault::Archive(error))),
        }
    }

    fn add_layer(
        &self,
        layer: &Descriptor,
        diff_id: Option<&str>,
        entries: &mut Entries,
        sink: &mut dyn ContentSink,
    ) -> Result<(), ReadError> {
        let fault = |reason| ReadError::Layer { digest: layer.digest().to_string(), reason };
        let (file, digest) = self.open_blob(layer)?;
        let mut packed = Hashed { reader: file, hasher: sha2::Sha256::new() };
        let found = {
            let decoder = decoder(layer, &mut packed)?;
            let mut plain = Hashed { reader: decoder.take(MOST_LAYER_BYTES), hasher: sha2::Sha256::new() };
            entries.add_archive(&mut plain, sink, &fault)?;
            // What follows the archive's end belongs to the diff id too.
            io::copy(&mut plain, &mut io::sink()).map_err(|error| fault(LayerFault::Archive(error)))?;
            Sha256(plain.hasher.finalize().into()).to_oci()
        };
        io::copy(&mut packed, &mut io::sink()).map_err(|error| fault(LayerFault::Archive(error)))?;
        if packed.hasher.finalize()[..] != digest.0 {
            return Err(ReadError::Blob { digest: layer.digest().to_string() });
        }
        if diff_id != Some(&found) { Err(fault(LayerFault::DiffId)) } else { Ok(()) }
    }
}

fn decoder<'a>(layer: &Descriptor, packed: &'a mut dyn Read) -> Result<Box<dyn Read + 'a>, ReadError> {
    let media_type = layer.media_type().to_string();
    match unpacked(&media_type, packed) {
        Ok(Some(plain)) => Ok(plain),
        Ok(None) => Err(ReadError::LayerType { media_type }),
        Err(error) => {
            Err(ReadError::Layer { digest: layer.digest().to_string(), reason: LayerFault::Archive(error) })
        }
    }
}

/// A reader over the archive in a layer of this media type; `None` for one that is not known.
pub(crate) fn unpacked<'a>(
    media_type: &str,
    packed: &'a mut dyn Read,
) -> io::Result<Option<Box<dyn Read + 'a>>> {
    Ok(match media_type {
        media_type::LAYER_TAR => Some(Box::new(packed)),
        media_type::LAYER_GZIP => Some(Box::new(flate2::read::MultiGzDecoder::new(packed))),
        media_type::LAYER_ZSTD => Some(Box::new(zstd::Decoder::new(packed)?)),
        _ => None,
    })
}

/// A reader that hashes what it gives.
pub(super) struct Hashed<R> {
    reader: R,
    hasher: sha2::Sha256,
}

impl<R> Hashed<R> {
    pub fn new(reader: R) -> Self {
        Self { reader, hasher: sha2::Sha256::new() }
    }

    /// The digest of all that was read.
    pub fn finish(self) -> Sha256 {
        Sha256(self.hasher.finalize().into())
    }
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(out)?;
        self.hasher.update(&out[..count]);
        Ok(count)
    }
}

/// Entries of all layers so far; hard-link groups are numbered over all of them.
#[derive(Default)]
struct Entries {
    by_path: BTreeMap<TreePath, Entry>,
    links: u32,
}

impl Entries {
    fn add_archive(
        &mut self,
        reader: &mut dyn Read,
        sink: &mut dyn ContentSink,
        fault: &dyn Fn(LayerFault) -> ReadError,
    ) -> Result<(), ReadError> {
        let io_fault = |error| fault(LayerFault::Archive(error));
        let mut archive = tar::Archive::new(reader);
        let mut own = BTreeSet::new();
        for member in archive.entries().map_err(io_fault)? {
            let mut member = member.map_err(io_fault)?;
            let path_bytes = member.path_bytes().into_owned();
            let shown = || String::from_utf8_lossy(&path_bytes).into_owned();
            let path = TreePath::from_archive(&path_bytes).map_err(|error| fault(LayerFault::Path(error)))?;
            let Some(path) = path else { continue };
            if let Some(hidden) = path.file_name().strip_prefix(b".wh.") {
                let deleted = deleted(&path, hidden).ok_or_else(|| fault(LayerFault::Whiteout(shown())))?;
                self.delete(deleted.as_ref(), &own, hidden != OPAQUE);
                continue;
            }
            own.insert(path.clone());
            let link = member.link_name_bytes().map(|bytes| bytes.into_owned()).unwrap_or_default();
            let kind = match member.header().entry_type() {
                tar::EntryType::Directory => EntryKind::Directory,
                tar::EntryType::Symlink if !link.is_empty() => EntryKind::Symlink { target: link },
                tar::EntryType::Link => {
                    self.add_link(path, &link).ok_or_else(|| fault(LayerFault::Link(shown())))?;
                    continue;
                }
                kind if kind.is_file() => {
                    let (digest, size) = sink.keep(&mut member)?;
                    EntryKind::File { digest, size, link: None }
                }
                _ => return Err(fault(LayerFault::Kind(shown()))),
            };
            let entry = entry(path, kind, &mut member).map_err(io_fault)?;
            if !entry.is_directory() {
                self.delete(Some(&entry.path), &own, true);
            }
            self.by_path.insert(entry.path.clone(), entry);
        }
        Ok(())
    }

    /// Drops what lower layers have below `path`, and there if `itself`; not what is this layer's `own`.
    fn delete(&mut self, path: Option<&TreePath>, own: &BTreeSet<TreePath>, itself: bool) {
        let hit = |it: &TreePath| path.is_none_or(|path| it.is_within(path) || (itself && it == path));
        let start = path.map_or(Bound::Unbounded, Bound::Included);
        let after = self.by_path.range::<TreePath, _>((start, Bound::Unbounded)).map(|(path, _)| path);
        let gone: Vec<TreePath> = after
            .take_while(|it| hit(it) || Some(*it) == path)
            .filter(|it| hit(it) && !own.contains(it))
            .cloned()
            .collect();
        for path in gone {
            self.by_path.remove(&path);
        }
    }

    /// Adds a further name of the file at `first`; `None` where there is no such file.
    fn add_link(&mut self, path: TreePath, first: &[u8]) -> Option<()> {
        let first = TreePath::from_archive(first).ok()??;
        let next = self.links;
        let file = self.by_path.get_mut(&first)?;
        let EntryKind::File { link, .. } = &mut file.kind else { return None };
        if link.is_none() {
            *link = Some(next);
            self.links += 1;
        }
        let entry = Entry { path: path.clone(), ..file.clone() };
        self.by_path.insert(path, entry);
        Some(())
    }
}

/// What the whiteout at `path` deletes: a path, or all in the folder that it stands in. `None` where it is none.
fn deleted(path: &TreePath, hidden: &[u8]) -> Option<Option<TreePath>> {
    let folder = path.parent();
    if hidden == OPAQUE {
        return Some(folder);
    }
    let plain = !hidden.is_empty() && !hidden.starts_with(b".wh.");
    let deleted = match folder {
        Some(folder) => folder.join(hidden),
        None => TreePath::new(hidden),
    };
    deleted.ok().filter(|_| plain).map(Some)
}

/// Metadata from the header, and from the pax records where those go further.
fn entry<R: Read>(path: TreePath, kind: EntryKind, member: &mut tar::Entry<'_, R>) -> io::Result<Entry> {
    let mut pax = BTreeMap::new();
    for record in member.pax_extensions()?.into_iter().flatten() {
        let record = record?;
        pax.insert(record.key_bytes().to_vec(), record.value_bytes().to_vec());
    }
    let number = |key: &str| -> Option<i64> {
        std::str::from_utf8(pax.get(key.as_bytes())?).ok()?.split('.').next()?.parse().ok()
    };
    let header = member.header();
    let small = |value: u64| u32::try_from(value).map_err(|_| io::Error::other("an id is too large"));
    let id = |key: &str, value: io::Result<u64>| {
        small(match number(key) {
            Some(number) => u64::try_from(number).unwrap_or(u64::MAX),
            None => value?,
        })
    };
    let symlink = matches!(kind, EntryKind::Symlink { .. });
    Ok(Entry {
        path,
        mode: if symlink { 0o777 } else { (header.mode()? & 0o7777) as u16 },
        uid: id("uid", header.uid())?,
        gid: id("gid", header.gid())?,
        mtime: match number("mtime") {
            Some(seconds) => seconds,
            None => header.mtime()? as i64,
        },
        xattrs: pax
            .iter()
            .filter_map(|(key, value)| Some((key.strip_prefix(b"SCHILY.xattr.")?.to_vec(), value.clone())))
            .collect(),
        kind,
    })
}
