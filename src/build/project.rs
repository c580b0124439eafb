//! A recipe file with everything that belongs to it: the files it imports, its value, its lock.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::path::{Path, PathBuf};

use hbuild_lang::recipe::{Recipe, SourceFrom};
use hbuild_lang::{Checked, FileError, Files};

use super::BuildFailure;
use crate::digest::Sha256;
use crate::graph::LocalSource;
use crate::host::discover::{LocalBytes, ReadError, read_local, read_text};
use crate::host::files::RecipeFolder;
use crate::lock::{LOCK_FILE, Lock};

/// Where the files of a project are: a folder of this host, or a bundle.
pub trait ProjectFiles: Files + Debug + Send + Sync {
    /// The text of the lock, where there is one.
    fn lock(&self) -> Result<Option<String>, ReadError>;

    /// The file or folder that the recipe names as `path`, a local source or a patch.
    fn local(&self, path: &str) -> Result<LocalBytes, ReadError>;
}

impl ProjectFiles for RecipeFolder {
    fn lock(&self) -> Result<Option<String>, ReadError> {
        let path = self.path().join(LOCK_FILE);
        if path.exists() { read_text(&path).map(Some) } else { Ok(None) }
    }

    fn local(&self, path: &str) -> Result<LocalBytes, ReadError> {
        read_local(&self.path().join(path))
    }
}

/// A recipe file, evaluated.
#[derive(Debug)]
pub struct Project {
    /// The folder of the recipe; its lock and its local sources are here.
    pub folder: PathBuf,
    /// File name of the recipe in that folder.
    pub file: String,
    /// Its value.
    pub recipe: Recipe,
    /// Warnings of the language, and the text of every file loaded.
    pub checked: Checked,
    /// Every file that evaluation read, by its path below the folder: recipe, imported files, keys.
    pub read: BTreeMap<String, Vec<u8>>,
    files: Box<dyn ProjectFiles>,
}

/// The folder of a recipe file, and its name there.
pub fn split(path: &Path) -> (PathBuf, String) {
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let file = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    (folder.unwrap_or(Path::new(".")).to_owned(), file)
}

impl Project {
    /// The recipe at `path`, evaluated, or all that is wrong with it.
    pub fn load(path: &Path) -> Result<Self, Checked> {
        let (folder, file) = split(path);
        Self::of(Box::new(RecipeFolder::new(&folder)), folder, file)
    }

    /// The recipe `file` among `files`, evaluated, or all that is wrong with it; `folder` is what messages call the
    /// place of the files.
    pub fn of(files: Box<dyn ProjectFiles>, folder: PathBuf, file: String) -> Result<Self, Checked> {
        let recording = Recording { files: &*files, read: RefCell::default() };
        let evaluated = hbuild_lang::evaluate(&recording, &file)?;
        let read = recording.read.into_inner();
        Ok(Self { folder, file, recipe: evaluated.recipe, checked: evaluated.checked, read, files })
    }

    /// The recipe's path for people, and for commands to type.
    pub fn path(&self) -> PathBuf {
        if self.folder == Path::new(".") { self.file.clone().into() } else { self.folder.join(&self.file) }
    }

    /// Where its lock stands.
    pub fn lock_path(&self) -> PathBuf {
        self.folder.join(LOCK_FILE)
    }

    /// Its lock, or `None` where there is none yet.
    pub fn read_lock(&self) -> Result<Option<Lock>, BuildFailure> {
        let text = self.lock_text()?;
        Ok(text.map(|text| Lock::parse(&text)).transpose()?)
    }

    /// The text of its lock.
    pub fn lock_text(&self) -> Result<Option<String>, ReadError> {
        self.files.lock()
    }

    /// SHA-256 of every file loaded, by its name (`common.hb`, `std/base`).
    pub fn digests(&self) -> BTreeMap<String, Sha256> {
        let texts = &self.checked.texts;
        texts.iter().map(|(name, text)| (name.clone(), Sha256::of(text.as_bytes()))).collect()
    }

    /// The local sources and patches of the recipe as they are now, by their path as the recipe wrote it.
    pub fn read_local_sources(&self) -> Result<BTreeMap<String, LocalBytes>, ReadError> {
        let mut found = BTreeMap::new();
        for source in &self.recipe.sources {
            let itself = match &source.from {
                SourceFrom::Path { path } => Some(path),
                _ => None,
            };
            for path in source.patches.iter().map(|patch| &patch.value).chain(itself) {
                if !found.contains_key(path) {
                    found.insert(path.clone(), self.files.local(path)?);
                }
            }
        }
        Ok(found)
    }
}

/// Files, with what was read of them.
struct Recording<'a> {
    files: &'a dyn ProjectFiles,
    read: RefCell<BTreeMap<String, Vec<u8>>>,
}

impl Files for Recording<'_> {
    fn read(&self, path: &str) -> Result<Vec<u8>, FileError> {
        let bytes = self.files.read(path)?;
        self.read.borrow_mut().insert(path.to_owned(), bytes.clone());
        Ok(bytes)
    }
}

impl From<&LocalBytes> for LocalSource {
    fn from(local: &LocalBytes) -> Self {
        Self { sha256: local.sha256, folder: local.folder }
    }
}
