//! hbuild builds hardened OCI images from recipes, bit for bit.
//!
//! The modules stand in the order of the data's way (`docs/src/architecture.md`): each may import the ones
//! above it, never one below. `tests/architecture.rs` checks that, and that only `host`, `store`, `sandbox`,
//! `remote` and `cli` touch the operating system.
//!
//! ```text
//! recipe text -> checked, evaluated recipe      hbuild_lang
//!   -> lock                                     distro, lock
//!   -> graph of derivations                     graph
//!   -> outputs in the store                     store, exec
//!   -> layers, config, manifest, index          image
//!   -> evidence                                 evidence
//! ```

pub mod build;
pub mod cli;
pub mod digest;
pub mod distro;
pub mod evidence;
pub mod exec;
pub mod graph;
pub mod host;
pub mod image;
pub mod lock;
pub mod store;
pub mod timestamp;
pub mod tree;
