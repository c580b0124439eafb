//! Execution: makes the outputs of a graph's derivations, in parallel, each once.

mod builder;
mod memory;
mod unpack;

pub use builder::*;
pub use memory::*;
pub use unpack::*;
