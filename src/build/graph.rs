//! The graph of everything selected.

use std::collections::BTreeMap;

use hbuild_lang::recipe::Image;

use super::{BuildFailure, Project};
use crate::graph::{Compression, Graph, ImagePlan, PlanOptions, plan};
use crate::host::discover::LocalBytes;
use crate::lock::{self, Lock, RecipeFile};

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

/// The graph of all selected images.
#[derive(Debug)]
pub struct WholeGraph<'a> {
    /// All derivations; what each image needs is among its roots.
    pub graph: Graph,
    /// The images in the order they were selected.
    pub images: Vec<Planned<'a>>,
    /// The bytes of local sources.
    pub local: Vec<LocalBytes>,
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
    chosen: &[(&'a Project, &'a Image)],
    options: &GraphOptions,
) -> Result<WholeGraph<'a>, BuildFailure> {
    let mut whole = WholeGraph { graph: Graph::new(), images: Vec::new(), local: Vec::new() };
    let mut seen: BTreeMap<(&str, &str, &str), &Project> = BTreeMap::new();
    let mut rest = chosen;
    while let Some((project, _)) = rest.first() {
        let length = rest.iter().take_while(|(other, _)| std::ptr::eq(*other, *project)).count();
        let (same, others) = rest.split_at(length);
        rest = others;
        for (_, image) in same {
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

fn add_project<'a>(
    whole: &mut WholeGraph<'a>,
    project: &'a Project,
    images: &[(&'a Project, &'a Image)],
    options: &GraphOptions,
) -> Result<(), BuildFailure> {
    let lock = project.read_lock()?;
    let shown = project.path().display().to_string();
    let file = RecipeFile { name: &project.file, shown: &shown };
    lock::check_git(file, &project.recipe.sources, lock.as_ref())?;
    let local = project.read_local_sources()?;
    let options = PlanOptions {
        compression: options.compression.clone(),
        builder: options.builder.clone(),
        recipe_files: project.digests(),
        git: lock.as_ref().map(Lock::git_digests).unwrap_or_default(),
        local: local.iter().map(|(path, bytes)| (path.clone(), bytes.into())).collect(),
    };
    for (_, image) in images {
        let variant = lock::check(file, image, lock.as_ref())?;
        let lock = lock.as_ref().expect("a lock without which no variant is found");
        let plan = plan(&mut whole.graph, (&project.recipe, image), (lock, variant), &options)?;
        plan.roots().into_iter().for_each(|root| whole.graph.add_root(root));
        whole.images.push(Planned { image, project, plan, packages: variant.packages.len() });
    }
    whole.local.extend(local.into_values());
    Ok(())
}
