//! `hbuild reproduce`.

mod results;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::arguments::{NetworkArguments, SandboxArguments};
use super::build::executor;
use super::bundle;
use super::context::Context;
use super::image::ImageSource;
use super::progress::Progress;
use super::registry::RegistryArguments;
use super::report::{Failure, OutputError, Texts};
use super::signer::SignerArguments;
use super::target;
use crate::audit::reproduction::{Claim, claims};
use crate::build::bundle::{BundleInputs, StoreInputs};
use crate::build::reproduce::{Rebuild, bundled_recipe, check_claims, find_recipe, plan};
use crate::build::{BuildOptions, Format, Project, Surroundings, build};
use crate::bundle::Bundle;
use crate::exec::Executor;
use crate::host::fetch_builder::Inputs;
use crate::host::settings::Settings;
use crate::remote::Reference;
use crate::store::Store;

/// Arguments of `reproduce`.
#[derive(Debug, Args)]
pub struct ReproduceArguments {
    /// A layout folder or an OCI archive, optionally with `:REF`, or an image of a registry
    pub image: String,
    /// Take recipe, lock and inputs from this bundle, and nothing from a network
    #[arg(long, value_name = "FILE", conflicts_with = "recipe")]
    pub bundle: Option<PathBuf>,
    /// The recipe of the image, or a folder that it is in or below
    #[arg(long, value_name = "FILE|DIR", default_value = ".")]
    pub recipe: PathBuf,
    /// Only the platform of this architecture, `amd64` or `arm64`; every one that the image has by default
    #[arg(long, value_name = "ARCH")]
    pub arch: Option<String>,
    /// Folder for the provenance and the summary, and for what was built where it differs
    #[arg(short, long, value_name = "DIR", default_value = "out/reproduced")]
    pub output: PathBuf,
    /// Threads, and so derivations at once; one a core by default
    #[arg(short, long, value_name = "N")]
    pub jobs: Option<usize>,
    /// Use no network: only the store's fetched files and `file:` mirrors
    #[arg(long)]
    pub offline: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Who signs what is written
    #[command(flatten)]
    pub signer: SignerArguments,
    /// Mirrors
    #[command(flatten)]
    pub network: NetworkArguments,
    /// Limits
    #[command(flatten)]
    pub sandbox: SandboxArguments,
}

/// Builds the image again from nothing and compares.
pub fn run(arguments: &ReproduceArguments, context: &Context) -> Result<(), Failure> {
    let signer = arguments.signer.signer(context)?;
    let registry = RegistryArguments { ca_file: arguments.network.ca_file.clone() };
    let source = ImageSource::open(&arguments.image, &registry, context)?;
    let layout = source.layout()?;
    let arch = arguments.arch.as_deref().map(target::arch).transpose()?;
    let claims = claims(&layout, source.reference(), arch).map_err(Failure::new)?;
    check_claims(&claims).map_err(Failure::new)?;
    let definition = Definition::load(arguments, &claims, context)?;
    let rebuild = plan(definition.project(&claims)?, &claims, target::host_arch()).map_err(Failure::new)?;
    let place = tempfile::Builder::new().prefix("hbuild-reproduce-").tempdir();
    let place = place.map_err(|source| Failure::new(OutputError { source }))?;
    let scratch = place.path().to_owned();
    context.before_hard_stop(move || drop(std::fs::remove_dir_all(&scratch)));
    build_again(arguments, &rebuild, &definition, place.path(), context)?;
    let built = results::Built::open(&rebuild, place.path(), source.remote().map(Reference::name))?;
    let judgement = built.judge((&layout, source.reference()), &claims)?;
    results::finish(arguments, (&built, &layout), (&claims, &judgement), signer.as_deref(), context)
}

/// What the image is built again from.
enum Definition {
    Bundle(Arc<Bundle>, Vec<(String, Project)>),
    Folder(Box<Project>),
}

impl Definition {
    fn load(arguments: &ReproduceArguments, claims: &[Claim], context: &Context) -> Result<Self, Failure> {
        if let Some(path) = &arguments.bundle {
            let bundle = bundle::open(path)?;
            let projects = bundle::projects(&bundle, context.reporter())?;
            return Ok(Self::Bundle(bundle, projects));
        }
        let path = find_recipe(&arguments.recipe, &claims[0]).map_err(Failure::new)?;
        match Project::load(&path) {
            Ok(project) => {
                context.reporter().texts(&Texts::new(&path, &project.checked));
                Ok(Self::Folder(Box::new(project)))
            }
            Err(checked) => Err(Failure::recipe(&Texts::new(&path, &checked))),
        }
    }

    fn project(&self, claims: &[Claim]) -> Result<&Project, Failure> {
        match self {
            Self::Bundle(bundle, projects) => {
                bundled_recipe(bundle, projects, &claims[0]).map_err(Failure::new)
            }
            Self::Folder(project) => Ok(project),
        }
    }
}

/// Builds in the empty folder `place`, which gets a store and results. Of the user's own store no more is taken than
/// what was fetched.
fn build_again(
    arguments: &ReproduceArguments,
    rebuild: &Rebuild<'_>,
    definition: &Definition,
    place: &Path,
    context: &Context,
) -> Result<(), Failure> {
    if rebuild.whole.images.is_empty() {
        return Ok(());
    }
    let settings = context.settings(&arguments.network)?;
    let own = context.store_path().ok().filter(|path| path.is_dir()).and_then(|path| Store::open(&path).ok());
    let _shared = own.as_ref().and_then(|own| own.share(&context.cancel()).ok());
    let inputs: Option<Box<dyn Inputs + '_>> = match (definition, &own) {
        (Definition::Bundle(bundle, _), _) => Some(Box::new(BundleInputs(bundle))),
        (Definition::Folder(_), Some(own)) => Some(Box::new(StoreInputs(own))),
        (Definition::Folder(_), None) => None,
    };
    let store = Store::open(&place.join("store")).map_err(Failure::new)?;
    build_in(arguments, rebuild, (&store, inputs.as_deref(), &settings), place, context)
}

fn build_in(
    arguments: &ReproduceArguments,
    rebuild: &Rebuild<'_>,
    (store, inputs, settings): (&Store, Option<&dyn Inputs>, &Settings),
    place: &Path,
    context: &Context,
) -> Result<(), Failure> {
    let progress = Progress::start(context.reporter());
    context.before_hard_stop(progress.clearing());
    let executor = match rebuild.whole.executes() {
        true => Some(executor(store, arguments.sandbox.limits().or(settings.build))?),
        false => None,
    };
    let surroundings = Surroundings {
        store,
        mirrors: &settings.mirrors,
        fetch: &settings.fetch,
        inputs,
        executor: executor.as_ref().map(|executor| executor as &dyn Executor),
        // What is compared are bits: a test that fails here says nothing of them.
        tests: None,
        observer: &progress,
    };
    let options = BuildOptions {
        output: place.join("out"),
        format: Format::Oci,
        jobs: arguments.jobs,
        keep_going: false,
        check: false,
        offline: arguments.offline || arguments.bundle.is_some(),
        platform: target::host_arch(),
        cancel: context.cancel(),
    };
    let outcome = build(&rebuild.whole, &options, &surroundings);
    progress.finish();
    match outcome.map_err(Failure::new)?.failure {
        Some(failure) => Err(Failure::new(failure)),
        None => Ok(()),
    }
}
