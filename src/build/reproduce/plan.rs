//! What an image is to be built again from: the recipe that its provenance claims, planned as it says.

use std::path::{Path, PathBuf};

use hbuild_lang::recipe::{Arch, Image};

use super::super::platform::{PlatformError, foreign};
use super::super::{BuildFailure, GraphOptions, Item, Project, WholeGraph, whole_graph};
use crate::audit::reproduction::{Claim, plain};
use crate::bundle::Bundle;
use crate::digest::Sha256;
use crate::graph::{Action, DerivationId, Evidence};
use crate::host::discover::{ReadError, find_recipes, read_local};
use crate::image::layer::compression;

/// Why an image is not built again.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum ReproduceError {
    /// The recipe is not at hand.
    #[error("the recipe of the image is not {place}: `{recipe}` with the SHA-256 {}", shown(digest))]
    #[diagnostic(
        code(hbuild::reproduce::no_recipe),
        help(
            "get the recipe with its lock from where the image comes from (its label `org.opencontainers.image.source` may \
             say where) and name its folder with `--recipe DIR`, or a bundle of it with `--bundle FILE`"
        )
    )]
    NoRecipe {
        /// Where it was looked for.
        place: String,
        /// Its file name.
        recipe: String,
        /// Its digest as the provenance has it.
        digest: Option<Sha256>,
    },
    /// A file of the recipe is another one.
    #[error("`{recipe}` is not the recipe that the image was built from: {} differ", differing.join(", "))]
    #[diagnostic(
        code(hbuild::reproduce::other_recipe),
        help(
            "check out the commit that the image was built from, or name a bundle of it with `--bundle FILE`"
        )
    )]
    OtherRecipe {
        /// The recipe.
        recipe: String,
        /// The files.
        differing: Vec<String>,
    },
    /// The lock is another one.
    #[error("the lock beside `{recipe}` is not the one that the image {image} was built with")]
    #[diagnostic(
        code(hbuild::reproduce::other_lock),
        help(
            "take the `hbuild.lock` of the commit that the image was built from, or a bundle with `--bundle FILE`"
        )
    )]
    OtherLock {
        /// The recipe.
        recipe: String,
        /// The image with its variant.
        image: String,
    },
    /// The recipe has no such image.
    #[error("`{recipe}` has no image {image}")]
    #[diagnostic(
        code(hbuild::reproduce::unknown_image),
        help(
            "the provenance was made by another version of hbuild, or changed: no recipe of these bytes gives that image"
        )
    )]
    UnknownImage {
        /// The recipe.
        recipe: String,
        /// The image with its point.
        image: String,
    },
    /// Platforms of one index were built differently.
    #[error("the platforms of the image were not built from the same recipe in the same way")]
    #[diagnostic(
        code(hbuild::reproduce::several_definitions),
        help("reproduce one after the other: name the platform with `--arch ARCH`")
    )]
    SeveralDefinitions,
    /// A recipe cannot be read.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Read(#[from] ReadError),
    /// Nothing can be planned or built.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Build(Box<BuildFailure>),
}

impl From<BuildFailure> for ReproduceError {
    fn from(failure: BuildFailure) -> Self {
        Self::Build(Box::new(failure))
    }
}

fn shown(digest: &Option<Sha256>) -> String {
    digest.map_or("that the provenance does not state".to_owned(), |digest| digest.to_string())
}

/// The claims are of one recipe and one way to build it.
pub fn check_claims(claims: &[Claim]) -> Result<(), ReproduceError> {
    match claims.windows(2).all(|pair| pair[0].is_built_as(&pair[1])) {
        true => Ok(()),
        false => Err(ReproduceError::SeveralDefinitions),
    }
}

/// The recipe file that `claim` names: `place` itself, a file in the folder `place`, or one below it that has the digest.
pub fn find_recipe(place: &Path, claim: &Claim) -> Result<PathBuf, ReproduceError> {
    let recipe = &claim.predicate().build_definition.external_parameters.recipe.path;
    let digest = claim.recipe_files().get(recipe.as_str()).copied().flatten();
    let missing = || {
        let (place, recipe) = (format!("at `{}`", place.display()), plain(recipe));
        ReproduceError::NoRecipe { place, recipe, digest }
    };
    let all = match find_recipes(place) {
        Ok(all) => all,
        Err(_) => return Err(missing()),
    };
    if all == [place] {
        return Ok(place.to_owned());
    }
    let named = |path: &&PathBuf| path.file_name().is_some_and(|name| name.to_str() == Some(recipe));
    let beside = all.iter().find(|path| named(path) && path.parent() == Some(place));
    let is_it =
        |path: &&PathBuf| named(path) && read_local(path).is_ok_and(|local| Some(local.sha256) == digest);
    all.iter().find(is_it).or(beside).cloned().ok_or_else(missing)
}

/// The recipe of a bundle that `claim` names: the one of `projects` with the same files.
pub fn bundled_recipe<'a>(
    bundle: &Bundle,
    projects: &'a [(String, Project)],
    claim: &Claim,
) -> Result<&'a Project, ReproduceError> {
    let recipe = &claim.predicate().build_definition.external_parameters.recipe.path;
    let named = || projects.iter().map(|(_, project)| project).filter(|project| project.file == *recipe);
    let same = named().find(|project| differing(project, claim).is_empty());
    same.or_else(|| named().next()).ok_or_else(|| ReproduceError::NoRecipe {
        place: format!("in the bundle {}", bundle.digest()),
        recipe: plain(recipe),
        digest: claim.recipe_files().get(recipe.as_str()).copied().flatten(),
    })
}

/// The files of `project` that are not those of `claim`. Modules of the standard library are hbuild's own.
fn differing(project: &Project, claim: &Claim) -> Vec<String> {
    let (found, claimed) = (project.digests(), claim.recipe_files());
    let names = found.keys().map(String::as_str).chain(claimed.keys().copied());
    let mut names: Vec<&str> = names.filter(|name| !name.starts_with("std/")).collect();
    names.sort_unstable();
    names.dedup();
    let differs = |name: &&str| found.get(*name).copied() != claimed.get(*name).copied().flatten();
    names.into_iter().filter(differs).map(|name| format!("`{}`", plain(name))).collect()
}

/// What is built again.
pub struct Rebuild<'a> {
    /// The graph.
    pub whole: WholeGraph<'a>,
    /// Whether the compressor here is the one that the image claims.
    pub same_compressor: bool,
    /// Which of the claims it is of, in the order of its images.
    pub claims: Vec<usize>,
    /// The others by their names, with why they cannot be built on this machine.
    pub left_out: Vec<(usize, String, PlatformError)>,
}

/// The graph of the images that `claims` are of, by `project`. Nothing is taken from the claims but names and the
/// compression; what they say of inputs is held against the recipe and its lock.
pub fn plan<'a>(project: &'a Project, claims: &[Claim], here: Arch) -> Result<Rebuild<'a>, ReproduceError> {
    let recipe = project.path().display().to_string();
    let mut chosen = Vec::with_capacity(claims.len());
    for claim in claims {
        let differing = differing(project, claim);
        if !differing.is_empty() {
            return Err(ReproduceError::OtherRecipe { recipe, differing });
        }
        let parameters = &claim.predicate().build_definition.external_parameters;
        let item = Item::at(project, true, &parameters.image, &parameters.point);
        let item =
            item.ok_or_else(|| ReproduceError::UnknownImage { recipe: recipe.clone(), image: claim.name() });
        chosen.push((project, item?));
    }
    let first = &claims.first().ok_or(ReproduceError::SeveralDefinitions)?.predicate();
    let claimed = &first.build_definition.internal_parameters.compression;
    let options = GraphOptions {
        compression: compression(claimed.algorithm, None),
        builder: first.run_details.builder.id.clone(),
    };
    let whole = whole_graph(&chosen, &options)?;
    let (mut kept, mut left_out) = (Vec::new(), Vec::new());
    for (number, (planned, claim)) in whole.images.iter().zip(claims).enumerate() {
        if lock_digest(&whole, planned.plan.provenance) != claimed_lock(claim) {
            return Err(ReproduceError::OtherLock { recipe, image: claim.name() });
        }
        match foreign(&whole.graph, &planned.plan.roots(), here, &|_| false) {
            None => kept.push(number),
            Some(error) => left_out.push((number, shown_name(planned.image), error)),
        }
    }
    let same_compressor = options.compression == *claimed;
    let whole = match left_out.is_empty() {
        true => whole,
        false => {
            let chosen: Vec<_> = kept.iter().map(|number| chosen[*number]).collect();
            whole_graph(&chosen, &options)?
        }
    };
    Ok(Rebuild { whole, same_compressor, claims: kept, left_out })
}

/// `<image>:<variant>-<arch>`.
pub fn shown_name(image: &Image) -> String {
    format!("{}:{}-{}", image.name, image.variant, image.arch)
}

fn claimed_lock(claim: &Claim) -> Option<Sha256> {
    claim.predicate().build_definition.internal_parameters.lock.get("sha256")?.parse().ok()
}

/// The digest of the lock's part that the provenance `id` states.
fn lock_digest(whole: &WholeGraph<'_>, id: DerivationId) -> Option<Sha256> {
    let Action::Evidence(evidence) = &whole.graph.get(&id)?.action else { return None };
    match &**evidence {
        Evidence::Provenance(definition) => Some(definition.lock_digest),
        _ => None,
    }
}
