//! What a package of Alpine says of its files beside the tree: checksums, which are verified here, and the names of
//! owners.

use std::collections::BTreeMap;

use sha1::{Digest as _, Sha1};

use super::error::shown;
use super::{ArchiveProblem, Member, MemberKind};
use crate::tree::TreePath;

/// What stands in a package of Alpine beside the tree.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Beside {
    /// SHA-1 of the content of each file and of the target of each symbolic link.
    pub sha1: BTreeMap<TreePath, [u8; 20]>,
    /// Names of owner and group of each entry where one of them is not `root`; empty where the header has none, or
    /// `root`.
    pub owners: BTreeMap<TreePath, (Vec<u8>, Vec<u8>)>,
    /// What the header of the last entry states.
    stated: Option<[u8; 20]>,
}

impl Beside {
    /// Notes what the header of the entry `path` says.
    pub(super) fn note(&mut self, path: &TreePath, member: &Member) -> Result<(), ArchiveProblem> {
        if path.as_bytes().contains(&b'\n') {
            return Err(ArchiveProblem::IrregularPath { path: shown(&member.path) });
        }
        self.stated = member.sha1;
        let (user, group) = &member.names;
        if !user.is_empty() || !group.is_empty() {
            let named = |name: &[u8]| name.iter().all(|byte| byte.is_ascii_graphic() && *byte != b':');
            if !named(user) || !named(group) {
                return Err(ArchiveProblem::OwnerName { path: shown(&member.path) });
            }
            self.owners.insert(path.clone(), member.names.clone());
        }
        match member.kind {
            MemberKind::Symlink => self.keep(path, Sha1::digest(&member.link).into()),
            _ => Ok(()),
        }
    }

    /// Holds the content of the file `path`, that went through `content`, against what its header states.
    pub(super) fn check(&mut self, path: &TreePath, content: Sha1) -> Result<(), ArchiveProblem> {
        self.keep(path, content.finalize().into())
    }

    /// Gives the hard link `path` the checksum of the file `target`.
    pub(super) fn link(&mut self, path: &TreePath, target: &TreePath) -> Result<(), ArchiveProblem> {
        match self.sha1.get(target).copied() {
            Some(found) => self.keep(path, found),
            None => Ok(()),
        }
    }

    fn keep(&mut self, path: &TreePath, found: [u8; 20]) -> Result<(), ArchiveProblem> {
        if self.stated.take().is_some_and(|stated| stated != found) {
            return Err(ArchiveProblem::WrongChecksum { path: path.clone() });
        }
        self.sha1.insert(path.clone(), found);
        Ok(())
    }
}
