//! Projects that come out of a bundle. Nothing of them is written to the disk.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use hbuild_lang::{Checked, FileError, Files};

use super::super::{Filter, Item, Project, ProjectFiles};
use super::collect::split;
use super::contents::clean;
use crate::bundle::{Bundle, BundleError, Entry, ItemKind, Kind, RECIPES, Use};
use crate::digest::Sha256;
use crate::host::discover::{LocalBytes, ReadError};
use crate::lock::LOCK_FILE;

/// The files of one folder of a bundle's recipes.
struct BundledFolder {
    bundle: Arc<Bundle>,
    folder: String,
}

impl fmt::Debug for BundledFolder {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("BundledFolder").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl BundledFolder {
    /// What the bundle calls `path` in this folder.
    fn name(&self, path: &str) -> String {
        if self.folder.is_empty() { path.to_owned() } else { format!("{}/{path}", self.folder) }
    }

    fn entry(&self, path: &str) -> Option<&Entry> {
        self.bundle.entry(&format!("{RECIPES}{}", clean(&self.name(path))?))
    }

    fn bytes(&self, entry: &Entry, path: &str) -> Result<Vec<u8>, ReadError> {
        let failed =
            |error: BundleError| ReadError { path: path.to_owned(), source: io::Error::other(error) };
        self.bundle.read(entry).map_err(failed)
    }
}

impl Files for BundledFolder {
    fn read(&self, path: &str) -> Result<Vec<u8>, FileError> {
        let fail = |reason: String| FileError { path: path.to_owned(), reason };
        let entry = self.entry(path).ok_or_else(|| fail("it is not in the bundle".to_owned()))?;
        self.bundle.read(entry).map_err(|error| fail(error.to_string()))
    }
}

impl ProjectFiles for BundledFolder {
    fn lock(&self) -> Result<Option<String>, ReadError> {
        let Some(entry) = self.entry(LOCK_FILE) else { return Ok(None) };
        let text = String::from_utf8(self.bytes(entry, LOCK_FILE)?);
        let failed = |error| ReadError { path: LOCK_FILE.to_owned(), source: io::Error::other(error) };
        text.map(Some).map_err(failed)
    }

    fn local(&self, path: &str) -> Result<LocalBytes, ReadError> {
        let name = self.name(path);
        let kinds = [(Kind::Folder, true), (Kind::File, false), (Kind::Recipe, false)];
        let found = kinds.iter().find_map(|(kind, folder)| Some((self.bundle.named(*kind, &name)?, *folder)));
        let missing =
            || ReadError { path: path.to_owned(), source: io::Error::other("it is not in the bundle") };
        let (entry, folder) = found.ok_or_else(missing)?;
        let bytes = self.bytes(entry, path)?;
        Ok(LocalBytes { sha256: Sha256::of(&bytes), bytes, folder })
    }
}

/// Why a bundle gives no projects.
#[derive(Debug)]
pub enum ProjectsError {
    /// It is not what it says.
    Bundle(BundleError),
    /// All that is wrong with the recipe of this name in it.
    Recipe(String, Checked),
}

/// The recipes that `bundle` is of, evaluated, with their names in it. Everything that is no input of a fetch is held
/// against its digest first.
pub fn projects_of(bundle: &Arc<Bundle>) -> Result<Vec<(String, Project)>, ProjectsError> {
    let of_recipe =
        |it: &Use| matches!(it.kind, Kind::File | Kind::Folder | Kind::Lock | Kind::Module | Kind::Recipe);
    for entry in bundle.manifest().entries.iter().filter(|entry| entry.uses.iter().any(of_recipe)) {
        bundle.check(entry).map_err(ProjectsError::Bundle)?;
    }
    let mut found: BTreeMap<&str, Project> = BTreeMap::new();
    for item in &bundle.manifest().items {
        if found.contains_key(item.recipe.as_str()) {
            continue;
        }
        let (folder, file) = split(&item.recipe);
        let files = BundledFolder { bundle: bundle.clone(), folder: folder.to_owned() };
        let place = if folder.is_empty() { PathBuf::from(".") } else { PathBuf::from(folder) };
        let project = Project::of(Box::new(files), place, file.to_owned());
        found.insert(
            &item.recipe,
            project.map_err(|checked| ProjectsError::Recipe(item.recipe.clone(), checked))?,
        );
    }
    Ok(found.into_iter().map(|(name, project)| (name.to_owned(), project)).collect())
}

/// What `bundle` is of, as far as `filter` matches it.
pub fn chosen_of<'a>(
    bundle: &Bundle,
    projects: &'a [(String, Project)],
    filter: &Filter,
) -> Result<Vec<(&'a Project, Item<'a>)>, BundleError> {
    let items = &bundle.manifest().items;
    let mut chosen = Vec::with_capacity(items.len());
    for wanted in items {
        let project =
            projects.iter().find(|(recipe, _)| *recipe == wanted.recipe).map(|(_, project)| project);
        let image = wanted.kind == ItemKind::Image;
        let item = project
            .and_then(|project| Some((project, Item::at(project, image, &wanted.name, &wanted.point)?)));
        let unknown = || BundleError::UnknownItem { item: wanted.shown(), recipe: wanted.recipe.clone() };
        chosen.push(item.ok_or_else(unknown)?);
    }
    chosen.retain(|(_, item)| filter.matches(item));
    if chosen.is_empty() {
        let there: Vec<String> = items.iter().map(|item| item.shown()).collect();
        return Err(BundleError::NothingMeant { wanted: filter.describe(), there: there.join(", ") });
    }
    Ok(chosen)
}
