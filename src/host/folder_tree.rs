//! A folder of this host, such as an unpacked root file system, as one side of a comparison.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use rustix::fs::OFlags;

use crate::audit::diff::{Cancelled, DiffError, Fetch, Side, Spool};
use crate::digest::Digest;
use crate::image::read::HashingSink;
use crate::tree::{ContentSink, Entry, EntryKind, Tree, TreePath};

/// The folder at `path` as a side named `name`. Links are not followed, and what is mounted below is part of it.
pub fn read_folder<'a>(name: &str, path: &Path, cancelled: Cancelled<'a>) -> Result<Side<'a>, DiffError> {
    let found = walk(path, cancelled)?;
    let mut inodes: BTreeMap<(u64, u64), u32> = BTreeMap::new();
    for (_, metadata) in found.iter().filter(|(_, metadata)| metadata.is_file() && metadata.nlink() > 1) {
        let next = inodes.len() as u32;
        inodes.entry((metadata.dev(), metadata.ino())).or_insert(next);
    }
    let entries: Vec<Entry> = found
        .par_iter()
        .map(|(relative, metadata)| match cancelled() {
            true => Err(DiffError::Cancelled),
            false => entry(path, relative, metadata, &inodes),
        })
        .collect::<Result<_, DiffError>>()?;
    let files = entries.iter().filter_map(|entry| match &entry.kind {
        EntryKind::File { digest, .. } => Some((*digest, below(path, &entry.path))),
        _ => None,
    });
    let contents = Box::new(FolderContents { files: files.collect(), cancelled });
    let tree = Tree::new(entries).map_err(|error| changed(path, io::Error::other(error)))?;
    Ok(Side { name: name.to_owned(), manifest: None, documents: BTreeMap::new(), tree, contents })
}

fn below(root: &Path, path: &TreePath) -> PathBuf {
    root.join(std::ffi::OsStr::from_bytes(path.as_bytes()))
}

fn changed(path: &Path, source: io::Error) -> DiffError {
    DiffError::Unreadable { path: path.display().to_string(), source }
}

/// Everything below `root` with what the system says of it.
fn walk(root: &Path, cancelled: Cancelled<'_>) -> Result<Vec<(TreePath, fs::Metadata)>, DiffError> {
    let (mut found, mut pending) = (Vec::new(), vec![root.to_owned()]);
    while let Some(folder) = pending.pop() {
        if cancelled() {
            return Err(DiffError::Cancelled);
        }
        for entry in fs::read_dir(&folder).map_err(|error| changed(&folder, error))? {
            let path = entry.map_err(|error| changed(&folder, error))?.path();
            let metadata = fs::symlink_metadata(&path).map_err(|error| changed(&path, error))?;
            let relative = path.strip_prefix(root).expect("what is in a folder is below it");
            let relative = TreePath::new(relative.as_os_str().as_bytes());
            let relative = relative.map_err(|error| changed(&path, io::Error::other(error)))?;
            if metadata.is_dir() {
                pending.push(path);
            } else if !metadata.is_file() && !metadata.is_symlink() {
                return Err(DiffError::SpecialFile { path: path.display().to_string() });
            }
            found.push((relative, metadata));
        }
    }
    Ok(found)
}

fn entry(
    root: &Path,
    relative: &TreePath,
    metadata: &fs::Metadata,
    inodes: &BTreeMap<(u64, u64), u32>,
) -> Result<Entry, DiffError> {
    let path = below(root, relative);
    let unreadable = |error: io::Error| changed(&path, error);
    let kind = if metadata.is_dir() {
        EntryKind::Directory
    } else if metadata.is_symlink() {
        let target = fs::read_link(&path).map_err(unreadable)?;
        EntryKind::Symlink { target: target.into_os_string().as_bytes().to_vec() }
    } else {
        let (digest, size) = HashingSink.keep(&mut open(&path).map_err(unreadable)?)?;
        EntryKind::File { digest, size, link: inodes.get(&(metadata.dev(), metadata.ino())).copied() }
    };
    Ok(Entry {
        path: relative.clone(),
        mode: if metadata.is_symlink() { 0o777 } else { (metadata.mode() & 0o7777) as u16 },
        uid: metadata.uid(),
        gid: metadata.gid(),
        mtime: metadata.mtime(),
        xattrs: attributes(&path).map_err(unreadable)?,
        kind,
    })
}

/// Opens a file that is no link, and does not wait where a pipe took its place.
fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    OpenOptions::new().read(true).custom_flags(flags.bits() as i32).open(path)
}

/// The extended attributes; none where the file system knows none.
fn attributes(path: &Path) -> io::Result<BTreeMap<Vec<u8>, Vec<u8>>> {
    const MOST: usize = 64 << 10;
    let mut names = vec![0; MOST];
    let length = match rustix::fs::llistxattr(path, names.as_mut_slice()) {
        Err(rustix::io::Errno::NOTSUP) => return Ok(BTreeMap::new()),
        other => other?,
    };
    let mut found = BTreeMap::new();
    for name in names[..length].split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
        let mut value = vec![0; MOST];
        let length = match rustix::fs::lgetxattr(path, name, value.as_mut_slice()) {
            // What only the system itself may see is not the tree's.
            Err(rustix::io::Errno::NODATA | rustix::io::Errno::NOTSUP) => continue,
            other => other?,
        };
        value.truncate(length);
        found.insert(name.to_vec(), value);
    }
    Ok(found)
}

/// The contents of a folder by their digests.
struct FolderContents<'a> {
    files: BTreeMap<Digest, PathBuf>,
    cancelled: Cancelled<'a>,
}

impl Fetch for FolderContents<'_> {
    fn fetch(&self, wanted: &BTreeSet<Digest>, spool: &dyn Spool) -> Result<(), DiffError> {
        let mut sink = spool.sink()?;
        for digest in wanted {
            if (self.cancelled)() {
                return Err(DiffError::Cancelled);
            }
            let Some(path) = self.files.get(digest) else { continue };
            let mut file = open(path).map_err(|error| changed(path, error))?;
            if sink.keep(&mut file)?.0 != *digest {
                return Err(changed(path, io::Error::other("it changed while it was compared")));
            }
        }
        Ok(())
    }
}
