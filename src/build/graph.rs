//! The graph of everything selected.

use std::collections::BTreeMap;
use std::slice::from_ref;

use hbuild_lang::recipe::{Build, Image, Point, Source};

use super::select::Item;
use super::{BuildFailure, Project};
use crate::graph::{Action, BuildPlan, Compression, Graph, ImagePlan, PlanOptions, Planner};
use crate::host::discover::LocalBytes;
use crate::lock::{self, Lock, LockError, RecipeFile, UnlockedItem};

/// An image that is to be built: where it comes from and its derivations.
#[derive(Debug)]
pub struct Planned<'a> {
    /// The recipe's image at its point.
    pub image: &'a Image,
    /// Its recipe.
    pub project: &'a Project,
    /// Its derivations.
    pub plan: ImagePlan,
    /// Number of packages in it.
    pub packages: usize,
}

/// A build that is wanted for itself.
#[derive(Debug)]
pub struct PlannedBuild<'a> {
    /// The recipe's build at its point.
    pub build: &'a Build,
    /// Its recipe.
    pub project: &'a Project,
    /// Its derivations.
    pub plan: BuildPlan,
}

impl PlannedBuild<'_> {
    /// The name of its results: `zlib-debian13-amd64`, with the labels of its point in the order of the recipe's
    /// axes; `lib.zlib-debian13-amd64` for an imported one.
    pub fn result_name(&self) -> String {
        let axes = self.project.recipe.axes.iter().map(|axis| &axis.name);
        let labels = axes.filter_map(|axis| self.build.point.get(axis));
        labels.fold(self.build.name.replace('/', "."), |name, label| name + "-" + label)
    }
}

/// The graph of everything selected.
#[derive(Debug)]
pub struct WholeGraph<'a> {
    /// All derivations; what each image and each build needs is among its roots.
    pub graph: Graph,
    /// The images in the order they were selected.
    pub images: Vec<Planned<'a>>,
    /// The builds that were selected, in order.
    pub builds: Vec<PlannedBuild<'a>>,
    /// The bytes of local sources and patches.
    pub local: Vec<LocalBytes>,
}

impl WholeGraph<'_> {
    /// Whether a command is among the derivations.
    pub fn executes(&self) -> bool {
        self.graph.iter().any(|(_, derivation)| matches!(derivation.action, Action::Exec(_)))
    }
}

/// What besides recipes and locks goes into graphs.
#[derive(Debug, Clone)]
pub struct GraphOptions {
    /// Compressor of the layers.
    pub compression: Compression,
    /// Builder id of the provenance.
    pub builder: String,
}

/// The graph of `chosen`, from the recipes' locks.
pub fn whole_graph<'a>(
    chosen: &[(&'a Project, Item<'a>)],
    options: &GraphOptions,
) -> Result<WholeGraph<'a>, BuildFailure> {
    let mut whole =
        WholeGraph { graph: Graph::new(), images: Vec::new(), builds: Vec::new(), local: Vec::new() };
    let mut seen: BTreeMap<(&str, &str, &str), &Project> = BTreeMap::new();
    for same in chosen.chunk_by(|(one, _), (other, _)| std::ptr::eq(*one, *other)) {
        let project = same[0].0;
        for (_, item) in same {
            let Item::Image(image) = item else { continue };
            let name = (image.name.as_str(), image.variant.as_str(), image.arch.as_str());
            if let Some(other) = seen.insert(name, project) {
                let (one, two) = (other.path(), project.path());
                return Err(BuildFailure::Twice {
                    name: format!("{} {} {}", name.0, name.1, name.2),
                    one: one.display().to_string(),
                    two: two.display().to_string(),
                });
            }
        }
        add_project(&mut whole, project, same, options)?;
    }
    Ok(whole)
}

/// Refuses items of which the lock has some and lacks others: what is asked for would be built in part.
fn refuse_partly(file: RecipeFile<'_>, items: &[(&Project, Item<'_>)], lock: &Lock) -> Result<(), LockError> {
    let (mut locked, mut unlocked) = (Vec::new(), Vec::new());
    for (project, item) in items {
        let (kind, point, there) = match item {
            Item::Image(image) => {
                ("image", &image.point, lock.variant(file.name, &image.name, &image.point).is_some())
            }
            // A root that the recipe has outgrown has an error of its own, which names the difference.
            Item::Build(build) => {
                let found = lock::check_build(file, build, Some(lock));
                ("build", &build.point, !matches!(found, Err(LockError::NoVariant { .. })))
            }
        };
        let beside = |source: &&Source| {
            source.point.iter().all(|(axis, label)| point.get(axis).is_none_or(|at| at == label))
        };
        let mut sources = project.recipe.sources.iter().filter(beside);
        if there && sources.all(|source| lock::check_git(file, from_ref(source), Some(lock)).is_ok()) {
            locked.push(point);
        } else {
            let (recipe, name) = (file.name.to_owned(), item.name().to_owned());
            unlocked.push(UnlockedItem { recipe, kind, name, point: point.clone() });
        }
    }
    if locked.is_empty() || unlocked.is_empty() {
        return Ok(());
    }
    let points: Vec<&Point> = unlocked.iter().map(|item| &item.point).collect();
    let rest = format!("`hbuild lock {}` locks them, or says why it cannot", file.shown);
    let help = match lock::narrowing(&locked, &points) {
        Some(option) => format!("leave them out with `{option}`; {rest}"),
        None => format!("name what is to be built with `--AXIS LABEL`; {rest}"),
    };
    let items = lock::summary(unlocked.iter());
    Err(LockError::Partly { recipe: file.shown.to_owned(), items, help })
}

fn add_project<'a>(
    whole: &mut WholeGraph<'a>,
    project: &'a Project,
    items: &[(&'a Project, Item<'a>)],
    options: &GraphOptions,
) -> Result<(), BuildFailure> {
    let lock = project.read_lock()?;
    let shown = project.path().display().to_string();
    let file = RecipeFile { name: &project.file, shown: &shown };
    if let Some(lock) = &lock {
        refuse_partly(file, items, lock)?;
    }
    lock::check_oci(file, &project.recipe, lock.as_ref())?;
    let local = project.read_local_sources()?;
    let options = PlanOptions {
        compression: options.compression.clone(),
        builder: options.builder.clone(),
        recipe_files: project.digests(),
        git: lock.as_ref().map(Lock::git_digests).unwrap_or_default(),
        oci: lock.iter().flat_map(|lock| &lock.oci).map(|oci| (oci.key(), oci.clone())).collect(),
        local: local.iter().map(|(path, bytes)| (path.clone(), bytes.into())).collect(),
    };
    let mut planner = Planner::new((&project.recipe, file), lock.as_ref(), &options);
    for (_, item) in items {
        match *item {
            Item::Image(image) => {
                let bases = project.recipe.bases_of(image);
                let variant = lock::check(file, (image, &bases), lock.as_ref())?;
                let plan = planner.image(&mut whole.graph, image, variant)?;
                plan.roots().into_iter().for_each(|root| whole.graph.add_root(root));
                whole.images.push(Planned { image, project, plan, packages: variant.packages.len() });
            }
            Item::Build(build) => {
                let plan = planner.build(&mut whole.graph, build)?;
                whole.graph.add_root(plan.exec);
                whole.builds.push(PlannedBuild { build, project, plan });
            }
        }
    }
    whole.local.extend(local.into_values());
    Ok(())
}
