//! The policy: what an image must hold to, the breaks found, and what the recipe waives.
//!
//! Receives the merged tree with its origins and the ELF report; gives a report, or an error that lists every
//! break at once. It changes nothing.

mod accounts;
mod binaries;
mod builder;
mod error;
mod files;
mod report;
mod rules;
mod secrets;
mod waivers;

pub use builder::{PolicyBuilder, PolicyInput, check};
pub use error::PolicyError;
pub use report::{Finding, PolicyReport, UnusedWaiver, Waived};
pub use rules::{Effect, RULES, Rule, rule};
