//! The parameters of the tests of an image.

use std::collections::BTreeMap;

use hbuild_lang::recipe::{Arch, Expectation, Place, Test};
use serde::Serialize;

/// Commands that are run in a finished image, and what is expected of each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ImageTests {
    /// The platform that runs them: `linux` on this architecture.
    pub arch: Arch,
    /// `Config.User` as configured.
    pub user: String,
    /// The environment as configured.
    pub env: BTreeMap<String, String>,
    /// The working directory as configured.
    pub work_dir: String,
    /// The volumes as configured.
    pub volumes: Vec<String>,
    /// The tests, in the order of the recipe.
    pub tests: Vec<ImageTest>,
}

/// One test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ImageTest {
    /// What it shows.
    pub name: String,
    /// Command and arguments.
    pub run: Vec<String>,
    /// What standard output must be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stdout: Option<Expectation>,
    /// What standard error must be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stderr: Option<Expectation>,
    /// Expected exit status.
    pub status: i32,
    /// Where it stands in the recipe. Not part of the identity: a line more above it changes no result.
    #[serde(skip)]
    pub place: Place,
}

impl From<&Test> for ImageTest {
    fn from(test: &Test) -> Self {
        let Test { name, run, stdout, stderr, status, place } = test.clone();
        Self { name, run, stdout, stderr, status, place }
    }
}
