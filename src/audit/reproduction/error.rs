//! Why it is not known what an image is to be built from.

use crate::digest::Sha256;
use crate::evidence::json::JsonError;
use crate::image::read::ReadError;

/// What is wrong with the claim of an image.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum ClaimError {
    /// It has no provenance.
    #[error("the image {manifest} has no provenance that says what it was built from")]
    #[diagnostic(
        code(hbuild::reproduce::no_provenance),
        help(
            "name the layout that `hbuild build` wrote, or the registry it was pushed to: a copy by another program may have left the referrers behind"
        )
    )]
    NoProvenance {
        /// The digest of its manifest.
        manifest: Sha256,
    },
    /// The provenance cannot be read.
    #[error("the provenance of the image {manifest} cannot be read")]
    #[diagnostic(
        code(hbuild::reproduce::bad_provenance),
        help(
            "somebody changed it, or another version of hbuild wrote it: take the image from where it was built"
        )
    )]
    Damaged {
        /// The digest of its manifest.
        manifest: Sha256,
        /// What is wrong.
        #[source]
        source: JsonError,
    },
    /// The provenance is about something else.
    #[error("the provenance beside the image {manifest} is about another one")]
    #[diagnostic(
        code(hbuild::reproduce::other_subject),
        help("do not use the two together: an image's evidence names its digest")
    )]
    OtherSubject {
        /// The digest of its manifest.
        manifest: Sha256,
    },
    /// Another builder made it.
    #[error("the image {manifest} is of the build type `{found}`, which hbuild does not repeat")]
    #[diagnostic(
        code(hbuild::reproduce::other_build_type),
        help("hbuild reproduces what hbuild built; the build type's page says how others do it")
    )]
    OtherBuildType {
        /// The digest of its manifest.
        manifest: Sha256,
        /// Its build type.
        found: String,
    },
    /// The image cannot be read.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Read(#[from] ReadError),
}
