//! `hbuild version`.

use serde::Serialize;

use super::report::Failure;
use super::{print, print_json};
use crate::build::layer_compression;
use crate::evidence::DeclaredSandbox;
use crate::graph::{Algorithm, DOCUMENTS, ENCODING_SCHEMA};
use crate::lock::Lock;

/// What decides the bytes of a build, and which source this program is from.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Version {
    version: &'static str,
    /// The commit of its source; `null` where the build knew none.
    commit: Option<&'static str>,
    /// Whether the source differed from that commit.
    modified: bool,
    encoding_schema: u32,
    documents: &'static str,
    lock_version: u32,
    sandbox: u32,
    compressors: Vec<String>,
    /// Of this program, by the name that Cargo has for them.
    features: Vec<&'static str>,
    platform: String,
}

/// Prints what decides the bytes of a build.
pub fn run(as_json: bool) -> Result<(), Failure> {
    let recorded = option_env!("HBUILD_COMMIT");
    let commit = recorded.map(|commit| commit.trim_end_matches('+'));
    let version = Version {
        version: env!("CARGO_PKG_VERSION"),
        commit,
        modified: recorded.is_some_and(|recorded| recorded.ends_with('+')),
        encoding_schema: ENCODING_SCHEMA,
        documents: DOCUMENTS,
        lock_version: Lock::empty().version,
        sandbox: DeclaredSandbox::current().version,
        compressors: [Algorithm::Zstd, Algorithm::Gzip].map(|it| layer_compression(it).library).to_vec(),
        features: Vec::new(),
        platform: format!("{}/{}", std::env::consts::OS, super::target::host_arch()),
    };
    if as_json {
        return print_json(&version);
    }
    let source = match (commit, version.modified) {
        (None, _) => "unknown".to_owned(),
        (Some(commit), false) => commit.to_owned(),
        (Some(commit), true) => format!("{commit}, with changes"),
    };
    print(&format!(
        "hbuild {}\ncommit {source}\nencoding schema {}\ncompressors {}\n",
        version.version,
        version.encoding_schema,
        version.compressors.join(", ")
    ))
}
