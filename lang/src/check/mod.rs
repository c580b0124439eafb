//! Checking what does not depend on a point of the axes.

pub mod suggest;

use crate::modules::{Program, Reports};

/// Reports what is wrong with the program, whatever the point of the axes.
pub fn check(_program: &Program, _reports: &mut Reports) {}
