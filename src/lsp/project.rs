//! A document with all that belongs to it: the files it imports, what is wrong with them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use hbuild_lang::Diagnostic;
use hbuild_lang::assist::Analysis;

use super::documents::{Documents, Overlay};

/// An analysed document.
pub struct Project {
    /// The folder that names of files are relative to.
    pub folder: PathBuf,
    /// The name of the document in it.
    pub entry: String,
    /// What is known of it; where it could not be read, what is to be said.
    pub analysis: Result<Analysis, Vec<Diagnostic>>,
    /// All files that it depends on, there or not.
    pub reads: BTreeSet<PathBuf>,
}

/// The folder and the name of the document at `path`; `standard` is where modules of the standard library are
/// put for editors.
pub fn split(path: &Path, standard: Option<&Path>) -> (PathBuf, String) {
    if let Some(inner) = standard.and_then(|folder| path.strip_prefix(folder).ok())
        && let Some(name) = inner.to_str().and_then(|name| name.strip_suffix(".hb"))
    {
        return (PathBuf::new(), format!("std/{name}"));
    }
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    (path.parent().unwrap_or(Path::new("")).to_owned(), name)
}

impl Project {
    /// The document at `path` as it is now.
    pub fn new(documents: &Documents, path: &Path, standard: Option<&Path>) -> Self {
        let (folder, entry) = split(path, standard);
        let files = Overlay::new(documents, &folder);
        let analysis = Analysis::new(&files, &entry);
        let mut reads = files.into_read();
        reads.insert(path.to_owned());
        Self { folder, entry, analysis, reads }
    }

    /// The path of the file that the analysis calls `name`; `None` for a module of the standard library.
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        (!name.starts_with("std/")).then(|| self.folder.join(name))
    }
}
