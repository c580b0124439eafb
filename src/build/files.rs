//! Results of builds that are wanted for themselves: their outputs as folders or archives.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::Ordering;

use hbuild_lang::recipe::Point;
use rayon::prelude::*;
use serde::Serialize;

use super::BuildFailure;
use super::graph::PlannedBuild;
use super::output::{Format, Source};
use crate::digest::Digest;
use crate::graph::{DerivationId, outputs};
use crate::host::folder::HostFolder;
use crate::host::root_folder::HostRoot;
use crate::image::formats::{write_root, write_tree_archive};
use crate::store::Packs;
use crate::tree::{ContentError, Contents};

/// What became of one output of a build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct BuildResult {
    /// The build's name.
    pub build: String,
    /// Its point.
    pub point: Point,
    /// The name of a further output.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// BLAKE3 of the output's tree.
    pub digest: Digest,
    /// The derivation that made it.
    pub derivation: DerivationId,
    /// Bytes of the files in it.
    pub size: u64,
    /// Where it is.
    pub path: PathBuf,
}

/// Writes the outputs of `builds` below `folder`: as an archive each where `format` is one, else as a folder each.
pub(super) fn write(
    source: &Source<'_>,
    builds: &[&PlannedBuild<'_>],
    folder: &Path,
    format: Format,
) -> Result<Vec<BuildResult>, BuildFailure> {
    let mut wanted = Vec::new();
    for &planned in builds {
        let further = planned.build.outputs.iter().map(Some);
        wanted.extend(std::iter::once(None).chain(further).map(|output| (planned, output)));
    }
    let write = |(planned, output): &(&PlannedBuild<'_>, Option<&String>)| {
        write_output(source, planned, *output, folder, format)
    };
    wanted.par_iter().map(write).collect()
}

/// The contents of a build's outputs, whose packs are opened when the first is asked for: most results stand already.
struct PacksOf<'a> {
    source: &'a Source<'a>,
    id: DerivationId,
    packs: OnceLock<Packs>,
}

impl Contents for PacksOf<'_> {
    fn open(&self, digest: &Digest) -> Result<Box<dyn Read + Send + '_>, ContentError> {
        if let Some(packs) = self.packs.get() {
            return packs.open(digest);
        }
        let packs = self.source.packs(self.id)?;
        self.packs.get_or_init(|| packs).open(digest)
    }
}

fn write_output(
    source: &Source<'_>,
    planned: &PlannedBuild<'_>,
    output: Option<&String>,
    folder: &Path,
    format: Format,
) -> Result<BuildResult, BuildFailure> {
    let (build, id) = (planned.build, planned.plan.exec);
    let mut name = planned.result_name();
    let object = match output {
        None => outputs::TREE.to_owned(),
        Some(output) => {
            name = format!("{name}-{output}");
            outputs::further(output)
        }
    };
    let digest = source.object(id, &object).digest;
    let result = |size, path| BuildResult {
        build: build.name.clone(),
        point: build.point.clone(),
        output: output.cloned(),
        digest,
        derivation: id,
        size,
        path,
    };
    let target = HostRoot::new(folder.join(&name));
    if let Format::Oci | Format::Dir = format
        && let Some(size) = target.stands(digest)
    {
        return Ok(result(size, folder.join(name)));
    }
    let tree = source.tree(id, &object)?;
    let contents = PacksOf { source, id, packs: OnceLock::new() };
    let cancelled = || source.cancel.load(Ordering::Relaxed);
    let path = match format {
        Format::Tar | Format::Docker => {
            let name = format!("{name}.tar");
            write_tree_archive(&name, &tree, &contents, &HostFolder::new(folder), &cancelled)?;
            folder.join(name)
        }
        Format::Oci | Format::Dir => {
            let path = folder.join(name);
            let shown = path.display().to_string();
            write_root(&shown, &tree, build.epoch, &contents, &target, &cancelled)?;
            path
        }
    };
    Ok(result(tree.content_size(), path))
}
