//! Packages over each other, by the rules of dpkg.

use std::collections::BTreeMap;

use super::root::{Node, Root, check_name};
use super::{MergeError, Package, usrmerge};
use crate::image::effects::Diversion;
use crate::tree::{Entry, EntryKind, Origin, Tree, TreePath};

/// Lays packages over each other.
pub struct Layering<'a> {
    /// Where to.
    pub root: &'a mut Root,
    /// All packages.
    pub packages: &'a [Package],
    /// All diversions.
    pub diversions: &'a [Diversion],
    /// Whether top folders lead into `/usr`.
    pub merged: bool,
    /// The package of each origin number.
    owners: BTreeMap<u32, usize>,
    parents: Parents,
}

/// Where the folders of paths really are, with the last one kept: the paths of a tree are in order.
#[derive(Debug, Default)]
pub struct Parents {
    /// The last parent, and where it is when that is elsewhere.
    last: Option<(TreePath, Option<TreePath>)>,
}

impl Parents {
    /// Forgets what was looked up: the root has changed.
    pub fn forget(&mut self) {
        self.last = None;
    }

    /// `path` of `origin` with every link among its parents followed.
    pub fn real(&mut self, root: &Root, path: &TreePath, origin: &Origin) -> Result<TreePath, MergeError> {
        let Some(parent) = path.parent() else { return Ok(path.clone()) };
        let known = self.last.as_ref().is_some_and(|(last, _)| *last == parent);
        if !known {
            let real = root.real_directory(&parent).map_err(|link| MergeError::BrokenLink {
                path: path.clone(),
                link,
                origin: origin.clone(),
            })?;
            let moved = real.as_ref() != Some(&parent);
            self.last = Some((parent, if moved { real } else { None }));
        }
        let real = self.last.as_ref().and_then(|(_, real)| real.as_ref());
        Ok(match real {
            Some(real) => real.join(path.file_name()).expect("a name below a path is plain"),
            None => path.clone(),
        })
    }
}

impl<'a> Layering<'a> {
    /// Layers into `root`.
    pub fn new(
        root: &'a mut Root,
        packages: &'a [Package],
        diversions: &'a [Diversion],
        merged: bool,
    ) -> Self {
        Self { root, packages, diversions, merged, owners: BTreeMap::new(), parents: Parents::default() }
    }

    /// Adds the files of package number `number`.
    pub fn add(&mut self, number: usize, tree: &Tree) -> Result<(), MergeError> {
        let origin = self.root.origin_number(&self.packages[number].origin);
        self.owners.insert(origin, number);
        let groups = link_groups(tree);
        let base = self.root.reserve_groups(groups);
        self.parents.forget();
        for entry in tree.entries() {
            check_name(&entry.path, &self.packages[number].origin)?;
            if let Some(path) = self.place(entry, number)? {
                let mut entry = Entry { path, ..entry.clone() };
                if let EntryKind::File { link: Some(link), .. } = &mut entry.kind {
                    *link += base;
                }
                self.put(entry, origin, number)?;
            }
        }
        Ok(())
    }

    /// Where an entry of a package goes: into `/usr`, aside by a diversion, through the links above it. `None`
    /// for a directory that is an alias.
    fn place(&mut self, entry: &Entry, number: usize) -> Result<Option<TreePath>, MergeError> {
        let mut path = entry.path.clone();
        if self.merged {
            match usrmerge::canonical(&path) {
                Some(_) if usrmerge::is_alias(&path) && !entry.is_directory() => return Ok(Some(path)),
                Some(canonical) => path = canonical,
                None => {}
            }
        }
        if !entry.is_directory() {
            let name = &self.packages[number].name;
            let aside = self
                .diversions
                .iter()
                .find(|diversion| diversion.from == path && diversion.package.as_ref() != Some(name));
            path = aside.map_or(path, |diversion| diversion.to.clone());
        }
        self.parents.real(self.root, &path, &self.packages[number].origin).map(Some)
    }

    fn put(&mut self, entry: Entry, origin: u32, number: usize) -> Result<(), MergeError> {
        let Some(found) = self.root.get(&entry.path) else {
            self.root.make_parents(&entry.path, origin, false);
            self.root.insert(Node { entry, origin, touched: false });
            return Ok(());
        };
        let (first, is_directory) = (found.origin, found.entry.is_directory());
        match (&found.entry.kind, &entry.kind) {
            // The first package's directory stands, also where a later one has a link in its place.
            (EntryKind::Directory, EntryKind::Directory | EntryKind::Symlink { .. }) => return Ok(()),
            (EntryKind::Symlink { .. }, EntryKind::Directory)
                if self.root.real_directory(&entry.path).is_ok() =>
            {
                return Ok(());
            }
            _ => {}
        }
        let (path, first_origin) = (entry.path.clone(), self.root.origin(first).clone());
        let second = self.packages[number].origin.clone();
        if is_directory || entry.is_directory() {
            return Err(MergeError::KindConflict { path, first: first_origin, second });
        }
        let other = &self.packages[self.owners[&first]];
        let package = &self.packages[number];
        if package.replaces(other)? {
            self.root.insert(Node { entry, origin, touched: false });
            return Ok(());
        }
        let found = &self.root.get(&path).expect("it was found above").entry;
        let shared = package.name == other.name
            && package.is_multi_arch_same()
            && other.is_multi_arch_same()
            && is_same_content(found, &entry);
        if shared || other.replaces(package)? {
            return Ok(());
        }
        Err(MergeError::FileConflict { path, first: first_origin, second })
    }
}

fn is_same_content(a: &Entry, b: &Entry) -> bool {
    let kinds = match (&a.kind, &b.kind) {
        (EntryKind::File { digest: a, .. }, EntryKind::File { digest: b, .. }) => a == b,
        (EntryKind::Symlink { target: a }, EntryKind::Symlink { target: b }) => a == b,
        _ => false,
    };
    kinds && (a.mode, a.uid, a.gid) == (b.mode, b.uid, b.gid) && a.xattrs == b.xattrs
}

/// The number of hard-link groups in a tree.
pub fn link_groups(tree: &Tree) -> u32 {
    let groups = tree.entries().iter().filter_map(|entry| match entry.kind {
        EntryKind::File { link: Some(group), .. } => Some(group + 1),
        _ => None,
    });
    groups.max().unwrap_or(0)
}

/// The error of a content that meets something else at `path`.
pub fn content_conflict(path: TreePath, first: &Origin, second: &Origin, directory: bool) -> MergeError {
    let (first, second) = (first.clone(), second.clone());
    if directory {
        return MergeError::KindConflict { path, first, second };
    }
    MergeError::NotReplacing { path, first, second }
}
