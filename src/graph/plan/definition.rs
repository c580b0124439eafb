//! What the evidence of an image states: its components and its build definition.

use hbuild_lang::recipe::{Content, Image, Located, Recipe, SourceFrom};

use super::inputs::find_source;
use super::{Locked, Parts, PlanOptions};
use crate::digest::Sha256;
use crate::lock::{BuildDefinition, Components, RecipePlaces, SourceComponent};

pub(super) fn components(recipe: &Recipe, image: &Image, locked: &Locked<'_>) -> Components {
    let mut sources: Vec<SourceComponent> = Vec::new();
    for content in &image.contents {
        let source = find_source(recipe, &content.value);
        let (uri, sha256) = match &source.from {
            SourceFrom::Url { urls, sha256, .. } => {
                (urls.first().cloned().unwrap_or_default(), sha256.parse().ok())
            }
            SourceFrom::Path { path } => (format!("path:{path}"), None),
            SourceFrom::Git { url, commit, .. } => (format!("git+{url}@{commit}"), None),
        };
        sources.push(SourceComponent {
            name: source.name.clone(),
            uri,
            sha256,
            license: source.license.clone(),
            purl: source.purl.clone(),
            cpe: source.cpe.clone(),
            patches: Vec::new(),
        });
    }
    Components {
        image: image.name.clone(),
        variant: image.variant.clone(),
        version: image.version.clone(),
        license: image.license.clone(),
        description: image.description.clone(),
        created: locked.created(),
        distro: image.distro.clone(),
        arch: image.arch,
        packages: locked.packages.iter().map(|package| (*package).clone()).collect(),
        sources,
        builds: Vec::new(),
    }
}

pub(super) fn build_definition(parts: &Parts<'_>, options: &PlanOptions) -> BuildDefinition {
    BuildDefinition {
        components: parts.components.clone(),
        recipe: parts.variant.recipe.clone(),
        recipe_files: options.recipe_files.clone(),
        requested: parts
            .image
            .packages
            .iter()
            .map(|request| (request.value.clone(), request.place.clone()))
            .collect(),
        lock_digest: lock_digest(parts),
        point: parts.image.point.clone(),
        snapshots: parts.locked.snapshots.iter().map(|snapshot| (*snapshot).clone()).collect(),
        compression: options.compression.clone(),
        builder: options.builder.clone(),
        places: recipe_places(parts.image),
    }
}

fn recipe_places(image: &Image) -> RecipePlaces {
    let name = |content: &Located<Content>| Located {
        value: content.value.source.clone(),
        place: content.place.clone(),
    };
    RecipePlaces {
        image: image.place.clone(),
        contents: image.contents.iter().map(name).collect(),
        paths: image.paths.iter().map(|(path, rule)| (path.clone(), rule.place.clone())).collect(),
    }
}

fn lock_digest(parts: &Parts<'_>) -> Sha256 {
    let used = (parts.variant, &parts.locked.packages, &parts.locked.snapshots);
    Sha256::of(&serde_json_canonicalizer::to_vec(&used).expect("lock entries serialise to JSON"))
}
