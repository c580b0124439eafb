//! Checking what does not depend on a point of the axes: names, types, forms of fields.
//!
//! Receives a loaded program; evaluates nothing.

pub mod arguments;
pub mod definitions;
pub mod form;
pub mod mentions;
pub mod package;
pub mod schema;
pub mod suggest;

use crate::modules::{Program, Reports};
use definitions::Definitions;

/// What mentions what in the program. Reports what is wrong with it, whatever the point of the axes.
pub fn check(program: &Program, reports: &mut Reports) -> Definitions {
    Definitions::new(program, reports)
}
