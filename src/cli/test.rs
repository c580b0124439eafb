//! `hbuild test`.

use std::collections::BTreeMap;

use clap::Args;
use hbuild_lang::recipe::Arch;
use serde::Serialize;

use super::arguments::{NetworkArguments, SandboxArguments, Selection};
use super::build::{executor, image_runner};
use super::context::Context;
use super::progress::Progress;
use super::report::Failure;
use super::{print, print_json, table, target};
use crate::build::{
    BuildOptions, Format, GraphOptions, Surroundings, TestedImage, layer_compression, select, test,
    whole_graph,
};
use crate::evidence::{TestBuilder, TestReports};
use crate::exec::Executor;
use crate::graph::Algorithm;
use crate::host::limits::parse_time;

/// Arguments of `test`.
#[derive(Debug, Args)]
pub struct TestArguments {
    /// Recipes and variants
    #[command(flatten)]
    pub selection: Selection,
    /// Threads, and so derivations at once; one a core by default
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
    /// Limits
    #[command(flatten)]
    pub sandbox: SandboxArguments,
    /// Time
    #[command(flatten)]
    pub time: TestTime,
}

/// How long tests may take. It cannot change what a test that ends gives.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct TestTime {
    /// Time of one test in seconds, or with m or h behind it; 60 seconds by default
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub test_time: Option<u64>,
}

impl TestTime {
    /// What is asked for.
    pub fn seconds(self) -> Option<u64> {
        self.test_time
    }
}

/// Runs the tests of what is selected; prints a table of them, or their JSON.
pub fn run(arguments: &TestArguments, context: &Context) -> Result<(), Failure> {
    let projects = target::load(&arguments.selection.targets, context.reporter())?;
    target::check_axes(&arguments.selection, &projects)?;
    let filter = target::filter(&arguments.selection)?;
    let chosen = select(&projects, &filter).map_err(Failure::new)?;
    let compression = layer_compression(Algorithm::Zstd);
    let options = GraphOptions { compression, builder: context.builder() };
    let whole = whole_graph(&chosen, &options).map_err(Failure::new)?;
    let settings = context.settings(&arguments.network)?;
    let store = context.store()?;
    let progress = Progress::start(context.reporter());
    context.before_hard_stop(progress.clearing());
    let limits = || arguments.sandbox.limits().or(settings.build);
    let executor = executor(&store, limits())?;
    let runner = image_runner(&store, limits(), arguments.time);
    let reports = TestReports::default();
    let surroundings = Surroundings {
        store: &store,
        mirrors: &settings.mirrors,
        fetch: &settings.fetch,
        inputs: None,
        executor: Some(&executor as &dyn Executor),
        tests: Some(TestBuilder { runner: &runner, reports: &reports }),
        observer: &progress,
    };
    let options = BuildOptions {
        output: Default::default(),
        format: Format::Oci,
        jobs: arguments.jobs,
        keep_going: true,
        check: false,
        offline: arguments.offline,
        platform: target::host_arch(),
        cancel: context.cancel(),
    };
    let outcome = test(&whole, &options, &surroundings);
    progress.finish();
    let (images, failure) = outcome.map_err(Failure::new)?;
    let lines: Vec<Line<'_>> = images.iter().flat_map(lines_of).collect();
    if lines.is_empty() && context.reporter().for_people() {
        eprintln!("nothing to test: none of these images has a test");
    }
    match arguments.json {
        true => print_json(&lines)?,
        false if lines.is_empty() => {}
        false => print(&rendered(&lines))?,
    }
    failure.map_or(Ok(()), |failure| Err(Failure::new(failure)))
}

/// One test of one image.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Line<'a> {
    image: &'a str,
    variant: &'a str,
    arch: Arch,
    test: &'a str,
    result: &'static str,
    /// What is not as expected.
    problems: Vec<String>,
}

fn lines_of(image: &TestedImage) -> impl Iterator<Item = Line<'_>> {
    image.tests.iter().map(|(name, passed, outcome)| Line {
        image: &image.image,
        variant: &image.variant,
        arch: image.arch,
        test: name,
        result: match passed {
            Some(true) => "passed",
            Some(false) => "failed",
            None => "not run",
        },
        problems: outcome.iter().flat_map(|outcome| &outcome.problems).map(ToString::to_string).collect(),
    })
}

fn rendered(lines: &[Line<'_>]) -> String {
    let row = |line: &Line<'_>| {
        [line.image, line.variant, line.arch.as_str(), line.test, line.result].map(str::to_owned).to_vec()
    };
    let rows: Vec<_> = lines.iter().map(row).collect();
    let mut text = table::render(&["image", "variant", "arch", "test", "result"], &rows, &[]);
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for line in lines {
        *counts.entry(line.result).or_default() += 1;
    }
    let counts =
        ["passed", "failed", "not run"].into_iter().filter_map(|result| Some((result, counts.get(result)?)));
    let counts: Vec<String> = counts.map(|(result, count)| format!("{count} {result}")).collect();
    text.push_str(&format!("{}\n", counts.join(", ")));
    text
}
