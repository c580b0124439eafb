//! Layout folders of this host as images are read from them: plain files in plain folders, and nothing that
//! leads elsewhere.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{CWD, FileType, Mode, OFlags, fstat, openat};
use rustix::io::Errno;

use crate::image::layout::FolderError;
use crate::image::read::{ImageFiles, NotPlain, ReadError};

/// A layout folder that whoever made the image also made: no symbolic link in it is followed, and no pipe or
/// device opened.
#[derive(Debug)]
pub struct ImageFolder {
    root: PathBuf,
    folder: OwnedFd,
}

impl ImageFolder {
    /// The folder at `root`, which itself may be reached over links.
    pub fn open(root: &Path) -> Result<Self, FolderError> {
        let failed = |error: Errno| FolderError { action: "open", path: root.into(), source: error.into() };
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = openat(CWD, root, flags, Mode::empty()).map_err(failed)?;
        Ok(Self { root: root.into(), folder })
    }

    /// The file `path`, component by component.
    fn plain_file(&self, path: &str) -> Result<Option<File>, Refusal> {
        let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
        let folder_flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut inside: Option<OwnedFd> = None;
        for component in folders.split('/').filter(|component| !component.is_empty()) {
            let at = inside.as_ref().unwrap_or(&self.folder).as_fd();
            match openat(at, component, folder_flags, Mode::empty()) {
                Ok(folder) => inside = Some(folder),
                Err(Errno::NOENT) => return Ok(None),
                Err(Errno::LOOP | Errno::NOTDIR) => return Err(Refusal::Not(NotPlain::Folder)),
                Err(error) => return Err(Refusal::System(error)),
            }
        }
        // Without NONBLOCK a named pipe would keep the reader waiting for ever.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = match openat(inside.as_ref().unwrap_or(&self.folder), name, flags, Mode::empty()) {
            Ok(file) => file,
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP) => return Err(Refusal::Not(NotPlain::Link)),
            Err(Errno::NXIO) => return Err(Refusal::Not(NotPlain::Special)),
            Err(error) => return Err(Refusal::System(error)),
        };
        match FileType::from_raw_mode(fstat(&file).map_err(Refusal::System)?.st_mode) {
            FileType::RegularFile => Ok(Some(File::from(file))),
            _ => Err(Refusal::Not(NotPlain::Special)),
        }
    }
}

enum Refusal {
    Not(NotPlain),
    System(Errno),
}

impl ImageFiles for ImageFolder {
    fn open(&self, path: &str) -> Result<Option<Box<dyn Read + Send + '_>>, ReadError> {
        match self.plain_file(path) {
            Ok(file) => Ok(file.map(|file| Box::new(file) as Box<dyn Read + Send>)),
            Err(Refusal::Not(reason)) => Err(ReadError::NotPlain { path: path.to_owned(), reason }),
            Err(Refusal::System(error)) => {
                let source = io::Error::from(error);
                Err(FolderError { action: "read", path: self.root.join(path), source }.into())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn nothing_leads_out_of_the_folder() {
        let outer = tempfile::tempdir().unwrap();
        let root = outer.path().join("layout");
        fs::create_dir_all(root.join("blobs/sha256")).unwrap();
        fs::write(root.join("blobs/sha256/plain"), "inside").unwrap();
        fs::write(outer.path().join("secret"), "outside").unwrap();
        symlink("../../../secret", root.join("blobs/sha256/link")).unwrap();
        symlink("plain", root.join("blobs/sha256/near")).unwrap();
        symlink("..", root.join("up")).unwrap();
        rustix::fs::mknodat(CWD, root.join("pipe"), FileType::Fifo, Mode::RWXU, 0).unwrap();
        symlink(&root, outer.path().join("alias")).unwrap();
        let files = ImageFolder::open(&outer.path().join("alias")).unwrap();
        let mut text = String::new();
        files.open("blobs/sha256/plain").unwrap().unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "inside");
        assert!(files.open("blobs/sha256/absent").unwrap().is_none());
        assert!(files.open("absent/absent").unwrap().is_none());
        for (path, expected) in [
            ("blobs/sha256/link", NotPlain::Link),
            ("blobs/sha256/near", NotPlain::Link),
            ("up/secret", NotPlain::Folder),
            ("blobs", NotPlain::Special),
            ("pipe", NotPlain::Special),
        ] {
            match files.open(path) {
                Err(ReadError::NotPlain { reason, .. }) => assert_eq!(reason, expected, "{path}"),
                other => panic!("{path}: {:?}", other.map(|found| found.is_some())),
            }
        }
    }
}
