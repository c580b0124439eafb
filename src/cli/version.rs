//! `hbuild version`.

use serde_json::json;

use super::report::Failure;
use super::{print, print_json};
use crate::build::layer_compression;
use crate::graph::{Algorithm, ENCODING_SCHEMA};

/// Prints what decides the bytes of a build.
pub fn run(as_json: bool) -> Result<(), Failure> {
    let version = env!("CARGO_PKG_VERSION");
    let libraries = [Algorithm::Zstd, Algorithm::Gzip].map(|algorithm| layer_compression(algorithm).library);
    if as_json {
        return print_json(&json!({
            "version": version,
            "encoding-schema": ENCODING_SCHEMA,
            "compressors": libraries,
        }));
    }
    print(&format!(
        "hbuild {version}\nencoding schema {ENCODING_SCHEMA}\ncompressors {}\n",
        libraries.join(", ")
    ))
}
