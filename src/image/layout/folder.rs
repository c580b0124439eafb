//! The one way in which images reach a file system.

use std::io::{self, Read, Write};
use std::path::PathBuf;

/// Why the folder could not be read or written.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("cannot {action} {}", path.display())]
#[diagnostic(
    code(hbuild::image::output_folder),
    help("check that the output folder (`-o`, `out/` by default) can be written and that the disk has room")
)]
pub struct FolderError {
    /// `write`, `read`, ….
    pub action: &'static str,
    /// What.
    pub path: PathBuf,
    /// What the system said.
    #[source]
    pub source: io::Error,
}

/// A folder of plain files. Paths are relative to it, with `/` between components and without `..`.
pub trait Folder: Sync {
    /// Makes the folder where it does not exist, and keeps every other writer out until the guard is dropped.
    fn lock(&self) -> Result<Box<dyn Send + '_>, FolderError>;

    /// The length of the regular file `path` in bytes, or `None` where there is none.
    fn size(&self, path: &str) -> Result<Option<u64>, FolderError>;

    /// A reader over the file `path`, or `None` where there is none.
    fn open(&self, path: &str) -> Result<Option<Box<dyn Read + Send>>, FolderError>;

    /// The names in the folder `path` (`""` is the folder itself), sorted; none where it does not exist.
    fn list(&self, path: &str) -> Result<Vec<String>, FolderError>;

    /// A new file that appears at `path`, in place of what was there, when it is finished. Dropped unfinished,
    /// it leaves nothing. Folders above it are made.
    fn create(&self, path: &str) -> Result<Box<dyn NewFile + '_>, FolderError>;

    /// Removes the file or the empty folder `path`; one that is not there is no error.
    fn remove(&self, path: &str) -> Result<(), FolderError>;
}

/// A file being written.
pub trait NewFile: Write + Send {
    /// Puts it in its place.
    fn finish(self: Box<Self>) -> Result<(), FolderError>;
}
