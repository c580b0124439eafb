//! The builder of unpacks: an archive to an image tree, its origins, and a pack with the contents.

use std::collections::BTreeMap;
use std::io::{self, BufReader, Read};

use super::{BuildContext, BuildError, BuildOutputs, Builder};
use crate::distro::alpine::archive::{Expected, unpack_apk};
use crate::distro::alpine::signature::Keyring;
use crate::distro::archive::{
    ArchiveProblem, Encoding, Layers, Limits, TarForm, UnpackError, single_file, unpack_tar,
};
use crate::distro::debian::archive::unpack_deb;
use crate::graph::{Action, ArchiveFormat, Derivation, outputs};
use crate::tree::{ContentError, ContentSink, OriginMap, Tree};

const BUFFER: usize = 128 << 10;

/// Unpacks archives.
#[derive(Debug, Clone, Copy, Default)]
pub struct UnpackBuilder;

impl Builder for UnpackBuilder {
    fn build(&self, derivation: &Derivation, context: &dyn BuildContext) -> Result<BuildOutputs, BuildError> {
        let Action::Unpack(unpack) = &derivation.action else {
            unreachable!("the scheduler gives each builder its own kind of action");
        };
        let mut pack = context.create_pack()?;
        let unpacked = match &unpack.format {
            ArchiveFormat::Layers => unpack_layers(derivation, &unpack.origin.0, &mut *pack, context),
            ArchiveFormat::Apk { checksum, keys } => {
                let keys = keys.iter().map(|key| (key.name.as_str(), &*key.text));
                let keyring = Keyring::parse(keys).map_err(BuildError::action)?;
                let expected = Expected { checksum: *checksum, keyring: &keyring };
                unpack_package(&expected, &unpack.origin.0, open(context, 0)?, &mut *pack, context)
            }
            format => unpack_archive(format, &unpack.origin.0, open(context, 0)?, &mut *pack, context),
        };
        let (tree, control) = unpacked.map_err(|error| match error {
            UnpackError::Archive(error) => BuildError::action(error),
            UnpackError::Content(error) => BuildError::Content(error),
            UnpackError::Cancelled => BuildError::Cancelled,
        })?;
        let origins =
            OriginMap::uniform(tree.entries().iter().map(|entry| entry.path.clone()), &unpack.origin);
        let mut made = BTreeMap::from([
            (outputs::PACK.to_owned(), pack.finish()?),
            (outputs::ORIGINS.to_owned(), context.put_origins(origins)?),
            (outputs::TREE.to_owned(), context.put_tree(tree)?),
        ]);
        if let Some(control) = control {
            made.insert(outputs::CONTROL.to_owned(), context.put_tree(control)?);
        }
        Ok(made)
    }
}

/// A reader over the file that is input number `input`, and its length.
fn open(context: &dyn BuildContext, input: usize) -> Result<(BufReader<Progress<'_>>, u64), ContentError> {
    let object = context.input(input, outputs::FILE)?;
    let progress = Progress { source: context.open(object)?, context, done: 0, total: object.size };
    Ok((BufReader::with_capacity(BUFFER, progress), object.size))
}

fn unpack_layers(
    derivation: &Derivation,
    archive: &str,
    sink: &mut dyn ContentSink,
    context: &dyn BuildContext,
) -> Result<(Tree, Option<Tree>), UnpackError> {
    let mut layers = Layers::default();
    for input in 0..derivation.inputs.len() {
        let (mut source, length) = open(context, input)?;
        let encoding = detect(&mut source, archive)?;
        let part = format!("layer {}", input + 1);
        let about = (archive, part.as_str(), length);
        layers.add(source, encoding, about, &Limits::default(), sink, &|| context.cancelled())?;
    }
    Ok((layers.finish(), None))
}

fn unpack_package<R: Read>(
    expected: &Expected<'_>,
    archive: &str,
    (source, length): (BufReader<R>, u64),
    sink: &mut dyn ContentSink,
    context: &dyn BuildContext,
) -> Result<(Tree, Option<Tree>), UnpackError> {
    let (limits, cancelled) = (Limits::default(), || context.cancelled());
    let trees = unpack_apk(source, length, archive, expected, &limits, sink, &cancelled)?;
    Ok((trees.tree, Some(trees.control)))
}

/// The encoding that the archive's first bytes show.
fn detect<R: Read>(source: &mut BufReader<R>, archive: &str) -> Result<Encoding, UnpackError> {
    let start = io::BufRead::fill_buf(source)
        .map_err(|error| UnpackError::archive(archive, ArchiveProblem::Unreadable(error)))?;
    let unknown = || ArchiveProblem::UnknownCompression { name: "the archive".to_owned() };
    Encoding::detect(start).ok_or_else(|| UnpackError::archive(archive, unknown()))
}

fn unpack_archive<R: Read>(
    format: &ArchiveFormat,
    archive: &str,
    (mut source, length): (BufReader<R>, u64),
    sink: &mut dyn ContentSink,
    context: &dyn BuildContext,
) -> Result<(Tree, Option<Tree>), UnpackError> {
    let limits = Limits::default();
    let cancelled = || context.cancelled();
    match format {
        ArchiveFormat::Deb => {
            let trees = unpack_deb(source, length, archive, &limits, sink, &cancelled)?;
            Ok((trees.tree, Some(trees.control)))
        }
        ArchiveFormat::Tar { strip, epoch } => {
            let encoding = detect(&mut source, archive)?;
            let form = TarForm::Source { strip: *strip, epoch: *epoch };
            let about = (archive, "the tar stream", length);
            let tree = unpack_tar(source, encoding, about, (form, &limits), sink, &cancelled)?;
            Ok((tree, None))
        }
        ArchiveFormat::Apk { .. } | ArchiveFormat::Layers => unreachable!("they have functions of their own"),
        ArchiveFormat::File { name, mode, epoch } => {
            let tree = single_file(&mut source, archive, (name, *mode, *epoch), sink)?;
            Ok((tree, None))
        }
    }
}

/// Counts what is read of the archive, for whoever watches.
struct Progress<'a> {
    source: Box<dyn Read + Send + 'a>,
    context: &'a dyn BuildContext,
    done: u64,
    total: u64,
}

impl Read for Progress<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(into)?;
        self.done += count as u64;
        self.context.progress(self.done, Some(self.total));
        Ok(count)
    }
}
