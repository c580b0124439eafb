//! The image's root while it is being put together: every path with its entry, its origin, and whether the
//! recipe had a hand in it.

use std::collections::BTreeMap;
use std::ops::Bound;

use super::MergeError;
use crate::tree::{Entry, EntryKind, Origin, TreePath};

/// More links than this on the way to one path are a loop, as for the kernel.
const LINKS: usize = 40;

/// A path of the image.
#[derive(Debug, Clone)]
pub struct Node {
    /// What stands there.
    pub entry: Entry,
    /// Number of its origin, for [`Root::origin`].
    pub origin: u32,
    /// Whether a rule of the recipe or an effect made or changed it: such entries go to the last layer.
    pub touched: bool,
}

/// The tree under construction.
#[derive(Debug)]
pub struct Root {
    nodes: BTreeMap<TreePath, Node>,
    origins: Vec<Origin>,
    groups: u32,
    epoch: i64,
}

impl Root {
    /// An empty root whose generated entries have the time `epoch`.
    pub fn new(epoch: i64) -> Self {
        Self { nodes: BTreeMap::new(), origins: Vec::new(), groups: 0, epoch }
    }

    /// The time of generated entries.
    pub fn epoch(&self) -> i64 {
        self.epoch
    }

    /// The number of `origin`.
    pub fn origin_number(&mut self, origin: &Origin) -> u32 {
        let at = self.origins.iter().position(|known| known == origin).unwrap_or_else(|| {
            self.origins.push(origin.clone());
            self.origins.len() - 1
        });
        at as u32
    }

    /// The origin with this number.
    pub fn origin(&self, number: u32) -> &Origin {
        &self.origins[number as usize]
    }

    /// Numbers for the hard-link groups of a tree with `count` of them; returns the first.
    pub fn reserve_groups(&mut self, count: u32) -> u32 {
        self.groups += count;
        self.groups - count
    }

    /// What stands at `path`, links not followed.
    pub fn get(&self, path: &TreePath) -> Option<&Node> {
        self.nodes.get(path)
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, path: &TreePath) -> Option<&mut Node> {
        self.nodes.get_mut(path)
    }

    /// Puts `node` at its entry's path, in place of what was there.
    pub fn insert(&mut self, node: Node) {
        self.nodes.insert(node.entry.path.clone(), node);
    }

    /// Takes away what stands at `path`; below a directory nothing may be left.
    pub fn remove(&mut self, path: &TreePath) -> Option<Node> {
        self.nodes.remove(path)
    }

    /// All nodes in the order of their paths.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Node> + ExactSizeIterator {
        self.nodes.values()
    }

    /// All nodes, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Node> {
        self.nodes.values_mut()
    }

    /// Keeps the nodes for which `keep` says so.
    pub fn retain(&mut self, mut keep: impl FnMut(&Node) -> bool) {
        self.nodes.retain(|_, node| keep(node));
    }

    /// The nodes strictly below `directory`, in order.
    pub fn below<'a>(&'a self, directory: &'a TreePath) -> impl Iterator<Item = &'a Node> {
        let range = (Bound::Excluded(directory), Bound::Unbounded);
        self.nodes.range(range).map(|(_, node)| node).take_while(|node| node.entry.path.is_within(directory))
    }

    /// The nodes directly in `directory`, in order.
    pub fn children<'a>(&'a self, directory: &'a TreePath) -> impl Iterator<Item = &'a Node> {
        let depth = directory.as_bytes().len() + 1;
        self.below(directory).filter(move |node| !node.entry.path.as_bytes()[depth..].contains(&b'/'))
    }

    /// The path with every link among its parents followed, the last component apart. Parents that are not
    /// there are taken as they are written. On a failure: the link that leads to no directory.
    pub fn real_path(&self, path: &TreePath) -> Result<TreePath, TreePath> {
        match path.parent() {
            None => Ok(path.clone()),
            Some(parent) => {
                let parent = self.real_directory(&parent)?;
                Ok(below(parent.as_ref(), path.file_name()))
            }
        }
    }

    /// `directory` with every link followed, its own name too; `None` is the root itself.
    pub fn real_directory(&self, directory: &TreePath) -> Result<Option<TreePath>, TreePath> {
        self.walk(directory, false)
    }

    fn walk(&self, path: &TreePath, to_file: bool) -> Result<Option<TreePath>, TreePath> {
        let mut links = 0;
        let mut current: Option<TreePath> = None;
        let mut rest: Vec<Vec<u8>> =
            path.as_bytes().split(|&byte| byte == b'/').rev().map(<[u8]>::to_vec).collect();
        while let Some(name) = rest.pop() {
            match name.as_slice() {
                b"" | b"." => continue,
                b".." => {
                    current = current.and_then(|path| path.parent());
                    continue;
                }
                _ => {}
            }
            let next = below(current.as_ref(), &name);
            match self.nodes.get(&next).map(|node| &node.entry.kind) {
                None | Some(EntryKind::Directory) => current = Some(next),
                Some(EntryKind::File { .. }) if to_file && rest.is_empty() => return Ok(Some(next)),
                Some(EntryKind::File { .. }) => return Err(next),
                Some(EntryKind::Symlink { target }) => {
                    links += 1;
                    if links > LINKS || target.contains(&0) {
                        return Err(next);
                    }
                    if target.starts_with(b"/") {
                        current = None;
                    }
                    rest.extend(target.split(|&byte| byte == b'/').rev().map(<[u8]>::to_vec));
                }
            }
        }
        Ok(current)
    }

    /// What stands at `path` after every link is followed.
    pub fn follow(&self, path: &TreePath) -> Option<&Node> {
        self.walk(path, true).ok().flatten().and_then(|path| self.nodes.get(&path))
    }

    /// Makes the parents of `path` that are not there: root's, mode 0755, the epoch.
    pub fn make_parents(&mut self, path: &TreePath, origin: u32, touched: bool) {
        let mut missing = Vec::new();
        let mut parent = path.parent();
        while let Some(path) = parent.filter(|path| !self.nodes.contains_key(path)) {
            parent = path.parent();
            missing.push(path);
        }
        for path in missing {
            self.insert(Node { entry: Entry::directory(path, self.epoch), origin, touched });
        }
    }

    /// The nodes and the origins.
    pub fn into_parts(self) -> (Vec<Node>, Vec<Origin>) {
        (self.nodes.into_values().collect(), self.origins)
    }
}

/// Refuses names that would delete files in a layer.
pub fn check_name(path: &TreePath, origin: &Origin) -> Result<(), MergeError> {
    let whiteout = |bytes: &[u8]| bytes.starts_with(b".wh.") || bytes.windows(5).any(|part| part == b"/.wh.");
    if whiteout(path.as_bytes()) {
        return Err(MergeError::WhiteoutName { path: path.absolute(), origin: origin.clone() });
    }
    Ok(())
}

/// `name`, a plain component, in `directory`.
fn below(directory: Option<&TreePath>, name: &[u8]) -> TreePath {
    let joined = match directory {
        Some(directory) => directory.join(name),
        None => TreePath::new(name),
    };
    joined.expect("components of a path and of a link target are plain")
}
