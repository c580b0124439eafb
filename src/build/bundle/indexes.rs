//! The signed indexes and other documents that packages and images of registries are vouched for by.

use std::collections::BTreeSet;

use super::super::Project;
use crate::bundle::{Kind, Use};
use crate::digest::Sha256;
use crate::distro::alpine::checksum::Checksum;
use crate::graph::{Action, Derivation, Fetch, FixedOutput, Graph, Location};
use crate::lock::{Lock, LockedOci, Snapshot};

/// What a build fetches, by which a lock says whose it is.
#[derive(Default)]
pub(super) struct Fetched {
    sha256: BTreeSet<Sha256>,
    checksums: BTreeSet<Checksum>,
}

impl Fetched {
    pub fn of(graph: &Graph) -> Self {
        let mut found = Self::default();
        for (_, derivation) in graph.iter() {
            let Action::Fetch(fetch) = &derivation.action else { continue };
            match &fetch.content {
                FixedOutput::Sha256(sha256) => drop(found.sha256.insert(*sha256)),
                FixedOutput::Apk { checksum, .. } => drop(found.checksums.insert(*checksum)),
            }
        }
        found
    }

    fn has(&self, sha256: Option<Sha256>, checksum: Option<Checksum>) -> bool {
        sha256.is_some_and(|it| self.sha256.contains(&it))
            || checksum.is_some_and(|it| self.checksums.contains(&it))
    }
}

/// A document to be fetched like an input.
pub(super) struct Document {
    pub derivation: Derivation,
    pub it: Use,
}

impl Document {
    fn new(it: Use, sha256: Sha256, size: Option<u64>, locations: Vec<Location>) -> Self {
        let action = Action::Fetch(Fetch { content: FixedOutput::Sha256(sha256), locations, size });
        Self {
            derivation: Derivation { label: format!("fetch {}", it.name), action, inputs: Vec::new() },
            it,
        }
    }
}

/// The snapshots of `lock` that packages among `fetched` come from.
pub(super) fn snapshots<'l>(lock: &'l Lock, fetched: &Fetched) -> Vec<&'l Snapshot> {
    let used = lock.packages.iter().filter(|package| fetched.has(package.sha256, package.checksum));
    let ids: BTreeSet<&str> = used.map(|package| package.snapshot.as_str()).collect();
    lock.snapshots.iter().filter(|snapshot| ids.contains(snapshot.id.as_str())).collect()
}

/// The indexes of a snapshot: Debian's InRelease with the indexes it names, of Alpine the signed index.
pub(super) fn indexes(snapshot: &Snapshot) -> Vec<Document> {
    let Snapshot { id, suite, in_release, .. } = snapshot;
    let location = |path: String| Location::Mirror {
        repository: snapshot.repository.clone(),
        path,
        date: Some(snapshot.date.clone()),
        url: snapshot.url.clone(),
    };
    let mut all = Vec::new();
    if let Some(in_release) = in_release {
        let it = Use::new(Kind::Index, format!("{id} InRelease"));
        let place = vec![location(format!("dists/{suite}/InRelease"))];
        all.push(Document::new(it, *in_release, snapshot.in_release_size, place));
    }
    for index in &snapshot.indexes {
        let it = Use::new(Kind::Index, format!("{id} {}", index.path));
        let folder = index.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let places = match in_release {
            Some(_) => vec![
                location(format!("dists/{suite}/{folder}/by-hash/SHA256/{}", index.sha256)),
                location(format!("dists/{suite}/{}", index.path)),
            ],
            None => vec![location(format!("{suite}/{}", index.path))],
        };
        all.push(Document::new(it, index.sha256, Some(index.size), places));
    }
    all
}

/// Index and manifests of the images of registries that layers among `fetched` are of.
pub(super) fn registry_documents(lock: &Lock, fetched: &Fetched) -> Vec<Document> {
    let is_used = |oci: &&LockedOci| {
        let mut layers = oci.platforms.iter().flat_map(|platform| &platform.layers);
        layers.any(|layer| fetched.has(Some(layer.sha256), None))
    };
    let mut all = Vec::new();
    for oci in lock.oci.iter().filter(is_used) {
        let manifests = oci.platforms.iter().map(|platform| platform.manifest);
        let named = std::iter::once((oci.digest, None)).chain(manifests.map(|it| (it.sha256, Some(it.size))));
        for (sha256, size) in named {
            let it = Use::new(Kind::Document, format!("{}@{}", oci.name, sha256.to_oci()));
            let place = Location::Registry { name: oci.name.clone(), manifest: true };
            all.push(Document::new(it, sha256, size, vec![place]));
        }
    }
    all
}

/// The keys that may sign `snapshots`, with their names.
pub(super) fn certificates<'p>(project: &'p Project, snapshots: &[&Snapshot]) -> Vec<(&'p str, &'p str)> {
    let recipe = &project.recipe;
    let images = recipe.images.iter().chain(&recipe.bases).flat_map(|image| image.repositories.iter());
    let builds = recipe.builds.iter().flat_map(|build| build.repositories.iter());
    let signs = |repository: &&hbuild_lang::recipe::Repository| {
        snapshots.iter().any(|snapshot| {
            (&snapshot.repository, &snapshot.url, &snapshot.suite)
                == (&repository.name, &repository.url, &repository.suite)
        })
    };
    let keys = images.chain(builds).filter(signs).flat_map(|repository| &repository.keys);
    let named: BTreeSet<(&str, &str)> = keys.map(|key| (key.name.as_str(), &*key.text)).collect();
    named.into_iter().collect()
}
