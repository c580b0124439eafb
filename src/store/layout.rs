//! Where everything lies below the store's folder. `docs/src/store.md` is the reference.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::error::{IoContext, StoreError};
use crate::digest::{Digest, Sha256};
use crate::graph::{DerivationId, DerivationKey, FixedOutput};

/// The content of the file `format`.
const FORMAT: &str = "hbuild store 1\n";

/// The paths of one store.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    pub root: PathBuf,
}

/// The folders that hold files by digest, in 256 shards each.
pub(crate) const SHARDED: [&str; 6] = ["objects", "records", "memo", "logs", "blobs", "usage"];
/// The other folders.
const PLAIN: [&str; 7] = ["derived", "exec", "failed", "locks", "partial", "roots", "tmp"];

impl Layout {
    /// The layout at `root`, made there when the folder is new or empty.
    pub fn open(root: &Path) -> Result<Self, StoreError> {
        let layout = Self { root: root.to_owned() };
        let format = root.join("format");
        match fs::read_to_string(&format) {
            Ok(text) if text == FORMAT => Ok(layout),
            Ok(_) => Err(StoreError::NotAStore { path: root.to_owned() }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => layout.create().map(|()| layout),
            Err(error) => Err(StoreError::io("read", &format, error)),
        }
    }

    /// Makes the folders, then the file `format`; harmless when another process does the same.
    fn create(&self) -> Result<(), StoreError> {
        fs::create_dir_all(&self.root).at("make", &self.root)?;
        let foreign = fs::read_dir(&self.root)
            .at("list", &self.root)?
            .filter_map(Result::ok)
            .any(|entry| !self.is_own(&entry.file_name().to_string_lossy()));
        if foreign {
            return Err(StoreError::NotAStore { path: self.root.clone() });
        }
        for name in SHARDED.iter().chain(&PLAIN) {
            let path = self.root.join(name);
            fs::create_dir_all(&path).at("make", &path)?;
        }
        let gc = self.gc_lock();
        fs::OpenOptions::new().append(true).create(true).open(&gc).at("make", &gc)?;
        let (format, new) =
            (self.root.join("format"), self.root.join(format!("format.{}", std::process::id())));
        let written = fs::write(&new, FORMAT).and_then(|()| fs::rename(&new, &format));
        if written.is_err() {
            let _ = fs::remove_file(&new);
        }
        written.at("write", &format)
    }

    fn is_own(&self, name: &str) -> bool {
        SHARDED.contains(&name)
            || PLAIN.contains(&name)
            || name == "gc.lock"
            || name == "lost+found"
            || name.starts_with("format")
    }

    pub fn gc_lock(&self) -> PathBuf {
        self.root.join("gc.lock")
    }

    pub fn folder(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    pub fn object(&self, digest: &Digest) -> PathBuf {
        self.sharded("objects", &digest.to_hex())
    }

    pub fn record(&self, key: &DerivationKey) -> PathBuf {
        self.sharded("records", &key.0.to_hex())
    }

    pub fn memo(&self, id: &DerivationId) -> PathBuf {
        self.sharded("memo", &id.0.to_hex())
    }

    pub fn log(&self, id: &DerivationId) -> PathBuf {
        self.sharded("logs", &id.0.to_hex())
    }

    pub fn usage(&self, label: &str) -> PathBuf {
        self.sharded("usage", &Digest::of(label.as_bytes()).to_hex())
    }

    pub fn failed(&self, id: &DerivationId) -> PathBuf {
        self.root.join("failed").join(id.0.to_hex())
    }

    pub fn blob(&self, sha256: &Sha256) -> PathBuf {
        self.sharded("blobs", &sha256.to_hex())
    }

    pub fn partial(&self, content: &FixedOutput) -> PathBuf {
        self.root.join("partial").join(content.file_name())
    }

    pub fn lock(&self, key: &DerivationKey) -> PathBuf {
        self.root.join("locks").join(key.0.to_hex())
    }

    pub fn sharded(&self, folder: &str, hex: &str) -> PathBuf {
        self.root.join(folder).join(&hex[..2]).join(hex)
    }

    /// What a symlink in a sharded folder holds to point at `hex` in the sharded folder `folder`.
    pub fn link_to(folder: &str, hex: &str) -> PathBuf {
        PathBuf::from(format!("../../{folder}/{}/{hex}", &hex[..2]))
    }

    /// The digits that a link made by [`Layout::link_to`] points at; `None` for any other target.
    pub fn linked(folder: &str, target: &Path) -> Option<String> {
        let hex = target.file_name()?.to_str()?;
        (hex.len() == 64 && hex.is_ascii() && target == Self::link_to(folder, hex)).then(|| hex.to_owned())
    }

    /// Every file of a sharded folder with its name, sorted. Names that are not 64 digits are given too.
    pub fn list(&self, folder: &str) -> Result<Vec<(String, PathBuf)>, StoreError> {
        let mut found = Vec::new();
        let folder = self.folder(folder);
        for shard in list(&folder)? {
            if !shard.1.is_dir() {
                found.push(shard);
                continue;
            }
            found.extend(list(&shard.1)?);
        }
        found.sort();
        Ok(found)
    }
}

/// The entries of a folder by name, sorted; none where the folder is not there.
pub(crate) fn list(folder: &Path) -> Result<Vec<(String, PathBuf)>, StoreError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(StoreError::io("list", folder, error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.at("list", folder)?;
        found.push((entry.file_name().to_string_lossy().into_owned(), entry.path()));
    }
    found.sort();
    Ok(found)
}

/// Renames `from` to `to`, and makes the shard folder where it is not there yet.
pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    in_shard(to, || fs::rename(from, to))
}

/// Renames `from` to `to` unless `to` is there, which is an error of kind `AlreadyExists`.
pub(crate) fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // The file system knows no such rename: two steps, of which the first is the one that counts.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS | rustix::io::Errno::OPNOTSUPP) => {
            fs::hard_link(from, to)?;
            fs::remove_file(from)
        }
        result => Ok(result?),
    }
}

/// Does `operation`, which puts a name into the folder of `path`, and again after making that folder.
pub(crate) fn in_shard(path: &Path, operation: impl Fn() -> io::Result<()>) -> io::Result<()> {
    match operation() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(path.parent().expect("a path in a shard has a parent"))?;
            operation()
        }
        result => result,
    }
}

/// Removes a file; that it is not there is no error.
pub(crate) fn remove(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(StoreError::io("remove", path, error)),
        _ => Ok(()),
    }
}
