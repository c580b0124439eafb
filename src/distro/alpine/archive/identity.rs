//! Whether bytes that come in piece by piece are the package that an index names.

use std::sync::Arc;

use sha2::Digest as _;

use super::head::{DATA, Head};
use super::{ApkProblem, Expected};
use crate::digest::Sha256;
use crate::distro::alpine::checksum::Checksum;
use crate::distro::alpine::signature::Keyring;
use crate::distro::archive::ArchiveProblem;

/// Holds a package against its checksum while it is fetched: control by the checksum and the signatures, data by the
/// control's datahash.
#[derive(Debug, Clone)]
pub struct Identity {
    checksum: Checksum,
    keyring: Arc<Keyring>,
    /// What came before the data, until that is whole.
    head: Vec<u8>,
    /// Length of `head` at which the next look at it is worth while.
    next: usize,
    /// Hash of the data so far, and what it must become.
    data: Option<(sha2::Sha256, Sha256)>,
}

impl Identity {
    /// For the package with this checksum, signed by a key of `keyring`.
    pub fn new(checksum: Checksum, keyring: Arc<Keyring>) -> Self {
        Self { checksum, keyring, head: Vec::new(), next: 1, data: None }
    }

    /// Takes the next bytes of the file. An error is final.
    pub fn update(&mut self, bytes: &[u8]) -> Result<(), ArchiveProblem> {
        if let Some((sha256, _)) = &mut self.data {
            sha256.update(bytes);
            return Ok(());
        }
        self.head.extend_from_slice(bytes);
        if self.head.len() < self.next {
            return Ok(());
        }
        match self.take_head() {
            // What is cut off may be whole with the bytes to come; not all of it is read again for a few more.
            Err(ArchiveProblem::Truncated { .. }) => {
                self.next = self.head.len() * 2;
                Ok(())
            }
            other => other,
        }
    }

    /// Whether the bytes taken are the package, and nothing else.
    pub fn finish(mut self) -> Result<(), ArchiveProblem> {
        if self.data.is_none() {
            self.take_head()?;
        }
        let Some((sha256, expected)) = self.data else {
            return Err(ArchiveProblem::Truncated { part: DATA.to_owned() });
        };
        match Sha256(sha256.finalize().into()) {
            found if found == expected => Ok(()),
            found => Err(ApkProblem::WrongDataHash { found, expected }.into()),
        }
    }

    fn take_head(&mut self) -> Result<(), ArchiveProblem> {
        let mut rest = self.head.as_slice();
        let head = Head::read(&mut rest)?;
        Expected { checksum: self.checksum, keyring: &self.keyring }.check(&head)?;
        self.data = Some((sha2::Sha256::new_with_prefix(rest), head.datahash));
        self.head = Vec::new();
        Ok(())
    }
}
