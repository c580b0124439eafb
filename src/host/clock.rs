//! The clock. `lock` asks it, to judge freshness and expiry, and `sign`, for the run attestation. Nothing that it says reaches an
//! output.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::timestamp::Timestamp;

/// The present moment as the host's clock has it.
pub fn now() -> Timestamp {
    let seconds = match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => since.as_secs() as i64,
        Err(before) => -(before.duration().as_secs() as i64),
    };
    Timestamp(seconds)
}
