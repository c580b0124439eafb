//! Why a build did not come to its end.

use crate::exec::ExecError;
use crate::graph::{GraphError, PlanError};
use crate::host::discover::ReadError;
use crate::host::fetch::FetchError;
use crate::image::formats::RootError;
use crate::image::layout::LayoutError;
use crate::lock::LockError;
use crate::store::StoreError;
use crate::tree::ContentError;

/// The error of whichever stage failed.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum BuildFailure {
    /// Lock missing, damaged or outgrown.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Lock(#[from] LockError),
    /// A local source cannot be read.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Source(#[from] ReadError),
    /// No graph.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Plan(#[from] PlanError),
    /// No graph, by a defect.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Graph(#[from] GraphError),
    /// Something has to be executed on another platform.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Platform(#[from] super::PlatformError),
    /// The store failed.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Store(#[from] StoreError),
    /// The network cannot be set up.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Fetch(#[from] FetchError),
    /// Tests cannot be run here.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Unavailable(Box<dyn miette::Diagnostic + Send + Sync>),
    /// A derivation failed.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Execution(#[from] ExecError),
    /// Commands gave something else when they were executed again.
    #[error(transparent)]
    #[diagnostic(transparent)]
    NotReproducible(#[from] super::NotReproducible),
    /// The layout or archive cannot be written.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Layout(#[from] LayoutError),
    /// The root file system cannot be written.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Root(#[from] RootError),
    /// An output of the store cannot be read.
    #[error("an output that was just made cannot be read from the store")]
    #[diagnostic(
        code(hbuild::store::output_unreadable),
        help("run `hbuild store verify --repair`, then build again")
    )]
    Output(#[from] ContentError),
    /// Two recipes make the same image.
    #[error("`{name}` is made by two recipes: {one} and {two}")]
    #[diagnostic(
        code(hbuild::graph::image_twice),
        help("build them into different folders with `-o`, or give one of them another name")
    )]
    Twice {
        /// Image, variant and architecture.
        name: String,
        /// A recipe.
        one: String,
        /// The other.
        two: String,
    },
}
