//! What goes into a bundle: recipes with all that they read, locks, and every input, fetched where it is missing.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::sync::atomic::Ordering;

use miette::Diagnostic;

use super::super::graph::WholeGraph;
use super::super::run::fetch;
use super::super::{BuildFailure, BuildOptions, Item, Project, Surroundings};
use super::contents::Contents;
use super::indexes::{Document, Fetched, certificates, indexes, registry_documents, snapshots};
use crate::bundle::{self, BundleError, BundledItem, FORMAT, ItemKind, Kind, Maker, Manifest, Use, Written};
use crate::digest::Sha256;
use crate::graph::{Action, DerivationId, Fetch, FixedOutput, Location, outputs};
use crate::host::discover::{ReadError, real_path};
use crate::lock::LOCK_FILE;
use crate::store::{Record, Store};

/// Why there is no bundle.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum BundleFailure {
    /// An input could not be had, or the lock does not fit.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Build(Box<BuildFailure>),
    /// A file of the project cannot be read.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Read(#[from] ReadError),
    /// The bundle itself.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Bundle(#[from] BundleError),
    /// A signed index is gone.
    #[error("the signed indexes of the lock are not all to be had")]
    #[diagnostic(
        code(hbuild::bundle::no_index),
        help(
            "make the bundle where the lock was made, whose store has them; or leave them out with `--without-indexes`: \
             the bundle then builds the same, but nobody can check by it that the packages were signed"
        )
    )]
    Indexes {
        /// What could not be had.
        #[source]
        source: Box<BuildFailure>,
    },
}

impl From<BuildFailure> for BundleFailure {
    fn from(failure: BuildFailure) -> Self {
        Self::Build(Box::new(failure))
    }
}

/// What a bundle is made with.
pub struct BundleOptions<'a> {
    /// How inputs are fetched.
    pub build: &'a BuildOptions,
    /// Whether the signed indexes stay out.
    pub without_indexes: bool,
}

/// A bundle that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundled {
    /// The file.
    pub written: Written,
    /// What it says of itself.
    pub manifest: Manifest,
}

/// Writes the bundle of `chosen`, whose graph is `whole`, to `out`.
pub fn bundle(
    chosen: &[(&Project, Item<'_>)],
    whole: &WholeGraph<'_>,
    options: &BundleOptions<'_>,
    surroundings: &Surroundings<'_>,
    out: &mut dyn Write,
) -> Result<Bundled, BundleFailure> {
    let store = surroundings.store;
    let _shared = store.share(&options.build.cancel).map_err(BuildFailure::from)?;
    let folders = Folders::of(chosen)?;
    let mut contents = Contents::default();
    let mut projects: BTreeMap<PathBuf, &Project> = BTreeMap::new();
    for (project, _) in chosen {
        projects.entry(project.path()).or_insert(project);
    }
    for project in projects.values() {
        add_project(&mut contents, project, &folders)?;
    }
    let (wanted, uses) = inputs(whole);
    let records = fetch(&whole.graph, &wanted, options.build, surroundings)?;
    for (id, it) in wanted.iter().zip(uses) {
        add_input(&mut contents, (whole, id), &records[id], it, store)?;
    }
    if !options.without_indexes {
        let fetched = Fetched::of(&whole.graph);
        for project in projects.values() {
            add_documents(&mut contents, (project, &fetched), options.build, surroundings)?;
        }
    }
    let manifest = Manifest {
        format: FORMAT.to_owned(),
        hbuild: Maker::this(),
        items: items(chosen, &folders)?,
        entries: contents.entries(),
    };
    let cancelled = || options.build.cancel.load(Ordering::Relaxed);
    let written = bundle::write(&manifest, &|entry| contents.open(entry, store), out, &cancelled)?;
    Ok(Bundled { written, manifest })
}

/// The folders of the projects below the one that holds them all.
struct Folders(BTreeMap<PathBuf, String>);

impl Folders {
    fn of(chosen: &[(&Project, Item<'_>)]) -> Result<Self, BundleFailure> {
        let mut real: BTreeMap<PathBuf, PathBuf> = BTreeMap::new();
        for (project, _) in chosen {
            real.insert(project.folder.clone(), real_path(&project.folder)?);
        }
        let mut common = real.values().next().cloned().unwrap_or_default();
        for path in real.values() {
            while !path.starts_with(&common) && common.pop() {}
        }
        let below = |(folder, path): (PathBuf, PathBuf)| {
            let below = path.strip_prefix(&common).unwrap_or(&path);
            let unfit =
                || BundleError::Unfit { path: folder.display().to_string(), reason: "it is not UTF-8" };
            let text = below.to_str().ok_or_else(unfit)?.to_owned();
            Ok((folder, text))
        };
        Ok(Self(real.into_iter().map(below).collect::<Result<_, BundleError>>()?))
    }

    /// The path in the bundle's recipes of what `project` calls `path`.
    fn below(&self, project: &Project, path: &str) -> String {
        match self.0[&project.folder].as_str() {
            "" => path.to_owned(),
            folder => format!("{folder}/{path}"),
        }
    }
}

fn add_project(contents: &mut Contents, project: &Project, folders: &Folders) -> Result<(), BundleFailure> {
    for (path, bytes) in &project.read {
        let kind = if project.checked.texts.contains_key(path) { Kind::Recipe } else { Kind::File };
        contents.file(&folders.below(project, path), bytes, kind);
    }
    for (name, text) in &project.checked.texts {
        if name.starts_with(bundle::STANDARD) {
            contents.module(name, text);
        }
    }
    if let Some(text) = project.lock_text()? {
        contents.file(&folders.below(project, LOCK_FILE), text.as_bytes(), Kind::Lock);
    }
    for (path, local) in project.read_local_sources()? {
        let name = folders.below(project, &path);
        match local.folder {
            true => contents.bytes(&local.bytes, Use::new(Kind::Folder, name)),
            false => contents.file(&name, &local.bytes, Kind::File),
        }
    }
    Ok(())
}

/// Everything that has to be fetched, and what it is.
fn inputs(whole: &WholeGraph<'_>) -> (Vec<DerivationId>, Vec<Use>) {
    let input = |(id, fetch, label): (&DerivationId, &Fetch, &str)| {
        let name = label.strip_prefix("fetch ").unwrap_or(label).to_owned();
        let kind = match fetch.locations.first() {
            Some(Location::Mirror { .. }) if !name.starts_with("source ") => Kind::Package,
            Some(Location::Git { .. }) => Kind::Git,
            Some(Location::Registry { .. }) => Kind::Layer,
            _ => Kind::Source,
        };
        let checksum = match &fetch.content {
            FixedOutput::Apk { checksum, .. } => Some(*checksum),
            FixedOutput::Sha256(_) => None,
        };
        (*id, Use { kind, name, checksum })
    };
    let fetches = whole.graph.iter().filter_map(|(id, derivation)| match &derivation.action {
        Action::Fetch(fetch) => Some((id, fetch, derivation.label.as_str())),
        _ => None,
    });
    // What stands beside the recipe has no place to be fetched from, and was read already.
    fetches.filter(|(_, fetch, _)| !fetch.locations.is_empty()).map(input).unzip()
}

fn add_input(
    contents: &mut Contents,
    (whole, id): (&WholeGraph<'_>, &DerivationId),
    record: &Record,
    it: Use,
    store: &Store,
) -> Result<(), BundleFailure> {
    let object = record.outputs[outputs::FILE];
    let derivation = whole.graph.get(id).expect("it is of the graph");
    let sha256 = match &derivation.action {
        Action::Fetch(Fetch { content: FixedOutput::Sha256(sha256), .. }) => *sha256,
        _ => match record.sha256.get(outputs::FILE) {
            Some(sha256) => *sha256,
            None => Sha256::of(&store.read(&object).map_err(BuildFailure::from)?),
        },
    };
    contents.object(sha256, object, it);
    Ok(())
}

/// Adds what vouches for the packages and images among the inputs of a project, and the keys.
fn add_documents(
    contents: &mut Contents,
    (project, fetched): (&Project, &Fetched),
    options: &BuildOptions,
    surroundings: &Surroundings<'_>,
) -> Result<(), BundleFailure> {
    let Some(lock) = project.read_lock()? else { return Ok(()) };
    let used = snapshots(&lock, fetched);
    let mut documents: Vec<Document> = used.iter().flat_map(|snapshot| indexes(snapshot)).collect();
    documents.extend(registry_documents(&lock, fetched));
    let mut graph = crate::graph::Graph::new();
    let mut wanted = Vec::new();
    for document in &documents {
        let id = graph.add(document.derivation.clone()).map_err(BuildFailure::from)?;
        wanted.push(id);
    }
    let records =
        fetch(&graph, &wanted, options, surroundings).map_err(|source| match is_absence(&source) {
            true => BundleFailure::Indexes { source: Box::new(source) },
            false => source.into(),
        })?;
    for (id, document) in wanted.iter().zip(documents) {
        let Action::Fetch(Fetch { content: FixedOutput::Sha256(sha256), .. }) = &document.derivation.action
        else {
            continue;
        };
        contents.object(*sha256, records[id].outputs[outputs::FILE], document.it);
    }
    for (name, text) in certificates(project, &used) {
        contents.bytes(text.as_bytes(), Use::new(Kind::Certificate, name));
    }
    Ok(())
}

/// Whether something was not to be had, and nothing else is wrong.
fn is_absence(failure: &BuildFailure) -> bool {
    let codes = [
        "hbuild::host::unreachable",
        "hbuild::host::not_found",
        "hbuild::host::wrong_bytes",
        "hbuild::host::truncated",
        "hbuild::host::no_mirror",
        "hbuild::host::registry_offline",
        "hbuild::exec::offline",
    ];
    failure.code().is_some_and(|code| codes.contains(&code.to_string().as_str()))
}

fn items(chosen: &[(&Project, Item<'_>)], folders: &Folders) -> Result<Vec<BundledItem>, BundleFailure> {
    let item = |(project, item): &(&Project, Item<'_>)| {
        let (kind, point) = match item {
            Item::Image(image) => (ItemKind::Image, &image.point),
            Item::Build(build) => (ItemKind::Build, &build.point),
        };
        let recipe = super::contents::clean(&folders.below(project, &project.file));
        let unfit = || BundleError::Unfit { path: project.file.clone(), reason: "it leaves the folder" };
        let recipe = recipe.ok_or_else(unfit)?;
        Ok(BundledItem { recipe, kind, name: item.name().to_owned(), point: point.clone() })
    };
    let mut all: Vec<BundledItem> = chosen.iter().map(item).collect::<Result<_, BundleError>>()?;
    all.sort();
    all.dedup();
    Ok(all)
}

/// The name of a bundle's recipe in its folder, and that folder.
pub(super) fn split(recipe: &str) -> (&str, &str) {
    recipe.rsplit_once('/').unwrap_or(("", recipe))
}
