//! From recipe files to images in a folder: the one call behind `hbuild build`, and the pieces that `lock`,
//! `graph` and `show` share with it. It knows every stage above and adds none of its own.

pub mod bundle;
mod check;
mod failure;
mod files;
mod graph;
mod image_command;
mod output;
mod platform;
mod project;
pub mod reproduce;
mod run;
mod select;
mod tested;

pub use check::{DifferingCommand, NotReproducible};
pub use failure::BuildFailure;
pub use files::BuildResult;
pub use graph::{Gap, GraphOptions, Planned, PlannedBuild, WholeGraph, locked_graph, whole_graph};
pub use image_command::{ImageCommand, ImageCommandError, run_in_image};
pub use output::{Format, ImageResult};
pub use platform::PlatformError;
pub use project::{Project, ProjectFiles, split};
pub use run::{BuildOptions, LeftOut, Results, Surroundings, build, execute_with, layer_compression};
pub use select::{ArchChoice, Filter, Item, SelectError, select};
pub use tested::{TestState, TestedImage, test};
