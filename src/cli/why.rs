//! `hbuild why`.

use hbuild_lang::recipe::Arch;

use super::arguments::WhyArguments;
use super::context::Context;
use super::image::ImageSource;
use super::report::{Failure, UsageError};
use super::{print, print_json};
use crate::evidence::media;
use crate::evidence::why::{ImageEvidence, Recheck, VerbatimIndexes, why};
use crate::image::read::Layout;
use crate::store::Store;

/// Prints where a path of an image came from.
pub fn run(arguments: &WhyArguments, context: &Context) -> Result<(), Failure> {
    let source = ImageSource::open(&arguments.image, &arguments.registry, context)?;
    let evidence = read(&source.layout()?, source.reference())?;
    // Without a store there is nothing to check again with; the answer says so.
    let store =
        context.store_path().ok().filter(|path| path.is_dir()).and_then(|path| Store::open(&path).ok());
    let repositories = hbuild_lang::standard_repositories();
    let kept = store.as_ref().map(|store| VerbatimIndexes { cache: store, repositories: &repositories });
    let answer = why(&evidence, &arguments.path, kept.as_ref().map(|kept| kept as &dyn Recheck))
        .map_err(Failure::new)?;
    if arguments.json { print_json(&answer) } else { print(&answer.to_string()) }
}

fn read(layout: &Layout<'_>, reference: Option<&str>) -> Result<ImageEvidence, Failure> {
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
