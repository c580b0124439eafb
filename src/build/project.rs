//! A recipe file with everything that belongs to it: the files it imports, its value, its lock.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use hbuild_lang::Checked;
use hbuild_lang::recipe::{Recipe, SourceFrom};

use super::BuildFailure;
use crate::digest::Sha256;
use crate::graph::LocalSource;
use crate::host::discover::{LocalBytes, ReadError, read_local, read_text};
use crate::host::files::RecipeFolder;
use crate::lock::{LOCK_FILE, Lock};

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
        let evaluated = hbuild_lang::evaluate(&RecipeFolder::new(&folder), &file)?;
        Ok(Self { folder, file, recipe: evaluated.recipe, checked: evaluated.checked })
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
        let path = self.lock_path();
        if !path.exists() {
            return Ok(None);
        }
        let text = read_text(&path)?;
        Ok(Some(Lock::parse(&text)?))
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
                    found.insert(path.clone(), read_local(&self.folder.join(path))?);
                }
            }
        }
        Ok(found)
    }
}

impl From<&LocalBytes> for LocalSource {
    fn from(local: &LocalBytes) -> Self {
        Self { sha256: local.sha256, folder: local.folder }
    }
}
