//! A suite of a signed repository at one moment: its InRelease, verified, and the Packages files that it names.
//!
//! Trust goes one way: the keyring of the recipe -> the signature -> the text it covers -> the digest of each
//! Packages file -> the digest of each package. Whatever a mirror gives outside that chain is refused.

mod error;
mod packages;

pub use error::RepositoryError;
pub use packages::{DERIVED_FORM, IndexFile, fetch_index, load_index, packages_text};

use hbuild_lang::recipe::Repository;

use super::release::Release;
use super::signature::Keyring;
use crate::digest::Sha256;
use crate::distro::access::RepositoryFile;
use crate::distro::surroundings::Surroundings;
use crate::timestamp::Timestamp;

/// Largest InRelease taken, in bytes; Debian's have 150 kB.
const MAX_IN_RELEASE_BYTES: u64 = 16 << 20;
/// How far an index's date may be ahead of the clock.
const MAX_AHEAD_SECONDS: i64 = 24 * 3600;

/// A suite whose signature holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedSuite {
    /// Name of the repository.
    pub repository: String,
    /// URL of a repository of the recipe.
    pub url: Option<String>,
    /// The suite asked for.
    pub suite: String,
    /// What it says.
    pub release: Release,
    /// SHA-256 of the InRelease as fetched.
    pub in_release: Sha256,
    /// Its length in bytes.
    pub in_release_size: u64,
    /// Fingerprints of the keys whose signatures hold, sorted.
    pub signed_by: Vec<String>,
}

/// What was believed of a suite before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownSuite<'a> {
    /// Its code name.
    pub codename: &'a str,
    /// The date of its signed index.
    pub date: Timestamp,
}

impl SignedSuite {
    /// The suite of `repository` as its mirrors have it now, its signature and its validity checked at `now`,
    /// and against what was `known` of it before. The InRelease is kept.
    pub fn refresh(
        repository: &Repository,
        known: Option<KnownSuite<'_>>,
        surroundings: Surroundings<'_>,
        now: Timestamp,
    ) -> Result<Self, RepositoryError> {
        let name = describe(repository);
        let paths = [format!("dists/{}/InRelease", repository.suite)];
        let wanted = RepositoryFile {
            repository: &repository.name,
            url: repository.url.as_deref(),
            paths: &paths,
            sha256: None,
            size: None,
            limit: MAX_IN_RELEASE_BYTES,
        };
        let bytes = surroundings.access.fetch(&wanted)?;
        let suite = Self::verify(repository, &bytes, now)?;
        suite.check_validity(&name, known, now)?;
        let kept = surroundings.cache.keep_file(suite.in_release, &bytes);
        kept.map_err(|source| RepositoryError::Cache { name, source })?;
        Ok(suite)
    }

    /// The suite that `bytes`, an InRelease, states, if at `at` its signature holds by the repository's keys.
    pub fn verify(repository: &Repository, bytes: &[u8], at: Timestamp) -> Result<Self, RepositoryError> {
        let name = describe(repository);
        if repository.keys.is_empty() {
            return Err(RepositoryError::NoKeys { name });
        }
        let keys = repository.keys.iter().map(|key| (key.name.as_str(), &*key.text));
        let keyring = Keyring::parse(keys)?;
        let verified = keyring.verify(bytes, at).map_err(|error| RepositoryError::signature(&name, error))?;
        let release = Release::parse(&verified.text)
            .map_err(|source| RepositoryError::Release { name: name.clone(), source })?;
        let called = &repository.suite;
        if *called != release.codename && Some(called) != release.suite.as_ref() {
            return Err(RepositoryError::OtherSuite {
                name,
                codename: release.codename,
                suite: release.suite.unwrap_or_default(),
            });
        }
        Ok(Self {
            repository: repository.name.clone(),
            url: repository.url.clone(),
            suite: repository.suite.clone(),
            release,
            in_release: Sha256::of(bytes),
            in_release_size: bytes.len() as u64,
            signed_by: verified.signed_by,
        })
    }

    fn check_validity(
        &self,
        name: &str,
        known: Option<KnownSuite<'_>>,
        now: Timestamp,
    ) -> Result<(), RepositoryError> {
        let name = || name.to_owned();
        let Release { date, valid_until, codename, .. } = &self.release;
        if let Some(end) = valid_until.filter(|end| *end <= now) {
            return Err(RepositoryError::Expired { name: name(), date: *date, end, now });
        }
        if *date > now.plus(MAX_AHEAD_SECONDS) {
            return Err(RepositoryError::NotYetValid { name: name(), date: *date, now });
        }
        match known {
            Some(known) if known.codename != codename => Err(RepositoryError::Renamed {
                name: name(),
                before: known.codename.to_owned(),
                after: codename.clone(),
            }),
            Some(known) if known.date > *date => {
                Err(RepositoryError::Older { name: name(), date: *date, locked: known.date })
            }
            _ => Ok(()),
        }
    }
}

/// How messages call the suite: `debian/bookworm`.
fn describe(repository: &Repository) -> String {
    format!("{}/{}", repository.name, repository.suite)
}
