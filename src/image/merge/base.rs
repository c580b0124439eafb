//! An image over another one: what the other's rules did to the packages and contents that both have is done here, too,
//! and of the finished trees only the difference goes into layers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Source;
use super::root::{Node, Root};
use crate::digest::Digest;
use crate::graph::MergeInput;
use crate::image::effects::Diversion;
use crate::tree::{Entry, EntryKind, Origin, OriginMap, Tree, TreePath};

/// Where accounts stand: what packages were given there stays theirs.
const ACCOUNTS: [&[u8]; 2] = [b"etc/passwd", b"etc/group"];

/// The image that this one extends.
pub struct Base {
    tree: Arc<Tree>,
    origins: Arc<OriginMap>,
    /// The origins of its packages and contents.
    inputs: BTreeSet<Origin>,
    /// Accounts and groups of its recipe.
    pub accounts: BTreeSet<String>,
}

impl Base {
    /// The one among `sources`, if there is one.
    pub fn of(sources: &[Source<'_>]) -> Option<Self> {
        sources.iter().find_map(|source| match (source.input, &source.origins) {
            (MergeInput::Base { origins: inputs, accounts }, Some(origins)) => Some(Self {
                tree: source.tree.clone(),
                origins: origins.clone(),
                inputs: inputs.iter().cloned().collect(),
                accounts: accounts.clone(),
            }),
            _ => None,
        })
    }

    /// Makes of `root`, which has the packages and contents of both images, what it would be if the rules of this
    /// one had been followed: but for effects, which come again.
    pub fn apply(&self, root: &mut Root, diversions: &[Diversion]) {
        for entry in self.tree.entries() {
            let Some(origin) = self.origins.get(&entry.path) else { continue };
            if origin.is_effect() && !ACCOUNTS.contains(&entry.path.as_bytes()) {
                continue;
            }
            let number = root.origin_number(origin);
            let found = root.get(&entry.path);
            let theirs = match found {
                None => true,
                Some(node) => {
                    node.origin == number
                        || self.inputs.contains(root.origin(node.origin))
                        || (node.entry.is_directory() && entry.is_directory())
                }
            };
            if theirs {
                let link = found.and_then(|node| group(&node.entry)).filter(|_| group(entry).is_some());
                let mut entry = entry.clone();
                if let EntryKind::File { link: own, .. } = &mut entry.kind {
                    *own = link;
                }
                root.make_parents(&entry.path, number, false);
                root.insert(Node { entry, origin: number, touched: false });
            }
        }
        let dropped = |node: &&Node| {
            let path = &node.entry.path;
            self.inputs.contains(root.origin(node.origin))
                && self.tree.get(path).is_none()
                && !diversions.iter().any(|diversion| diversion.to == *path)
        };
        let dropped: Vec<TreePath> =
            root.iter().rev().filter(dropped).map(|node| node.entry.path.clone()).collect();
        for path in dropped {
            if root.below(&path).next().is_none() {
                root.remove(&path);
            }
        }
    }

    /// Which of `nodes`, the finished image, are in the layers of this one just so.
    pub fn shared(&self, nodes: &[Node]) -> Vec<bool> {
        let same =
            |node: &Node| self.tree.get(&node.entry.path).is_some_and(|other| is_same(&node.entry, other));
        let mut shared: Vec<bool> = nodes.iter().map(same).collect();
        // Names of one file are of one layer: all of them are there already, or none is.
        let mut groups: BTreeMap<u32, (Option<u32>, bool)> = BTreeMap::new();
        for (node, shared) in nodes.iter().zip(&shared) {
            let Some(own) = group(&node.entry) else { continue };
            let other = self.tree.get(&node.entry.path).and_then(group);
            let (first, whole) = groups.entry(own).or_insert((other, true));
            *whole &= *shared && other.is_some() && other == *first;
        }
        for (node, shared) in nodes.iter().zip(&mut shared) {
            if let Some(own) = group(&node.entry) {
                *shared = groups[&own].1;
            }
        }
        shared
    }

    /// A whiteout for everything of this image that is not in `nodes`, a directory with all below it once. `empty` is
    /// the digest of no bytes.
    pub fn whiteouts(&self, nodes: &[Node], empty: Digest, epoch: i64) -> Vec<Entry> {
        let by_path: BTreeMap<&TreePath, &Node> = nodes.iter().map(|node| (&node.entry.path, node)).collect();
        let mut found = Vec::new();
        let mut done: Option<&TreePath> = None;
        for entry in self.tree.entries() {
            if done.is_some_and(|done| entry.path.is_within(done)) {
                continue;
            }
            match by_path.get(&entry.path) {
                Some(node) if node.entry.is_directory() => {}
                // Something else in place of a directory hides all of it.
                Some(_) => done = Some(&entry.path),
                None => {
                    done = Some(&entry.path);
                    let name = [b".wh.", entry.path.file_name()].concat();
                    let path = match entry.path.parent() {
                        Some(parent) => parent.join(&name),
                        None => TreePath::new(&name),
                    };
                    let path = path.expect("a mark before a plain name is one");
                    found.push(Entry::file(path, empty, 0, 0, epoch));
                }
            }
        }
        found
    }
}

fn group(entry: &Entry) -> Option<u32> {
    match entry.kind {
        EntryKind::File { link, .. } => link,
        _ => None,
    }
}

/// Whether two entries are the same, but for the numbers of their groups.
fn is_same(one: &Entry, other: &Entry) -> bool {
    let kinds = match (&one.kind, &other.kind) {
        (EntryKind::File { digest, size, .. }, EntryKind::File { digest: other, size: others, .. }) => {
            (digest, size) == (other, others)
        }
        (one, other) => one == other,
    };
    kinds
        && (one.mode, one.uid, one.gid, one.mtime) == (other.mode, other.uid, other.gid, other.mtime)
        && one.xattrs == other.xattrs
}
