//! The sandbox: commands that see their declared inputs and nothing else (design section 8).
//!
//! [`Specification`] is pure: what a sandbox has to be. Everything else here makes one of the kernel's namespaces,
//! and this is the only module with `unsafe`. It decides nothing about what is built.

pub mod diagnose;

mod specification;

pub use specification::*;
