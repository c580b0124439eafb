//! Finding recipe files, and reading the folders that recipes name as sources.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

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
    let mut out = tar::Builder::new(Vec::new());
    let mut pending = vec![root.to_owned()];
    while let Some(path) = pending.pop() {
        let metadata = fs::symlink_metadata(&path).map_err(unreadable(&path))?;
        let name = path.strip_prefix(root).expect("everything found lies below the root");
        append(&mut out, &path, name, &metadata).map_err(unreadable(&path))?;
        if metadata.is_dir() {
            let mut below = Vec::new();
            for entry in fs::read_dir(&path).map_err(unreadable(&path))? {
                let entry = entry.map_err(unreadable(&path))?;
                if !entry.file_name().to_string_lossy().starts_with(".git") {
                    below.push(entry.path());
                }
            }
            below.sort_by(|one, two| two.cmp(one));
            pending.extend(below);
        }
    }
    out.into_inner().map_err(unreadable(root))
}

fn append(
    out: &mut tar::Builder<Vec<u8>>,
    path: &Path,
    name: &Path,
    metadata: &fs::Metadata,
) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mut header = tar::Header::new_gnu();
    header.set_size(0);
    if metadata.is_dir() {
        if name.as_os_str().is_empty() {
            return Ok(());
        }
        header.set_entry_type(tar::EntryType::Directory);
        header.set_mode(0o755);
        out.append_data(&mut header, name, io::empty())
    } else if metadata.is_symlink() {
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_mode(0o777);
        out.append_link(&mut header, name, fs::read_link(path)?)
    } else if metadata.is_file() {
        header.set_entry_type(tar::EntryType::Regular);
        header.set_mode(if metadata.permissions().mode() & 0o111 != 0 { 0o755 } else { 0o644 });
        let bytes = fs::read(path)?;
        header.set_size(bytes.len() as u64);
        out.append_data(&mut header, name, bytes.as_slice())
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
