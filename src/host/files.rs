//! Files of the host: what a recipe may read, and files written whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};

use crate::bundle::ReadAt;
use hbuild_lang::syntax::LENGTH_LIMIT;
use hbuild_lang::{FileError, Files};

/// Largest recipe file, in bytes.
const MAX_RECIPE_BYTES: u64 = LENGTH_LIMIT as u64;

/// The files below one folder, as recipes read them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecipeFolder {
    path: PathBuf,
}

impl RecipeFolder {
    /// The files below `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Files for RecipeFolder {
    /// The bytes of the regular file `path`; symbolic links are followed as long as they stay in the folder.
    fn read(&self, path: &str) -> Result<Vec<u8>, FileError> {
        let fail = |reason: String| FileError { path: path.to_owned(), reason };
        let relative = Path::new(path);
        if !relative.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir)) {
            return Err(fail("the path leaves the recipe's folder".to_owned()));
        }
        let read = || -> io::Result<Option<Vec<u8>>> {
            let real = self.path.join(relative).canonicalize()?;
            if !real.starts_with(self.path.canonicalize()?) {
                return Ok(None);
            }
            if !fs::metadata(&real)?.is_file() {
                return Err(io::Error::other("it is not a file"));
            }
            let mut bytes = Vec::new();
            File::open(&real)?.take(MAX_RECIPE_BYTES + 1).read_to_end(&mut bytes)?;
            if bytes.len() as u64 > MAX_RECIPE_BYTES {
                return Err(io::Error::other("it is larger than 4 MiB"));
            }
            Ok(Some(bytes))
        };
        match read() {
            Ok(Some(bytes)) => Ok(bytes),
            Ok(None) => Err(fail("it is a link that leaves the recipe's folder".to_owned())),
            Err(error) => Err(fail(error.to_string())),
        }
    }
}

impl ReadAt for File {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(self, buffer, offset)
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }
}

/// Writes `bytes` to `path` so that at any moment either the old content stands there or the new one, durably.
/// An existing file keeps its mode, and a symbolic link stays one.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let path = match fs::canonicalize(path) {
        Ok(real) => real,
        Err(error) if error.kind() == io::ErrorKind::NotFound => path.to_owned(),
        Err(error) => return Err(error),
    };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_string_lossy();
    let old_mode = fs::metadata(&path).ok().map(|metadata| metadata.permissions().mode() & 0o7777);
    let (temporary, mut file) = create_beside(folder, &name)?;
    let mut write = || {
        file.write_all(bytes)?;
        if let Some(mode) = old_mode {
            file.set_permissions(fs::Permissions::from_mode(mode))?;
        }
        file.sync_all()?;
        fs::rename(&temporary, &path)?;
        File::open(folder)?.sync_all()
    };
    write().inspect_err(|_| {
        let _ = fs::remove_file(&temporary);
    })
}

/// Puts the module of the standard library called `name` below `folder`, read-only, unless it is there; its path.
pub fn standard_module(folder: &Path, name: &str, text: &str) -> io::Result<PathBuf> {
    let path = folder.join(format!("{name}.hb"));
    if fs::read(&path).is_ok_and(|bytes| bytes == text.as_bytes()) {
        return Ok(path);
    }
    fs::create_dir_all(path.parent().unwrap_or(folder))?;
    write_atomically(&path, text.as_bytes())?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o444))?;
    Ok(path)
}

/// A new file of a name of its own in `folder`, with the mode that the umask leaves.
fn create_beside(folder: &Path, name: &str) -> io::Result<(PathBuf, File)> {
    for attempt in 0..1000 {
        let path = folder.join(format!(".{name}.{}.{attempt}.new", std::process::id()));
        match OpenOptions::new().write(true).create_new(true).mode(0o666).open(&path) {
            Ok(file) => return Ok((path, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recipes_read_their_folder_alone() {
        let outer = tempfile::tempdir().unwrap();
        let inner = outer.path().join("inner");
        fs::create_dir(&inner).unwrap();
        fs::write(outer.path().join("secret"), "x").unwrap();
        fs::write(inner.join("a.hb"), "hbuild 1\n").unwrap();
        std::os::unix::fs::symlink("a.hb", inner.join("b.hb")).unwrap();
        std::os::unix::fs::symlink("../secret", inner.join("c.hb")).unwrap();
        let files = RecipeFolder::new(&inner);
        assert_eq!(files.read("a.hb").unwrap(), b"hbuild 1\n");
        assert_eq!(files.read("./b.hb").unwrap(), b"hbuild 1\n");
        for path in ["c.hb", "../secret", "/etc/passwd", "missing", "."] {
            assert!(files.read(path).is_err(), "{path}");
        }
    }

    #[test]
    fn a_file_is_replaced_whole_and_keeps_its_mode() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hbuild.lock");
        write_atomically(&path, b"one").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink("hbuild.lock", &link).unwrap();
        write_atomically(&link, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert!(write_atomically(&folder.path().join("none/x"), b"").is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }
}
