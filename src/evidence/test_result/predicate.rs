//! The predicate <https://in-toto.io/attestation/test-result/v0.1>.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::digest::Sha256;
use crate::evidence::ResourceDescriptor;
use crate::evidence::statement::sha256;
use crate::graph::ImageTests;
use crate::image::config::to_canonical;

/// What came of the tests of an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TestResultV01 {
    /// `PASSED`, `WARNED` or `FAILED`.
    pub result: String,
    /// What was run, and how.
    pub configuration: Vec<ResourceDescriptor>,
    /// The names of tests that passed.
    pub passed_tests: Vec<String>,
    /// Of those that passed with warnings.
    #[serde(default)]
    pub warned_tests: Vec<String>,
    /// Of those that failed.
    #[serde(default)]
    pub failed_tests: Vec<String>,
}

impl TestResultV01 {
    /// All of `tests` passed; `environment` is the one they had.
    pub fn passed(tests: &ImageTests, environment: &BTreeMap<String, String>) -> Self {
        Self {
            result: "PASSED".to_owned(),
            configuration: vec![configuration(tests, environment)],
            passed_tests: tests.tests.iter().map(|test| test.name.clone()).collect(),
            warned_tests: Vec::new(),
            failed_tests: Vec::new(),
        }
    }
}

/// The tests and the circumstances that a recipe decides; the digest is that of these annotations as canonical JSON.
fn configuration(tests: &ImageTests, environment: &BTreeMap<String, String>) -> ResourceDescriptor {
    let annotations = BTreeMap::from([
        ("directory".to_owned(), Value::from(tests.work_dir.as_str())),
        ("environment".to_owned(), json!(environment)),
        ("network".to_owned(), Value::from("none")),
        ("tests".to_owned(), json!(tests.tests)),
        ("user".to_owned(), Value::from(tests.user.as_str())),
    ]);
    ResourceDescriptor {
        name: Some("tests".to_owned()),
        digest: sha256(Sha256::of(&to_canonical(&annotations))),
        media_type: Some("application/json".to_owned()),
        annotations,
        ..ResourceDescriptor::default()
    }
}
