//! What effects and rules work on: the root, the packages, and a place for generated files.

use std::collections::{BTreeMap, BTreeSet};

use super::root::{Node, Root};
use super::{MergeError, Package};
use crate::digest::Digest;
use crate::graph::Merge;
use crate::tree::{ContentSink, Contents, Entry, EntryKind, Origin, TreePath};

/// Mode, user id and group id.
pub type Ownership = (u16, u32, u32);

/// The image under construction with all that its makers need.
pub struct Workspace<'a> {
    /// The root.
    pub root: Root,
    /// What was asked for.
    pub parameters: &'a Merge,
    /// The packages, in the order in which they were merged.
    pub packages: Vec<Package>,
    /// Warnings for people and the evidence.
    pub warnings: Vec<String>,
    /// Paths that the recipe makes itself: no effect writes them.
    pub reserved: BTreeSet<TreePath>,
    /// Accounts and groups of an image that this one extends, which are not taken over.
    pub left_out: BTreeSet<String>,
    contents: &'a dyn Contents,
    sink: &'a mut dyn ContentSink,
    generated: BTreeMap<Digest, Vec<u8>>,
}

impl<'a> Workspace<'a> {
    /// A workspace over `root`.
    pub fn new(
        root: Root,
        parameters: &'a Merge,
        packages: Vec<Package>,
        contents: &'a dyn Contents,
        sink: &'a mut dyn ContentSink,
    ) -> Self {
        let (warnings, reserved, generated) = (Vec::new(), BTreeSet::new(), BTreeMap::new());
        let left_out = BTreeSet::new();
        Self { root, parameters, packages, warnings, reserved, left_out, contents, sink, generated }
    }

    /// The contents of the packages' files.
    pub fn contents(&self) -> &'a dyn Contents {
        self.contents
    }

    /// The tree path of an absolute one that the code itself names.
    pub fn path(text: &str) -> TreePath {
        let path = TreePath::from_absolute(text).ok().flatten();
        path.expect("the code names plain absolute paths")
    }

    /// The content with this digest, of a package or generated.
    pub fn content(&self, digest: &Digest) -> Result<Vec<u8>, MergeError> {
        match self.generated.get(digest) {
            Some(bytes) => Ok(bytes.clone()),
            None => Ok(self.contents.read(digest)?),
        }
    }

    /// The content of the file at the absolute path `path`, links followed; `None` where no file is.
    pub fn read(&self, path: &str) -> Result<Option<Vec<u8>>, MergeError> {
        self.read_path(&Self::path(path))
    }

    /// The same for a path of the tree.
    pub fn read_path(&self, path: &TreePath) -> Result<Option<Vec<u8>>, MergeError> {
        match self.root.follow(path).map(|node| &node.entry.kind) {
            Some(EntryKind::File { digest, .. }) => self.content(digest).map(Some),
            _ => Ok(None),
        }
    }

    /// Whether something stands at `path`, links followed.
    pub fn exists(&self, path: &str) -> bool {
        self.root.follow(&Self::path(path)).is_some()
    }

    /// Keeps `bytes` as the content of a generated file.
    pub fn keep(&mut self, bytes: Vec<u8>) -> Result<(Digest, u64), MergeError> {
        let digest = self.sink.keep_bytes(&bytes)?;
        let size = bytes.len() as u64;
        self.generated.insert(digest, bytes);
        Ok((digest, size))
    }

    /// Writes the file `path` as the effect `effect`, unless the recipe makes it or a directory is there.
    pub fn write(
        &mut self,
        effect: &str,
        path: &TreePath,
        bytes: Vec<u8>,
        (mode, uid, gid): Ownership,
    ) -> Result<(), MergeError> {
        let Some(path) = self.free(path) else { return Ok(()) };
        let (digest, size) = self.keep(bytes)?;
        let mut entry = Entry::file(path, digest, size, mode, self.root.epoch());
        (entry.uid, entry.gid) = (uid, gid);
        self.put(effect, entry);
        Ok(())
    }

    /// Makes the link `path`, likewise.
    pub fn link(&mut self, effect: &str, path: &TreePath, target: impl Into<Vec<u8>>) {
        if let Some(path) = self.free(path) {
            let entry = Entry::symlink(path, target, self.root.epoch());
            self.put(effect, entry);
        }
    }

    /// Makes the directory `path` where nothing stands.
    pub fn directory(&mut self, effect: &str, path: &TreePath, (mode, uid, gid): Ownership) {
        let Ok(path) = self.root.real_path(path) else { return };
        if self.root.get(&path).is_none() && !self.reserved.contains(&path) {
            let mut entry = Entry::directory(path, self.root.epoch());
            (entry.mode, entry.uid, entry.gid) = (mode, uid, gid);
            self.put(effect, entry);
        }
    }

    fn put(&mut self, effect: &str, entry: Entry) {
        let origin = self.root.origin_number(&Origin::effect(effect));
        self.root.make_parents(&entry.path, origin, true);
        self.root.insert(Node { entry, origin, touched: true });
    }

    /// Where `path` really is, when an effect may write there.
    fn free(&self, path: &TreePath) -> Option<TreePath> {
        let path = self.root.real_path(path).ok()?;
        let taken = self.root.get(&path).is_some_and(|node| node.entry.is_directory());
        (!taken && !self.reserved.contains(&path)).then_some(path)
    }

    /// The packages that the effect table gives the effect `name`.
    pub fn has_effect(&self, name: &str) -> bool {
        self.packages.iter().any(|package| {
            let effects = self.parameters.effects.get(&package.name);
            effects.is_some_and(|effects| effects.iter().any(|effect| effect == name))
        })
    }
}
