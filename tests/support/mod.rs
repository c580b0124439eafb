//! What several integration tests share.

/// Says that a test, or a part of one, cannot run here, and why. Under `HBUILD_TEST_REQUIRE=all`, as CI sets
/// it, that is a failure.
#[allow(dead_code, reason = "each test binary uses its own part of this module")]
pub fn skip(reason: &str) {
    eprintln!("SKIP: {reason}");
    let required = std::env::var("HBUILD_TEST_REQUIRE").is_ok_and(|value| value == "all");
    assert!(!required, "skipped under HBUILD_TEST_REQUIRE=all: {reason}");
}

#[allow(dead_code, reason = "each test binary uses its own part of this module")]
pub mod archive;

#[allow(dead_code, reason = "each test binary uses its own part of this module")]
pub mod workspace;

#[allow(dead_code, reason = "each test binary uses its own part of this module")]
pub mod disk;
