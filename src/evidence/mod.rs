//! Evidence: documents about exactly one image, named by the digest of its manifest.
//!
//! Receives what lock, merge and image layout left behind ([`crate::lock::Components`],
//! [`crate::lock::BuildDefinition`], tree and origin map, the manifest's bytes) and returns JSON. Every document
//! is a pure function of these: no clock, host, user, mirror or random number is read. [`why`] goes the other
//! way, from the documents of an image back to the origin of one path.

mod attached;
mod builder;
mod carried;
pub mod copyright;
mod error;
mod execution;
mod index;
mod installed;
pub mod json;
pub mod license;
mod links;
pub mod media;
mod origins;
mod package_files;
mod provenance;
pub mod purl;
mod run;
pub mod sbom;
pub mod signing;
mod statement;
mod test_result;
pub mod why;

pub use attached::{Attached, AttachedError, Attachment, ListedFile, listed_files};
pub use builder::EvidenceBuilder;
pub use carried::{CarriedIndexes, IndexList, KeptOrCarried, indexes_referrer};
pub use error::EvidenceError;
pub use execution::{BuildV1, DeclaredSandbox};
pub use index::{ImageIndex, IndexParameters, PlatformPolicy, PolicySummary, WaivedOn};
pub use origins::{OriginGroup, Origins, origins};
pub use package_files::PackageFiles;
pub use provenance::{
    BuildDefinitionV1, BuilderV1, ExternalParameters, InternalParameters, ProvenanceV1, RecipeReference,
    RunDetails, annotation, provenance,
};
pub use run::{BuildRunV1, FetchedV1, HostV1, ProgramV1, RunFacts, RunV1};
pub use statement::{ResourceDescriptor, STATEMENT_TYPE, Statement, Subject};
pub use test_result::{
    FailedTest, Problem, TestBuilder, TestOutcome, TestReports, TestResultV01, TestsFailed, judge,
};
