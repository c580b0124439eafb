//! The files of a program: the entry, what it imports, and the standard library, parsed, with the names of
//! each. Receives texts through [`crate::Files`]; evaluates nothing.

pub mod builtin;
mod load;
mod names;
mod program;
pub mod releases;
mod report;
mod site;
mod standard;

pub use load::{NoFiles, edition, load};
pub use program::{Binding, LoadedFile, Program};
pub use report::{Report, Reports};
pub use site::{FileId, Site};
pub use standard::{module as standard_module, modules as standard_names};
