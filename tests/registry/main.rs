//! Registries: push, pull, images read where they are; real ones, and one that does what it should not.

#[path = "../oci_support/mod.rs"]
#[allow(dead_code, reason = "each test binary uses its own part of this module")]
mod oci_support;
#[path = "../support/mod.rs"]
mod support;

mod hostile;
mod logins;
mod peers;
mod place;
mod server;
mod transfers;
