//! `why`: from an image's own documents back to the origin of one path.
//!
//! Receives the origins statement and the provenance statement of an image, and returns the chain path →
//! package → digest → signed index → key → recipe line, or path → build → derivation → sources → recipe line.
//! Where the verbatim indexes are at hand, the chain of a package is checked again through [`Recheck`]; where they
//! are not, the answer says so.

mod answer;
mod build;
mod chain;
mod error;
mod image;
mod recheck;
mod verbatim;

pub use answer::{
    Answer, Cause, Check, Link, PackageCause, PackagesFile, RequestedBy, SignedIndex, SourceCause,
};
pub use build::{BuildCause, BuildSource, Patch};
pub use chain::why;
pub use error::{RecheckFailure, VerbatimError, WhyError};
pub use image::ImageEvidence;
pub use recheck::{Recheck, Verified};
pub use verbatim::VerbatimIndexes;
