//! What an auditor asks: whether an image is what its evidence says, by whom, and what differs between two.
//!
//! Receives images that were read and checked ([`crate::image::read`]) and keys; returns answers. It never
//! fetches, builds or writes.

pub mod diff;
pub mod reproduction;
pub mod summary;
pub mod verify;
