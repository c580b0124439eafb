//! `hbuild graph`.

use clap::{Args, ValueEnum};

use super::arguments::Selection;
use super::context::Context;
use super::report::Failure;
use super::{print, target};
use crate::build::{GraphOptions, layer_compression, select, whole_graph};
use crate::graph::Algorithm;

/// Arguments of `graph`.
#[derive(Debug, Args)]
pub struct GraphArguments {
    /// Recipes and variants
    #[command(flatten)]
    pub selection: Selection,
    /// Form
    #[arg(long, value_enum, default_value_t = GraphFormat::Dot)]
    pub format: GraphFormat,
}

/// Forms of a graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum GraphFormat {
    /// Graphviz
    Dot,
    /// One JSON document
    Json,
}

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
