//! `hbuild why`.

use super::arguments::WhyArguments;
use super::context::Context;
use super::image::ImageSource;
use super::report::{Failure, UsageError};
use super::target::host_arch;
use super::{print, print_json};
use crate::digest::Sha256;
use crate::distro::cache::IndexCache;
use crate::evidence::why::{ImageEvidence, VerbatimIndexes, why};
use crate::evidence::{Attached, CarriedIndexes, KeptOrCarried, media};
use crate::store::Store;

/// Prints where a path of an image came from.
pub fn run(arguments: &WhyArguments, context: &Context) -> Result<(), Failure> {
    let source = ImageSource::open(&arguments.image, &arguments.registry, context)?;
    let layout = source.layout()?;
    let image = layout.image(source.reference(), Some(host_arch())).map_err(Failure::new)?;
    let attached = Attached::read(&layout, image.digest).map_err(Failure::new)?;
    let evidence = read(&attached, image.digest)?;
    let carried = CarriedIndexes::of(&layout, &attached).map_err(Failure::new)?;
    // Without indexes there is nothing to check again with; the answer says so.
    let store =
        context.store_path().ok().filter(|path| path.is_dir()).and_then(|path| Store::open(&path).ok());
    let repositories = hbuild_lang::standard_repositories();
    let cache = KeptOrCarried {
        kept: store.as_ref().map(|store| store as &dyn IndexCache),
        carried: carried.as_ref(),
    };
    let verbatim = VerbatimIndexes { cache: &cache, repositories: &repositories };
    let answer = why(&evidence, &arguments.path, Some(&verbatim)).map_err(Failure::new)?;
    if arguments.json { print_json(&answer) } else { print(&answer.to_string()) }
}

fn read(attached: &Attached<'_>, manifest: Sha256) -> Result<ImageEvidence, Failure> {
    let statement = |predicate: &str| -> Result<Vec<u8>, Failure> {
        let found = attached.document(media::IN_TOTO, Some(predicate)).map_err(Failure::new)?;
        let none = || Failure::new(UsageError::NoEvidence { predicate: predicate.to_owned() });
        found.map(|(_, bytes)| bytes).ok_or_else(none)
    };
    let (origins, provenance) =
        (statement(media::PREDICATE_ORIGINS)?, statement(media::PREDICATE_PROVENANCE)?);
    ImageEvidence::read(manifest, &origins, &provenance).map_err(Failure::new)
}
