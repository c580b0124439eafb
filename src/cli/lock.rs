//! `hbuild lock`.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::{Path, PathBuf};

use miette::Diagnostic;

use super::arguments::LockArguments;
use super::context::Context;
use super::report::{Failure, OutputError};
use super::{print, print_json, target};
use crate::build::Project;
use crate::digest::Sha256;
use crate::distro::surroundings::Surroundings;
use crate::host::discover::find_recipes;
use crate::host::fetch::{FetchOptions, Fetcher};
use crate::host::files::write_atomically;
use crate::host::git::Git;
use crate::host::registry::Registry;
use crate::host::repositories::Archive;
use crate::host::{clock, settings::Settings};
use crate::lock::{
    Changes, GitKey, Lock, LockError, LockOutcome, LockedOci, RecipeItems, Unlocked, UnlockedItem,
    UpdateOptions, Updated, summary, unlocked_git, unlocked_oci, update, with_git_key, with_oci_key,
};
use crate::store::{Root, Store};

/// What became of the lock of one folder.
#[derive(serde::Serialize)]
#[serde(rename_all = "kebab-case")]
struct Report {
    #[serde(flatten)]
    changes: Changes,
    /// What the lock does not have, with the reason.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    not_locked: Vec<NotLocked>,
    #[serde(skip)]
    failures: Vec<LockError>,
}

/// What could not be locked for one reason.
#[derive(serde::Serialize)]
struct NotLocked {
    items: Vec<String>,
    because: String,
}

impl Report {
    fn new(changes: Changes, unlocked: Vec<Unlocked>) -> Self {
        let not_locked = unlocked.iter().map(|one| NotLocked {
            items: one.items.iter().map(UnlockedItem::shown).collect(),
            because: one.reason.to_string(),
        });
        let not_locked = not_locked.collect();
        Self { changes, not_locked, failures: unlocked.into_iter().map(LockError::from).collect() }
    }

    /// Adds a source whose commit or image could not be fetched.
    fn add_source(&mut self, items: &[UnlockedItem], reason: Box<dyn Diagnostic + Send + Sync>) {
        self.not_locked.push(NotLocked {
            items: items.iter().map(UnlockedItem::shown).collect(),
            because: reason.to_string(),
        });
        let items = summary(items.iter());
        self.failures.push(LockError::Incomplete { items, reason });
    }
}

/// Locks the recipes named, one lock for each folder; prints what changed.
pub fn run(arguments: &LockArguments, context: &Context) -> Result<(), Failure> {
    let arguments = &told_apart(arguments.clone());
    let mut folders: BTreeMap<PathBuf, Vec<Project>> = BTreeMap::new();
    for (project, _) in target::load(&arguments.targets, context.reporter())? {
        folders.entry(project.folder.clone()).or_default().push(project);
    }
    let settings = context.settings(&arguments.network)?;
    let store = context.store()?;
    let _shared = store.share(&context.cancel()).map_err(Failure::new)?;
    let (mut all, mut archives) = (BTreeMap::new(), BTreeMap::new());
    for (folder, projects) in &folders {
        let path = projects.first().expect("a folder stands here for a recipe in it").lock_path();
        let surroundings = (&settings, &*store, &mut archives);
        let report = lock_folder(arguments, context, surroundings, (folder, projects))?;
        all.insert(path.display().to_string(), report);
    }
    report(arguments, all)
}

/// `--update` takes package names until the end of the line; what cannot be one is a target.
fn told_apart(mut arguments: LockArguments) -> LockArguments {
    let Some(names) = &mut arguments.update else { return arguments };
    let is_target = |word: &String| word.contains('/') || word == "." || word.ends_with(".hb");
    let (targets, packages) = std::mem::take(names).into_iter().partition(is_target);
    *names = packages;
    let targets: Vec<String> = targets;
    if !targets.is_empty() {
        arguments.targets = targets;
    }
    arguments
}

fn report(arguments: &LockArguments, all: BTreeMap<String, Report>) -> Result<(), Failure> {
    if arguments.json {
        print_json(&all)?;
    } else {
        for (path, Report { changes, failures, .. }) in &all {
            match changes.is_empty() {
                true if failures.is_empty() => print(&format!("{path}: nothing changed\n"))?,
                true => {}
                false => print(&format!("{path}\n{}", changes.table()))?,
            }
        }
    }
    let changed = all.values().any(|report| !report.changes.is_empty());
    let differs = (arguments.check && changed).then(Failure::silent);
    let failures = all.into_values().flat_map(|report| report.failures).map(Failure::new);
    failures.chain(differs).reduce(Failure::and).map_or(Ok(()), Err)
}

fn lock_folder(
    arguments: &LockArguments,
    context: &Context,
    (settings, store, archives): (&Settings, &Store, &mut BTreeMap<GitKey, Sha256>),
    (folder, projects): (&Path, &[Project]),
) -> Result<Report, Failure> {
    let first = projects.first().expect("a folder stands here for a recipe in it");
    let old = first.read_lock().map_err(Failure::new)?;
    let network = FetchOptions { cancelled: context.cancel(), ..settings.fetch.clone() };
    let fetcher = Fetcher::new(network.clone()).map_err(Failure::new)?;
    let access = Archive { fetcher: &fetcher, mirrors: &settings.mirrors };
    let recipes: Vec<_> = projects
        .iter()
        .map(|project| RecipeItems {
            name: project.file.clone(),
            images: &project.recipe.images,
            bases: &project.recipe.bases,
            builds: &project.recipe.builds,
            sources: &project.recipe.sources,
        })
        .collect();
    let git = Git { store, network: &network, cancelled: &|| context.cancelled() };
    let mut without: Vec<(Vec<UnlockedItem>, Box<dyn Diagnostic + Send + Sync>)> = Vec::new();
    for key in unlocked_git(&recipes, old.as_ref()).map_err(Failure::new)? {
        let Entry::Vacant(entry) = archives.entry(key) else { continue };
        match git.archive(entry.key()) {
            Ok((object, sha256)) => {
                store.name_blob(&sha256, &object).map_err(Failure::new)?;
                entry.insert(sha256);
            }
            Err(error) if context.cancelled() => return Err(Failure::new(error)),
            Err(error) => without.push((with_git_key(&recipes, entry.key()), Box::new(error))),
        }
    }
    let registry = Registry::new(&fetcher, &settings.mirrors, false);
    let mut oci = BTreeMap::new();
    for key in unlocked_oci(&recipes, old.as_ref()) {
        let image = match registry.image(&key.0, key.1) {
            Ok(image) => image,
            Err(error) if context.cancelled() => return Err(Failure::new(error)),
            Err(error) => {
                without.push((with_oci_key(&recipes, &key), Box::new(error)));
                continue;
            }
        };
        image
            .documents
            .iter()
            .try_for_each(|bytes| store.keep_blob(bytes).map(drop))
            .map_err(Failure::new)?;
        oci.insert(key, image.platforms);
    }
    let options = UpdateOptions {
        oci,
        update: match &arguments.update {
            None => Updated::Outgrown,
            Some(names) if names.is_empty() => Updated::All,
            Some(names) => Updated::Named(names.clone()),
        },
        whole_folder: is_whole(folder, projects)?,
        git: archives.clone(),
    };
    let surroundings = Surroundings { access: &access, cache: store };
    let LockOutcome { lock, changes, unlocked } =
        update(&recipes, old.as_ref(), &options, surroundings, clock::now()).map_err(Failure::new)?;
    let path = first.lock_path();
    let empty = lock.variants.is_empty() && lock.roots.is_empty() && lock.git.is_empty();
    let write = if empty && !unlocked.is_empty() { old.is_some() } else { true };
    if !arguments.check && write && old.as_ref() != Some(&lock) {
        let written = write_atomically(&path, lock.serialize().as_bytes());
        written.map_err(|source| Failure::new(OutputError { source }))?;
    }
    keep(store, &path, &lock)?;
    let mut report = Report::new(changes, unlocked);
    without.into_iter().for_each(|(items, error)| report.add_source(&items, error));
    Ok(report)
}

/// Whether `projects` are all the recipes that stand in `folder` itself.
fn is_whole(folder: &Path, projects: &[Project]) -> Result<bool, Failure> {
    let mut found = find_recipes(folder).map_err(Failure::new)?;
    found.retain(|path| crate::build::split(path).0 == *folder);
    Ok(found.iter().all(|path| projects.iter().any(|project| project.path() == *path)))
}

/// Index and manifests of an image of a registry.
fn documents(oci: &LockedOci) -> impl Iterator<Item = Sha256> {
    std::iter::once(oci.digest).chain(oci.platforms.iter().map(|platform| platform.manifest.sha256))
}

/// The signed indexes of a lock, the documents of its images from registries, and the archives of its commits, are kept as long as the lock stands.
fn keep(store: &Store, path: &Path, lock: &Lock) -> Result<(), Failure> {
    let mut blobs: Vec<_> = lock
        .snapshots
        .iter()
        .flat_map(|snapshot| {
            snapshot.in_release.into_iter().chain(snapshot.indexes.iter().map(|index| index.sha256))
        })
        .chain(lock.git.iter().map(|git| git.sha256))
        .chain(lock.oci.iter().flat_map(documents))
        .collect();
    blobs.sort();
    blobs.dedup();
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let root = Root { kind: "lock".to_owned(), path, records: Vec::new(), blobs };
    store.set_root(&root).map_err(Failure::new)
}
