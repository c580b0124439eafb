//! A single file as a tree.

use std::io::Read;

use super::error::shown;
use super::{ArchiveProblem, UnpackError};
use crate::tree::{ContentSink, Entry, Tree, TreePath};

/// The tree whose one entry, `name`, has the content of `reader`. Root owns it.
pub fn single_file(
    reader: &mut dyn Read,
    archive: &str,
    (name, mode, mtime): (&str, u16, i64),
    sink: &mut dyn ContentSink,
) -> Result<Tree, UnpackError> {
    let irregular = || ArchiveProblem::IrregularPath { path: shown(name.as_bytes()) };
    let path = TreePath::new(name.as_bytes()).map_err(|_| UnpackError::archive(archive, irregular()))?;
    if name.contains('/') {
        return Err(UnpackError::archive(archive, irregular()));
    }
    if name.starts_with(".wh.") {
        return Err(UnpackError::archive(archive, ArchiveProblem::WhiteoutName { path }));
    }
    let (digest, size) = sink.keep(reader)?;
    let entry = Entry::file(path, digest, size, mode & 0o7777, mtime);
    Ok(Tree::new(vec![entry]).expect("one entry makes a tree"))
}
