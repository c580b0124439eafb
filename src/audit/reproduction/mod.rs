//! Whether an image is what its recipe gives: what its provenance claims, the image held against one that was built
//! again from it, and the summary that says so.
//!
//! Receives two images as layouts. Nothing that the image says of itself is believed: the claim only tells what is to be
//! built again; what counts is whether that gives the same bytes.

mod claim;
mod compare;
mod error;
mod evidence;
mod summary;

pub use claim::{Claim, claims, plain};
pub use compare::{Comparison, LayerComparison, LayerDigests, Outcome, Pair, compare};
pub use error::ClaimError;
pub use evidence::{DocumentComparison, EvidenceComparison, compare_evidence, document};
pub use summary::{SUMMARY_PREDICATE, Summary, own_provenance, policy, resource_uri, summary};
