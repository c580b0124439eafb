//! The verification summary of an image that was built again: SLSA VSA v1
//! (<https://slsa.dev/spec/v1.0/verification_summary>), without a build level.

use std::collections::BTreeMap;

use hbuild_lang::recipe::Arch;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Outcome;
use crate::digest::Sha256;
use crate::evidence::json::{JsonError, parse};
use crate::evidence::{BuilderV1, ProvenanceV1, ResourceDescriptor, STATEMENT_TYPE, Statement, Subject};
use crate::graph::ENCODING_SCHEMA;

/// The predicate type of a summary.
pub const SUMMARY_PREDICATE: &str = "https://slsa.dev/verification_summary/v1";

/// The predicate. It has no time: two who build the same again say the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Who built it again.
    pub verifier: BuilderV1,
    /// The image, `pkg:oci/…`.
    pub resource_uri: String,
    /// What it was held to: the document of [`policy`].
    pub policy: ResourceDescriptor,
    /// The provenance that said what was to be built.
    pub input_attestations: Vec<ResourceDescriptor>,
    /// `PASSED`.
    pub verification_result: String,
    /// What was found, as this project names it. No level of SLSA: a rebuild says nothing of how the image was built first.
    pub verified_levels: Vec<String>,
    /// The version of SLSA that the format is of.
    pub slsa_version: String,
}

/// What an image is held to for an outcome other than [`Outcome::Different`], as JSON, and the URI that it is known by.
pub fn policy(outcome: Outcome) -> (&'static str, Vec<u8>) {
    let (uri, equal): (_, &[&str]) = match outcome {
        Outcome::Identical => {
            ("https://hbuild.dev/reproduction/identical/v1", &["manifest", "config", "layers", "diff-ids"])
        }
        _ => ("https://hbuild.dev/reproduction/same-content/v1", &["config", "diff-ids"]),
    };
    let document = json!({
        "uri": uri,
        "build": "from the recipe, the lock and the inputs that the provenance names, in an empty store, without substitution",
        "equal": equal,
    });
    (uri, serde_json_canonicalizer::to_vec(&document).expect("the document holds texts"))
}

/// The summary by the verifier `verifier` of the image `name`, which has the digest `manifest` and stands at
/// `resource_uri`; `provenance` is the digest of the statement that it was built again from.
pub fn summary(
    verifier: &str,
    outcome: Outcome,
    (name, resource_uri): (&str, String),
    (manifest, provenance): (Sha256, Sha256),
) -> Statement<Summary> {
    let sha256 = |digest: Sha256| BTreeMap::from([("sha256".to_owned(), digest.to_string())]);
    let (uri, document) = policy(outcome);
    let property = match outcome {
        Outcome::Identical => "HBUILD_REPRODUCED",
        _ => "HBUILD_REPRODUCED_CONTENT",
    };
    let version =
        [("hbuild", env!("CARGO_PKG_VERSION").to_owned()), ("hbuild-encoding", ENCODING_SCHEMA.to_string())];
    let predicate = Summary {
        verifier: BuilderV1 {
            id: verifier.to_owned(),
            version: version.into_iter().map(|(key, value)| (key.to_owned(), value)).collect(),
        },
        resource_uri,
        policy: ResourceDescriptor {
            uri: Some(uri.to_owned()),
            digest: sha256(Sha256::of(&document)),
            ..ResourceDescriptor::default()
        },
        // The format knows of an attestation its digest and where it is.
        input_attestations: vec![ResourceDescriptor {
            digest: sha256(provenance),
            ..ResourceDescriptor::default()
        }],
        verification_result: "PASSED".to_owned(),
        verified_levels: vec![property.to_owned()],
        slsa_version: "1.0".to_owned(),
    };
    Statement {
        kind: STATEMENT_TYPE.to_owned(),
        subject: vec![Subject { name: name.to_owned(), digest: sha256(manifest) }],
        predicate_type: SUMMARY_PREDICATE.to_owned(),
        predicate,
    }
}

/// The URI of an image: `pkg:oci/…`, with the place in a registry where it has one.
pub fn resource_uri(name: &str, manifest: Sha256, arch: Arch, registry: Option<&str>) -> String {
    let last = name.rsplit('/').next().unwrap_or(name).to_lowercase();
    let place = registry.map(|place| format!("&repository_url={place}")).unwrap_or_default();
    format!("pkg:oci/{last}@sha256%3A{manifest}?arch={arch}{place}")
}

/// The provenance statement `bytes`, which was made here, with the builder id of whoever built.
pub fn own_provenance(bytes: &[u8], builder: &str) -> Result<Vec<u8>, JsonError> {
    let mut statement: Statement<ProvenanceV1> = parse(bytes)?;
    statement.predicate.run_details.builder.id = builder.to_owned();
    Ok(statement.to_json())
}
