//! The signed indexes that an image's packages were chosen from, as files to be fetched, and the certificates beside them.

use std::collections::BTreeMap;
use std::rc::Rc;

use hbuild_lang::recipe::Repository;

use super::build::Planned;
use super::inputs::is_of;
use crate::digest::Sha256;
use crate::graph::{Action, Derivation, DerivationId, Fetch, FixedOutput, Graph, GraphError, Location};
use crate::lock::Snapshot;

/// The signed indexes of an image, and of the roots of its builds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SignedIndexes {
    /// The files, sorted by name.
    pub files: Vec<IndexFile>,
    /// The text of each certificate that may have signed one, by name.
    pub certificates: BTreeMap<String, String>,
}

/// A file of a repository: InRelease, Packages, APKINDEX.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexFile {
    /// `<snapshot>/<path>`: `debian/bookworm@2026-01-10T10:12:52Z/main/binary-amd64/Packages.xz`.
    pub name: String,
    /// What it must be.
    pub sha256: Sha256,
    /// Its length, where the lock knows it.
    pub size: Option<u64>,
    /// Where it may be had.
    pub locations: Vec<Location>,
}

impl IndexFile {
    /// Adds to `graph` the fetch of the file, which is none where the store has it.
    pub fn fetch(&self, graph: &mut Graph) -> Result<DerivationId, GraphError> {
        graph.add(Derivation {
            label: format!("fetch {}", self.name),
            action: Action::Fetch(Fetch {
                content: FixedOutput::Sha256(self.sha256),
                locations: self.locations.clone(),
                size: self.size,
            }),
            inputs: Vec::new(),
        })
    }
}

/// The files of `snapshots`, which are states of `repositories` and of those of `builds`.
pub(super) fn signed_indexes(
    snapshots: &[&Snapshot],
    repositories: &[Repository],
    builds: &[Rc<Planned<'_>>],
) -> SignedIndexes {
    let mut indexes = SignedIndexes::default();
    let of_builds = || builds.iter().flat_map(|planned| planned.build.repositories.iter());
    for snapshot in snapshots {
        indexes.files.extend(files_of(snapshot));
        let known = repositories.iter().chain(of_builds()).filter(|one| is_of(snapshot, one));
        for key in known.flat_map(|repository| &repository.keys) {
            let name = format!("{}/keys/{}", snapshot.id, key.name);
            indexes.certificates.insert(name, key.text.to_string());
        }
    }
    indexes.files.sort_by(|one, other| one.name.cmp(&other.name));
    indexes
}

fn files_of(snapshot: &Snapshot) -> Vec<IndexFile> {
    let location = |path: String| Location::Mirror {
        repository: snapshot.repository.clone(),
        path,
        date: Some(snapshot.date.clone()),
        url: snapshot.url.clone(),
    };
    let name = |path: &str| format!("{}/{path}", snapshot.id);
    let suite = &snapshot.suite;
    let mut files = Vec::new();
    if let Some(sha256) = snapshot.in_release {
        let locations = vec![location(format!("dists/{suite}/InRelease"))];
        files.push(IndexFile { name: name("InRelease"), sha256, size: snapshot.in_release_size, locations });
    }
    for index in &snapshot.indexes {
        let locations = if snapshot.in_release.is_some() {
            let folder = index.path.rsplit_once('/').map_or("", |(folder, _)| folder);
            let by_hash = format!("dists/{suite}/{folder}/by-hash/SHA256/{}", index.sha256);
            vec![location(by_hash), location(format!("dists/{suite}/{}", index.path))]
        } else {
            vec![location(format!("{suite}/{}", index.path))]
        };
        let (name, sha256, size) = (name(&index.path), index.sha256, Some(index.size));
        files.push(IndexFile { name, sha256, size, locations });
    }
    files
}
