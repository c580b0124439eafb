//! Compressors as parameters: which one, how hard, in which version. Compressing itself is `image`'s.

use serde::{Deserialize, Serialize};

/// A compressor with all that decides its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compression {
    /// Which.
    pub algorithm: Algorithm,
    /// Its level.
    pub level: i32,
    /// The library and its version, `libzstd 1.5.7 (jobs of 2 MiB)`.
    pub library: String,
}

/// Compression of layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Algorithm {
    /// No compression: `application/vnd.oci.image.layer.v1.tar`.
    None,
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
}
