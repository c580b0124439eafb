//! The files of a new project, or a new pair of keys, written all of them or none, and never in place of another.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Why new files were not written. None of them is there then.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum NewFilesError {
    /// Something of these names is there.
    #[error("in the way: {}", .paths.iter().map(|path| format!("`{}`", path.display())).collect::<Vec<_>>().join(", "))]
    #[diagnostic(
        code(hbuild::host::in_the_way),
        help("nothing was written; take another folder or name, or move what is there away")
    )]
    InTheWay {
        /// What is there.
        paths: Vec<PathBuf>,
    },
    /// The system refused.
    #[error("cannot write `{}`", path.display())]
    #[diagnostic(
        code(hbuild::host::not_written),
        help("nothing was left behind; check that you may write there, and that the disk has room")
    )]
    NotWritten {
        /// What.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// Writes `files`, paths below `folder` with their texts, and the folders that they need.
pub fn write_new(folder: &Path, files: &[(&Path, &str)]) -> Result<(), NewFilesError> {
    let files: Vec<_> = files.iter().map(|(path, text)| (*path, *text, 0o666)).collect();
    write_new_with_modes(folder, &files)
}

/// As [`write_new`], with the mode of each file, of which the umask takes away.
pub fn write_new_with_modes(folder: &Path, files: &[(&Path, &str, u32)]) -> Result<(), NewFilesError> {
    let there = |path: &PathBuf| fs::symlink_metadata(path).is_ok();
    let paths: Vec<PathBuf> = files.iter().map(|(path, ..)| folder.join(path)).filter(there).collect();
    if !paths.is_empty() {
        return Err(NewFilesError::InTheWay { paths });
    }
    let mut made = Made::default();
    for (path, text, mode) in files {
        let path = folder.join(path);
        made.write(&path, text, *mode).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => NewFilesError::InTheWay { paths: vec![path] },
            _ => NewFilesError::NotWritten { path, source: error },
        })?;
    }
    made.keep();
    Ok(())
}

/// The folder of the version control that `folder` is below, if there is one: the nearest with an entry `.git`.
pub fn repository_of(folder: &Path) -> Option<PathBuf> {
    let start = fs::canonicalize(folder).ok()?;
    start.ancestors().find(|above| above.join(".git").exists()).map(Path::to_owned)
}

/// What was made so far, in order; dropped, it is taken away again.
#[derive(Default)]
struct Made {
    folders: Vec<PathBuf>,
    files: Vec<PathBuf>,
}

impl Made {
    fn write(&mut self, path: &Path, text: &str, mode: u32) -> io::Result<()> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        self.make_folder(folder)?;
        let mode = fs::Permissions::from_mode(mode);
        let mut file = tempfile::Builder::new().prefix(".hbuild-").permissions(mode).tempfile_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist_noclobber(path).map_err(|error| error.error)?;
        self.files.push(path.to_owned());
        Ok(())
    }

    fn make_folder(&mut self, folder: &Path) -> io::Result<()> {
        let missing: Vec<&Path> = folder
            .ancestors()
            .take_while(|above| !above.as_os_str().is_empty() && fs::symlink_metadata(above).is_err())
            .collect();
        for folder in missing.into_iter().rev() {
            fs::create_dir(folder)?;
            self.folders.push(folder.to_owned());
        }
        Ok(())
    }

    fn keep(mut self) {
        self.files.clear();
        self.folders.clear();
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        // What cannot be taken away stays; the error that led here is the one to report.
        for file in &self.files {
            let _ = fs::remove_file(file);
        }
        for folder in self.folders.iter().rev() {
            let _ = fs::remove_dir(folder);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut found = Vec::new();
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            found.push(path.file_name().unwrap().to_string_lossy().into_owned());
            if path.is_dir() {
                found.extend(names(&path));
            }
        }
        found.sort();
        found
    }

    #[test]
    fn all_is_written_or_nothing() {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("a/b");
        let files = [(Path::new("x.hb"), "x"), (Path::new("c/d/y"), "y")];
        write_new(&folder, &files).unwrap();
        assert_eq!(names(outer.path()), ["a", "b", "c", "d", "x.hb", "y"]);
        assert_eq!(fs::read_to_string(folder.join("c/d/y")).unwrap(), "y");
        let Err(NewFilesError::InTheWay { paths }) = write_new(&folder, &files) else { panic!() };
        assert_eq!(paths, [folder.join("x.hb"), folder.join("c/d/y")]);
        // A file stands where a folder is needed: what was written before it goes again.
        let files = [(Path::new("e/z"), "z"), (Path::new("x.hb/y"), "y")];
        assert!(matches!(write_new(&folder, &files), Err(NewFilesError::NotWritten { .. })));
        assert_eq!(names(outer.path()), ["a", "b", "c", "d", "x.hb", "y"]);
    }

    #[test]
    fn the_repository_is_the_nearest_folder_with_git() {
        let outer = tempfile::tempdir().unwrap();
        let outer = outer.path().canonicalize().unwrap();
        fs::create_dir_all(outer.join("a/.git")).unwrap();
        fs::create_dir_all(outer.join("a/b/c")).unwrap();
        assert_eq!(repository_of(&outer.join("a/b/c")), Some(outer.join("a")));
        assert_eq!(repository_of(&outer.join("none")), None);
    }
}
