//! Why a file is no package of Alpine, or not the one that was asked for.

use crate::digest::Sha256;
use crate::distro::alpine::checksum::Checksum;
use crate::distro::alpine::pkginfo::PkgInfoError;
use crate::distro::alpine::signature::SignatureError;
use crate::distro::archive::ArchiveProblem;

/// What is wrong with a package of Alpine, besides what may be wrong with any archive.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum ApkProblem {
    /// Something else.
    #[error("not an Alpine package: the file does not begin with a gzip member")]
    #[diagnostic(
        code(hbuild::alpine::not_a_package),
        help("the URL or the mirror gave something else than an .apk; look at the first lines of the file")
    )]
    NotAPackage,
    /// The format of apk 3.
    #[error("it is in the format of apk 3 (ADB), which hbuild does not read")]
    #[diagnostic(
        code(hbuild::alpine::apk_v3),
        help(
            "take it from a repository that has it in the format of apk 2, or build it again with an `abuild` that writes that"
        )
    )]
    Version3,
    /// No control segment.
    #[error("it has `{found}` where the control segment with `.PKGINFO` belongs")]
    #[diagnostic(
        code(hbuild::alpine::no_control),
        help("a package holds signature, control and data in this order: build it again with `abuild`")
    )]
    NoControl {
        /// What stands there.
        found: String,
    },
    /// A member that has no place there.
    #[error("{part} has a member `{name}`")]
    #[diagnostic(
        code(hbuild::alpine::odd_member),
        help(
            "signatures are files called `.SIGN.<kind>.<key>`, all of the control segment are files whose names begin with a dot: build the package again with `abuild`"
        )
    )]
    OddMember {
        /// The segment.
        part: &'static str,
        /// Its name.
        name: String,
    },
    /// Too large to be read whole.
    #[error("{part} has more than {limit} bytes")]
    #[diagnostic(
        code(hbuild::alpine::large_segment),
        help("no real package needs this: take it from another place")
    )]
    LargeSegment {
        /// The segment.
        part: &'static str,
        /// The limit.
        limit: u64,
    },
    /// `.PKGINFO` cannot be read.
    #[error("its .PKGINFO cannot be read: {0}")]
    #[diagnostic(
        code(hbuild::alpine::bad_pkginfo),
        help("the package was made wrongly: build it again with `abuild`")
    )]
    PkgInfo(PkgInfoError),
    /// `.PKGINFO` is no text.
    #[error("its .PKGINFO is no UTF-8 text")]
    #[diagnostic(
        code(hbuild::alpine::bad_pkginfo),
        help("the package was made wrongly: build it again with `abuild`")
    )]
    PkgInfoEncoding,
    /// Nothing says what the data must be.
    #[error("its .PKGINFO has no `datahash`, so that its signature does not cover its files")]
    #[diagnostic(
        code(hbuild::alpine::no_datahash),
        help("the package was made by a tool of apk 1: build it again with `abuild`")
    )]
    NoDataHash,
    /// No signature holds.
    #[error("the package is refused: {0}")]
    #[diagnostic(transparent)]
    Signature(SignatureError),
    /// Another package than the index names.
    #[error("its control segment has the checksum {found} where {expected} is expected")]
    #[diagnostic(
        code(hbuild::alpine::other_package),
        help(
            "the mirror has another build of the package than the lock: name a mirror that still has it, or run `hbuild lock --update`"
        )
    )]
    OtherPackage {
        /// What it has.
        found: Checksum,
        /// What the index states.
        expected: Checksum,
    },
    /// Other data than was signed.
    #[error("its data segment has SHA-256 {found} where its .PKGINFO says {expected}")]
    #[diagnostic(
        code(hbuild::alpine::wrong_datahash),
        help("the file is damaged or someone changed it: fetch it again, or use another mirror")
    )]
    WrongDataHash {
        /// What it has.
        found: Sha256,
        /// What `.PKGINFO` states.
        expected: Sha256,
    },
    /// More than three segments.
    #[error("it goes on with one more segment behind its data")]
    #[diagnostic(
        code(hbuild::alpine::extra_segment),
        help("the file holds more than it shows: take it from another place")
    )]
    ExtraSegment,
}

impl From<ApkProblem> for ArchiveProblem {
    fn from(problem: ApkProblem) -> Self {
        Self::Format(Box::new(problem))
    }
}
