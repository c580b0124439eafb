//! `hbuild why`.

use std::fs::File;
use std::path::Path;

use hbuild_lang::recipe::Arch;

use super::arguments::WhyArguments;
use super::context::Context;
use super::report::{Failure, UsageError};
use super::{print, print_json};
use crate::evidence::media;
use crate::evidence::why::{ImageEvidence, Recheck, VerbatimIndexes, why};
use crate::host::folder::HostFolder;
use crate::image::read::{Archive, FolderFiles, ImageFiles, Layout};
use crate::store::Store;

/// Prints where a path of an image came from.
pub fn run(arguments: &WhyArguments, context: &Context) -> Result<(), Failure> {
    let (path, reference) = split(&arguments.image);
    if !Path::new(path).exists() {
        return Err(Failure::new(UsageError::NoImage { image: arguments.image.clone() }));
    }
    let evidence = if Path::new(path).is_dir() {
        read(&FolderFiles(&HostFolder::new(path)), reference)?
    } else {
        let file = File::open(path).map_err(|source| Failure::new(super::report::OutputError { source }))?;
        read(&Archive::new(file).map_err(Failure::new)?, reference)?
    };
    // Without a store there is nothing to check again with; the answer says so.
    let store =
        context.store_path().ok().filter(|path| path.is_dir()).and_then(|path| Store::open(&path).ok());
    let repositories = hbuild_lang::standard_repositories();
    let kept = store.as_ref().map(|store| VerbatimIndexes { cache: store, repositories: &repositories });
    let answer = why(&evidence, &arguments.path, kept.as_ref().map(|kept| kept as &dyn Recheck))
        .map_err(Failure::new)?;
    if arguments.json { print_json(&answer) } else { print(&answer.to_string()) }
}

/// Path and reference of `PATH[:REF]`.
fn split(image: &str) -> (&str, Option<&str>) {
    match image.rsplit_once(':') {
        Some((path, reference)) if !Path::new(image).exists() && !reference.contains('/') => {
            (path, Some(reference))
        }
        _ => (image, None),
    }
}

fn read(files: &dyn ImageFiles, reference: Option<&str>) -> Result<ImageEvidence, Failure> {
    let layout = Layout::open(files).map_err(Failure::new)?;
    let arch = if cfg!(target_arch = "aarch64") { Arch::Arm64 } else { Arch::Amd64 };
    let image = layout.image(reference, Some(arch)).map_err(Failure::new)?;
    let referrers = layout.referrers(image.digest).map_err(Failure::new)?;
    let statement = |predicate: &str| -> Result<Vec<u8>, Failure> {
        let is_it = |entry: &&oci_spec::image::Descriptor| {
            let annotations = entry.annotations().as_ref();
            annotations
                .and_then(|all| all.get(media::PREDICATE_TYPE_ANNOTATION))
                .is_some_and(|found| found == predicate)
        };
        match referrers.iter().find(is_it) {
            Some(entry) => layout.artifact(entry).map_err(Failure::new),
            None => Err(Failure::new(UsageError::NoEvidence { predicate: predicate.to_owned() })),
        }
    };
    let (origins, provenance) =
        (statement(media::PREDICATE_ORIGINS)?, statement(media::PREDICATE_PROVENANCE)?);
    ImageEvidence::read(image.digest, &origins, &provenance).map_err(Failure::new)
}
