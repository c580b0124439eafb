//! Output folders on this host's file system.

use std::fs::{self, File, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::image::layout::{Folder, FolderError, NewFile};

/// Prefix of files that are being written; one left by a killed run is removed by the next.
const TEMPORARY: &str = ".tmp-";

/// A folder below which files are written by a temporary file and a rename. Nothing is synced: an output is
/// made again at once from the store.
#[derive(Debug, Clone)]
pub struct HostFolder {
    root: PathBuf,
}

impl HostFolder {
    /// The folder at `root`, which need not exist.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Where it is.
    pub fn root(&self) -> &Path {
        &self.root
    }

    fn at(&self, path: &str) -> PathBuf {
        if path.is_empty() { self.root.clone() } else { self.root.join(path) }
    }
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FolderError {
    let path = path.to_owned();
    move |source| FolderError { action, path, source }
}

impl Folder for HostFolder {
    fn lock(&self) -> Result<Box<dyn Send + '_>, FolderError> {
        fs::create_dir_all(&self.root).map_err(failed("make", &self.root))?;
        let folder = File::open(&self.root).map_err(failed("open", &self.root))?;
        folder.lock().map_err(failed("lock", &self.root))?;
        Ok(Box::new(folder))
    }

    fn size(&self, path: &str) -> Result<Option<u64>, FolderError> {
        let path = self.at(path);
        match fs::symlink_metadata(&path) {
            Ok(metadata) => Ok(metadata.is_file().then_some(metadata.len())),
            Err(error) if is_absence(&error) => Ok(None),
            Err(error) => Err(failed("read", &path)(error)),
        }
    }

    fn open(&self, path: &str) -> Result<Option<Box<dyn Read + Send>>, FolderError> {
        let path = self.at(path);
        match File::open(&path) {
            Ok(file) => Ok(Some(Box::new(file))),
            Err(error) if is_absence(&error) => Ok(None),
            Err(error) => Err(failed("read", &path)(error)),
        }
    }

    fn list(&self, path: &str) -> Result<Vec<String>, FolderError> {
        let path = self.at(path);
        let entries = match fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(error) if is_absence(&error) => return Ok(Vec::new()),
            Err(error) => return Err(failed("list", &path)(error)),
        };
        let name = |entry: io::Result<fs::DirEntry>| Ok(entry?.file_name().to_string_lossy().into_owned());
        let names: io::Result<Vec<String>> = entries.map(name).collect();
        let mut names = names.map_err(failed("list", &path))?;
        names.sort();
        Ok(names)
    }

    fn create(&self, path: &str) -> Result<Box<dyn NewFile + '_>, FolderError> {
        let path = self.at(path);
        let parent = path.parent().unwrap_or(&self.root);
        fs::create_dir_all(parent).map_err(failed("make", parent))?;
        // The process's umask applies, as to any file of the user.
        let file = tempfile::Builder::new()
            .prefix(TEMPORARY)
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(parent)
            .map_err(failed("write", &path))?;
        Ok(Box::new(TemporaryFile { file, path }))
    }

    fn remove(&self, path: &str) -> Result<(), FolderError> {
        let path = self.at(path);
        let is_folder = fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_dir());
        let outcome = if is_folder { fs::remove_dir(&path) } else { fs::remove_file(&path) };
        match outcome {
            Err(error) if !is_absence(&error) => Err(failed("remove", &path)(error)),
            _ => Ok(()),
        }
    }
}

fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

struct TemporaryFile {
    file: NamedTempFile,
    path: PathBuf,
}

impl Write for TemporaryFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.as_file_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_file_mut().flush()
    }
}

impl NewFile for TemporaryFile {
    fn finish(self: Box<Self>) -> Result<(), FolderError> {
        let Self { file, path } = *self;
        match file.persist(&path) {
            Ok(_) => Ok(()),
            Err(error) => Err(failed("write", &path)(error.error)),
        }
    }
}
