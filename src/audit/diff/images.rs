//! Two images as sides: each layer is read once, whoever has it, and several at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;

use oci_spec::image::Descriptor;
use rayon::prelude::*;
use sha2::Digest as _;

use super::side::{Fetch, Hashing, Side, Spool, Wanted};
use super::{Cancelled, DiffError};
use crate::digest::Digest;
use crate::distro::archive::{Encoding, Layer, Layers, Limits, UnpackError};
use crate::image::media_type;
use crate::image::read::{Image, Layout, ReadError};
use crate::tree::ContentSink;

/// How the media types of layers begin that Docker's own tools made.
const DOCKER_LAYER: &str = "application/vnd.docker.image.rootfs.diff.tar";

/// An image to be compared.
pub struct ImageSource<'a> {
    /// As the user named it.
    pub name: String,
    /// Where its layers are.
    pub layout: &'a Layout<'a>,
    /// Its documents.
    pub image: &'a Image,
}

/// A layer that was read.
struct ReadLayer<'a> {
    layout: &'a Layout<'a>,
    descriptor: Descriptor,
    layer: Layer,
    /// Its contents in the order in which they stand there.
    order: Vec<(Digest, u64)>,
}

/// Both images as sides. A layer of both is read from the first.
pub fn read_images<'a>(
    left: ImageSource<'a>,
    right: ImageSource<'a>,
    cancelled: Cancelled<'a>,
) -> Result<[Side<'a>; 2], DiffError> {
    let mut distinct: BTreeMap<String, (&'a Layout<'a>, Descriptor)> = BTreeMap::new();
    for source in [&left, &right] {
        for layer in source.image.manifest.layers() {
            let entry = || (source.layout, layer.clone());
            distinct.entry(layer.digest().to_string()).or_insert_with(entry);
        }
    }
    let mut distinct: Vec<_> = distinct.into_values().collect();
    // The longest first: what is read last decides how long all of it takes.
    distinct.sort_by_key(|(_, layer)| std::cmp::Reverse(layer.size()));
    let read: Vec<Arc<ReadLayer<'a>>> = distinct
        .into_par_iter()
        .with_max_len(1)
        .map(|(layout, descriptor)| {
            let mut sink = Hashing::default();
            let layer = read_layer(layout, &descriptor, &mut sink, cancelled)?;
            Ok(Arc::new(ReadLayer { layout, descriptor, layer, order: sink.order }))
        })
        .collect::<Result<_, DiffError>>()?;
    Ok([side(left, &read, cancelled)?, side(right, &read, cancelled)?])
}

fn side<'a>(
    source: ImageSource<'a>,
    read: &[Arc<ReadLayer<'a>>],
    cancelled: Cancelled<'a>,
) -> Result<Side<'a>, DiffError> {
    let (mut layers, mut own) = (Layers::default(), Vec::new());
    for layer in source.image.manifest.layers() {
        let is_it = |read: &&Arc<ReadLayer<'a>>| read.descriptor.digest() == layer.digest();
        let found = read.iter().find(is_it).expect("every layer of both images was read");
        layers
            .put_over(layer.digest().as_ref(), found.layer.clone(), &Limits::default())
            .map_err(unpack_error)?;
        own.push(found.clone());
    }
    let document = |bytes: &[u8]| serde_json::from_slice(bytes).unwrap_or_default();
    let documents = BTreeMap::from([
        ("manifest", document(&source.image.manifest_bytes)),
        ("config", document(&source.image.config_bytes)),
    ]);
    Ok(Side {
        name: source.name,
        manifest: Some(source.image.digest),
        documents,
        tree: layers.finish(),
        contents: Box::new(ImageContents { layers: own, cancelled }),
    })
}

/// The contents of an image, behind its layers.
struct ImageContents<'a> {
    layers: Vec<Arc<ReadLayer<'a>>>,
    cancelled: Cancelled<'a>,
}

impl Fetch for ImageContents<'_> {
    fn fetch(&self, wanted: &BTreeSet<Digest>, spool: &dyn Spool) -> Result<(), DiffError> {
        let mut left = wanted.clone();
        // One after the other takes its part, so that no content is fetched from two layers.
        let mut parts: Vec<(&ReadLayer<'_>, BTreeSet<Digest>)> = Vec::new();
        for layer in &self.layers {
            let part: BTreeSet<Digest> =
                layer.order.iter().filter_map(|(digest, _)| left.take(digest)).collect();
            if !part.is_empty() {
                parts.push((layer, part));
            }
        }
        parts.into_par_iter().with_max_len(1).try_for_each(|(layer, part)| {
            let sink = spool.sink()?;
            let kept = BTreeSet::new();
            let mut sink = Wanted { sink, wanted: &part, kept, expected: layer.order.iter() };
            read_layer(layer.layout, &layer.descriptor, &mut sink, self.cancelled).map(drop)
        })
    }
}

fn read_layer(
    layout: &Layout<'_>,
    descriptor: &Descriptor,
    sink: &mut dyn ContentSink,
    cancelled: Cancelled<'_>,
) -> Result<Layer, DiffError> {
    let media_type = descriptor.media_type().to_string();
    if !media_type.starts_with(media_type::LAYER_TAR) && !media_type.starts_with(DOCKER_LAYER) {
        return Err(ReadError::LayerType { media_type }.into());
    }
    let name = descriptor.digest().to_string();
    let (file, digest) = layout.open_blob(descriptor)?;
    let mut packed = Hashed { reader: file.take(descriptor.size() + 1), hasher: sha2::Sha256::new() };
    let about = (name.as_str(), "the layer", descriptor.size());
    let mut buffered = BufReader::with_capacity(256 << 10, &mut packed);
    // What it is said to be is a field of the manifest; what it is, its bytes show.
    let start = buffered.fill_buf().map_err(|error| DiffError::Content(error.into()))?;
    let encoding = Encoding::detect(start).unwrap_or(Encoding::Plain);
    let layer = Layer::read(buffered, encoding, about, &Limits::default(), sink, &|| cancelled());
    // A layer that was altered is told as such, not by what its bytes happen to be.
    let read = io::copy(&mut packed, &mut io::sink());
    let whole = matches!((&layer, read), (Ok(_) | Err(UnpackError::Archive(_)), Ok(_)));
    if whole && packed.hasher.finalize()[..] != digest.0 {
        return Err(ReadError::Blob { digest: name }.into());
    }
    layer.map_err(unpack_error)
}

pub(super) fn unpack_error(error: UnpackError) -> DiffError {
    match error {
        UnpackError::Archive(error) => DiffError::Archive(error),
        UnpackError::Content(error) => DiffError::Content(error),
        UnpackError::Cancelled => DiffError::Cancelled,
    }
}

struct Hashed<R> {
    reader: R,
    hasher: sha2::Sha256,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(out)?;
        self.hasher.update(&out[..count]);
        Ok(count)
    }
}
