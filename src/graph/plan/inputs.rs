//! The derivations that packages and contents come from.

use hbuild_lang::recipe::{Content, Recipe, Source, SourceFrom};

use super::{Locked, PlanOptions};
use crate::graph::{
    Action, ArchiveFormat, Derivation, DerivationId, Fetch, FixedOutput, Graph, GraphError, Input, Location,
    MergeInput, Unpack, outputs,
};
use crate::lock::LockedPackage;
use crate::tree::Origin;

/// The origin of a package's files.
pub fn package_origin(package: &LockedPackage) -> Origin {
    Origin(format!("deb:{}", package.reference()))
}

pub(super) fn package_input(
    graph: &mut Graph,
    package: &LockedPackage,
    locked: &Locked<'_>,
) -> Result<(Input, MergeInput), GraphError> {
    let snapshot = locked.snapshot(package);
    let location = Location::Mirror {
        repository: snapshot.repository.clone(),
        path: package.file.clone(),
        date: Some(snapshot.date.clone()),
        url: snapshot.url.clone(),
    };
    let named = format!("{} {} {}", package.name, package.version, package.arch);
    let fetch = graph.add(Derivation {
        label: format!("fetch {named}"),
        action: Action::Fetch(Fetch {
            content: FixedOutput::Sha256(package.sha256),
            locations: vec![location],
            size: Some(package.size),
        }),
        inputs: Vec::new(),
    })?;
    let origin = package_origin(package);
    let unpack = graph.add(Derivation {
        label: format!("unpack {named}"),
        action: Action::Unpack(Unpack { format: ArchiveFormat::Deb, origin: origin.clone() }),
        inputs: vec![input(fetch, &[outputs::FILE])],
    })?;
    let kind = MergeInput::Package { name: package.name.clone(), origin };
    Ok((input(unpack, &[outputs::CONTROL, outputs::ORIGINS, outputs::TREE]), kind))
}

pub(super) fn input(derivation: DerivationId, names: &[&str]) -> Input {
    Input { derivation, outputs: names.iter().map(|name| (*name).to_owned()).collect() }
}

pub(super) fn find_source<'a>(recipe: &'a Recipe, content: &Content) -> &'a Source {
    recipe
        .sources
        .iter()
        .find(|source| source.name == content.source && source.point == content.point)
        .expect("evaluation resolved the content to a source of the recipe")
}

pub(super) fn content_input(
    graph: &mut Graph,
    source: &Source,
    content: &Content,
    epoch: i64,
    options: &PlanOptions,
) -> Result<(Input, MergeInput, Origin), GraphError> {
    let origin = Origin(format!("source:{}", source.name));
    let (fetch, format) = match &source.from {
        SourceFrom::Url { urls, sha256, strip } => {
            let sha256 = sha256.parse().expect("evaluation checked the digest");
            let fetch =
                Fetch { content: FixedOutput::Sha256(sha256), locations: locations(urls), size: None };
            (fetch, format_of(urls.first().map_or("", String::as_str), *strip, epoch))
        }
        SourceFrom::Git { url, commit, submodules } => {
            let key = (url.clone(), commit.clone(), *submodules);
            let sha256 = options.git.get(&key).copied().expect("the caller checked the lock's git sources");
            let (url, commit, submodules) = key;
            let locations = vec![Location::Git { url, commit, submodules }];
            let fetch = Fetch { content: FixedOutput::Sha256(sha256), locations, size: None };
            (fetch, ArchiveFormat::Tar { strip: 0, epoch })
        }
        SourceFrom::Path { path } => {
            let local = options.local.get(path).expect("the caller read every local source");
            let content = FixedOutput::Sha256(local.sha256);
            let format = if local.folder {
                ArchiveFormat::Tar { strip: 0, epoch }
            } else {
                ArchiveFormat::File { name: base_name(path), mode: 0o644, epoch }
            };
            (Fetch { content, locations: Vec::new(), size: None }, format)
        }
    };
    let fetch = graph.add(Derivation {
        label: format!("fetch source {}", source.name),
        action: Action::Fetch(fetch),
        inputs: Vec::new(),
    })?;
    let unpack = graph.add(Derivation {
        label: format!("unpack source {}", source.name),
        action: Action::Unpack(Unpack { format, origin: origin.clone() }),
        inputs: vec![input(fetch, &[outputs::FILE])],
    })?;
    let kind = MergeInput::Content {
        origin: origin.clone(),
        at: content.at.clone(),
        only: content.only.clone(),
        without: content.without.clone(),
        replacing: content.replacing.clone(),
    };
    Ok((input(unpack, &[outputs::ORIGINS, outputs::TREE]), kind, origin))
}

fn locations(urls: &[String]) -> Vec<Location> {
    let location = |url: &String| match url.strip_prefix("debian:") {
        Some(path) => {
            Location::Mirror { repository: "debian".to_owned(), path: path.to_owned(), date: None, url: None }
        }
        None => Location::Url(url.clone()),
    };
    urls.iter().map(location).collect()
}

/// The last component of a path or URL, without a query.
fn base_name(path: &str) -> String {
    let path = path.split(['?', '#']).next().unwrap_or(path);
    path.rsplit('/').next().unwrap_or(path).to_owned()
}

/// Archives are known by the name in the URL; anything else is one file.
fn format_of(url: &str, strip: u32, epoch: i64) -> ArchiveFormat {
    let name = base_name(url);
    let archive = [".tar", ".tar.bz2", ".tar.gz", ".tbz2", ".tgz", ".tar.xz", ".txz", ".tar.zst"];
    if archive.iter().any(|ending| name.ends_with(ending)) {
        ArchiveFormat::Tar { strip, epoch }
    } else {
        ArchiveFormat::File { name, mode: 0o644, epoch }
    }
}
