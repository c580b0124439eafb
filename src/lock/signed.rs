//! What is signed, by distribution: Debian signs a suite, which names its indexes; Alpine signs each index.

use std::sync::Arc;

use hbuild_lang::recipe::{Family, Repository};

use super::suites::SuiteKey;
use super::{Lock, LockError, Snapshot, SnapshotIndex};
use crate::digest::Sha256;
use crate::distro::alpine::repository::SignedIndex;
use crate::distro::debian::repository::{IndexFile, KnownSuite, SignedSuite, fetch_index, load_index};
use crate::distro::surroundings::Surroundings;
use crate::distro::{alpine, debian};
use crate::timestamp::Timestamp;

/// Something whose signature holds.
pub(super) enum Signed {
    Alpine(SignedIndex),
    Debian(SignedSuite),
}

/// An index that it names.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum File {
    /// It is the signed index itself.
    Alpine(SnapshotIndex),
    Debian(IndexFile),
}

/// The content of an index.
#[derive(Clone)]
pub(super) enum Index {
    Alpine(Arc<alpine::index::Index>),
    Debian(Arc<debian::index::Index>),
}

impl Signed {
    /// What `repository` has now, held against the newest state of it that `old` has.
    pub fn refresh(
        (family, repository, key): (Family, &Repository, &SuiteKey),
        old: &Lock,
        surroundings: Surroundings<'_>,
        now: Timestamp,
    ) -> Result<Self, LockError> {
        let known = old.snapshots.iter().filter(|snapshot| key.is_of(snapshot));
        let known = known
            .filter_map(|snapshot| Some((snapshot.date.parse::<Timestamp>().ok()?, snapshot)))
            .max_by_key(|(date, _)| *date);
        match (family, &key.part) {
            (Family::Alpine, Some((component, arch))) => {
                let known = known.map(|(date, _)| alpine::repository::KnownIndex { date });
                Ok(Self::Alpine(SignedIndex::refresh(repository, component, arch, known, surroundings, now)?))
            }
            _ => {
                let known = known.and_then(|(date, snapshot)| {
                    Some(KnownSuite { codename: snapshot.codename.as_deref()?, date })
                });
                Ok(Self::Debian(SignedSuite::refresh(repository, known, surroundings, now)?))
            }
        }
    }

    /// The indexes with the packages of `component` for `arch`.
    pub fn files(&self, component: &str, arch: &str) -> Result<Vec<File>, LockError> {
        match self {
            Self::Alpine(index) => Ok(vec![File::Alpine(SnapshotIndex {
                component: index.component.clone(),
                arch: index.arch.clone(),
                path: below(&index.path(), &index.branch).to_owned(),
                sha256: index.sha256,
                size: index.size,
            })]),
            Self::Debian(suite) => {
                Ok(suite.index_files(component, arch)?.into_iter().map(File::Debian).collect())
            }
        }
    }

    /// Brings an index into the cache.
    pub fn fetch(&self, file: &File, surroundings: Surroundings<'_>) -> Result<(), LockError> {
        match (self, file) {
            (Self::Debian(suite), File::Debian(file)) => Ok(fetch_index(suite, file, surroundings)?),
            // It was fetched when its signature was checked.
            _ => Ok(()),
        }
    }

    /// An index that was fetched.
    pub fn load(&self, file: &File, surroundings: Surroundings<'_>) -> Result<Index, LockError> {
        Ok(match (self, file) {
            (Self::Alpine(index), _) => {
                Index::Alpine(Arc::new(alpine::repository::load_index(index, surroundings)?))
            }
            (Self::Debian(suite), File::Debian(file)) => {
                Index::Debian(Arc::new(load_index(suite, file, surroundings)?))
            }
            (Self::Debian(_), File::Alpine(_)) => unreachable!("a suite names its own files"),
        })
    }

    /// Id of its snapshot: `debian/bookworm@2026-01-10T10:12:52Z`, `alpine/v3.19/main/x86_64@2024-01-26T15:10:12Z`.
    pub fn id(&self) -> String {
        match self {
            Self::Alpine(index) => {
                let SignedIndex { repository, branch, component, arch, date, .. } = index;
                format!("{repository}/{branch}/{component}/{arch}@{date}")
            }
            Self::Debian(suite) => format!("{}/{}@{}", suite.repository, suite.suite, suite.release.date),
        }
    }

    /// The snapshot as the lock states it, with the indexes that are used.
    pub fn snapshot<'a>(&self, files: impl Iterator<Item = &'a File>) -> Snapshot {
        let (id, indexes) = (self.id(), files.map(File::described).collect());
        match self {
            Self::Alpine(index) => Snapshot {
                id,
                repository: index.repository.clone(),
                url: index.url.clone(),
                suite: index.branch.clone(),
                codename: None,
                date: index.date.to_string(),
                valid_until: None,
                in_release: None,
                in_release_size: None,
                signed_by: index.signed_by.clone(),
                indexes,
            },
            Self::Debian(suite) => Snapshot {
                id,
                repository: suite.repository.clone(),
                url: suite.url.clone(),
                suite: suite.suite.clone(),
                codename: Some(suite.release.codename.clone()),
                date: suite.release.date.to_string(),
                valid_until: suite.release.valid_until.map(|end| end.to_string()),
                in_release: Some(suite.in_release),
                in_release_size: Some(suite.in_release_size),
                signed_by: suite.signed_by.clone(),
                indexes,
            },
        }
    }
}

/// `path` below `folder`.
fn below<'a>(path: &'a str, folder: &str) -> &'a str {
    path.strip_prefix(folder).map_or(path, |rest| rest.trim_start_matches('/'))
}

impl File {
    /// The folder of the packages of Alpine's index, below the repository's base.
    pub fn folder(&self, suite: &str) -> String {
        let path = self.described().path;
        let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
        format!("{suite}/{parent}")
    }

    /// The digest of its bytes.
    pub fn sha256(&self) -> Sha256 {
        match self {
            Self::Alpine(index) => index.sha256,
            Self::Debian(file) => file.sha256,
        }
    }

    /// Component and architecture.
    pub fn part(&self) -> (String, String) {
        let (component, arch) = match self {
            Self::Alpine(index) => (&index.component, &index.arch),
            Self::Debian(file) => (&file.component, &file.arch),
        };
        (component.clone(), arch.clone())
    }

    fn described(&self) -> SnapshotIndex {
        match self {
            Self::Alpine(index) => index.clone(),
            Self::Debian(file) => SnapshotIndex {
                component: file.component.clone(),
                arch: file.arch.clone(),
                path: file.path.clone(),
                sha256: file.sha256,
                size: file.size,
            },
        }
    }
}
