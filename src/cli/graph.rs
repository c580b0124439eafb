//! `hbuild graph`.

use super::arguments::{GraphArguments, GraphFormat};
use super::context::Context;
use super::report::Failure;
use super::{print, target};
use crate::build::{GraphOptions, layer_compression, select, whole_graph};
use crate::graph::Algorithm;

/// Prints the graph of what is selected.
pub fn run(arguments: &GraphArguments, context: &Context) -> Result<(), Failure> {
    let projects = target::load(&arguments.selection.targets, context.reporter())?;
    target::check_axes(&arguments.selection, &projects)?;
    let filter = target::filter(&arguments.selection)?;
    let chosen = select(&projects, &filter).map_err(Failure::new)?;
    let options =
        GraphOptions { compression: layer_compression(Algorithm::Zstd), builder: context.builder() };
    let whole = whole_graph(&chosen, &options).map_err(Failure::new)?;
    print(&match arguments.format {
        GraphFormat::Dot => whole.graph.to_dot(),
        GraphFormat::Json => whole.graph.to_json(),
    })
}
