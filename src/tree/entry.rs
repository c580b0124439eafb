//! The entries of an image tree.

use std::collections::BTreeMap;

use super::TreePath;
use crate::digest::Digest;

/// One entry of an image tree: everything that a layer's tar header states about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Where it stands.
    pub path: TreePath,
    /// What it is.
    pub kind: EntryKind,
    /// Permission bits with setuid, setgid and sticky, at most `0o7777`. Always `0o777` for a symlink.
    pub mode: u16,
    /// Owner, numeric.
    pub uid: u32,
    /// Group, numeric.
    pub gid: u32,
    /// Modification time, seconds since 1970-01-01 UTC.
    pub mtime: i64,
    /// Extended attributes by name (`security.capability`), sorted.
    pub xattrs: BTreeMap<Vec<u8>, Vec<u8>>,
}

/// What an entry is. Device nodes, fifos and sockets have no place in an image tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryKind {
    /// A directory.
    Directory,
    /// A regular file.
    File {
        /// BLAKE3 of the content.
        digest: Digest,
        /// Length in bytes.
        size: u64,
        /// The hard-link group, or `None` for a file with one name. [`Tree::new`] numbers the groups from 0
        /// in the order of their first member. Members agree in all but path.
        link: Option<u32>,
    },
    /// A symbolic link with its target as written, never empty.
    Symlink {
        /// The target.
        target: Vec<u8>,
    },
}

impl Entry {
    /// A directory of root's, mode 0755.
    pub fn directory(path: TreePath, mtime: i64) -> Self {
        Self { path, kind: EntryKind::Directory, mode: 0o755, uid: 0, gid: 0, mtime, xattrs: BTreeMap::new() }
    }

    /// A file of root's with one name.
    pub fn file(path: TreePath, digest: Digest, size: u64, mode: u16, mtime: i64) -> Self {
        let kind = EntryKind::File { digest, size, link: None };
        Self { path, kind, mode, uid: 0, gid: 0, mtime, xattrs: BTreeMap::new() }
    }

    /// A symlink of root's.
    pub fn symlink(path: TreePath, target: impl Into<Vec<u8>>, mtime: i64) -> Self {
        let kind = EntryKind::Symlink { target: target.into() };
        Self { path, kind, mode: 0o777, uid: 0, gid: 0, mtime, xattrs: BTreeMap::new() }
    }

    /// Whether it is a directory.
    pub fn is_directory(&self) -> bool {
        matches!(self.kind, EntryKind::Directory)
    }
}

/// Why entries do not make a tree.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TreeError {
    /// Two entries have one path.
    #[error("{0} stands twice in the tree")]
    Duplicate(TreePath),
    /// An entry lies below something that is not a directory.
    #[error("{path} lies below {parent}, which is not a directory")]
    NotADirectory {
        /// The entry.
        path: TreePath,
        /// What it lies below.
        parent: TreePath,
    },
    /// The members of a hard-link group differ in content or metadata.
    #[error("{0} and the other names of the same file differ")]
    UnequalLinks(TreePath),
}

/// An image tree: entries in the order of their paths, each path once. Parents of an entry may be absent
/// (a package need not ship `/usr`); where a parent is there, it is a directory.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tree {
    entries: Vec<Entry>,
}

impl Tree {
    /// The tree of `entries`, sorted, with hard-link groups renumbered. A group with one member left is
    /// dissolved.
    pub fn new(mut entries: Vec<Entry>) -> Result<Self, TreeError> {
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        if let Some(pair) = entries.windows(2).find(|pair| pair[0].path == pair[1].path) {
            return Err(TreeError::Duplicate(pair[0].path.clone()));
        }
        let mut parents: Vec<&Entry> = Vec::new();
        for entry in &entries {
            while parents.last().is_some_and(|parent| !entry.path.is_within(&parent.path)) {
                parents.pop();
            }
            if let Some(parent) = parents.last().filter(|parent| !parent.is_directory()) {
                let (path, parent) = (entry.path.clone(), parent.path.clone());
                return Err(TreeError::NotADirectory { path, parent });
            }
            parents.push(entry);
        }
        renumber_links(&mut entries)?;
        Ok(Self { entries })
    }

    /// The entries, sorted by path.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The entries, to be changed and given to [`Tree::new`] again.
    pub fn into_entries(self) -> Vec<Entry> {
        self.entries
    }

    /// The entry at `path`.
    pub fn get(&self, path: &TreePath) -> Option<&Entry> {
        let at = self.entries.binary_search_by(|entry| entry.path.cmp(path)).ok()?;
        Some(&self.entries[at])
    }

    /// The entries strictly below `directory`, in order.
    pub fn below<'a>(&'a self, directory: &'a TreePath) -> impl Iterator<Item = &'a Entry> {
        let from = self.entries.partition_point(|entry| entry.path <= *directory);
        self.entries[from..].iter().take_while(|entry| entry.path.is_within(directory))
    }

    /// The sum of the file sizes in bytes, each hard-link group counted once.
    pub fn content_size(&self) -> u64 {
        let mut next_group = 0;
        let mut total = 0;
        for entry in &self.entries {
            if let EntryKind::File { size, link, .. } = &entry.kind {
                match link {
                    Some(group) if *group < next_group => {}
                    Some(group) => {
                        next_group = group + 1;
                        total += size;
                    }
                    None => total += size,
                }
            }
        }
        total
    }
}

fn renumber_links(entries: &mut [Entry]) -> Result<(), TreeError> {
    let mut members: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (at, entry) in entries.iter().enumerate() {
        if let EntryKind::File { link: Some(group), .. } = entry.kind {
            members.entry(group).or_default().push(at);
        }
    }
    let mut groups: Vec<Vec<usize>> = members.into_values().collect();
    groups.sort();
    let mut next = 0;
    for group in groups {
        let number = (group.len() > 1).then_some(next);
        next += u32::from(number.is_some());
        let first = entries[group[0]].clone();
        for at in group {
            let entry = &mut entries[at];
            let same = entry.kind == first.kind
                && (entry.mode, entry.uid, entry.gid, entry.mtime)
                    == (first.mode, first.uid, first.gid, first.mtime)
                && entry.xattrs == first.xattrs;
            if !same {
                return Err(TreeError::UnequalLinks(entry.path.clone()));
            }
            if let EntryKind::File { link, .. } = &mut entry.kind {
                *link = number;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> TreePath {
        TreePath::new(text.as_bytes()).unwrap()
    }

    fn linked(name: &str, group: u32) -> Entry {
        let mut entry = Entry::file(path(name), Digest::of(b"x"), 1, 0o644, 0);
        entry.kind = EntryKind::File { digest: Digest::of(b"x"), size: 1, link: Some(group) };
        entry
    }

    #[test]
    fn entries_are_sorted_and_unique() {
        let tree = Tree::new(vec![Entry::directory(path("b"), 0), Entry::directory(path("a"), 0)]).unwrap();
        assert_eq!(tree.entries()[0].path, path("a"));
        let twice = vec![Entry::directory(path("a"), 0), Entry::directory(path("a"), 1)];
        assert_eq!(Tree::new(twice), Err(TreeError::Duplicate(path("a"))));
    }

    #[test]
    fn nothing_lies_below_a_file() {
        let entries = vec![Entry::symlink(path("a"), "b", 0), Entry::directory(path("a/x"), 0)];
        assert!(matches!(Tree::new(entries), Err(TreeError::NotADirectory { .. })));
    }

    #[test]
    fn link_groups_are_numbered_by_first_member_and_dissolved_when_alone() {
        let tree =
            Tree::new(vec![linked("d", 3), linked("a", 7), linked("c", 3), linked("b", 9), linked("e", 7)]);
        let links: Vec<_> = tree
            .unwrap()
            .into_entries()
            .into_iter()
            .map(|entry| match entry.kind {
                EntryKind::File { link, .. } => link,
                _ => unreachable!(),
            })
            .collect();
        assert_eq!(links, [Some(0), None, Some(1), Some(1), Some(0)]);
    }

    #[test]
    fn content_counts_a_group_once() {
        let tree = Tree::new(vec![linked("a", 0), linked("b", 0), linked("c", 1), linked("d", 1)]).unwrap();
        assert_eq!(tree.content_size(), 2);
    }
}
