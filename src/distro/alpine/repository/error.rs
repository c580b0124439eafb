//! Why an index cannot be used.

use std::io;

use crate::distro::access::AccessError;
use crate::distro::alpine::index::IndexError;
use crate::distro::alpine::signature::{KeyError, SignatureError};
use crate::distro::archive::ArchiveProblem;
use crate::timestamp::Timestamp;

/// Why an index cannot be used. All but missing and bad keys mean that an input could not be had (exit status 3).
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum RepositoryError {
    /// It could not be fetched.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Fetch(#[from] AccessError),
    /// No key.
    #[error("the repository of {name} has no key to check its signature by")]
    #[diagnostic(
        code(hbuild::alpine::no_keys),
        help("give the repository the keys that sign it; hbuild takes no unsigned repository, ever")
    )]
    NoKeys {
        /// The index.
        name: String,
    },
    /// A key cannot be used.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Key(#[from] KeyError),
    /// No signature holds.
    #[error("the index of {name} is refused: {source}")]
    #[diagnostic(forward(source))]
    Signature {
        /// The index.
        name: String,
        /// Why.
        source: SignatureError,
    },
    /// The format of apk 3.
    #[error("the index of {name} is in the format of apk 3 (ADB), which hbuild does not read")]
    #[diagnostic(
        code(hbuild::alpine::index_v3),
        help("use a repository that has an `APKINDEX.tar.gz` in the format of apk 2")
    )]
    Version3 {
        /// The index.
        name: String,
    },
    /// Not an index, or a broken one.
    #[error("the index of {name} cannot be unpacked: {problem}")]
    #[diagnostic(
        code(hbuild::alpine::damaged_index),
        help(
            "the mirror gave something else than an index, or the repository is made wrongly: use another one"
        )
    )]
    Damaged {
        /// The index.
        name: String,
        /// Why.
        problem: ArchiveProblem,
    },
    /// Without the file that counts.
    #[error("the index of {name} holds no `APKINDEX`")]
    #[diagnostic(
        code(hbuild::alpine::no_index),
        help("the repository is made wrongly: make its index again with `apk index`")
    )]
    NoIndex {
        /// The index.
        name: String,
    },
    /// Dated in the future.
    #[error("the index of {name} is dated {date}, but it is {now} now")]
    #[diagnostic(code(hbuild::alpine::not_yet_valid), help("check this machine's clock"))]
    NotYetValid {
        /// The index.
        name: String,
        /// Its date.
        date: Timestamp,
        /// The clock.
        now: Timestamp,
    },
    /// Older than what the lock has.
    #[error("the index of {name} is of {date}, older than the one of {locked} in the lock")]
    #[diagnostic(
        code(hbuild::alpine::older),
        help(
            "the mirror is behind the one that the lock was made from: use another mirror, or try again later"
        )
    )]
    Older {
        /// The index.
        name: String,
        /// Its date.
        date: Timestamp,
        /// The date in the lock.
        locked: Timestamp,
    },
    /// Its text cannot be read.
    #[error("the index of {name} cannot be read")]
    #[diagnostic(
        code(hbuild::alpine::unreadable_index),
        help("the repository is made wrongly: tell whoever makes it, or use another one")
    )]
    Index {
        /// The index.
        name: String,
        /// Why.
        source: IndexError,
    },
    /// The store.
    #[error("the index of {name} cannot be kept")]
    #[diagnostic(
        code(hbuild::alpine::cannot_keep),
        help("check that the store may be written and that there is space left")
    )]
    Cache {
        /// The index.
        name: String,
        /// Why.
        source: io::Error,
    },
}
