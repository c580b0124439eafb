//! A tree as a tar archive.

use std::io::{self, Write};

use super::file::write_if_different;
use crate::exec::BuildError;
use crate::image::layer::write_archive;
use crate::image::layout::{Folder, FolderError, LayoutError};
use crate::tree::{Contents, Tree};

/// Writes `tree` as the archive `name` into `folder`. Returns whether the file was not already so.
pub fn write_tree_archive(
    name: &str,
    tree: &Tree,
    contents: &dyn Contents,
    folder: &dyn Folder,
    cancelled: &dyn Fn() -> bool,
) -> Result<bool, LayoutError> {
    let produce = |out: &mut dyn Write| {
        let mut sink = |block: &[u8]| match cancelled() {
            true => Err(BuildError::Cancelled),
            false => out.write_all(block).map_err(|error| BuildError::Content(error.into())),
        };
        match write_archive(tree, contents, &mut sink) {
            Ok(_) => Ok(()),
            Err(BuildError::Cancelled) => Err(LayoutError::Cancelled),
            Err(error) => {
                let source = io::Error::other(error);
                Err(FolderError { action: "write", path: name.into(), source }.into())
            }
        }
    };
    write_if_different(folder, name, &produce)
}
