//! Execution: makes the outputs of a graph's derivations, in parallel, each once.

mod builder;

pub use builder::*;
