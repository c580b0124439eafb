//! The canonical resolution request of an image or of a build's root: what the lock answers, and what a recipe is compared with.

use std::collections::BTreeSet;

use hbuild_lang::recipe::{Arch, Build, Distro, Family, Image, Located, Repository, Resolve};

use super::{Difference, Request};
use crate::digest::Sha256;

/// The request of `image`, which extends `bases`: its own together with theirs. Equal requests have equal answers from
/// equal indexes; order and repetition of the recipe's lists do not count, and a package that is also listed with a
/// pin counts once.
///
/// The keys of the distribution's own repositories are not part of it: they change with hbuild, not with the
/// recipe.
pub fn request_of(image: &Image, bases: &[&Image]) -> Request {
    let all = || std::iter::once(image).chain(bases.iter().copied());
    let packages = all().flat_map(|image| values(&image.packages)).collect();
    let exclude = all().flat_map(|image| image.exclude.iter().cloned()).collect::<Vec<_>>();
    let repositories = repositories_of(image, bases);
    request((&image.distro, image.arch), &repositories, (packages, &exclude), image.resolve)
}

/// The repositories of an image: its own, and those that only `bases` have.
pub fn repositories_of(image: &Image, bases: &[&Image]) -> Vec<Repository> {
    let mut all = image.repositories.to_vec();
    for repository in bases.iter().flat_map(|base| base.repositories.iter()) {
        if !all.contains(repository) {
            all.push(repository.clone());
        }
    }
    all
}

/// The request of a build's root: its tools and inputs together. As for an image, order and repetition do not count.
pub fn request_of_build(build: &Build) -> Request {
    let lists = (values(&build.tools).chain(values(&build.inputs)).collect(), &build.exclude[..]);
    request((&build.distro, build.arch), &build.repositories, lists, Resolve::Full)
}

fn request(
    (distro, arch): (&Distro, Arch),
    repositories: &[Repository],
    (mut packages, exclude): (BTreeSet<&str>, &[Located<String>]),
    resolve: Resolve,
) -> Request {
    let pins: &[char] = match distro.family {
        Family::Alpine => &['=', '~', '<', '>', '@'],
        Family::Debian => &['='],
    };
    let pinned: Vec<&str> =
        packages.iter().filter_map(|package| package.split_once(pins).map(|(name, _)| name)).collect();
    for name in pinned {
        packages.remove(name);
    }
    Request {
        distro: distro.to_string(),
        arch: distro_arch(distro.family, arch).to_owned(),
        repositories: repositories.iter().map(describe_repository).collect(),
        packages: packages.into_iter().map(str::to_owned).collect(),
        exclude: values(exclude).collect::<BTreeSet<_>>().into_iter().map(str::to_owned).collect(),
        resolve: match resolve {
            Resolve::Full => "full".to_owned(),
            Resolve::Listed => "listed".to_owned(),
        },
    }
}

/// The name that a distribution gives an architecture.
pub fn distro_arch(family: Family, arch: Arch) -> &'static str {
    match (family, arch) {
        (Family::Debian, Arch::Amd64) => "amd64",
        (Family::Debian, Arch::Arm64) => "arm64",
        (Family::Alpine, Arch::Amd64) => "x86_64",
        (Family::Alpine, Arch::Arm64) => "aarch64",
    }
}

fn values(list: &[Located<String>]) -> impl Iterator<Item = &str> {
    list.iter().map(|entry| entry.value.as_str())
}

/// `<repository> <suite> <component>…`, and for one of the recipe's own its URL and its keys.
fn describe_repository(repository: &Repository) -> String {
    let mut text = format!("{} {}", repository.name, repository.suite);
    for component in &repository.components {
        text.push(' ');
        text.push_str(component);
    }
    if let Some(tag) = &repository.tag {
        text.push_str(&format!(" @{tag}"));
    }
    if let Some(url) = &repository.url {
        let keys: String = repository.keys.iter().map(|key| &*key.text).collect::<Vec<_>>().join("\n");
        text.push_str(&format!(" {} keys={}", without_credential(url), Sha256::of(keys.as_bytes())));
    }
    text
}

/// The URL without user name and password, which belong into no lock.
pub(super) fn without_credential(url: &str) -> String {
    match url.split_once("://") {
        Some((scheme, rest)) => {
            let end = rest.find('/').unwrap_or(rest.len());
            let host = rest[..end].rsplit('@').next().unwrap_or_default();
            format!("{scheme}://{host}{}", &rest[end..])
        }
        None => url.to_owned(),
    }
}

impl Request {
    /// How `wanted` differs from this, the locked request: in words, nothing where they are equal.
    pub(super) fn differences(&self, wanted: &Request) -> Vec<Difference> {
        let mut found = Vec::new();
        let mut compare = |what, locked: &[String], wanted: &[String]| {
            let missing = |list: &[String], other: &[String]| -> Vec<String> {
                list.iter().filter(|entry| !other.contains(entry)).cloned().collect()
            };
            let (added, removed) = (missing(wanted, locked), missing(locked, wanted));
            if locked != wanted {
                found.push(Difference { what, added, removed });
            }
        };
        let one = |text: &String| vec![text.clone()];
        compare("distribution", &one(&self.distro), &one(&wanted.distro));
        compare("architecture", &one(&self.arch), &one(&wanted.arch));
        compare("repositories", &self.repositories, &wanted.repositories);
        compare("packages", &self.packages, &wanted.packages);
        compare("exclude", &self.exclude, &wanted.exclude);
        compare("resolve", &one(&self.resolve), &one(&wanted.resolve));
        found
    }
}
