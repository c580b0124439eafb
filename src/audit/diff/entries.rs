//! Two trees, entry by entry.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::escape::text_of;
use super::report::{Attribute, Change, EntryFacts, FileDifference};
use crate::tree::{Entry, EntryKind, Tree, TreePath};

/// What of entries is not compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ignored {
    /// Permission bits.
    pub mode: bool,
    /// Owner and group.
    pub owner: bool,
    /// Modification times.
    pub time: bool,
    /// Extended attributes.
    pub xattrs: bool,
}

/// The paths at which `left` and `right` differ, in order.
pub(super) fn compare(left: &Tree, right: &Tree, ignored: Ignored) -> Vec<FileDifference> {
    let (first, second) = (Facts::new(left), Facts::new(right));
    let (mut one, mut other) = (left.entries().iter().peekable(), right.entries().iter().peekable());
    let mut found = Vec::new();
    loop {
        let order = match (one.peek(), other.peek()) {
            (None, None) => return found,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(one), Some(other)) => one.path.cmp(&other.path),
        };
        let one = if order.is_le() { one.next() } else { None };
        let other = if order.is_ge() { other.next() } else { None };
        let attributes = match (one, other) {
            (Some(one), Some(other)) => {
                let links = first.first_name(one) != second.first_name(other);
                let attributes = attributes(one, other, links, ignored);
                if attributes.is_empty() {
                    continue;
                }
                attributes
            }
            _ => Vec::new(),
        };
        let Some(path) = one.or(other).map(|entry| entry.path.clone()) else { continue };
        found.push(FileDifference {
            path,
            change: Change::of(one.is_some(), other.is_some()),
            package: None,
            attributes,
            left: one.map(|entry| first.of(entry)),
            right: other.map(|entry| second.of(entry)),
            content: None,
        });
    }
}

fn attributes(one: &Entry, other: &Entry, links: bool, ignored: Ignored) -> Vec<Attribute> {
    let mut found = Vec::new();
    let mut note = |attribute, differs: bool| {
        if differs {
            found.push(attribute);
        }
    };
    let same_kind = std::mem::discriminant(&one.kind) == std::mem::discriminant(&other.kind);
    note(Attribute::Kind, !same_kind);
    note(Attribute::Mode, same_kind && !ignored.mode && one.mode != other.mode);
    note(Attribute::Owner, !ignored.owner && (one.uid, one.gid) != (other.uid, other.gid));
    note(Attribute::Time, !ignored.time && one.mtime != other.mtime);
    note(Attribute::Xattrs, !ignored.xattrs && one.xattrs != other.xattrs);
    note(Attribute::Links, same_kind && links);
    match (&one.kind, &other.kind) {
        (EntryKind::Symlink { target }, EntryKind::Symlink { target: second }) => {
            note(Attribute::Target, target != second);
        }
        (EntryKind::File { digest, size, .. }, EntryKind::File { digest: second, size: other_size, .. }) => {
            note(Attribute::Content, digest != second || size != other_size)
        }
        _ => {}
    }
    found
}

/// The first name of each file of a tree that has several.
struct Facts<'a> {
    first_names: BTreeMap<u32, &'a TreePath>,
}

impl<'a> Facts<'a> {
    fn new(tree: &'a Tree) -> Self {
        let mut first_names = BTreeMap::new();
        for entry in tree.entries() {
            if let EntryKind::File { link: Some(group), .. } = entry.kind {
                first_names.entry(group).or_insert(&entry.path);
            }
        }
        Self { first_names }
    }

    fn first_name(&self, entry: &Entry) -> Option<&'a TreePath> {
        match entry.kind {
            EntryKind::File { link: Some(group), .. } => self.first_names.get(&group).copied(),
            _ => None,
        }
    }

    fn of(&self, entry: &Entry) -> EntryFacts {
        let (kind, size, digest, target) = match &entry.kind {
            EntryKind::Directory => ("directory", None, None, None),
            EntryKind::File { digest, size, .. } => ("file", Some(*size), Some(*digest), None),
            EntryKind::Symlink { target } => ("symlink", None, None, Some(text_of(target))),
        };
        EntryFacts {
            kind,
            mode: format!("{:04o}", entry.mode),
            uid: entry.uid,
            gid: entry.gid,
            time: entry.mtime,
            xattrs: entry.xattrs.iter().map(|(name, value)| (text_of(name), text_of(value))).collect(),
            hard_link: self.first_name(entry).cloned(),
            size,
            digest,
            target,
        }
    }
}
