//! The layers of an OCI image, lowest first, to one tree.
//!
//! Each layer is read like any archive. What it deletes of those below it (`.wh.<name>`, and all of a directory with
//! `.wh..wh..opq`) never touches what it brings itself, in whatever order both stand (OCI image specification,
//! "Whiteouts"). What lies behind a symbolic link of a lower layer goes where the link leads within the tree.

use std::collections::BTreeMap;
use std::io::BufRead;
use std::ops::Bound;

use super::collect::{Collector, read_all};
use super::error::shown;
use super::{ArchiveProblem, Cancelled, Encoding, Limits, TarForm, UnpackError};
use crate::digest::Digest;
use crate::tree::{ContentSink, Entry, EntryKind, Tree, TreePath};

/// Linux gives up after 40 symlinks (`ELOOP`).
const MOST_LINKS: usize = 40;

/// The tree that the layers so far make.
#[derive(Debug, Default)]
pub struct Layers {
    entries: BTreeMap<TreePath, Entry>,
    groups: u32,
    count: u64,
    metadata: u64,
}

/// One layer, put over no other yet.
#[derive(Debug, Clone)]
pub struct Layer {
    tree: Tree,
    marks: Marks,
    count: u64,
    metadata: u64,
}

/// What one layer does.
#[derive(Debug, Clone, Default)]
pub(super) struct Marks {
    /// Directories of which nothing of lower layers stays; the root where `None`.
    pub opaque: Vec<Option<TreePath>>,
    /// Paths of lower layers that go.
    pub deleted: Vec<TreePath>,
    /// Names for files of lower layers: the name, and the file's path as the archive has it.
    pub links: Vec<(TreePath, Vec<u8>)>,
}

impl Layer {
    /// The layer in the tar stream `source`. Parameters are those of [`unpack_tar`](super::unpack_tar).
    pub fn read(
        source: impl BufRead,
        encoding: Encoding,
        about: (&str, &str, u64),
        limits: &Limits,
        sink: &mut dyn ContentSink,
        cancelled: Cancelled<'_>,
    ) -> Result<Self, UnpackError> {
        Self::read_after((0, 0), source, encoding, about, limits, (sink, cancelled))
    }

    /// The digest of each file's content.
    pub fn contents(&self) -> impl Iterator<Item = Digest> {
        self.tree.entries().iter().filter_map(|entry| match &entry.kind {
            EntryKind::File { digest, .. } => Some(*digest),
            _ => None,
        })
    }

    fn read_after(
        before: (u64, u64),
        source: impl BufRead,
        encoding: Encoding,
        about: (&str, &str, u64),
        limits: &Limits,
        (sink, cancelled): (&mut dyn ContentSink, Cancelled<'_>),
    ) -> Result<Self, UnpackError> {
        let mut collector = Collector::new(TarForm::Layer, limits);
        (collector.count, collector.metadata) = before;
        read_all(&mut collector, source, encoding, about, sink, cancelled)?;
        let (count, metadata) = (collector.count, collector.metadata);
        let marks = std::mem::take(&mut collector.marks);
        let tree = collector.finish().map_err(|problem| UnpackError::archive(about.0, problem))?;
        Ok(Self { tree, marks, count, metadata })
    }
}

impl Layers {
    /// Puts the layer in the tar stream `source` over those before. Parameters are those of
    /// [`unpack_tar`](super::unpack_tar); `limits` hold for all layers together.
    pub fn add(
        &mut self,
        source: impl BufRead,
        encoding: Encoding,
        about: (&str, &str, u64),
        limits: &Limits,
        sink: &mut dyn ContentSink,
        cancelled: Cancelled<'_>,
    ) -> Result<(), UnpackError> {
        let before = (self.count, self.metadata);
        let layer = Layer::read_after(before, source, encoding, about, limits, (sink, cancelled))?;
        (self.count, self.metadata) = (layer.count, layer.metadata);
        self.put(layer).map_err(|problem| UnpackError::archive(about.0, problem))
    }

    /// Puts a layer that was read by itself, which `archive` names in errors, over those before.
    pub fn put_over(&mut self, archive: &str, layer: Layer, limits: &Limits) -> Result<(), UnpackError> {
        self.count += layer.count;
        self.metadata += layer.metadata;
        let many = self.count > limits.entries || self.metadata > limits.metadata;
        let many = many.then_some(ArchiveProblem::TooManyEntries { limit: limits.entries });
        many.map_or_else(|| self.put(layer), Err).map_err(|problem| UnpackError::archive(archive, problem))
    }

    /// The tree of all layers.
    pub fn finish(self) -> Tree {
        Tree::new(self.entries.into_values().collect()).expect("each entry was put below directories alone")
    }

    fn put(&mut self, Layer { tree: layer, marks, .. }: Layer) -> Result<(), ArchiveProblem> {
        for directory in marks.opaque {
            match directory.map(|directory| self.place(&directory, &layer)).transpose()? {
                Some(directory) => self.remove_below(&directory),
                None => self.entries.clear(),
            }
        }
        for path in marks.deleted {
            let path = self.place(&path, &layer)?;
            self.remove(&path);
        }
        let base = self.groups;
        for mut entry in layer.into_entries() {
            if let EntryKind::File { link: Some(group), .. } = &mut entry.kind {
                *group += base;
                self.groups = self.groups.max(*group + 1);
            }
            entry.path = self.real(&entry.path)?;
            self.insert(entry);
        }
        marks.links.into_iter().try_for_each(|(path, target)| self.link(path, &target))
    }

    fn insert(&mut self, entry: Entry) {
        let directory = |entry: &Entry| entry.is_directory();
        if !(entry.is_directory() && self.entries.get(&entry.path).is_none_or(directory)) {
            self.remove(&entry.path);
        }
        self.entries.insert(entry.path.clone(), entry);
    }

    fn remove(&mut self, path: &TreePath) {
        self.entries.remove(path);
        self.remove_below(path);
    }

    fn remove_below(&mut self, path: &TreePath) {
        let range = (Bound::Excluded(path.clone()), Bound::Unbounded);
        let below: Vec<TreePath> = self
            .entries
            .range(range)
            .map(|(path, _)| path)
            .take_while(|below| below.is_within(path))
            .cloned()
            .collect();
        for path in below {
            self.entries.remove(&path);
        }
    }

    /// Makes `path` a further name of a file of a lower layer.
    fn link(&mut self, path: TreePath, target: &[u8]) -> Result<(), ArchiveProblem> {
        let bad = || ArchiveProblem::BadHardLink { path: path.clone(), target: shown(target) };
        let first = TreePath::from_archive(target).ok().flatten().ok_or_else(bad)?;
        let first = self.real(&first)?;
        let groups = self.groups;
        let file = self.entries.get_mut(&first).filter(|entry| !entry.is_directory()).ok_or_else(bad)?;
        if let EntryKind::File { link: link @ None, .. } = &mut file.kind {
            *link = Some(groups);
            self.groups += 1;
        }
        let entry = Entry { path: path.clone(), ..file.clone() };
        let entry = Entry { path: self.real(&path)?, ..entry };
        self.insert(entry);
        Ok(())
    }

    /// Where a mark of `layer` at `path` stands: at `path` itself where the layer brings the directory.
    fn place(&self, path: &TreePath, layer: &Tree) -> Result<TreePath, ArchiveProblem> {
        let own = |parent: &TreePath| layer.get(parent).is_some();
        match path.parent().filter(|parent| !own(parent)) {
            Some(_) => self.real(path),
            None => Ok(path.clone()),
        }
    }

    /// `path` with the symbolic links above it followed, never out of the tree.
    fn real(&self, path: &TreePath) -> Result<TreePath, ArchiveProblem> {
        let Some(parent) = path.parent() else { return Ok(path.clone()) };
        let mut left = components(parent.as_bytes());
        let mut at: Vec<u8> = Vec::new();
        let mut links = 0;
        while let Some(component) = left.pop() {
            let before = at.len();
            if component == b".." {
                at.truncate(at.iter().rposition(|&byte| byte == b'/').unwrap_or(0));
                continue;
            }
            if before > 0 {
                at.push(b'/');
            }
            at.extend_from_slice(&component);
            let here = TreePath::new(&at).expect("plain components make a path");
            match self.entries.get(&here).map(|entry| &entry.kind) {
                None | Some(EntryKind::Directory) => {}
                Some(EntryKind::File { .. }) => {
                    return Err(ArchiveProblem::BelowFile { path: path.clone(), file: here });
                }
                Some(EntryKind::Symlink { target }) => {
                    links += 1;
                    if links > MOST_LINKS {
                        return Err(ArchiveProblem::ThroughSymlink { path: path.clone(), link: here });
                    }
                    at.truncate(if target.first() == Some(&b'/') { 0 } else { before });
                    left.extend(components(target));
                }
            }
        }
        if at.is_empty() {
            return Ok(TreePath::new(path.file_name()).expect("a name is a path"));
        }
        let parent = TreePath::new(&at).expect("plain components make a path");
        Ok(parent.join(path.file_name()).expect("a name below a path is plain"))
    }
}

/// The components of a path, last one first.
fn components(path: &[u8]) -> Vec<Vec<u8>> {
    let parts = path.split(|&byte| byte == b'/').filter(|part| !matches!(*part, b"" | b"."));
    parts.rev().map(<[u8]>::to_vec).collect()
}
