//! Why a suite cannot be used.

use std::io;

use crate::distro::access::AccessError;
use crate::distro::debian::index::IndexError;
use crate::distro::debian::release::ReleaseError;
use crate::distro::debian::signature::{KeyringError, SignatureError};
use crate::timestamp::Timestamp;

/// Why a suite cannot be used. All mean that an input could not be had (exit status 3).
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum RepositoryError {
    /// A file could not be fetched.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Fetch(#[from] AccessError),
    /// No key.
    #[error("the repository of {name} has no key to check its signature by")]
    #[diagnostic(
        code(hbuild::debian::no_keys),
        help("give the repository the keys that sign it; hbuild takes no unsigned repository, ever")
    )]
    NoKeys {
        /// The suite.
        name: String,
    },
    /// A key cannot be read.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Key(#[from] KeyringError),
    /// No signature at all.
    #[error("the InRelease of {name} is refused: {source}")]
    #[diagnostic(
        code(hbuild::debian::unsigned),
        help(
            "hbuild takes no unsigned repository, ever: use a mirror that has the file as its archive signed it"
        )
    )]
    Unsigned {
        /// The suite.
        name: String,
        /// Why.
        source: SignatureError,
    },
    /// Signed by a key that is not in the keyring.
    #[error("the InRelease of {name} is refused: {source}")]
    #[diagnostic(
        code(hbuild::debian::other_key),
        help(
            "if the archive has a new key, get it from the archive's own site and give it to the repository; otherwise use another mirror"
        )
    )]
    OtherKey {
        /// The suite.
        name: String,
        /// Whose.
        source: SignatureError,
    },
    /// Signed, but the signature does not hold.
    #[error("the InRelease of {name} is refused: {source}")]
    #[diagnostic(
        code(hbuild::debian::bad_signature),
        help(
            "the file was changed, or its key may not sign any more: use another mirror, or a newer hbuild whose keyring is current"
        )
    )]
    BadSignature {
        /// The suite.
        name: String,
        /// Why.
        source: SignatureError,
    },
    /// Not a Release file.
    #[error("the InRelease of {name} is signed but cannot be read: {source}")]
    #[diagnostic(
        code(hbuild::debian::bad_release),
        help("the archive is made wrongly: tell whoever makes it, or use another one")
    )]
    Release {
        /// The suite.
        name: String,
        /// Why.
        source: ReleaseError,
    },
    /// `Valid-Until` is over.
    #[error("the index of {name}, made on {date}, was valid until {end}; it is {now} now")]
    #[diagnostic(
        code(hbuild::debian::expired),
        help(
            "the mirror is not kept up to date, or someone holds updates back: use another mirror, and check this machine's clock"
        )
    )]
    Expired {
        /// The suite.
        name: String,
        /// `Date`.
        date: Timestamp,
        /// `Valid-Until`.
        end: Timestamp,
        /// The clock.
        now: Timestamp,
    },
    /// `Date` is in the future.
    #[error("the index of {name} is dated {date}, but it is {now} now")]
    #[diagnostic(code(hbuild::debian::not_yet_valid), help("check this machine's clock"))]
    NotYetValid {
        /// The suite.
        name: String,
        /// `Date`.
        date: Timestamp,
        /// The clock.
        now: Timestamp,
    },
    /// Older than what the lock has.
    #[error("the index of {name} is of {date}, older than the one of {locked} in the lock")]
    #[diagnostic(
        code(hbuild::debian::older),
        help(
            "the mirror is behind the one that the lock was made from: use another mirror, or try again later"
        )
    )]
    Older {
        /// The suite.
        name: String,
        /// Its date.
        date: Timestamp,
        /// The date in the lock.
        locked: Timestamp,
    },
    /// The code name is another than in the lock.
    #[error("{name} was `{before}` when the lock was made and is `{after}` now")]
    #[diagnostic(
        code(hbuild::debian::renamed),
        help(
            "a suite such as `stable` moves to the next release: name the release (`{before}`) in the recipe, or delete the lock to begin anew with `{after}`"
        )
    )]
    Renamed {
        /// The suite.
        name: String,
        /// Code name in the lock.
        before: String,
        /// Code name now.
        after: String,
    },
    /// Not the suite asked for.
    #[error("the mirror answers for {name} with the suite `{suite}`, code name `{codename}`")]
    #[diagnostic(
        code(hbuild::debian::other_suite),
        help("name the suite as the archive calls it, or use another mirror")
    )]
    OtherSuite {
        /// The suite asked for.
        name: String,
        /// What it is called.
        codename: String,
        /// What it is called.
        suite: String,
    },
    /// No such component.
    #[error("{name} has no component `{component}`; it has {}", .known.join(", "))]
    #[diagnostic(code(hbuild::debian::no_component), help("name one of its components in the recipe"))]
    NoComponent {
        /// The suite.
        name: String,
        /// The component.
        component: String,
        /// Those it has.
        known: Vec<String>,
    },
    /// No index for this architecture.
    #[error("{name} has no packages for the architecture `{arch}`; it has {}", .known.join(", "))]
    #[diagnostic(
        code(hbuild::debian::no_architecture),
        help("take the architecture out of the recipe for this distribution")
    )]
    NoArchitecture {
        /// The suite.
        name: String,
        /// Debian's name of the architecture.
        arch: String,
        /// Those it has.
        known: Vec<String>,
    },
    /// The index is no archive, or has more bytes than it should.
    #[error("`{path}` of {name} cannot be unpacked: {reason}")]
    #[diagnostic(
        code(hbuild::debian::damaged_index),
        help("the archive is made wrongly: tell whoever makes it, or use another one")
    )]
    Unpack {
        /// The suite.
        name: String,
        /// The file.
        path: String,
        /// Why.
        reason: String,
    },
    /// The index cannot be read.
    #[error("`{path}` of {name} cannot be read")]
    #[diagnostic(
        code(hbuild::debian::unreadable_index),
        help("the archive is made wrongly: tell whoever makes it, or use another one")
    )]
    Index {
        /// The suite.
        name: String,
        /// The file.
        path: String,
        /// Why.
        source: IndexError,
    },
    /// The store.
    #[error("the indexes of {name} cannot be kept")]
    #[diagnostic(
        code(hbuild::debian::cannot_keep),
        help("check that the store may be written and that there is space left")
    )]
    Cache {
        /// The suite.
        name: String,
        /// Why.
        source: io::Error,
    },
}

impl RepositoryError {
    /// The error for a signature that does not hold.
    pub(super) fn signature(name: &str, source: SignatureError) -> Self {
        let name = name.to_owned();
        match source {
            SignatureError::NotSigned(_) => Self::Unsigned { name, source },
            SignatureError::OtherKey(_) => Self::OtherKey { name, source },
            _ => Self::BadSignature { name, source },
        }
    }
}
