//! What can go wrong when a path's origin is asked for.

use std::error::Error;

use crate::digest::Sha256;
use crate::timestamp::Timestamp;

/// What a verifier or a decoder says.
pub type RecheckFailure = Box<dyn Error + Send + Sync>;

/// Why a kept index is not the one that the provenance names.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerbatimError {
    /// It is of another suite.
    #[error("it is signed for the suite {codename}")]
    OtherSuite {
        /// Which.
        codename: String,
    },
    /// It has another date.
    #[error("it is signed with the date {date}")]
    OtherDate {
        /// Which.
        date: Timestamp,
    },
    /// It does not end.
    #[error("it is longer than any index")]
    TooLong,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum WhyError {
    /// A document is not what its media type says.
    #[error("the {document} statement of the image is damaged")]
    #[diagnostic(
        code(hbuild::evidence::damaged_statement),
        help("the image's evidence is not hbuild's own any more: take it from where the image was built")
    )]
    DamagedStatement {
        /// `origins` or `provenance`.
        document: &'static str,
        /// Where it stops being one.
        #[source]
        source: serde_json::Error,
    },
    /// A document has another type.
    #[error("the {document} statement has the predicate type `{found}`")]
    #[diagnostic(
        code(hbuild::evidence::other_predicate),
        help("this version of hbuild reads `{expected}`: use the version that built the image")
    )]
    OtherPredicate {
        /// `origins` or `provenance`.
        document: &'static str,
        /// What it states.
        found: String,
        /// What is read.
        expected: &'static str,
    },
    /// A document is about another image.
    #[error("the {document} statement is not about the manifest {manifest}")]
    #[diagnostic(
        code(hbuild::evidence::other_subject),
        help("the statement belongs to another image: copy an image together with its own referrers")
    )]
    OtherSubject {
        /// `origins` or `provenance`.
        document: &'static str,
        /// The image asked about.
        manifest: Sha256,
    },
    /// The path is not in the image.
    #[error("`{path}` is not in the image")]
    #[diagnostic(code(hbuild::evidence::unknown_path), help("{help}"))]
    UnknownPath {
        /// The path asked for.
        path: String,
        /// What is there instead.
        help: String,
    },
    /// The statements contradict each other.
    #[error("the origins name `{origin}`, which the provenance does not have")]
    #[diagnostic(
        code(hbuild::evidence::unknown_origin),
        help("the two statements are of different builds: build the image again")
    )]
    UnknownOrigin {
        /// The origin.
        origin: String,
    },
    /// The verbatim index is at hand and its signature does not hold.
    #[error("the signature of `{index}` does not hold")]
    #[diagnostic(
        code(hbuild::evidence::signature_fails),
        help(
            "do not trust this image: the index that vouches for the package is not signed by a key of its keyring"
        )
    )]
    Signature {
        /// The index.
        index: String,
        /// What the verifier says.
        #[source]
        source: RecheckFailure,
    },
    /// The signed index does not list the Packages file or the Packages file does not list the package.
    #[error("`{index}` does not vouch for {what}")]
    #[diagnostic(
        code(hbuild::evidence::not_vouched),
        help("do not trust this image: what is signed differs from what its lock states")
    )]
    NotVouched {
        /// The index.
        index: String,
        /// What it should list.
        what: String,
    },
    /// A verbatim file cannot be read.
    #[error("`{file}` cannot be decoded")]
    #[diagnostic(
        code(hbuild::evidence::undecodable_index),
        help("the store's copy is damaged: run `hbuild store verify --repair`")
    )]
    Undecodable {
        /// The file.
        file: String,
        /// What the decoder says.
        #[source]
        source: RecheckFailure,
    },
}
