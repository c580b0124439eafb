//! The graph of derivations: what is to be made from what, before anything runs. Pure: the same recipe and the
//! same lock give the same graph on any machine.

mod action;
mod canonical;
mod derivation;
mod environment;
mod export;
#[expect(clippy::module_inception, reason = "the graph is what this module is about")]
mod graph;
mod image_test;
pub mod layers;
mod plan;
pub mod spdx;
mod variant;

pub use crate::compression::{Algorithm, Compression};
pub use action::*;
pub use derivation::*;
pub use environment::environment;
pub use graph::{Graph, GraphError};
pub use image_test::{ImageTest, ImageTests};
pub use plan::{
    BuildPlan, ImagePlan, IndexFile, LocalSource, PlanError, PlanOptions, Planner, SignedIndexes, TestPlan,
    VariantPlan, VariantSource, embedded, embedded_path, package_origin,
};
pub use variant::{IndexDefinition, IndexDocument};
