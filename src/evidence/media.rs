//! The media types and predicate types of all documents, as OCI referrers and in-toto statements name them.

use crate::graph::{IndexDocument, ReportKind, SbomFormat};

/// An SPDX JSON document; also the artifact type of its referrer.
pub const SPDX: &str = "application/spdx+json";
/// A CycloneDX JSON document; also the artifact type of its referrer.
pub const CYCLONEDX: &str = "application/vnd.cyclonedx+json";
/// The signed indexes that the packages of an image were chosen from, with the certificates: `docs/src/evidence.md`,
/// _Signed indexes_. Also the type of the list that is the artifact's first layer.
pub const INDEXES: &str = "application/vnd.hbuild.indexes.v1+json";
/// An in-toto statement that is not in an envelope; also the artifact type of its referrer.
pub const IN_TOTO: &str = "application/vnd.in-toto+json";
/// The annotation that names a statement's predicate type on the referrer's manifest and on its layer.
pub const PREDICATE_TYPE_ANNOTATION: &str = "in-toto.io/predicate-type";

/// SLSA provenance v1.
pub const PREDICATE_PROVENANCE: &str = "https://slsa.dev/provenance/v1";
/// The origin of every path: `docs/src/evidence.md`, _Origins_.
pub const PREDICATE_ORIGINS: &str = "https://hbuild.dev/origins/v1";
/// The policy report: `docs/src/evidence.md`, _Reports_.
pub const PREDICATE_POLICY: &str = "https://hbuild.dev/policy/v1";
/// The summary of the policy reports of an index: `docs/src/evidence.md`, _Image indexes_.
pub const PREDICATE_POLICY_SUMMARY: &str = "https://hbuild.dev/policy-summary/v1";
/// The ELF closure report: `docs/src/evidence.md`, _Reports_.
pub const PREDICATE_ELF: &str = "https://hbuild.dev/elf/v1";
/// The results of the image's tests: `docs/src/testing.md`, _Evidence_.
pub const PREDICATE_TEST_RESULT: &str = "https://in-toto.io/attestation/test-result/v0.1";
/// The run attestation: `docs/src/run-v1.md`.
pub const PREDICATE_RUN: &str = "https://hbuild.dev/run/v1";
/// A signature and nothing more, as cosign 3 writes it.
pub const PREDICATE_SIGNATURE: &str = "https://sigstore.dev/cosign/sign/v1";
/// An SPDX document, signed.
pub const PREDICATE_SPDX: &str = "https://spdx.dev/Document";
/// A CycloneDX document, signed.
pub const PREDICATE_CYCLONEDX: &str = "https://cyclonedx.org/bom";
/// The build type of the provenance: `docs/src/build-types/recipe-v1.md`.
pub const BUILD_TYPE: &str = "https://hbuild.dev/build-types/recipe/v1";

/// The build type of the provenance of an index: `docs/src/build-types/index-v1.md`.
pub const BUILD_TYPE_INDEX: &str = "https://hbuild.dev/build-types/index/v1";

/// The media type of an SBOM.
pub fn sbom(format: SbomFormat) -> &'static str {
    match format {
        SbomFormat::Spdx => SPDX,
        SbomFormat::CycloneDx => CYCLONEDX,
    }
}

/// The predicate type of a report's statement.
pub fn report(kind: ReportKind) -> &'static str {
    match kind {
        ReportKind::Elf => PREDICATE_ELF,
        ReportKind::Policy => PREDICATE_POLICY,
        ReportKind::Tests => PREDICATE_TEST_RESULT,
    }
}

/// Artifact type and predicate type of a document about an index; an SBOM has no predicate type.
pub fn index(document: IndexDocument) -> (&'static str, &'static str) {
    match document {
        IndexDocument::Spdx => (SPDX, ""),
        IndexDocument::CycloneDx => (CYCLONEDX, ""),
        IndexDocument::Provenance => (IN_TOTO, PREDICATE_PROVENANCE),
        IndexDocument::Policy => (IN_TOTO, PREDICATE_POLICY_SUMMARY),
    }
}
