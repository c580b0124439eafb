//! The name of an object.

use serde::{Deserialize, Serialize};

use crate::digest::Digest;

/// An object in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObjectRef {
    /// BLAKE3 of its bytes.
    pub digest: Digest,
    /// Their number.
    pub size: u64,
}

impl ObjectRef {
    /// The name of an object with these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self { digest: Digest::of(bytes), size: bytes.len() as u64 }
    }
}
