//! The builder of unpacks: an archive to an image tree, its origins, and a pack with the contents.

use std::collections::BTreeMap;
use std::io::{self, BufReader, Read};

use super::{BuildContext, BuildError, BuildOutputs, Builder};
use crate::distro::archive::{
    ArchiveProblem, Encoding, Limits, TarForm, UnpackError, single_file, unpack_tar,
};
use crate::distro::debian::archive::unpack_deb;
use crate::graph::{Action, ArchiveFormat, Derivation, outputs};
use crate::tree::{ContentSink, OriginMap, Tree};

const BUFFER: usize = 128 << 10;

/// Unpacks archives.
#[derive(Debug, Clone, Copy, Default)]
pub struct UnpackBuilder;

impl Builder for UnpackBuilder {
    fn build(&self, derivation: &Derivation, context: &dyn BuildContext) -> Result<BuildOutputs, BuildError> {
        let Action::Unpack(unpack) = &derivation.action else {
            unreachable!("the scheduler gives each builder its own kind of action");
        };
        let object = context.input(0, outputs::FILE)?;
        let mut pack = context.create_pack()?;
        let progress = Progress { source: context.open(object)?, context, done: 0, total: object.size };
        let source = BufReader::with_capacity(BUFFER, progress);
        let unpacked =
            unpack_archive(&unpack.format, &unpack.origin.0, (source, object.size), &mut *pack, context);
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
            let start = io::BufRead::fill_buf(&mut source)
                .map_err(|error| UnpackError::archive(archive, ArchiveProblem::Unreadable(error)))?;
            let unknown = || ArchiveProblem::UnknownCompression { name: "the archive".to_owned() };
            let encoding = Encoding::detect(start).ok_or_else(|| UnpackError::archive(archive, unknown()))?;
            let form = TarForm::Source { strip: *strip, epoch: *epoch };
            let about = (archive, "the tar stream", length);
            let tree = unpack_tar(source, encoding, about, (form, &limits), sink, &cancelled)?;
            Ok((tree, None))
        }
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
