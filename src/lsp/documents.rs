//! The documents that are open in the editor, which stand before those on the disk.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use hbuild_lang::assist::standard_text;
use hbuild_lang::{FileError, Files};
use lsp_types::{TextDocumentContentChangeEvent, Uri};

use super::position::{Encoding, Lines};
use super::uri::uri_of;
use crate::host::files::RecipeFolder;

/// An open document.
#[derive(Debug, Clone)]
pub struct Document {
    /// Its URI as the editor writes it.
    pub uri: Uri,
    /// The editor's number of this text.
    pub version: i32,
    /// Its text.
    pub text: String,
}

/// All open documents, by path.
#[derive(Debug, Default)]
pub struct Documents {
    open: BTreeMap<PathBuf, Document>,
}

impl Documents {
    /// The open document at `path`.
    pub fn get(&self, path: &Path) -> Option<&Document> {
        self.open.get(path)
    }

    /// The paths of all of them.
    pub fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        self.open.keys()
    }

    /// Opens a document, or gives it a new text.
    pub fn put(&mut self, path: PathBuf, document: Document) {
        self.open.insert(path, document);
    }

    /// Closes a document.
    pub fn close(&mut self, path: &Path) {
        self.open.remove(path);
    }

    /// Changes a document. A range that is none of the text's is the nearest that is.
    pub fn change(
        &mut self,
        path: &Path,
        version: i32,
        changes: Vec<TextDocumentContentChangeEvent>,
        encoding: Encoding,
    ) {
        let Some(document) = self.open.get_mut(path) else { return };
        document.version = version;
        for change in changes {
            match change.range {
                Some(range) => {
                    let bytes = Lines::new(&document.text, encoding).bytes(&range);
                    document.text.replace_range(bytes, &change.text);
                }
                None => document.text = change.text,
            }
        }
    }

    /// The URI of a path: the editor's own where the document is open.
    pub fn uri(&self, path: &Path) -> Uri {
        self.open.get(path).map_or_else(|| uri_of(path), |document| document.uri.clone())
    }
}

/// The files below the folder of an entry: open documents, else the disk.
pub struct Overlay<'a> {
    documents: &'a Documents,
    folder: PathBuf,
    disk: RecipeFolder,
    /// What was asked for.
    read: RefCell<BTreeSet<PathBuf>>,
}

impl<'a> Overlay<'a> {
    /// The files below `folder`.
    pub fn new(documents: &'a Documents, folder: &Path) -> Self {
        let disk = RecipeFolder::new(if folder.as_os_str().is_empty() { Path::new(".") } else { folder });
        Self { documents, folder: folder.to_owned(), disk, read: RefCell::default() }
    }

    /// The paths of all files that were asked for, there or not.
    pub fn into_read(self) -> BTreeSet<PathBuf> {
        self.read.into_inner()
    }
}

impl Files for Overlay<'_> {
    fn read(&self, path: &str) -> Result<Vec<u8>, FileError> {
        if let Some(text) = path.strip_prefix("std/").and_then(standard_text) {
            return Ok(text.as_bytes().to_vec());
        }
        let whole = self.folder.join(path);
        self.read.borrow_mut().insert(whole.clone());
        match self.documents.get(&whole) {
            Some(document) => Ok(document.text.clone().into_bytes()),
            None if self.folder.as_os_str().is_empty() => {
                let reason = "save the document first: an import is relative to its folder".to_owned();
                Err(FileError { path: path.to_owned(), reason })
            }
            None => self.disk.read(path),
        }
    }
}
