//! Finding recipe files, and reading the folders that recipes name as sources.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::source_archive::{SourceArchive, is_left_out};
use crate::digest::Sha256;

/// Folders that hold results, never recipes.
const PASSED_OVER: [&str; 3] = ["target", "out", "node_modules"];

/// Why a folder could not be read.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("cannot read `{path}`")]
#[diagnostic(code(hbuild::host::unreadable), help("check that it exists and that you may read it"))]
pub struct ReadError {
    /// What.
    pub path: String,
    /// What the system said.
    #[source]
    pub source: io::Error,
}

fn unreadable(path: &Path) -> impl FnOnce(io::Error) -> ReadError + '_ {
    |source| ReadError { path: path.display().to_string(), source }
}

/// The recipe files of a target, sorted: the file itself, or every `*.hb` below a folder. Hidden names, and
/// folders that hold results, are passed over; links to folders are not followed.
pub fn find_recipes(target: &Path) -> Result<Vec<PathBuf>, ReadError> {
    if fs::metadata(target).map_err(unreadable(target))?.is_file() {
        return Ok(vec![target.to_owned()]);
    }
    let mut found = Vec::new();
    let mut folders = vec![target.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(unreadable(&folder))? {
            let entry = entry.map_err(unreadable(&folder))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let kind = entry.file_type().map_err(unreadable(&folder))?;
            if name.starts_with('.') {
                continue;
            }
            if kind.is_dir() && !PASSED_OVER.contains(&name.as_str()) {
                folders.push(entry.path());
            } else if !kind.is_dir() && name.ends_with(".hb") {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    Ok(found)
}

/// `path`, absolute and without links.
pub fn real_path(path: &Path) -> Result<PathBuf, ReadError> {
    fs::canonicalize(path).map_err(unreadable(path))
}

/// The text of the file at `path`, which is UTF-8.
pub fn read_text(path: &Path) -> Result<String, ReadError> {
    fs::read_to_string(path).map_err(unreadable(path))
}

/// A file or folder that a recipe names as a source, as bytes.
#[derive(Debug, Clone)]
pub struct LocalBytes {
    /// The file's bytes, or a tar archive of the folder.
    pub bytes: Vec<u8>,
    /// SHA-256 of them.
    pub sha256: Sha256,
    /// Whether it is a folder.
    pub folder: bool,
}

/// The source at `path`. Of a folder everything below it is taken, but for names that begin with `.git`, as a
/// tar archive that holds names, content, links and the executable bit, sorted, and nothing else of this host.
pub fn read_local(path: &Path) -> Result<LocalBytes, ReadError> {
    let folder = fs::metadata(path).map_err(unreadable(path))?.is_dir();
    let bytes = if folder { archive(path)? } else { fs::read(path).map_err(unreadable(path))? };
    Ok(LocalBytes { sha256: Sha256::of(&bytes), bytes, folder })
}

fn archive(root: &Path) -> Result<Vec<u8>, ReadError> {
    let mut out = SourceArchive::new(Vec::new());
    let mut pending = vec![root.to_owned()];
    while let Some(path) = pending.pop() {
        let metadata = fs::symlink_metadata(&path).map_err(unreadable(&path))?;
        let name = path.strip_prefix(root).expect("everything found lies below the root");
        append(&mut out, &path, name, &metadata).map_err(unreadable(&path))?;
        if metadata.is_dir() {
            let mut below = Vec::new();
            for entry in fs::read_dir(&path).map_err(unreadable(&path))? {
                let entry = entry.map_err(unreadable(&path))?;
                if !is_left_out(entry.file_name().as_bytes()) {
                    below.push(entry.path());
                }
            }
            below.sort_by(|one, two| two.cmp(one));
            pending.extend(below);
        }
    }
    out.finish().map_err(unreadable(root))
}

fn append(
    out: &mut SourceArchive<Vec<u8>>,
    path: &Path,
    name: &Path,
    metadata: &fs::Metadata,
) -> io::Result<()> {
    if metadata.is_dir() {
        if name.as_os_str().is_empty() { Ok(()) } else { out.directory(name) }
    } else if metadata.is_symlink() {
        out.symlink(name, &fs::read_link(path)?)
    } else if metadata.is_file() {
        let executable = metadata.permissions().mode() & 0o111 != 0;
        out.file(name, executable, metadata.len(), &mut fs::File::open(path)?)
    } else {
        Err(io::Error::other("it is neither a file, a folder nor a link"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recipes_are_found_below_a_folder_and_sources_archived_without_host_data() {
        let folder = tempfile::tempdir().unwrap();
        for path in ["b/x.hb", "a.hb", "out/no.hb", ".git/no.hb", "b/data"] {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        let found = find_recipes(folder.path()).unwrap();
        assert_eq!(found, [folder.path().join("a.hb"), folder.path().join("b/x.hb")]);
        let one = read_local(folder.path()).unwrap();
        let copy = tempfile::tempdir().unwrap();
        for path in ["b/data", "b/x.hb", "out/no.hb", "a.hb"] {
            let path = copy.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        assert!(one.folder);
        assert_eq!(one.sha256, read_local(copy.path()).unwrap().sha256);
    }
}
