//! What the tests of mirrors, signatures and locks share.
#![allow(dead_code, unused_imports, reason = "each test binary uses its own part of this module")]

pub mod gpg;
pub mod images;
pub mod repository;
pub mod server;
pub mod world;
