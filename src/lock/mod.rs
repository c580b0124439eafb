//! The lock: every package and source pinned to a digest.

mod model;

pub use model::*;
