//! The graph of derivations: what is to be made from what, before anything runs. Pure: the same recipe and the
//! same lock give the same graph on any machine.

mod action;
mod derivation;

pub use action::*;
pub use derivation::*;
