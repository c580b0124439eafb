//! The graph of everything selected.

use std::collections::{BTreeMap, BTreeSet};
use std::slice::from_ref;

use hbuild_lang::recipe::{Build, Image, Point, Source};

use super::select::Item;
use super::{BuildFailure, Project};
use crate::graph::{
    Action, BuildPlan, Compression, DerivationId, Graph, ImagePlan, PlanOptions, Planner, VariantPlan,
    VariantSource,
};
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
    /// The fetches of its signed indexes, in their order, where the image shall carry them.
    pub indexes: Option<Vec<DerivationId>>,
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

/// The graph of everything selected, as far as it is locked.
#[derive(Debug)]
pub struct WholeGraph<'a> {
    /// All derivations; what each image and each build needs is among its roots.
    pub graph: Graph,
    /// The images in the order they were selected.
    pub images: Vec<Planned<'a>>,
    /// The documents about the index of each variant, by the names of image and variant.
    pub variants: BTreeMap<(&'a str, &'a str), VariantPlan>,
    /// The builds that were selected, in order.
    pub builds: Vec<PlannedBuild<'a>>,
    /// The bytes of local sources and patches.
    pub local: Vec<LocalBytes>,
    /// The images that are not in it because a lock lacks them, or another architecture of their variant.
    pub left_out: Vec<(&'a Image, Gap)>,
    /// Which items the locks lack, an error for each recipe.
    pub unlocked: Vec<LockError>,
}

/// Why an image is not in a graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gap {
    /// The lock does not have it.
    NotLocked,
    /// The lock has it, but not another architecture of its variant.
    Sibling,
}

impl WholeGraph<'_> {
    /// Has each image carry the signed indexes that its packages were chosen from.
    pub fn carry_indexes(&mut self) -> Result<(), BuildFailure> {
        for planned in &mut self.images {
            let files = planned.plan.indexes.files.iter();
            let fetches = files.map(|file| file.fetch(&mut self.graph)).collect::<Result<Vec<_>, _>>()?;
            fetches.iter().for_each(|id| self.graph.add_root(*id));
            planned.indexes = Some(fetches);
        }
        Ok(())
    }

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

/// The graph of all of `chosen`, from the recipes' locks.
pub fn whole_graph<'a>(
    chosen: &[(&'a Project, Item<'a>)],
    options: &GraphOptions,
) -> Result<WholeGraph<'a>, BuildFailure> {
    let mut whole = locked_graph(chosen, options)?;
    match whole.unlocked.is_empty() {
        true => Ok(whole),
        false => Err(whole.unlocked.remove(0).into()),
    }
}

/// The graph of what the recipes' locks have of `chosen`; of each recipe they have something.
pub fn locked_graph<'a>(
    chosen: &[(&'a Project, Item<'a>)],
    options: &GraphOptions,
) -> Result<WholeGraph<'a>, BuildFailure> {
    let mut whole = WholeGraph {
        graph: Graph::new(),
        images: Vec::new(),
        variants: BTreeMap::new(),
        builds: Vec::new(),
        local: Vec::new(),
        left_out: Vec::new(),
        unlocked: Vec::new(),
    };
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
    add_variants(&mut whole, options)?;
    Ok(whole)
}

/// Adds the documents about the index of each variant.
fn add_variants(whole: &mut WholeGraph<'_>, options: &GraphOptions) -> Result<(), BuildFailure> {
    let mut variants: BTreeMap<_, Vec<&Planned<'_>>> = BTreeMap::new();
    for planned in &whole.images {
        let name = (planned.image.name.as_str(), planned.image.variant.as_str());
        variants.entry(name).or_default().push(planned);
    }
    for (name, platforms) in variants {
        let project = platforms[0].project;
        let source = VariantSource {
            recipe: project.file.clone(),
            recipe_files: project.digests(),
            builder: options.builder.clone(),
        };
        let platforms: Vec<_> = platforms.iter().map(|planned| (planned.image, &planned.plan)).collect();
        let plan = VariantPlan::add(&mut whole.graph, source, &platforms)?;
        plan.documents.iter().for_each(|(_, id)| whole.graph.add_root(*id));
        whole.variants.insert(name, plan);
    }
    Ok(())
}

/// Where the lock has some of `items` and lacks others: which ones it has, and the error that names the others.
fn partly<'i, 'a>(
    file: RecipeFile<'_>,
    items: &'i [Chosen<'a>],
    lock: &Lock,
) -> Option<(Vec<&'i Chosen<'a>>, LockError)> {
    let mut there_are = Vec::new();
    let (mut locked, mut unlocked) = (Vec::new(), Vec::new());
    for each in items {
        let (project, item) = each;
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
            there_are.push(each);
        } else {
            let (recipe, name) = (file.name.to_owned(), item.name().to_owned());
            unlocked.push(UnlockedItem { recipe, kind, name, point: point.clone() });
        }
    }
    if locked.is_empty() || unlocked.is_empty() {
        return None;
    }
    let points: Vec<&Point> = unlocked.iter().map(|item| &item.point).collect();
    let rest = format!("`hbuild lock {}` locks them, or says why it cannot", file.shown);
    let help = match lock::narrowing(&locked, &points) {
        Some(option) => format!("leave them out with `{option}`; {rest}"),
        None => format!("name what is to be built with `--AXIS LABEL`; {rest}"),
    };
    let items = lock::summary(unlocked.iter());
    Some((there_are, LockError::Partly { recipe: file.shown.to_owned(), items, help }))
}

/// An image or build of a recipe.
type Chosen<'a> = (&'a Project, Item<'a>);

/// What of `items` is built where the lock has only `locked`: an index of a variant that lacks an architecture which
/// was asked for would replace a whole one.
fn without_gaps<'i, 'a>(
    items: &'i [Chosen<'a>],
    locked: &[&'i Chosen<'a>],
) -> (Vec<&'i Chosen<'a>>, Vec<(&'a Image, Gap)>) {
    let is_locked = |item: &Chosen<'a>| locked.iter().any(|it| std::ptr::eq(*it, item));
    let image = |item: &Chosen<'a>| match item.1 {
        Item::Image(image) => Some(image),
        Item::Build(_) => None,
    };
    let gaps: BTreeSet<(&str, &str)> = items
        .iter()
        .filter(|item| !is_locked(item))
        .filter_map(image)
        .map(|image| (image.name.as_str(), image.variant.as_str()))
        .collect();
    let has_gap = |image: &Image| gaps.contains(&(image.name.as_str(), image.variant.as_str()));
    let built = locked.iter().filter(|item| image(item).is_none_or(|image| !has_gap(image)));
    let gap = |item| if is_locked(item) { Gap::Sibling } else { Gap::NotLocked };
    let left_out =
        items.iter().filter_map(|item| Some((image(item).filter(|image| has_gap(image))?, gap(item))));
    (built.copied().collect(), left_out.collect())
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
    let mut locked: Vec<_> = items.iter().collect();
    if let Some((there, error)) = lock.as_ref().and_then(|lock| partly(file, items, lock)) {
        let left_out;
        (locked, left_out) = without_gaps(items, &there);
        whole.left_out.extend(left_out);
        whole.unlocked.push(error);
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
    for (_, item) in locked {
        match *item {
            Item::Image(image) => {
                let bases = project.recipe.bases_of(image);
                let variant = lock::check(file, (image, &bases), lock.as_ref())?;
                let plan = planner.image(&mut whole.graph, image, variant)?;
                plan.roots().into_iter().for_each(|root| whole.graph.add_root(root));
                whole.images.push(Planned {
                    image,
                    project,
                    plan,
                    packages: variant.packages.len(),
                    indexes: None,
                });
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
