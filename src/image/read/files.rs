//! Where the files of a layout come from.

use std::io::Read;

use super::ReadError;
use crate::image::layout::Folder;

/// The files of a layout by name. Several threads may read at once.
pub trait ImageFiles: Sync {
    /// A reader over the file `path`, or `None` where there is none. What is no plain file is an error.
    fn open(&self, path: &str) -> Result<Option<Box<dyn Read + Send + '_>>, ReadError>;
}

/// The files of a layout folder.
#[derive(Clone, Copy)]
pub struct FolderFiles<'a>(pub &'a dyn Folder);

impl ImageFiles for FolderFiles<'_> {
    fn open(&self, path: &str) -> Result<Option<Box<dyn Read + Send + '_>>, ReadError> {
        Ok(self.0.open(path)?.map(|reader| reader as Box<dyn Read + Send>))
    }
}
