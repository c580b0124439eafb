//! Packages over each other, by the rules of apk 2.14.

use std::collections::BTreeMap;

use super::super::layering::{Parents, content_conflict, link_groups};
use super::super::root::{Node, Root, check_name};
use super::super::{MergeError, Package};
use crate::tree::{Entry, EntryKind, Tree, TreePath};

/// Lays packages over each other, in the order in which they are installed.
pub struct Layering<'a> {
    root: &'a mut Root,
    packages: &'a [Package],
    /// The package of each origin number.
    owners: BTreeMap<u32, usize>,
    parents: Parents,
}

impl<'a> Layering<'a> {
    /// Layers into `root`.
    pub fn new(root: &'a mut Root, packages: &'a [Package]) -> Self {
        Self { root, packages, owners: BTreeMap::new(), parents: Parents::default() }
    }

    /// Adds the files of package number `number`.
    pub fn add(&mut self, number: usize, tree: &Tree) -> Result<(), MergeError> {
        let package = &self.packages[number];
        let origin = self.root.origin_number(&package.origin);
        self.owners.insert(origin, number);
        let base = self.root.reserve_groups(link_groups(tree));
        self.parents.forget();
        for entry in tree.entries() {
            check_name(&entry.path, &package.origin)?;
            let path = self.parents.real(self.root, &entry.path, &package.origin)?;
            let mut entry = Entry { path, ..entry.clone() };
            if let EntryKind::File { link: Some(link), .. } = &mut entry.kind {
                *link += base;
            }
            self.put(entry, origin, number)?;
        }
        Ok(())
    }

    fn put(&mut self, entry: Entry, origin: u32, number: usize) -> Result<(), MergeError> {
        let Some(found) = self.root.get(&entry.path) else {
            self.root.make_parents(&entry.path, origin, false);
            self.root.insert(Node { entry, origin, touched: false });
            return Ok(());
        };
        let first = found.origin;
        match (&found.entry.kind, &entry.kind) {
            (EntryKind::Directory, EntryKind::Directory) => {
                self.share_directory(&entry);
                return Ok(());
            }
            // Files of a directory that is a link here go through it.
            (EntryKind::Symlink { .. }, EntryKind::Directory)
                if self.root.real_directory(&entry.path).is_ok() =>
            {
                return Ok(());
            }
            (EntryKind::Directory, _) | (_, EntryKind::Directory) => {
                return Err(self.conflict(entry.path, first, number, true));
            }
            _ => {}
        }
        if self
            .replaces(number, self.owners[&first])
            .ok_or_else(|| self.conflict(entry.path.clone(), first, number, false))?
        {
            self.root.insert(Node { entry, origin, touched: false });
        }
        Ok(())
    }

    /// Whether the package `new` takes a file of `old`, or leaves it; `None` where neither may be.
    fn replaces(&self, new: usize, old: usize) -> Option<bool> {
        let (Some(new), Some(old)) = (&self.packages[new].apk, &self.packages[old].apk) else { return None };
        if new.is_of_the_source_of(old) {
            return Some(true);
        }
        match (new.replaces(old), old.replaces(new)) {
            (None, None) => None,
            (None, Some(_)) => Some(false),
            (Some(_), None) => Some(true),
            (Some(new), Some(old)) => Some(new >= old),
        }
    }

    /// A directory of several packages belongs to the lowest user and group, with what all packages that say so allow.
    fn share_directory(&mut self, entry: &Entry) {
        let Some(found) = self.root.get_mut(&entry.path).map(|node| &mut node.entry) else { return };
        match (entry.uid, entry.gid).cmp(&(found.uid, found.gid)) {
            std::cmp::Ordering::Less => {
                (found.mode, found.uid, found.gid) = (entry.mode, entry.uid, entry.gid);
            }
            std::cmp::Ordering::Equal => found.mode &= entry.mode,
            std::cmp::Ordering::Greater => {}
        }
    }

    fn conflict(&self, path: TreePath, first: u32, number: usize, directory: bool) -> MergeError {
        let (first, second) = (self.root.origin(first).clone(), self.packages[number].origin.clone());
        if directory {
            return content_conflict(path, &first, &second, true);
        }
        MergeError::FileConflict { path, first, second }
    }
}
