//! Checking what does not depend on a point of the axes: names, types, forms of fields.
//!
//! Receives a loaded program; evaluates nothing.

pub mod arguments;
mod blocks;
mod calls;
pub mod definitions;
mod deprecated;
pub mod form;
mod infer;
mod lints;
pub mod mentions;
pub mod package;
mod patterns;
mod resolve;
pub mod schema;
pub mod suggest;
mod types;

pub use calls::by_name;
pub use infer::{Checker, Scope};
pub use lints::unused;
pub use resolve::methods_of;
pub use types::Type;

use crate::modules::{Program, Reports};
use definitions::Definitions;

/// The codes of what checking finds everywhere: where it found an error, evaluation only meets it again.
pub const STATIC: &[&str] = &[
    "hbuild::lang::axis_not_in_scope",
    "hbuild::lang::bad_field",
    "hbuild::lang::not_a_function",
    "hbuild::lang::not_a_value",
    "hbuild::lang::not_interpolated",
    "hbuild::lang::unknown_member",
    "hbuild::lang::unknown_name",
    "hbuild::lang::wrong_arguments",
    "hbuild::lang::wrong_pattern",
    "hbuild::lang::wrong_type",
];

/// What mentions what in the program. Reports what is wrong with it, whatever the point of the axes.
pub fn check(program: &Program, reports: &mut Reports) -> Definitions {
    let definitions = Definitions::new(program, reports);
    deprecated::names(program, reports);
    Checker::new(program, &definitions, reports).run();
    definitions
}

/// What tells the types of single expressions. The types of axes are known to it, and nothing else is checked.
pub fn typing<'p>(
    program: &'p Program,
    definitions: &'p Definitions,
    reports: &'p mut Reports,
) -> Checker<'p> {
    let mut checker = Checker::new(program, definitions, reports);
    program.ids().for_each(|file| checker.axes(file));
    checker
}
