//! `hbuild bundle`, and opening bundles for the commands that take one.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use serde::Serialize;

use super::arguments::{NetworkArguments, Selection};
use super::context::Context;
use super::progress::Progress;
use super::report::{Failure, Reporter, Texts, UsageError};
use super::{print, print_json, table, target};
use crate::build::bundle::{BundleOptions, Bundled, ProjectsError, bundle, projects_of};
use crate::build::{
    BuildOptions, Format, GraphOptions, Project, Surroundings, layer_compression, select, whole_graph,
};
use crate::bundle::{Bundle, BundleError, Maker};
use crate::digest::Sha256;
use crate::graph::Algorithm;
use crate::host::folder::HostFolder;
use crate::image::layout::Folder;

/// Arguments of `bundle`.
#[derive(Debug, Args)]
pub struct BundleArguments {
    /// Recipes and variants
    #[command(flatten)]
    pub selection: Selection,
    /// The file to write
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// Leave out the signed indexes and keys that vouch for the packages
    #[arg(long)]
    pub without_indexes: bool,
    /// Files fetched at once; one a core by default
    #[arg(short, long, value_name = "N")]
    pub jobs: Option<usize>,
    /// Use no network: only the store and `file:` mirrors
    #[arg(long)]
    pub offline: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Mirrors
    #[command(flatten)]
    pub network: NetworkArguments,
}

/// A bundle that was written.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Report<'a> {
    path: &'a Path,
    sha256: Sha256,
    size: u64,
    items: Vec<String>,
    files: usize,
}

/// Writes the bundle of what is selected; prints its digest, or JSON.
pub fn run(arguments: &BundleArguments, context: &Context) -> Result<(), Failure> {
    let projects = target::load(&arguments.selection.targets, context.reporter())?;
    target::check_axes(&arguments.selection, &projects)?;
    let filter = target::filter(&arguments.selection)?;
    let chosen = select(&projects, &filter).map_err(Failure::new)?;
    // Neither can change what a build takes.
    let graph_options =
        GraphOptions { compression: layer_compression(Algorithm::Zstd), builder: context.builder() };
    let whole = whole_graph(&chosen, &graph_options).map_err(Failure::new)?;
    let settings = context.settings(&arguments.network)?;
    let store = context.store()?;
    let progress = Progress::start(context.reporter());
    context.before_hard_stop(progress.clearing());
    let surroundings = Surroundings {
        store: &store,
        mirrors: &settings.mirrors,
        fetch: &settings.fetch,
        inputs: None,
        executor: None,
        tests: None,
        observer: &progress,
    };
    let build = BuildOptions {
        output: arguments.output.clone(),
        format: Format::Oci,
        jobs: arguments.jobs,
        keep_going: false,
        check: false,
        offline: arguments.offline,
        platform: target::host_arch(),
        cancel: context.cancel(),
    };
    let (folder, name) = crate::build::split(&arguments.output);
    let folder = HostFolder::new(folder);
    let mut file = folder.create(&name).map_err(Failure::new)?;
    let options = BundleOptions { build: &build, without_indexes: arguments.without_indexes };
    let outcome = bundle(&chosen, &whole, &options, &surroundings, &mut file);
    progress.finish();
    let bundled = outcome.map_err(Failure::new)?;
    file.finish().map_err(Failure::new)?;
    say(arguments, &bundled)
}

fn say(arguments: &BundleArguments, bundled: &Bundled) -> Result<(), Failure> {
    let Bundled { written, manifest } = bundled;
    let report = Report {
        path: &arguments.output,
        sha256: written.sha256,
        size: written.size,
        items: manifest.items.iter().map(|item| item.shown()).collect(),
        files: manifest.entries.len(),
    };
    if arguments.json {
        return print_json(&report);
    }
    let items = report.items.iter().map(|item| format!("{item}\n")).collect::<String>();
    let (path, size) = (report.path.display(), table::size(report.size));
    print(&format!("{items}{} files, {size}, sha256 {}\nin {path}\n", report.files, report.sha256))
}

/// The bundle in the file `path`.
pub fn open(path: &Path) -> Result<Arc<Bundle>, Failure> {
    let file = File::open(path).map_err(|source| match source.kind() {
        std::io::ErrorKind::NotFound => {
            Failure::new(UsageError::NoBundle { path: path.display().to_string() })
        }
        _ => Failure::new(BundleError::Io { action: "open", source }),
    })?;
    Bundle::open(Box::new(file)).map(Arc::new).map_err(Failure::new)
}

/// The recipes in `bundle`, evaluated; their warnings are reported.
pub fn projects(bundle: &Arc<Bundle>, reporter: &Reporter) -> Result<Vec<(String, Project)>, Failure> {
    let projects = projects_of(bundle).map_err(|error| match error {
        ProjectsError::Bundle(error) => Failure::new(error),
        ProjectsError::Recipe(recipe, checked) => Failure::recipe(&Texts::new(Path::new(&recipe), &checked)),
    })?;
    for (recipe, project) in &projects {
        reporter.texts(&Texts::new(Path::new(recipe), &project.checked));
    }
    let (maker, own) = (&bundle.manifest().hbuild, Maker::this());
    if *maker != own && reporter.for_people() {
        let (theirs, ours) = (&maker.version, &own.version);
        eprintln!("the bundle was made by hbuild {theirs}, this is {ours}: what it builds may differ");
    }
    Ok(projects)
}
