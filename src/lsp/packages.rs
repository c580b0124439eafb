//! Packages as the last `hbuild lock` saw them: the names in the indexes that the store keeps, and the versions in
//! the lock. Nothing is fetched.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use hbuild_lang::assist::{Analysis, Surroundings};
use hbuild_lang::recipe::{Located, Place};

use super::project::Project;
use crate::digest::Sha256;
use crate::distro::{alpine, debian};
use crate::host::discover::{find_recipes, read_text};
use crate::image::policy::RULES;
use crate::lock::{LOCK_FILE, Lock, Snapshot, request_of_build};
use crate::store::Store;

/// How many packages are proposed at once.
const PROPOSED: usize = 200;

/// Names of packages with versions, sorted.
type Names = Rc<Vec<(String, String)>>;

/// What is known of packages.
pub struct Catalogue {
    store: Option<PathBuf>,
    /// By index.
    names: RefCell<BTreeMap<Sha256, Names>>,
    /// The lock that was read last: its path, its text, its value.
    lock: RefCell<Option<(PathBuf, String, Rc<Lock>)>>,
}

/// A package that a recipe asks for, with what the lock has of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// Its line in the recipe, from 1.
    pub line: u32,
    /// Its column in characters, from 1.
    pub column: u32,
    /// Its name.
    pub name: String,
    /// Each version with what takes it.
    pub versions: BTreeMap<String, BTreeSet<String>>,
}

impl Catalogue {
    /// What the store at this path knows.
    pub fn new(store: Option<PathBuf>) -> Self {
        Self { store, names: RefCell::default(), lock: RefCell::default() }
    }

    /// The lock in `folder`.
    fn lock(&self, folder: &Path) -> Option<Rc<Lock>> {
        let path = folder.join(LOCK_FILE);
        let text = read_text(&path).ok()?;
        if let Some((known, before, lock)) = &*self.lock.borrow()
            && *known == path
            && *before == text
        {
            return Some(lock.clone());
        }
        let lock = Rc::new(Lock::parse(&text).ok()?);
        *self.lock.borrow_mut() = Some((path, text, lock.clone()));
        Some(lock)
    }

    /// The packages of one index of `snapshot`.
    fn names_of(&self, store: &Store, snapshot: &Snapshot, index: &Sha256) -> Option<Names> {
        if let Some(known) = self.names.borrow().get(index) {
            return Some(known.clone());
        }
        let derived = |form| store.derived(form, index).ok()?;
        let named = |name: &str, version: &str| (name.to_owned(), version.to_owned());
        let mut names: Vec<(String, String)> = if snapshot.in_release.is_some() {
            let index = debian::index::Index::from_cache(derived(debian::repository::DERIVED_FORM)?).ok()?;
            index.stanzas().map(|stanza| named(stanza.package(), stanza.version())).collect()
        } else {
            let index = alpine::index::Index::from_cache(derived(alpine::repository::DERIVED_FORM)?).ok()?;
            index.packages().map(|package| named(package.name(), package.version())).collect()
        };
        names.sort();
        names.dedup_by(|one, other| one.0 == other.0);
        let names = Rc::new(names);
        self.names.borrow_mut().insert(*index, names.clone());
        Some(names)
    }

    /// Packages for the recipes in `folder` whose names begin with `prefix`.
    fn packages(&self, folder: &Path, prefix: &str, distro: Option<&str>) -> (Vec<(String, String)>, bool) {
        let Some(lock) = self.lock(folder) else { return (Vec::new(), false) };
        let mut found: BTreeMap<String, String> = BTreeMap::new();
        let wanted = snapshots(&lock, distro);
        let ids: BTreeSet<&str> = wanted.iter().map(|snapshot| snapshot.id.as_str()).collect();
        let locked = lock.packages.iter().filter(|package| ids.contains(package.snapshot.as_str()));
        for package in locked.filter(|package| package.name.starts_with(prefix)) {
            found.insert(package.name.clone(), package.version.clone());
        }
        let store =
            self.store.as_deref().filter(|path| path.is_dir()).and_then(|path| Store::open(path).ok());
        let mut more = false;
        if let Some(store) = store {
            for snapshot in wanted {
                let mut components = BTreeSet::new();
                let indexes = snapshot.indexes.iter().filter(|index| components.insert(&index.component));
                for names in indexes.filter_map(|index| self.names_of(&store, snapshot, &index.sha256)) {
                    let start = names.partition_point(|(name, _)| name.as_str() < prefix);
                    let fitting = names[start..].iter().take_while(|(name, _)| name.starts_with(prefix));
                    for (name, version) in fitting.take(PROPOSED + 1) {
                        found.entry(name.clone()).or_insert_with(|| version.clone());
                    }
                }
            }
        }
        if found.len() > PROPOSED {
            more = true;
        }
        (found.into_iter().take(PROPOSED).collect(), more)
    }

    /// The packages that the recipe asks for, in its own file, with their locked versions; by place.
    pub fn versions(&self, project: &Project, analysis: &Analysis) -> Vec<Resolved> {
        let (Some(recipe), Some(lock)) = (analysis.recipe(), self.lock(&project.folder)) else {
            return Vec::new();
        };
        let mut found = Found { entry: &project.entry, list: BTreeMap::new() };
        for image in &recipe.images {
            if let Some(variant) = lock.variant(&project.entry, &image.name, &image.point) {
                let label = format!("{} {} {}", image.name, image.variant, image.arch);
                found.add(&image.packages, &variant.packages, &label);
            }
        }
        for build in &recipe.builds {
            if let Some(root) = lock.root(&request_of_build(build)) {
                let label = format!("{} {} {}", build.name, build.distro, build.arch);
                for packages in [&build.tools, &build.inputs] {
                    found.add(packages, &root.packages, &label);
                }
            }
        }
        found.list.into_values().collect()
    }
}

/// The snapshots that a distro's packages come from; all of them where it is not known.
fn snapshots<'a>(lock: &'a Lock, distro: Option<&str>) -> Vec<&'a Snapshot> {
    let requests = lock.variants.iter().map(|variant| &variant.request);
    let requests = requests.chain(lock.roots.iter().map(|root| &root.request));
    let fitting = requests.filter(|request| distro.is_some_and(|distro| request.distro.starts_with(distro)));
    let suites: BTreeSet<(&str, &str)> = fitting
        .flat_map(|request| &request.repositories)
        .filter_map(|text| {
            let mut words = text.split(' ');
            Some((words.next()?, words.next()?))
        })
        .collect();
    let fits = |snapshot: &&Snapshot| {
        suites.is_empty() || suites.contains(&(snapshot.repository.as_str(), snapshot.suite.as_str()))
    };
    lock.snapshots.iter().filter(fits).collect()
}

struct Found<'a> {
    entry: &'a str,
    list: BTreeMap<(u32, u32), Resolved>,
}

impl Found<'_> {
    /// Adds the packages that are written in the entry, where the lock has them among `references`.
    fn add(&mut self, packages: &[Located<String>], references: &[String], label: &str) {
        for Located { value, place: Place { file, line, column } } in packages {
            let name = value.split(['=', '~', '<', '>', '@', ':']).next().unwrap_or_default();
            if **file != *self.entry {
                continue;
            }
            let start = references.partition_point(|reference| reference.as_str() < name);
            let versions = references[start..].iter().take_while(|reference| reference.starts_with(name));
            let version = versions.filter_map(|reference| reference.strip_prefix(name)?.strip_prefix('='));
            let version = version.filter_map(|rest| rest.rsplit_once(':').map(|(version, _)| version)).next();
            let Some(version) = version else { continue };
            let new = || Resolved {
                line: *line,
                column: *column,
                name: name.to_owned(),
                versions: BTreeMap::new(),
            };
            let resolved = self.list.entry((*line, *column)).or_insert_with(new);
            resolved.versions.entry(version.to_owned()).or_default().insert(label.to_owned());
        }
    }
}

impl Resolved {
    /// The byte of the text where its string begins.
    fn start(&self, text: &str) -> Option<usize> {
        let line = usize::try_from(self.line).ok()?.checked_sub(1)?;
        let before: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
        let column = usize::try_from(self.column).ok()?.checked_sub(1)?;
        let inner = text.get(before..)?.char_indices().nth(column).map(|(at, _)| at)?;
        Some(before + inner)
    }

    /// Whether its string begins at this byte of the text.
    pub fn starts_at(&self, text: &str, offset: usize) -> bool {
        self.start(text) == Some(offset)
    }

    /// The byte of the text behind its string.
    pub fn end(&self, text: &str) -> Option<usize> {
        let start = self.start(text)?;
        let inner = text.get(start..)?.strip_prefix('"')?;
        let length = inner.find(['"', '\n'])?;
        inner[length..].starts_with('"').then_some(start + length + 2)
    }

    /// A word about its versions.
    pub fn short(&self) -> String {
        const SHOWN: usize = 2;
        if self.versions.len() > SHOWN {
            return format!("{} versions", self.versions.len());
        }
        self.versions.keys().map(String::as_str).collect::<Vec<_>>().join(", ")
    }

    /// All of its versions with what takes them.
    pub fn markdown(&self) -> String {
        const SHOWN: usize = 6;
        let mut said = format!("`{}`, as locked in `{LOCK_FILE}`:\n", self.name);
        for (version, takers) in &self.versions {
            let more = takers.len().saturating_sub(SHOWN);
            let mut shown: Vec<&str> = takers.iter().take(SHOWN).map(String::as_str).collect();
            let rest = format!("and {more} more");
            if more > 0 {
                shown.push(&rest);
            }
            said.push_str(&format!("\n- `{version}` ({})", shown.join(", ")));
        }
        said
    }
}

/// What completion asks of the world, for the recipe at `path`.
pub struct Around<'a> {
    /// The names of packages.
    pub catalogue: &'a Catalogue,
    /// The folder of the recipe.
    pub folder: &'a Path,
    /// The recipe.
    pub path: &'a Path,
}

impl Surroundings for Around<'_> {
    fn packages(&self, prefix: &str, distro: Option<&str>) -> (Vec<(String, String)>, bool) {
        self.catalogue.packages(self.folder, prefix, distro)
    }

    fn rules(&self) -> Vec<(String, String)> {
        RULES.iter().map(|rule| (rule.code.to_owned(), rule.title.to_owned())).collect()
    }

    fn files(&self) -> Vec<String> {
        if self.folder.as_os_str().is_empty() {
            return Vec::new();
        }
        let found = find_recipes(self.folder).unwrap_or_default();
        let others = found.iter().filter(|path| *path != self.path);
        let inner = others.filter_map(|path| path.strip_prefix(self.folder).ok()?.to_str());
        inner.map(str::to_owned).collect()
    }
}
