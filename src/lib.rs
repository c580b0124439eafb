//! hbuild builds hardened OCI images from recipes, bit for bit.
//!
//! The groups of modules stand in the order of the data's way (`docs/src/architecture.md`): a module may import
//! its own group and those above it, never one below. `tests/architecture.rs` checks that, and that only `host`,
//! `sandbox`, `store` and `cli` touch the operating system.
//!
//! ```text
//! recipe text -> checked, evaluated recipe      hbuild_lang
//!   -> lock                                     distro, lock
//!   -> graph of derivations                     graph
//!   -> outputs in the store                     store, exec, sandbox
//!   -> layers, config, manifest, index          image
//!   -> evidence                                 evidence, audit
//! all of it, for one command or an editor       build, import, lsp, cli
//! ```

#![cfg_attr(not(test), warn(clippy::disallowed_methods, clippy::disallowed_types, clippy::unwrap_used))]
#![cfg_attr(not(test), warn(clippy::print_stdout, clippy::print_stderr))]
#![warn(missing_docs)]

// What every stage speaks of.
pub mod compression;
pub mod digest;
pub mod timestamp;
pub mod tree;

// Packages and their locks.
pub mod distro;
pub mod lock;

// From the lock to what is to be made.
pub mod graph;

#[allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "the store is files")]
pub mod store;

pub mod exec;

// Commands that see their inputs and nothing else.
#[allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "a sandbox is made of the machine")]
pub mod sandbox;

// What actions do.
pub mod image;

pub mod evidence;

// Images and their evidence, held against each other.
pub mod audit;

// Everything that a build takes, in one file.
pub mod bundle;

// What a project begins with.
pub mod scaffold;

// The machine: files, network, clock.
#[allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "reaches the machine for all others")]
pub mod host;

// Registries that images go to and come from.
#[allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "reaches registries")]
pub mod remote;

// All of it together.
pub mod build;

// Definitions of other systems as recipes.
pub mod import;

// What editors ask.
pub mod lsp;

#[allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "reads arguments and environment")]
#[allow(clippy::print_stdout, clippy::print_stderr, reason = "speaks to people and programs")]
pub mod cli;
