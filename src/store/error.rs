//! What can go wrong in the store.

use std::io;
use std::path::{Path, PathBuf};

use miette::Diagnostic;
use thiserror::Error;

use crate::digest::Digest;
use crate::tree::ContentError;

/// Why the store could not do what was asked.
#[derive(Debug, Error, Diagnostic)]
pub enum StoreError {
    /// The disk or the quota is used up. Nothing half-written is left.
    #[error("no space is left for the store: cannot {action} {}", path.display())]
    #[diagnostic(
        code(hbuild::store::disk_full),
        help("free some space, run `hbuild store gc`, or set HBUILD_STORE to a folder on a larger disk")
    )]
    DiskFull {
        /// What was being done: `write`.
        action: &'static str,
        /// To which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The store may be read but not written.
    #[error("the store cannot be written: cannot {action} {}", path.display())]
    #[diagnostic(
        code(hbuild::store::read_only),
        help(
            "only what is in the store already can be used; to build more, set HBUILD_STORE to a folder you may write"
        )
    )]
    ReadOnly {
        /// What was being done.
        action: &'static str,
        /// To which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The system refused something else.
    #[error("cannot {action} {}", path.display())]
    #[diagnostic(
        code(hbuild::store::io),
        help("check the disk and the rights of the store's folder, then run `hbuild store verify`")
    )]
    Io {
        /// What was being done.
        action: &'static str,
        /// To which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The folder holds something else.
    #[error("{} is not a store of this version of hbuild", path.display())]
    #[diagnostic(
        code(hbuild::store::not_a_store),
        help(
            "set HBUILD_STORE to an empty or new folder; a store made by a newer hbuild is not read by an older one"
        )
    )]
    NotAStore {
        /// The folder.
        path: PathBuf,
    },
    /// An object that is asked for is not there.
    #[error("the store holds no object {0}")]
    #[diagnostic(
        code(hbuild::store::missing_object),
        help("it may have been collected; the next build makes it again")
    )]
    MissingObject(Digest),
    /// An object's bytes are not what its name says.
    #[error("the object {0} in the store is damaged")]
    #[diagnostic(
        code(hbuild::store::damaged_object),
        help("run `hbuild store verify --repair`; then build again. Check the disk and the memory")
    )]
    DamagedObject(Digest),
    /// A root cannot be read, so that what it keeps is not known.
    #[error("the root {} is damaged", path.display())]
    #[diagnostic(
        code(hbuild::store::damaged_root),
        help(
            "nothing was collected; run `hbuild store verify --repair`, then build what is to be kept again"
        )
    )]
    DamagedRoot {
        /// Its file.
        path: PathBuf,
    },
    /// A root of a command has something else where a file system is mounted.
    #[error("{path} in the root of a build is no directory")]
    #[diagnostic(
        code(hbuild::store::no_mount_point),
        help("/build, /dev, /out, /proc and /tmp must be directories where a tool or an input ships them")
    )]
    NoMountPoint {
        /// The path in the root.
        path: String,
    },
    /// A build holds the store, and the caller did not want to wait.
    #[error("a build is using the store {}", path.display())]
    #[diagnostic(code(hbuild::store::in_use), help("wait for it to end, then collect again"))]
    InUse {
        /// The store.
        path: PathBuf,
    },
    /// The caller's cancel flag was raised while waiting.
    #[error("stopped")]
    #[diagnostic(code(hbuild::store::stopped), help("run the command again"))]
    Stopped,
}

impl StoreError {
    /// The error for `source`, which `action` on `path` met.
    pub(crate) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::DiskFull { action, path, source }
            }
            io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
                Self::ReadOnly { action, path, source }
            }
            _ => Self::Io { action, path, source },
        }
    }

    /// The store's error inside `error`, if there is one; else the error back.
    pub fn from_content(error: ContentError) -> Result<Self, ContentError> {
        match error {
            ContentError::Io(error) if error.get_ref().is_some_and(|inner| inner.is::<Self>()) => {
                let inner = error.into_inner().expect("it was there a moment ago");
                Ok(*inner.downcast::<Self>().expect("its type was checked"))
            }
            error => Err(error),
        }
    }

    fn kind(&self) -> io::ErrorKind {
        match self {
            Self::DiskFull { source, .. } | Self::ReadOnly { source, .. } | Self::Io { source, .. } => {
                source.kind()
            }
            Self::MissingObject(_) => io::ErrorKind::NotFound,
            _ => io::ErrorKind::Other,
        }
    }
}

impl From<StoreError> for ContentError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::MissingObject(digest) => Self::Missing(digest),
            StoreError::DamagedObject(digest) => Self::Damaged(digest),
            error => Self::Io(io::Error::new(error.kind(), error)),
        }
    }
}

/// Names the file and the action in an `io::Result`.
pub(crate) trait IoContext<T> {
    /// The value, or a [`StoreError`] that names `action` and `path`.
    fn at(self, action: &'static str, path: &Path) -> Result<T, StoreError>;
}

impl<T> IoContext<T> for io::Result<T> {
    fn at(self, action: &'static str, path: &Path) -> Result<T, StoreError> {
        self.map_err(|source| StoreError::io(action, path, source))
    }
}
