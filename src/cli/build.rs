//! `hbuild build`.

use std::collections::BTreeMap;
use std::path::Path;

use clap::ValueEnum;

use super::arguments::{BuildArguments, CompressionArgument, FormatArgument};
use super::context::Context;
use super::progress::Progress;
use super::report::Failure;
use super::test::TestTime;
use super::{bundle, print, print_json, table, target};
use crate::build::bundle::{BundleInputs, chosen_of};
use crate::build::{
    ArchChoice, BuildOptions, BuildResult, Format, Gap, GraphOptions, ImageResult, Item, LeftOut, Project,
    Results, Surroundings, TestState, build, layer_compression, locked_graph, select,
};
use crate::evidence::{TestBuilder, TestReports};
use crate::exec::Executor;
use crate::graph::Algorithm;
use crate::host::fetch_builder::Inputs;
use crate::host::limits::BuildLimits;
use crate::host::memory;
use crate::sandbox::{Limits, LocalExecutor, LocalImages, Sandboxes, StageOptions};
use crate::store::Store;

/// Evidence that is attached on request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum EvidenceArgument {
    /// The signed indexes that packages were chosen from, and the certificates: InRelease, Packages, APKINDEX
    Indexes,
}

/// Builds what is selected; prints a table of the results, or their JSON.
pub fn run(arguments: &BuildArguments, context: &Context) -> Result<(), Failure> {
    if let Some(path) = &arguments.from_bundle {
        return from_bundle(arguments, path, context);
    }
    let projects = target::load(&arguments.selection.targets, context.reporter())?;
    target::check_axes(&arguments.selection, &projects)?;
    let filter = target::filter(&arguments.selection)?;
    let chosen = select(&projects, &filter).map_err(Failure::new)?;
    build_chosen(&chosen, None, arguments, context)
}

/// Builds what the bundle at `path` holds, and takes nothing from elsewhere.
fn from_bundle(arguments: &BuildArguments, path: &Path, context: &Context) -> Result<(), Failure> {
    let bundle = bundle::open(path)?;
    let projects = bundle::projects(&bundle, context.reporter())?;
    let mut filter = target::filter(&arguments.selection)?;
    if arguments.selection.arch.is_none() {
        filter.arch = ArchChoice::All;
    }
    let chosen = chosen_of(&bundle, &projects, &filter).map_err(Failure::new)?;
    build_chosen(&chosen, Some(&BundleInputs(&bundle)), arguments, context)
}

fn build_chosen(
    chosen: &[(&Project, Item<'_>)],
    inputs: Option<&dyn Inputs>,
    arguments: &BuildArguments,
    context: &Context,
) -> Result<(), Failure> {
    let algorithm = match arguments.compression {
        CompressionArgument::Zstd => Algorithm::Zstd,
        CompressionArgument::Gzip => Algorithm::Gzip,
    };
    let graph_options =
        GraphOptions { compression: layer_compression(algorithm), builder: context.builder() };
    let mut whole = locked_graph(chosen, &graph_options).map_err(Failure::new)?;
    if arguments.evidence.contains(&EvidenceArgument::Indexes) {
        whole.carry_indexes().map_err(Failure::new)?;
    }
    let settings = context.settings(&arguments.network)?;
    let store = context.store()?;
    let progress = Progress::start(context.reporter());
    context.before_hard_stop(progress.clearing());
    let executor = match whole.executes() {
        true => Some(executor(&store, arguments.sandbox.limits().or(settings.build))?),
        false => None,
    };
    let runner = image_runner(&store, arguments.sandbox.limits().or(settings.build), arguments.tests);
    let reports = TestReports::default();
    let surroundings = Surroundings {
        store: &store,
        mirrors: &settings.mirrors,
        fetch: &settings.fetch,
        inputs,
        executor: executor.as_ref().map(|executor| executor as &dyn Executor),
        tests: (!arguments.no_tests).then_some(TestBuilder { runner: &runner, reports: &reports }),
        observer: &progress,
    };
    let options = BuildOptions {
        output: arguments.output.clone(),
        format: format_of(arguments.format),
        jobs: arguments.jobs,
        keep_going: arguments.keep_going,
        check: arguments.check,
        offline: arguments.offline || inputs.is_some(),
        platform: target::host_arch(),
        cancel: context.cancel(),
    };
    let outcome = build(&whole, &options, &surroundings);
    progress.finish();
    let results = outcome.map_err(Failure::new)?;
    if context.reporter().for_people() {
        say_remarks(&results);
    }
    if arguments.json {
        print_json(&listed(&results))?;
    } else {
        print(&rendered(&results))?;
    }
    let failed = results.failure.into_iter().map(Failure::new);
    let unlocked = whole.unlocked.drain(..).map(Failure::new);
    failed.chain(unlocked).reduce(Failure::and).map_or(Ok(()), Err)
}

/// What people may want to know beside the results, on standard error.
fn say_remarks(results: &Results) {
    for result in &results.images {
        for remark in &result.remarks {
            eprintln!("{} {} {}: {remark}", result.image, result.variant, result.arch);
        }
    }
    say_tests(results);
    match results.checked {
        Some(0) => eprintln!("nothing to check: nothing here is executed"),
        Some(1) => eprintln!("checked: the one build gave the same again"),
        Some(count) => eprintln!("checked: all {count} builds gave the same again"),
        None => {}
    }
}

/// Which tests were not run, by reason.
fn say_tests(results: &Results) {
    let mut not_run: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for result in &results.images {
        if let Some(TestState::NotRun(reason)) = &result.tests {
            let image = format!("{} {} {}", result.image, result.variant, result.arch);
            not_run.entry(reason).or_default().push(image);
        }
    }
    for (reason, images) in not_run {
        match images.as_slice() {
            [image] => eprintln!("warning: tests not run: {image}: {reason}"),
            [first, rest @ ..] => {
                eprintln!("warning: tests not run: {first} and {} more: {reason}", rest.len());
            }
            [] => {}
        }
    }
}

/// The executor of this machine, within `limits` and otherwise what the machine has.
pub fn executor(store: &Store, limits: BuildLimits) -> Result<LocalExecutor<'_>, Failure> {
    let roots = store.exec_roots().map_err(Failure::new)?;
    let options = StageOptions { roots, ..stage_options(&limits) };
    Ok(LocalExecutor::new(store, Sandboxes::new(options), of_machine(&limits)))
}

/// What runs tests in images on this machine, within `limits` but for the time.
pub fn image_runner(store: &Store, limits: BuildLimits, time: TestTime) -> LocalImages<'_> {
    LocalImages::new(store, stage_options(&limits), of_machine(&limits).of_test(time.seconds()))
}

fn stage_options(limits: &BuildLimits) -> StageOptions {
    StageOptions { program: "/proc/self/exe".into(), roots: Default::default(), strict: limits.strict }
}

/// What is asked for, and otherwise what the machine has.
fn of_machine(limits: &BuildLimits) -> Limits {
    let default = memory::total().map_or_else(Limits::of_machine, Limits::of_memory);
    Limits {
        memory: limits.memory.or(default.memory),
        processes: limits.processes.or(default.processes),
        space: limits.space.unwrap_or(default.space),
        seconds: limits.time,
        log: default.log,
    }
}

/// A result of any kind.
#[derive(serde::Serialize)]
#[serde(untagged)]
enum AnyResult<'a> {
    Image(&'a ImageResult),
    Build(&'a BuildResult),
}

fn listed(results: &Results) -> Vec<AnyResult<'_>> {
    let images = results.images.iter().map(AnyResult::Image);
    images.chain(results.builds.iter().map(AnyResult::Build)).collect()
}

fn format_of(argument: FormatArgument) -> Format {
    match argument {
        FormatArgument::Oci => Format::Oci,
        FormatArgument::Docker => Format::Docker,
        FormatArgument::Tar => Format::Tar,
        FormatArgument::Dir => Format::Dir,
    }
}

fn rendered(results: &Results) -> String {
    let mut text = String::new();
    if !results.images.is_empty() {
        text.push_str(&images(&results.images, &results.left_out));
    }
    if !results.builds.is_empty() {
        text.push_str(&builds(&results.builds));
    }
    text
}

fn images(results: &[ImageResult], left_out: &[LeftOut]) -> String {
    let row = |result: &ImageResult| {
        vec![
            result.image.clone(),
            result.variant.clone(),
            result.arch.to_string(),
            result.packages.to_string(),
            table::size(result.size),
            table::size(result.unpacked_size),
            result.digest.to_oci(),
        ]
    };
    let missing = |it: &LeftOut| {
        let why = match it.gap {
            None => "not built",
            Some(Gap::NotLocked) => "not locked",
            Some(Gap::Sibling) => "left out: another architecture is not locked",
        };
        let [image, variant, arch] = [it.image.clone(), it.variant.clone(), it.arch.to_string()];
        vec![image, variant, arch, "-".to_owned(), "-".to_owned(), "-".to_owned(), why.to_owned()]
    };
    let rows: Vec<_> = results.iter().map(row).chain(left_out.iter().map(missing)).collect();
    let header = ["image", "variant", "arch", "packages", "size", "unpacked", "digest"];
    let mut text = table::render(&header, &rows, &[3, 4, 5]);
    let mut paths: Vec<_> = results.iter().map(|result| result.path.display().to_string()).collect();
    paths.dedup();
    text.push_str(&format!("in {}\n", paths.join(", ")));
    text
}

fn builds(results: &[BuildResult]) -> String {
    let row = |result: &BuildResult| {
        let point: Vec<&str> = result.point.values().map(String::as_str).collect();
        vec![
            result.build.clone(),
            point.join(" "),
            result.output.clone().unwrap_or_default(),
            table::size(result.size),
            result.digest.to_string(),
            result.path.display().to_string(),
        ]
    };
    let rows: Vec<_> = results.iter().map(row).collect();
    table::render(&["build", "at", "output", "size", "digest", "in"], &rows, &[3])
}
