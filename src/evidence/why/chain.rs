//! The chain from a path to the recipe's line.

use globset::GlobBuilder;
use hbuild_lang::recipe::Place;

use super::answer::{
    Answer, Cause, Check, IndexPart, Link, PackageCause, PackagesFile, RequestedBy, SignedIndex, SourceCause,
};
use super::build::{built, described};
use super::recheck::recheck;
use super::{ImageEvidence, Recheck, WhyError};
use crate::evidence::{ResourceDescriptor, annotation};
use crate::lock::RecipePlaces;
use crate::tree::TreePath;

/// Why `path`, absolute, is in the image. With `verbatim` the signed indexes that it has are checked again.
pub fn why(evidence: &ImageEvidence, path: &str, verbatim: Option<&dyn Recheck>) -> Result<Answer, WhyError> {
    let unknown = |help: String| WhyError::UnknownPath { path: path.to_owned(), help };
    let asked = TreePath::from_absolute(path)
        .ok()
        .flatten()
        .ok_or_else(|| unknown("give an absolute path below `/`, such as `/etc/os-release`".to_owned()))?;
    let found = evidence.resolve(&asked).filter(|found| evidence.origin(found).is_some());
    let found = found.ok_or_else(|| unknown(nearest(evidence, &asked)))?;
    let origin = evidence.origin(&found).expect("it was just found");
    let cause = match origin.0.split_once(':') {
        Some(("deb" | "apk", reference)) => Cause::Package(Box::new(package(evidence, reference, verbatim)?)),
        Some(("source", name)) => Cause::Source(source(evidence, name)?),
        Some(("build", _)) => Cause::Build(Box::new(built(evidence, origin)?)),
        Some(("effect", name)) => Cause::Effect { name: name.to_owned() },
        None if origin.0 == "recipe" => by_recipe(evidence, &found),
        _ => Cause::Other { origin: origin.0.clone() },
    };
    Ok(Answer {
        image: evidence.origins.subject.first().map(|subject| subject.name.clone()).unwrap_or_default(),
        manifest: evidence.manifest,
        path: found.absolute(),
        links: links(evidence, &asked, &found),
        cause,
    })
}

fn places(evidence: &ImageEvidence) -> &RecipePlaces {
    &evidence.provenance.predicate.build_definition.internal_parameters.places
}

/// What to say about a path that is not there: the nearest folder that is.
fn nearest(evidence: &ImageEvidence, asked: &TreePath) -> String {
    let mut folder = asked.parent();
    while let Some(path) = folder {
        if evidence.resolve(&path).is_some_and(|path| evidence.origin(&path).is_some()) {
            return format!("`{path}` is there: the recipe or the flavor may have dropped what was below it");
        }
        folder = path.parent();
    }
    "no folder of it is in the image either: compare with the paths of the origins statement".to_owned()
}

/// The symlinks on the way from `asked` to `found`: each folder of `asked` that is one, and `found` itself.
fn links(evidence: &ImageEvidence, asked: &TreePath, found: &TreePath) -> Vec<Link> {
    let mut folders = Vec::new();
    let mut folder = asked.parent();
    while let Some(path) = folder {
        folder = path.parent();
        folders.push(path);
    }
    let on_way = folders.iter().rev().chain([found]);
    let link = |path: &TreePath| {
        evidence.link(path).map(|target| Link { path: path.absolute(), target: target.to_owned() })
    };
    on_way.filter_map(link).collect()
}

fn package(
    evidence: &ImageEvidence,
    reference: &str,
    verbatim: Option<&dyn Recheck>,
) -> Result<PackageCause, WhyError> {
    let unknown = || WhyError::UnknownOrigin { origin: reference.to_owned() };
    let (name, rest) = reference.split_once('=').ok_or_else(unknown)?;
    let (version, arch) = rest.rsplit_once(':').ok_or_else(unknown)?;
    let dependency = evidence.dependency("package", reference).ok_or_else(unknown)?;
    let index_name = dependency.text(annotation::INDEX).ok_or_else(unknown)?;
    let file = dependency.text(annotation::FILE).ok_or_else(unknown)?;
    let mut cause = PackageCause {
        name: name.to_owned(),
        version: version.to_owned(),
        arch: arch.to_owned(),
        purl: dependency.uri.clone().unwrap_or_default(),
        sha256: dependency.sha256().ok_or_else(unknown)?,
        checksum: dependency.text(annotation::CHECKSUM).and_then(|text| text.parse().ok()),
        file: file.to_owned(),
        index: index(evidence, index_name).ok_or_else(unknown)?,
        requested: requested(evidence, name),
        check: Check::Asserted { missing: Vec::new() },
    };
    cause.check = recheck(&cause, verbatim)?;
    Ok(cause)
}

fn index(evidence: &ImageEvidence, name: &str) -> Option<SignedIndex> {
    let signed = evidence.dependency("index", name)?;
    let text = |key| signed.text(key).unwrap_or_default().to_owned();
    let keys = signed.annotations.get(annotation::SIGNED_BY).and_then(|keys| keys.as_array());
    let packages_file =
        |file: &ResourceDescriptor| Some(PackagesFile { path: file.name.clone()?, sha256: file.sha256()? });
    Some(SignedIndex {
        name: name.to_owned(),
        sha256: signed.sha256()?,
        repository: text(annotation::REPOSITORY),
        suite: text(annotation::SUITE),
        codename: signed.text(annotation::CODENAME).map(str::to_owned),
        part: signed
            .text(annotation::COMPONENT)
            .zip(signed.text(annotation::ARCH))
            .map(|(component, arch)| IndexPart { component: component.to_owned(), arch: arch.to_owned() }),
        date: text(annotation::DATE),
        signed_by: keys.into_iter().flatten().filter_map(|key| key.as_str().map(str::to_owned)).collect(),
        packages: evidence
            .dependencies("packages")
            .filter(|file| file.text(annotation::INDEX) == Some(name))
            .filter_map(packages_file)
            .collect(),
    })
}

/// Which request of the recipe names the package: `x`, `x=1-2`, `x:arm64`, `x~1`, `x@tag`.
fn requested(evidence: &ImageEvidence, name: &str) -> RequestedBy {
    let definition = &evidence.provenance.predicate.build_definition;
    let bare = |request: &str| {
        request.split(['=', ':', '~', '@', '<', '>', ' ']).next().is_some_and(|bare| bare == name)
    };
    match definition.internal_parameters.requested.iter().find(|(request, _)| bare(request)) {
        Some((request, place)) => RequestedBy::Recipe { request: request.clone(), place: place.clone() },
        None => RequestedBy::Dependency { recipe: definition.external_parameters.recipe.path.clone() },
    }
}

fn source(evidence: &ImageEvidence, name: &str) -> Result<SourceCause, WhyError> {
    let dependency = evidence
        .dependency("source", name)
        .ok_or_else(|| WhyError::UnknownOrigin { origin: format!("source:{name}") })?;
    let places = places(evidence);
    let content = places.contents.iter().find(|content| content.value == name);
    Ok(SourceCause {
        name: name.to_owned(),
        uri: dependency.uri.clone(),
        sha256: dependency.sha256(),
        place: content.map_or_else(|| places.image.clone(), |content| content.place.clone()),
    })
}

/// A rule of the recipe that names `path`, else the build that the SPDX file at `path` is for, else what of the
/// recipe is nearest.
fn by_recipe(evidence: &ImageEvidence, path: &TreePath) -> Cause {
    let places = places(evidence);
    match described(evidence, path).filter(|_| !places.paths.contains_key(&path.absolute())) {
        Some(build) => Cause::Sbom(Box::new(build)),
        None => recipe(places, path),
    }
}

/// The rule that names `path`, else the longest glob that matches it, else the image item.
fn recipe(places: &RecipePlaces, path: &TreePath) -> Cause {
    let path = path.absolute();
    let matches = |pattern: &str| {
        let glob = GlobBuilder::new(pattern).literal_separator(true).build();
        glob.is_ok_and(|glob| glob.compile_matcher().is_match(&path))
    };
    let rule = |(pattern, place): (&String, &Place)| Cause::Recipe {
        rule: Some(pattern.clone()),
        place: place.clone(),
    };
    let named = places.paths.get_key_value(&path);
    let globbed = || places.paths.iter().filter(|(pattern, _)| matches(pattern)).max_by_key(|(p, _)| p.len());
    match named.or_else(globbed) {
        Some(found) => rule(found),
        None => Cause::Recipe { rule: None, place: places.image.clone() },
    }
}
