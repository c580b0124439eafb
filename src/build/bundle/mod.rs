//! Bundles of targets: what goes into one, and projects and inputs that come out of one.

mod collect;
mod contents;
mod indexes;
mod inputs;
mod project;

pub use collect::{BundleFailure, BundleOptions, Bundled, bundle};
pub use inputs::{BundleInputs, StoreInputs};
pub use project::{ProjectsError, chosen_of, projects_of};
