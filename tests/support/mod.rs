//! What several integration tests share.

/// Says that a test, or a part of one, cannot run here, and why. Under `HBUILD_TEST_REQUIRE=all`, as CI sets
/// it, that is a failure.
#[allow(dead_code, reason = "each test binary uses its own part of this module")]
pub fn skip(reason: &str) {
    eprintln!("SKIP: {reason}");
    let required = std::env::var("HBUILD_TEST_REQUIRE").is_ok_and(|value| value == "all");
    assert!(!required, "skipped under HBUILD_TEST_REQUIRE=all: {reason}");
}

/// Whether a server on this machine can be reached; says so where it cannot, as in a namespace without any network.
#[allow(dead_code, reason = "each test binary uses its own part of this module")]
pub fn loopback() -> bool {
    let reached = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| {
        let address = listener.local_addr()?;
        std::net::TcpStream::connect_timeout(&address, std::time::Duration::from_secs(5))
    });
    if let Err(error) = &reached {
        skip(&format!("no loopback network: {error}"));
    }
    reached.is_ok()
}

#[allow(dead_code, reason = "each test binary uses its own part of this module")]
pub mod alpine;

#[allow(dead_code, reason = "each test binary uses its own part of this module")]
pub mod archive;

#[allow(dead_code, reason = "each test binary uses its own part of this module")]
pub mod workspace;

#[allow(dead_code, reason = "each test binary uses its own part of this module")]
pub mod layouts;

#[allow(dead_code, reason = "each test binary uses its own part of this module")]
pub mod disk;

#[allow(dead_code, reason = "each test binary uses its own part of this module")]
pub mod images;

#[allow(dead_code, reason = "each test binary uses its own part of this module")]
pub mod oracles;

#[allow(dead_code, reason = "each test binary uses its own part of this module")]
pub mod builds;

#[allow(dead_code, reason = "each test binary uses its own part of this module")]
pub mod processes;
