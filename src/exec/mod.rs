//! Execution: makes the outputs of a graph's derivations, in parallel, each once.

mod builder;
mod memory;

pub use builder::*;
pub use memory::*;
