//! Recipe and lock to graph: the derivations of images and builds, each at one point of its axes.

mod build;
mod config;
mod definition;
mod embedded;
mod image;
mod indexes;
mod inputs;
mod locked;
mod variant;

use std::collections::BTreeMap;
use std::rc::Rc;

use hbuild_lang::recipe::{Build, Content, ContentKind, Point, Recipe, Source};

pub use self::build::BuildPlan;
use self::build::{Planned, PlannedRoot};
pub use self::embedded::{embedded, embedded_path};
use self::image::MergedImage;
pub use self::image::{ImagePlan, TestPlan};
pub use self::indexes::{IndexFile, SignedIndexes};
use self::inputs::Inputs;
pub use self::inputs::package_origin;
use self::locked::LockIndex;
pub use self::variant::{VariantPlan, VariantSource};
use super::{Compression, GraphError};
use crate::digest::Sha256;
use crate::lock::{Lock, LockError, LockedOci, LockedRoot, OciKey, RecipeFile};

/// Everything besides recipe and lock that decides the graph.
#[derive(Debug, Clone)]
pub struct PlanOptions {
    /// The compressor of all layers.
    pub compression: Compression,
    /// The builder id of the provenance.
    pub builder: String,
    /// SHA-256 of each recipe file, by its path relative to the lock's folder.
    pub recipe_files: BTreeMap<String, Sha256>,
    /// The digests of git sources from the lock, by URL, commit, and whether submodules are there.
    pub git: BTreeMap<(String, String, bool), Sha256>,
    /// The images of registries from the lock, by name and digest.
    pub oci: BTreeMap<OciKey, LockedOci>,
    /// The local sources and patches, by their path as the recipe wrote it.
    pub local: BTreeMap<String, LocalSource>,
}

/// A source beside the recipe, as it is now.
#[derive(Debug, Clone)]
pub struct LocalSource {
    /// SHA-256 of the file, or of the tar archive made of the folder.
    pub sha256: Sha256,
    /// Whether it is a folder.
    pub folder: bool,
}

/// Why an image or a build has no graph.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum PlanError {
    /// The lock names a package that it does not describe.
    #[error("the lock is damaged: `{reference}` of {whose} is not among its packages")]
    #[diagnostic(
        code(hbuild::graph::lock_incomplete),
        help("restore hbuild.lock from version control, or run `hbuild lock`")
    )]
    LockIncomplete {
        /// The image or build.
        whose: String,
        /// What it refers to.
        reference: String,
    },
    /// `run-as` names nobody.
    #[error("{place}: `run-as` names the account `{name}`, which the recipe does not define")]
    #[diagnostic(
        code(hbuild::graph::unknown_account),
        help("add it to `users`, or write the numeric `uid:gid`: Config.User is always numeric")
    )]
    UnknownAccount {
        /// The name.
        name: String,
        /// Where.
        place: String,
    },
    /// A derivation takes from one that is not there.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Graph(#[from] GraphError),
    /// Lock missing, damaged or outgrown.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Lock(#[from] LockError),
}

/// Makes the graph of one recipe from it and its lock. What several images and builds share is planned once.
pub struct Planner<'a> {
    recipe: &'a Recipe,
    file: RecipeFile<'a>,
    lock: Option<&'a Lock>,
    options: &'a PlanOptions,
    index: LockIndex<'a>,
    sources: BTreeMap<(&'a str, &'a Point), &'a Source>,
    builds: BTreeMap<(&'a str, &'a Point), &'a Build>,
    inputs: Inputs<'a>,
    roots: BTreeMap<*const LockedRoot, Vec<PlannedRoot<'a>>>,
    /// The root found last, and for which build: thousands of builds in a row have the same.
    last_root: Option<(&'a Build, &'a LockedRoot)>,
    planned: BTreeMap<(&'a str, &'a Point), Rc<Planned<'a>>>,
    merged: BTreeMap<(&'a str, &'a Point), Rc<MergedImage<'a>>>,
}

impl<'a> Planner<'a> {
    /// A planner of `recipe`, the file `file` beside `lock`.
    pub fn new(
        (recipe, file): (&'a Recipe, RecipeFile<'a>),
        lock: Option<&'a Lock>,
        options: &'a PlanOptions,
    ) -> Self {
        Self {
            recipe,
            file,
            lock,
            options,
            index: LockIndex::new(lock),
            sources: recipe.sources.iter().map(|it| ((it.name.as_str(), &it.point), it)).collect(),
            builds: recipe.builds.iter().map(|it| ((it.name.as_str(), &it.point), it)).collect(),
            inputs: Inputs::default(),
            roots: BTreeMap::new(),
            last_root: None,
            planned: BTreeMap::new(),
            merged: BTreeMap::new(),
        }
    }

    fn source_at(&self, name: &str, point: &Point) -> &'a Source {
        self.sources.get(&(name, point)).expect("evaluation resolved the name to a source of the recipe")
    }

    fn build_at(&self, name: &str, point: &Point) -> &'a Build {
        self.builds.get(&(name, point)).expect("evaluation resolved the name to a build of the recipe")
    }

    /// The planned builds that `contents` come from, those that they need included, each behind what it needs.
    fn closure(&self, contents: &[&'a Content]) -> Vec<Rc<Planned<'a>>> {
        let mut found = Vec::new();
        let mut seen = std::collections::BTreeSet::new();
        let mut pending: Vec<(&'a Content, bool)> =
            contents.iter().rev().map(|content| (*content, false)).collect();
        while let Some((content, entered)) = pending.pop() {
            let Some(planned) = self.planned.get(&(content.source.as_str(), &content.point)) else {
                continue;
            };
            if content.kind != ContentKind::Build {
                continue;
            }
            if entered {
                found.push(planned.clone());
            } else if seen.insert(planned.exec) {
                pending.push((content, true));
                pending.extend(planned.build.contents.iter().rev().map(|content| (&content.value, false)));
            }
        }
        found
    }
}
