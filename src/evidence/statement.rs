//! in-toto Statement v1 and its resource descriptors, as
//! <https://github.com/in-toto/attestation/tree/main/spec/v1> defines them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::digest::Sha256;
use crate::lock::Components;

/// The `_type` of every statement.
pub const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";

/// A statement about one image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Statement<P> {
    /// [`STATEMENT_TYPE`].
    #[serde(rename = "_type")]
    pub kind: String,
    /// What it is about: one image manifest.
    pub subject: Vec<Subject>,
    /// What `predicate` is, a URI.
    pub predicate_type: String,
    /// What is stated.
    pub predicate: P,
}

/// A subject: a name for people and the digest that counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// `<image>:<variant>-<arch>`.
    pub name: String,
    /// `sha256` of the image manifest.
    pub digest: BTreeMap<String, String>,
}

impl Subject {
    /// The image of `components` whose manifest has the digest `manifest`.
    pub fn image(components: &Components, manifest: Sha256) -> Self {
        let Components { image, variant, arch, .. } = components;
        Self { name: format!("{image}:{variant}-{arch}"), digest: sha256(manifest) }
    }
}

impl<P> Statement<P> {
    /// The statement `predicate` about the image of `components`.
    pub fn about(components: &Components, manifest: Sha256, predicate_type: &str, predicate: P) -> Self {
        Self {
            kind: STATEMENT_TYPE.to_owned(),
            subject: vec![Subject::image(components, manifest)],
            predicate_type: predicate_type.to_owned(),
            predicate,
        }
    }

    /// Whether one of the subjects has this SHA-256.
    pub fn is_about(&self, digest: Sha256) -> bool {
        let digest = digest.to_string();
        self.subject.iter().any(|subject| subject.digest.get("sha256") == Some(&digest))
    }
}

impl<P: Serialize> Statement<P> {
    /// The statement as JSON without white space, keys in the order of the specification.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("statements hold strings, numbers, lists and maps with string keys")
    }
}

/// A thing that a statement refers to: ResourceDescriptor of in-toto.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceDescriptor {
    /// Its name within the statement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it is, wherever it may be had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// Digests by algorithm.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub digest: BTreeMap<String, String>,
    /// Media type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// Further properties.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, serde_json::Value>,
}

impl ResourceDescriptor {
    /// The SHA-256, where it states one that is well formed.
    pub fn sha256(&self) -> Option<Sha256> {
        self.digest.get("sha256")?.parse().ok()
    }

    /// The annotation `key`, where it is a string.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.annotations.get(key)?.as_str()
    }
}

/// The digest set with one SHA-256.
pub(super) fn sha256(digest: Sha256) -> BTreeMap<String, String> {
    BTreeMap::from([("sha256".to_owned(), digest.to_string())])
}
