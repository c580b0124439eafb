//! A merged tree as a folder of files.

use std::io::Read;

use crate::digest::Digest;
use crate::image::layer::with_parents;
use crate::image::layout::FolderError;
use crate::tree::{ContentError, Contents, Entry, EntryKind, Tree, TreePath};

/// Why a root file system could not be written.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum RootError {
    /// Something else stands there.
    #[error("`{name}` exists and was not written by hbuild")]
    #[diagnostic(
        code(hbuild::image::foreign_root),
        help("remove it, or give another folder with `-o`: hbuild replaces only what it wrote itself")
    )]
    Foreign {
        /// Its name.
        name: String,
    },
    /// A content could not be had.
    #[error("cannot read the content of {path}")]
    #[diagnostic(
        code(hbuild::image::unreadable_content),
        help("run `hbuild store verify --repair`, then build again")
    )]
    Content {
        /// The file.
        path: TreePath,
        /// What the store said.
        #[source]
        source: ContentError,
    },
    /// The file system refused.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Folder(#[from] FolderError),
    /// The user stopped it.
    #[error("stopped")]
    #[diagnostic(code(hbuild::image::stopped), help("nothing was left behind; run the command again"))]
    Cancelled,
}

/// What stands where a root file system shall be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RootState {
    /// Nothing, or an empty folder.
    Free,
    /// What hbuild wrote from the tree of this digest.
    Written(Digest),
    /// Anything else.
    Foreign,
}

/// A place for a root file system.
pub trait RootTarget {
    /// What stands there.
    fn state(&self) -> Result<RootState, FolderError>;

    /// Whether owners, setuid bits and privileged attributes can be set there.
    fn keeps_owners(&self) -> bool;

    /// A new root beside the place, seen by nobody until it is finished; dropped unfinished, it leaves
    /// nothing.
    fn begin(&self) -> Result<Box<dyn NewRoot + '_>, FolderError>;
}

/// A root file system being written. No operation follows a symlink.
pub trait NewRoot {
    /// Makes the entry without its metadata; a file gets all that `content` gives.
    fn make(&mut self, entry: &Entry, content: &mut dyn Read) -> Result<(), FolderError>;

    /// Makes `path` another name of `first`.
    fn link(&mut self, first: &TreePath, path: &TreePath) -> Result<(), FolderError>;

    /// Sets owner (where [`RootTarget::keeps_owners`]), mode, attributes and time.
    fn set_metadata(&mut self, entry: &Entry) -> Result<(), FolderError>;

    /// Puts it in its place, instead of what hbuild wrote there before, and remembers `tree` and the `size` of its
    /// files in bytes.
    fn finish(self: Box<Self>, tree: Digest, size: u64) -> Result<(), FolderError>;
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RootReport {
    /// Whether anything was written at all.
    pub changed: bool,
    /// Whether owners are those of the image; else all files belong to the user who ran hbuild.
    pub owners: bool,
    /// Files that lost a setuid or setgid bit or an attribute because of that.
    pub reduced: Vec<TreePath>,
}

/// The name of the folder for one platform.
pub fn root_name(image: &str, variant: &str, arch: hbuild_lang::recipe::Arch) -> String {
    format!("{image}-{variant}-{arch}.rootfs")
}

/// Unpacks `tree` at `target`, whose name for people is `name`. Without the right to set owners (an ordinary
/// user) files belong to who runs it and lose setuid, setgid and attributes, which the report says.
pub fn write_root(
    name: &str,
    tree: &Tree,
    epoch: i64,
    contents: &dyn Contents,
    target: &dyn RootTarget,
    cancelled: &dyn Fn() -> bool,
) -> Result<RootReport, RootError> {
    let (digest, size) = (tree.digest(), tree.content_size());
    let owners = target.keeps_owners();
    match target.state()? {
        RootState::Foreign => return Err(RootError::Foreign { name: name.to_owned() }),
        RootState::Written(stands) if stands == digest => {
            return Ok(RootReport { changed: false, owners, reduced: Vec::new() });
        }
        _ => {}
    }
    let mut new = target.begin()?;
    let tree = with_parents(tree, epoch);
    let mut first_names: Vec<&TreePath> = Vec::new();
    let mut reduced = Vec::new();
    for entry in tree.entries() {
        if cancelled() {
            return Err(RootError::Cancelled);
        }
        match &entry.kind {
            EntryKind::File { link: Some(group), .. } if (*group as usize) < first_names.len() => {
                new.link(first_names[*group as usize], &entry.path)?;
            }
            EntryKind::File { digest, link, .. } => {
                let failed = |source| RootError::Content { path: entry.path.clone(), source };
                let mut content = contents.open(digest).map_err(failed)?;
                new.make(entry, &mut content)?;
                first_names.extend(link.map(|_| &entry.path));
            }
            _ => new.make(entry, &mut std::io::empty())?,
        }
        if !owners && !entry.is_directory() && (entry.mode & 0o6000 != 0 || !entry.xattrs.is_empty()) {
            reduced.push(entry.path.clone());
        }
    }
    // Backwards, so that writing below a directory neither is forbidden by its mode nor changes its time.
    for entry in tree.entries().iter().rev() {
        new.set_metadata(entry)?;
    }
    new.finish(digest, size)?;
    Ok(RootReport { changed: true, owners, reduced })
}
