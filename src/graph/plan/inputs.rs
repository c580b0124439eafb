//! The derivations that packages and sources come from, each added to the graph once.

use std::collections::BTreeMap;
use std::sync::Arc;

use hbuild_lang::recipe::{Arch, Content, Point, Repository, RepositoryKey, Source, SourceFrom};

use super::locked::Locked;
use super::{PlanError, PlanOptions};
use crate::graph::{
    Action, ApkEntry, ArchiveFormat, Derivation, DerivationId, Fetch, FixedOutput, Graph, GraphError, Input,
    Location, MergeInput, Project, Unpack, outputs,
};
use crate::lock::{LockedOci, LockedPackage, Snapshot, arch_of, oci_key};
use crate::tree::Origin;

/// The origin of a package's files.
pub fn package_origin(package: &LockedPackage) -> Origin {
    let kind = if package.checksum.is_some() { "apk" } else { "deb" };
    Origin(format!("{kind}:{}", package.reference()))
}

pub(super) fn input(derivation: DerivationId, names: &[&str]) -> Input {
    Input { derivation, outputs: names.iter().map(|name| (*name).to_owned()).collect() }
}

/// A content as an input of a merge.
pub(super) fn merge_content(content: &Content, origin: Origin) -> MergeInput {
    MergeInput::Content {
        origin,
        at: content.at.clone(),
        only: content.only.clone(),
        without: content.without.clone(),
        replacing: content.replacing.clone(),
    }
}

/// The derivations of packages and sources that were added already.
#[derive(Default)]
pub(super) struct Inputs<'a> {
    packages: BTreeMap<String, Input>,
    sources: BTreeMap<(&'a str, &'a Point, i64, Option<Arch>), DerivationId>,
    projected: BTreeMap<(DerivationId, i64), Input>,
}

impl<'a> Inputs<'a> {
    /// A package, unpacked, which is of one of `repositories`.
    pub fn package(
        &mut self,
        graph: &mut Graph,
        package: &LockedPackage,
        (locked, repositories): (&Locked<'_>, &[Repository]),
    ) -> Result<(Input, MergeInput), PlanError> {
        let (snapshot, reference) = (locked.snapshot(package), package.reference());
        let repository = repositories.iter().find(|repository| is_of(snapshot, repository));
        let lost = || PlanError::LockIncomplete {
            whose: format!("`{reference}`"),
            reference: format!("the repository of {}", snapshot.id),
        };
        let apk = match package.checksum {
            Some(checksum) => {
                let tag = repository.ok_or_else(lost)?.tag.clone();
                Some(ApkEntry { checksum, size: package.size, tag })
            }
            None => None,
        };
        let kind = MergeInput::Package { name: package.name.clone(), origin: package_origin(package), apk };
        if let Some(known) = self.packages.get(&reference) {
            return Ok((known.clone(), kind));
        }
        let keys = repository.map(|repository| &repository.keys[..]).unwrap_or_default();
        let made = add_package(graph, package, snapshot, keys)?;
        self.packages.insert(reference, made.clone());
        Ok((made, kind))
    }

    /// The file of a package that was added already, as it is fetched.
    pub fn fetched(&self, graph: &Graph, reference: &str) -> Input {
        let unpack = &self.packages[reference];
        let unpack = graph.get(&unpack.derivation).expect("it was added with the package");
        unpack.inputs[0].clone()
    }

    /// A source for `arch`, unpacked with times `epoch`.
    pub fn source(
        &mut self,
        graph: &mut Graph,
        source: &'a Source,
        (arch, epoch): (Arch, i64),
        options: &PlanOptions,
    ) -> Result<(DerivationId, Origin), PlanError> {
        let origin = Origin(format!("source:{}", source.name));
        let image = oci_key(source).map(|key| (key, arch_of(source, arch)));
        let key = (source.name.as_str(), &source.point, epoch, image.as_ref().map(|(_, arch)| *arch));
        if let Some(known) = self.sources.get(&key) {
            return Ok((*known, origin));
        }
        let label = format!("source {}", source.name);
        let unpack = match image {
            Some((key, arch)) => add_layers(graph, &label, (&options.oci[&key], arch), origin.clone())?,
            None => {
                let (fetch, format) = fetch_of(source, epoch, options);
                add_unpack(graph, &label, fetch, Unpack { format, origin: origin.clone() })?
            }
        };
        self.sources.insert(key, unpack);
        Ok((unpack, origin))
    }

    /// A patch, a file beside the recipe, alone in a folder.
    pub fn patch(
        &mut self,
        graph: &mut Graph,
        path: &str,
        epoch: i64,
        options: &PlanOptions,
    ) -> Result<Input, PlanError> {
        let (fetch, format) = local(path, epoch, options);
        let unpack = Unpack { format, origin: Origin(format!("patch:{path}")) };
        let unpack = add_unpack(graph, &format!("patch {path}"), fetch, unpack)?;
        Ok(self.projected(graph, unpack, epoch)?)
    }

    /// The exec tree of the tree that `derivation` gives.
    pub fn projected(
        &mut self,
        graph: &mut Graph,
        derivation: DerivationId,
        epoch: i64,
    ) -> Result<Input, GraphError> {
        if let Some(known) = self.projected.get(&(derivation, epoch)) {
            return Ok(known.clone());
        }
        let of = graph.get(&derivation).map_or("", |derivation| &derivation.label);
        let label = format!("project {}", of.strip_prefix("unpack ").unwrap_or(of));
        let project = graph.add(Derivation {
            label,
            action: Action::Project(Project { epoch }),
            inputs: vec![input(derivation, &[outputs::TREE])],
        })?;
        let made = input(project, &[outputs::TREE]);
        self.projected.insert((derivation, epoch), made.clone());
        Ok(made)
    }
}

/// Whether `snapshot` is a state of `repository`.
pub(super) fn is_of(snapshot: &Snapshot, repository: &Repository) -> bool {
    let component = snapshot.indexes.first().map(|index| &index.component);
    (&snapshot.repository, &snapshot.url, &snapshot.suite)
        == (&repository.name, &repository.url, &repository.suite)
        && (snapshot.in_release.is_some()
            || component.is_some_and(|it| it.is_empty() || repository.components.contains(it)))
}

fn add_package(
    graph: &mut Graph,
    package: &LockedPackage,
    snapshot: &Snapshot,
    keys: &[RepositoryKey],
) -> Result<Input, GraphError> {
    let location = Location::Mirror {
        repository: snapshot.repository.clone(),
        path: package.file.clone(),
        date: Some(snapshot.date.clone()),
        url: snapshot.url.clone(),
    };
    let named = format!("{} {} {}", package.name, package.version, package.arch);
    let (content, format) = match (package.sha256, package.checksum) {
        (Some(sha256), _) => (FixedOutput::Sha256(sha256), ArchiveFormat::Deb),
        (None, checksum) => {
            let checksum = checksum.expect("a package of a lock has one or the other");
            let keys: Arc<[RepositoryKey]> = keys.into();
            (FixedOutput::Apk { checksum, keys: keys.clone() }, ArchiveFormat::Apk { checksum, keys })
        }
    };
    let fetch = Fetch { content, locations: vec![location], size: Some(package.size) };
    let unpack = add_unpack(graph, &named, fetch, Unpack { format, origin: package_origin(package) })?;
    Ok(input(unpack, &[outputs::CONTROL, outputs::ORIGINS, outputs::TREE]))
}

fn add_unpack(
    graph: &mut Graph,
    named: &str,
    fetch: Fetch,
    unpack: Unpack,
) -> Result<DerivationId, GraphError> {
    let fetch = graph.add(Derivation {
        label: format!("fetch {named}"),
        action: Action::Fetch(fetch),
        inputs: Vec::new(),
    })?;
    graph.add(Derivation {
        label: format!("unpack {named}"),
        action: Action::Unpack(unpack),
        inputs: vec![input(fetch, &[outputs::FILE])],
    })
}

/// The files of an image of a registry.
fn add_layers(
    graph: &mut Graph,
    named: &str,
    (oci, arch): (&LockedOci, Arch),
    origin: Origin,
) -> Result<DerivationId, GraphError> {
    let platform = oci.platform(arch).expect("the caller held the lock against what is taken of the image");
    let mut inputs = Vec::with_capacity(platform.layers.len());
    for (number, layer) in (1..).zip(&platform.layers) {
        let fetch = graph.add(Derivation {
            label: format!("fetch {named} {arch} layer {number}"),
            action: Action::Fetch(Fetch {
                content: FixedOutput::Sha256(layer.sha256),
                locations: vec![Location::Registry { name: oci.name.clone(), manifest: false }],
                size: Some(layer.size),
            }),
            inputs: Vec::new(),
        })?;
        inputs.push(input(fetch, &[outputs::FILE]));
    }
    let action = Action::Unpack(Unpack { format: ArchiveFormat::Layers, origin });
    graph.add(Derivation { label: format!("unpack {named} {arch}"), action, inputs })
}

fn fetch_of(source: &Source, epoch: i64, options: &PlanOptions) -> (Fetch, ArchiveFormat) {
    match &source.from {
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
        SourceFrom::Path { path } => local(path, epoch, options),
        SourceFrom::Oci { .. } => unreachable!("an image has layers of its own"),
    }
}

/// A file or folder beside the recipe.
fn local(path: &str, epoch: i64, options: &PlanOptions) -> (Fetch, ArchiveFormat) {
    let local = options.local.get(path).expect("the caller read every local source and patch");
    let format = if local.folder {
        ArchiveFormat::Tar { strip: 0, epoch }
    } else {
        ArchiveFormat::File { name: base_name(path), mode: 0o644, epoch }
    };
    (Fetch { content: FixedOutput::Sha256(local.sha256), locations: Vec::new(), size: None }, format)
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
pub(super) fn base_name(path: &str) -> String {
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
