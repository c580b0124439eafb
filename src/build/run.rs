//! The build: execution of a graph, and its results in the output folder.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use hbuild_lang::recipe::{Arch, Image};
use rayon::prelude::*;

use super::files::BuildResult;
use super::graph::{Gap, Planned, PlannedBuild, WholeGraph};
use super::output::{Format, ImageResult, Source};
use super::platform::check_platform;
use super::tested::Tests;
use super::{BuildFailure, check, files, output};
use crate::evidence::{EvidenceBuilder, TestBuilder};
use crate::exec::{
    self, ActionKind, Builders, Checked, ExecBuilder, ExecError, Executor, Observer, ProjectBuilder,
    UnpackBuilder, execute,
};
use crate::graph::{Algorithm, DerivationId, DerivationKey, Graph};
use crate::host::discover::LocalBytes;
use crate::host::fetch::{FetchOptions, Fetcher};
use crate::host::fetch_builder::{FetchBuilder, Inputs};
use crate::host::memory::available;
use crate::host::mirror::Mirrors;
use crate::image::config::ImageBuilder;
use crate::image::elf::ElfBuilder;
use crate::image::layer::LayerBuilder;
use crate::image::merge::MergeBuilder;
use crate::image::policy::PolicyBuilder;
use crate::store::{Record, Root, Store, StoreError};

/// How a build runs and where its results go.
#[derive(Debug, Clone)]
pub struct BuildOptions {
    /// Folder for results.
    pub output: PathBuf,
    /// Form of the results.
    pub format: Format,
    /// Derivations at once, one for each processor where `None`.
    pub jobs: Option<usize>,
    /// Whether to go on, after a failure, with what does not need what failed.
    pub keep_going: bool,
    /// Whether to execute every command again, under other circumstances, and to compare what it gives.
    pub check: bool,
    /// Whether only what is on this host may be used.
    pub offline: bool,
    /// What this host executes.
    pub platform: Arch,
    /// Set by the caller to stop everything.
    pub cancel: Arc<AtomicBool>,
}

/// What a build reaches outside itself.
pub struct Surroundings<'a> {
    /// The store.
    pub store: &'a Store,
    /// Mirrors of repositories.
    pub mirrors: &'a Mirrors,
    /// How they are reached.
    pub fetch: &'a FetchOptions,
    /// What is at hand of the inputs, asked before any mirror.
    pub inputs: Option<&'a dyn Inputs>,
    /// Who executes commands; needed where the graph has some.
    pub executor: Option<&'a dyn Executor>,
    /// Who runs the tests of images; `None` where they are left out.
    pub tests: Option<TestBuilder<'a>>,
    /// Who watches.
    pub observer: &'a dyn Observer,
}

/// What became of everything that was wanted.
#[derive(Debug, Default)]
pub struct Results {
    /// One for each image, in order.
    pub images: Vec<ImageResult>,
    /// One for each output of each build, in order.
    pub builds: Vec<BuildResult>,
    /// How many commands gave the same again, where that was asked for.
    pub checked: Option<usize>,
    /// The images that were selected and are not among them, in order.
    pub left_out: Vec<LeftOut>,
    /// What failed, where the build went on after a failure. The others are what could be made all the same.
    pub failure: Option<BuildFailure>,
}

/// Builds everything that is wanted of `whole` and writes the results.
pub fn build(
    whole: &WholeGraph<'_>,
    options: &BuildOptions,
    surroundings: &Surroundings<'_>,
) -> Result<Results, BuildFailure> {
    let store = surroundings.store;
    let _shared = store.share(&options.cancel)?;
    keep_local(whole, store)?;
    let tests = Tests::of(whole, surroundings, options.platform)?;
    let mut wanted: Vec<DerivationId> = whole.graph.roots().to_vec();
    if options.format == Format::Dir {
        wanted.extend(whole.images.iter().map(|planned| planned.plan.merge));
    }
    wanted.extend(whole.images.iter().filter_map(|planned| tests.statement(planned)));
    check_platform(&whole.graph, &wanted, store, options.platform)?;
    let (records, checked, failure) = match run(whole, &wanted, options, surroundings) {
        Ok((records, checked)) => (records, checked, None),
        Err(BuildFailure::Execution(failure)) if leaves_rest(&failure, options.keep_going) => {
            let record = |id: &DerivationId| Some((*id, store.recall(id)?));
            (wanted.iter().filter_map(record).collect(), None, Some(failure.into()))
        }
        Err(failure) => return Err(failure),
    };
    let made = Made::of(whole, &records, &tests, options.format);
    let (variants, cancel) = (&whole.variants, &*options.cancel);
    let source = Source { store, records: &records, variants, tests: &tests, cancel };
    let mut results = Results {
        images: output::write(&source, &made.images, &options.output, options.format)?,
        builds: files::write(&source, &made.builds, &options.output, options.format)?,
        checked: None,
        left_out: left_out(whole, &made),
        failure,
    };
    keep(&source, &made.images, &results.builds, &options.output)?;
    if let Some(checked) = checked {
        results.checked = Some(check::judge(store, checked, &options.output, &options.cancel)?);
    }
    Ok(results)
}

/// Has the bytes of local sources and patches in the store.
pub(super) fn keep_local(whole: &WholeGraph<'_>, store: &Store) -> Result<(), StoreError> {
    for local in &whole.local {
        if store.blob_object(&local.sha256).is_none() {
            store.keep_blob(&local.bytes)?;
        }
    }
    Ok(())
}

/// Whether what could be made all the same is a result.
fn leaves_rest(failure: &ExecError, keep_going: bool) -> bool {
    match failure {
        ExecError::Failed(failure) => failure.absent || keep_going,
        ExecError::Several(several) => keep_going || several.failures.iter().all(|failure| failure.absent),
        _ => false,
    }
}

/// An image that was selected and is not made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Its name.
    pub image: String,
    /// Its variant.
    pub variant: String,
    /// Its architecture.
    pub arch: Arch,
    /// Why it is not in the graph; otherwise something failed.
    pub gap: Option<Gap>,
}

/// The images of `whole` that were not made, and those that it leaves out.
fn left_out(whole: &WholeGraph<'_>, made: &Made<'_, '_>) -> Vec<LeftOut> {
    let failed =
        whole.images.iter().filter(|planned| !made.images.iter().any(|it| std::ptr::eq(*it, *planned)));
    let failed = failed.map(|planned| (planned.image, None));
    let unlocked = whole.left_out.iter().map(|(image, gap)| (*image, Some(*gap)));
    let left_out = |(image, gap): (&Image, Option<Gap>)| LeftOut {
        image: image.name.clone(),
        variant: image.variant.clone(),
        arch: image.arch,
        gap,
    };
    failed.chain(unlocked).map(left_out).collect()
}

/// What everything was made of: all, unless something failed.
struct Made<'w, 'p> {
    images: Vec<&'w Planned<'p>>,
    builds: Vec<&'w PlannedBuild<'p>>,
}

impl<'w, 'p> Made<'w, 'p> {
    /// What `records` has all of. A variant of which one architecture is missing is not made.
    fn of(whole: &'w WholeGraph<'p>, records: &Records, tests: &Tests, format: Format) -> Self {
        let has = |planned: &Planned<'_>| {
            let tree = (format == Format::Dir).then_some(planned.plan.merge);
            let name = (planned.image.name.as_str(), planned.image.variant.as_str());
            let about_index = whole.variants.get(&name).into_iter().flat_map(|plan| &plan.documents);
            let about_index = about_index.map(|(_, id)| *id);
            let indexes = planned.indexes.iter().flatten().copied();
            let all = planned.plan.roots().into_iter().chain(tree).chain(about_index).chain(indexes);
            let all = all.chain(tests.statement(planned));
            all.into_iter().all(|id| records.contains_key(&id))
        };
        let variant = |planned: &'w Planned<'p>| (&planned.image.name, &planned.image.variant);
        let missing: BTreeSet<_> = whole.images.iter().filter(|planned| !has(planned)).map(variant).collect();
        let images = whole.images.iter().filter(|planned| !missing.contains(&variant(planned)));
        let builds = whole.builds.iter().filter(|planned| records.contains_key(&planned.plan.exec));
        Self { images: images.collect(), builds: builds.collect() }
    }
}

/// Makes what the command `id` needs, and gives it to `executor` in place of the one of `surroundings`. What that
/// returns is not kept.
pub fn execute_with(
    (graph, local): (&Graph, &[LocalBytes]),
    id: &DerivationId,
    executor: &dyn Executor,
    options: &BuildOptions,
    surroundings: &Surroundings<'_>,
) -> Result<(), BuildFailure> {
    let store = surroundings.store;
    let _shared = store.share(&options.cancel)?;
    for local in local {
        store.keep_blob(&local.bytes)?;
    }
    check_platform(graph, &[*id], store, options.platform)?;
    let exec = ExecBuilder { executor };
    let alone = Builders::new().with(ActionKind::Exec, &exec);
    with_builders(options, surroundings, |builders, execution| {
        let builders = (builders, &alone);
        exec::execute_alone(graph, id, store, builders, execution, surroundings.observer)?;
        Ok(())
    })
}

/// The records of `wanted`, which are fetches. The caller holds [`Store::share`].
pub(super) fn fetch(
    graph: &Graph,
    wanted: &[DerivationId],
    options: &BuildOptions,
    surroundings: &Surroundings<'_>,
) -> Result<Records, BuildFailure> {
    with_builders(options, surroundings, |builders, execution| {
        Ok(execute(graph, wanted, surroundings.store, builders, execution, surroundings.observer)?)
    })
}

/// What the derivations of a graph have given.
type Records = BTreeMap<DerivationId, Record>;

/// The records of `wanted`, and where it is asked for, what its commands gave a second time.
fn run(
    whole: &WholeGraph<'_>,
    wanted: &[DerivationId],
    options: &BuildOptions,
    surroundings: &Surroundings<'_>,
) -> Result<(Records, Option<Vec<Checked>>), BuildFailure> {
    let (graph, store, observer) = (&whole.graph, surroundings.store, surroundings.observer);
    with_builders(options, surroundings, |builders, execution| {
        let records = execute(graph, wanted, store, builders, execution, observer)?;
        let checked = options.check.then(|| {
            let commands = exec::commands_of(graph, wanted);
            exec::check(graph, &commands, store, builders, execution, observer)
        });
        Ok((records, checked.transpose()?))
    })
}

/// Calls `act` with a builder for every kind of action.
pub(super) fn with_builders<T>(
    options: &BuildOptions,
    surroundings: &Surroundings<'_>,
    act: impl FnOnce(&Builders<'_>, &exec::Options) -> Result<T, BuildFailure>,
) -> Result<T, BuildFailure> {
    let network = FetchOptions { cancelled: options.cancel.clone(), ..surroundings.fetch.clone() };
    let fetch = FetchBuilder {
        store: surroundings.store,
        fetcher: &Fetcher::new(network)?,
        mirrors: surroundings.mirrors,
        offline: options.offline,
        inputs: surroundings.inputs,
    };
    let exec = surroundings.executor.map(|executor| ExecBuilder { executor });
    let builders = Builders::new()
        .with(ActionKind::Fetch, &fetch)
        .with(ActionKind::Unpack, &UnpackBuilder)
        .with(ActionKind::Merge, &MergeBuilder)
        .with(ActionKind::Project, &ProjectBuilder)
        .with(ActionKind::Layer, &LayerBuilder)
        .with(ActionKind::Image, &ImageBuilder)
        .with(ActionKind::Elf, &ElfBuilder)
        .with(ActionKind::Policy, &PolicyBuilder)
        .with(ActionKind::Origins, &EvidenceBuilder)
        .with(ActionKind::Report, &EvidenceBuilder)
        .with(ActionKind::Survey, &EvidenceBuilder)
        .with(ActionKind::PackageFiles, &EvidenceBuilder)
        .with(ActionKind::Sbom, &EvidenceBuilder)
        .with(ActionKind::Provenance, &EvidenceBuilder)
        .with(ActionKind::Index, &EvidenceBuilder);
    let builders = match &exec {
        Some(exec) => builders.with(ActionKind::Exec, exec),
        None => builders,
    };
    let builders = match &surroundings.tests {
        Some(tests) => builders.with(ActionKind::Test, tests),
        None => builders,
    };
    let default = exec::Options::default();
    let jobs = options.jobs.unwrap_or(default.jobs);
    let execution = exec::Options {
        jobs,
        memory: available(),
        keep_going: options.keep_going,
        cancel: options.cancel.clone(),
        ..default
    };
    act(&builders, &execution)
}

fn absolute(path: PathBuf) -> PathBuf {
    std::path::absolute(&path).unwrap_or(path)
}

/// What the results of each image and build were made from is a root as long as they stand.
fn keep(
    source: &Source<'_>,
    images: &[&Planned<'_>],
    builds: &[BuildResult],
    output: &Path,
) -> Result<(), BuildFailure> {
    let (store, records) = (source.store, source.records);
    let mut by_path: BTreeMap<PathBuf, BTreeSet<DerivationKey>> = BTreeMap::new();
    for planned in images {
        let layout = output.join(&planned.image.name);
        let path = if layout.exists() { layout } else { output.to_owned() };
        let about_index = source.variants.get(&(planned.image.name.as_str(), planned.image.variant.as_str()));
        let about_index = about_index.into_iter().flat_map(|plan| &plan.documents).map(|(_, id)| *id);
        let roots =
            planned.plan.roots().into_iter().chain(source.tests.statement(planned)).chain(about_index);
        let keys = roots.filter_map(|root| Some(records.get(&root)?.key));
        by_path.entry(absolute(path)).or_default().extend(keys);
    }
    for result in builds {
        let key = records.get(&result.derivation).map(|record| record.key);
        by_path.entry(absolute(result.path.clone())).or_default().extend(key);
    }
    let set = |(path, keys): (PathBuf, BTreeSet<DerivationKey>)| {
        let records = keys.into_iter().collect();
        let root = Root { kind: "layout".to_owned(), path, records, blobs: Vec::new() };
        match store.set_root(&root) {
            Err(StoreError::ReadOnly { .. }) => Ok(()),
            other => Ok(other?),
        }
    };
    by_path.into_par_iter().try_for_each(set)
}

/// The compressor for layers of a build in `format`: `docker` archives hold layers uncompressed, however they
/// lie in the store.
pub fn layer_compression(algorithm: Algorithm) -> crate::graph::Compression {
    crate::image::layer::compression(algorithm, None)
}
