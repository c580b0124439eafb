//! The SHA-256 of package files. A lock states that of each .deb; an .apk is pinned by a checksum that is none of its
//! file, so that the digest is taken from the file as it was fetched.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::digest::Sha256;
use crate::lock::LockedPackage;

/// The document of [`crate::graph::Evidence::PackageFiles`]: the digests of files that a lock does not state, by
/// [`LockedPackage::reference`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PackageFiles(pub BTreeMap<String, Sha256>);

impl PackageFiles {
    /// The SHA-256 of the package's file.
    pub fn sha256(&self, package: &LockedPackage) -> Option<Sha256> {
        package.sha256.or_else(|| self.0.get(&package.reference()).copied())
    }
}
