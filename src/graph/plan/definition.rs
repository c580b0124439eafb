//! What the evidence of an image states: its components and its build definition.

use std::collections::BTreeMap;

use hbuild_lang::recipe::{Arch, Build, Content, ContentKind, Image, Located, Source, SourceFrom};

use super::build::{Planned, build_origin};
use super::image::{MergedImage, Parts};
use super::inputs::is_of;
use super::{PlanOptions, Planner};
use crate::digest::Sha256;
use crate::graph::DOCUMENTS;
use crate::lock::{
    BuildComponent, BuildDefinition, Components, ExecutionDefinition, RecipePlaces, SourceComponent, arch_of,
    oci_key,
};

pub(super) fn components(
    planner: &Planner<'_>,
    image: &Image,
    merged: &MergedImage<'_>,
    created: String,
) -> Components {
    let contents = merged.contents();
    let sources = contents.iter().filter(|content| content.kind == ContentKind::Source);
    // Patches are for builds: an image has the source as it is.
    let sources = sources.map(|content| SourceComponent {
        patches: Vec::new(),
        ..source_component(planner, planner.source_at(&content.source, &content.point), image.arch)
    });
    Components {
        documents: DOCUMENTS.to_owned(),
        image: image.name.clone(),
        variant: image.variant.clone(),
        version: image.version.clone(),
        license: image.license.clone(),
        description: image.description.clone(),
        created,
        distro: image.distro.clone(),
        arch: image.arch,
        packages: merged.locked.packages.iter().map(|package| (*package).clone()).collect(),
        sources: sources.collect(),
        builds: build_components(planner, &merged.chain),
    }
}

/// What was built from source of an image, the last of `chain`, and of those that it extends; by name and point.
pub(super) fn build_components(planner: &Planner<'_>, chain: &[&Image]) -> Vec<BuildComponent> {
    let mut builds: Vec<BuildComponent> = Vec::new();
    let mut all: Vec<&Content> = Vec::new();
    for image in chain {
        all.extend(image.contents.iter().map(|content| &content.value));
        for Located { value: content, .. } in &image.contents {
            if content.kind != ContentKind::Build {
                continue;
            }
            let build = planner.build_at(&content.source, &content.point);
            if !builds.iter().any(|other| other.name == build.name && other.point == build.point) {
                builds.push(build_component(planner, build, &all));
            }
        }
    }
    builds.sort_by(|one, other| (&one.name, &one.point).cmp(&(&other.name, &other.point)));
    builds
}

fn build_component(planner: &Planner<'_>, build: &Build, contents: &[&Content]) -> BuildComponent {
    let planned = &planner.planned[&(build.name.as_str(), &build.point)];
    BuildComponent {
        name: build.name.clone(),
        point: build.point.clone(),
        derivation: planned.exec.0,
        description: build.description.clone(),
        version: build.version.clone(),
        license: build.license.clone(),
        purl: build.purl.clone(),
        cpe: build.cpe.clone(),
        sources: sources_of(planner, build).collect(),
        tools: planned.locked.packages.iter().map(|package| (*package).clone()).collect(),
        origin: build_origin(build, contents),
        place: build.place.clone(),
    }
}

fn sources_of<'b>(
    planner: &'b Planner<'_>,
    build: &'b Build,
) -> impl Iterator<Item = (String, SourceComponent)> + 'b {
    build.sources.iter().map(|(folder, used)| {
        let source = planner.source_at(&used.value.source, &used.value.point);
        (folder.clone(), source_component(planner, source, build.arch))
    })
}

fn source_component(planner: &Planner<'_>, source: &Source, arch: Arch) -> SourceComponent {
    let options = planner.options;
    let (uri, sha256) = match &source.from {
        SourceFrom::Url { urls, sha256, .. } => {
            (urls.first().cloned().unwrap_or_default(), sha256.parse().ok())
        }
        SourceFrom::Path { path } => {
            (format!("path:{path}"), options.local.get(path).map(|local| local.sha256))
        }
        SourceFrom::Oci { name, tag, digest } => {
            let arch = arch_of(source, arch);
            (oci_purl(name, tag.as_deref(), digest, arch), digest.parse().ok())
        }
        SourceFrom::Git { url, commit, submodules } => {
            let digest = options.git.get(&(url.clone(), commit.clone(), *submodules));
            (format!("git+{url}@{commit}"), digest.copied())
        }
    };
    let patch = |patch: &Located<String>| {
        let local = options.local.get(&patch.value).expect("the caller read every patch");
        (patch.value.clone(), local.sha256)
    };
    SourceComponent {
        name: source.name.clone(),
        sha256,
        license: source.license.clone(),
        purl: source.purl.clone().or_else(|| uri.starts_with("pkg:oci/").then(|| uri.clone())),
        cpe: source.cpe.clone(),
        uri,
        patches: source.patches.iter().map(patch).collect(),
        layers: layers(source, arch, options),
    }
}

/// What is fetched of an image of a registry.
fn layers(source: &Source, arch: Arch, options: &PlanOptions) -> Vec<(String, Sha256)> {
    let Some(image) = oci_key(source).and_then(|key| options.oci.get(&key)) else { return Vec::new() };
    let platform = image.platform(arch_of(source, arch));
    let layer = |digest: Sha256| (format!("oci:{}@sha256:{digest}", image.name), digest);
    platform.into_iter().flat_map(|platform| &platform.layers).map(|blob| layer(blob.sha256)).collect()
}

/// The certificates of the repositories of the image and of its builds.
fn certificates(parts: &Parts<'_>) -> BTreeMap<String, Sha256> {
    let of_builds = parts.builds.iter().flat_map(|planned| planned.build.repositories.iter());
    let mut found = BTreeMap::new();
    for repository in parts.merged.repositories.iter().chain(of_builds) {
        if !parts.snapshots.iter().any(|snapshot| is_of(snapshot, repository)) {
            continue;
        }
        let scheme = if repository.url.is_some() { "recipe:" } else { "hbuild:std/keys/" };
        for key in &repository.keys {
            found.insert(format!("{scheme}{}", key.name), Sha256::of(key.text.as_bytes()));
        }
    }
    found
}

/// The package URL of an image of a registry for one architecture (purl-spec, type `oci`).
fn oci_purl(name: &str, tag: Option<&str>, digest: &str, arch: Arch) -> String {
    let last = name.rsplit('/').next().unwrap_or(name);
    let tag = tag.map(|tag| format!("&tag={tag}")).unwrap_or_default();
    format!("pkg:oci/{last}@sha256%3A{digest}?arch={arch}&repository_url={name}{tag}")
}

pub(super) fn build_definition(
    planner: &Planner<'_>,
    parts: &Parts<'_>,
    options: &PlanOptions,
) -> BuildDefinition {
    BuildDefinition {
        components: parts.components.clone(),
        recipe: parts.variant.recipe.clone(),
        recipe_files: options.recipe_files.clone(),
        requested: parts
            .merged
            .chain
            .iter()
            .rev()
            .flat_map(|image| image.packages.iter())
            .map(|request| (request.value.clone(), request.place.clone()))
            .collect(),
        lock_digest: lock_digest(parts),
        point: parts.image.point.clone(),
        certificates: certificates(parts),
        snapshots: parts.snapshots.iter().map(|snapshot| (*snapshot).clone()).collect(),
        compression: options.compression.clone(),
        builder: options.builder.clone(),
        places: recipe_places(&parts.merged.chain),
        executions: parts.builds.iter().map(|planned| execution(planner, planned)).collect(),
    }
}

fn execution(planner: &Planner<'_>, planned: &Planned<'_>) -> ExecutionDefinition {
    let build = planned.build;
    ExecutionDefinition {
        name: build.name.clone(),
        point: build.point.clone(),
        derivation: planned.exec.0,
        distro: build.distro.clone(),
        arch: build.arch,
        place: build.place.clone(),
        sources: sources_of(planner, build).collect(),
        tools: planned.locked.packages.iter().map(|package| (*package).clone()).collect(),
    }
}

/// The places of an image, the last of `chain`, and of those that it extends.
fn recipe_places(chain: &[&Image]) -> RecipePlaces {
    let name = |content: &Located<Content>| Located {
        value: content.value.source.clone(),
        place: content.place.clone(),
    };
    let paths = chain.iter().flat_map(|image| image.paths.iter());
    RecipePlaces {
        image: chain.last().expect("an image is the last of its chain").place.clone(),
        contents: chain.iter().flat_map(|image| &image.contents).map(name).collect(),
        paths: paths.map(|(path, rule)| (path.clone(), rule.place.clone())).collect(),
    }
}

/// Of the entries for the image, and where it has builds, for the packages in their roots.
fn lock_digest(parts: &Parts<'_>) -> Sha256 {
    let snapshots: Vec<_> = parts.merged.locked.snapshots.values().collect();
    let used = (parts.variant, &parts.merged.locked.packages, &snapshots);
    let bytes = if parts.builds.is_empty() {
        serde_json_canonicalizer::to_vec(&used)
    } else {
        let roots: Vec<_> = parts.builds.iter().map(|planned| &planned.locked.packages).collect();
        serde_json_canonicalizer::to_vec(&(used, roots, &parts.snapshots))
    };
    Sha256::of(&bytes.expect("lock entries serialise to JSON"))
}
