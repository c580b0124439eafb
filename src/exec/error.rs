//! Why a run failed.

use std::fmt;

use miette::Diagnostic;
use thiserror::Error;

use crate::graph::DerivationId;
use crate::store::StoreError;
use crate::tree::ContentError;

/// Why a run failed.
#[derive(Debug, Error, Diagnostic)]
pub enum ExecError {
    /// An action failed.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Failed(Failure),
    /// Several actions failed, where the run went on after the first.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Several(Failures),
    /// The store failed.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Store(#[from] StoreError),
    /// The contents that a derivation needs cannot be read.
    #[error("{label}: cannot read what it is made from, or keep what it makes")]
    #[diagnostic(
        code(hbuild::exec::content),
        help("run `hbuild store verify --repair`, then build again: what is lost or damaged is made anew")
    )]
    Content {
        /// The derivation.
        label: String,
        /// What is wrong.
        #[source]
        source: ContentError,
    },
    /// The caller's cancel flag was raised.
    #[error("stopped")]
    #[diagnostic(
        code(hbuild::exec::cancelled),
        help("nothing half-made was kept; the same command goes on where it stopped")
    )]
    Cancelled,
    /// The system gave no threads.
    #[error("cannot start threads")]
    #[diagnostic(
        code(hbuild::exec::threads),
        help("allow more processes, or ask for fewer jobs with `--jobs`")
    )]
    Threads(#[source] std::io::Error),
    /// The graph, or a builder, breaks a rule that hbuild itself must keep.
    #[error("{label}: {defect}")]
    #[diagnostic(
        code(hbuild::exec::defect),
        help("this is a defect in hbuild: please report it with the recipe and the lock")
    )]
    Defect {
        /// The derivation.
        label: String,
        /// Which rule.
        defect: Defect,
    },
}

/// A rule that hbuild itself must keep.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Defect {
    /// No builder for the kind of action.
    #[error("nothing here performs this kind of action")]
    NoBuilder,
    /// A wanted derivation is not in the graph.
    #[error("not in the graph")]
    NotInGraph,
    /// An input has no such output.
    #[error("`{input}` has no output `{output}`")]
    NoOutput {
        /// The input's label.
        input: String,
        /// The output.
        output: String,
    },
    /// A builder named an object that is not in the store.
    #[error("the output `{0}` was not kept in the store")]
    NotKept(String),
    /// A builder panicked.
    #[error("panicked")]
    Panic,
    /// Nothing is left to do, but not everything is done.
    #[error("waits for itself")]
    Stuck,
}

/// The error of an action, with the label of its derivation. Code and help are the action's.
#[derive(Debug)]
pub struct Failure {
    /// The derivation.
    pub id: DerivationId,
    /// Its label.
    pub label: String,
    /// What the action said.
    pub source: Box<dyn Diagnostic + Send + Sync>,
    /// Whether a file was nowhere to be found: what does not need it is made all the same.
    pub absent: bool,
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "failed: {}", self.label)
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        let source: &(dyn Diagnostic + 'static) = &*self.source;
        Some(source)
    }
}

impl Diagnostic for Failure {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.source.code()
    }

    fn severity(&self) -> Option<miette::Severity> {
        self.source.severity()
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.source.help()
    }

    fn url<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.source.url()
    }

    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        self.source.source_code()
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = miette::LabeledSpan> + '_>> {
        self.source.labels()
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        self.source.related()
    }
}

/// What failed in a run that went on after its first failure. Its code is that of the first.
#[derive(Debug)]
pub struct Failures {
    /// The failures, in the order they happened; more than one.
    pub failures: Vec<Failure>,
    /// How many derivations were left out because they need what failed.
    pub left_out: usize,
}

impl fmt::Display for Failures {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} derivations failed", self.failures.len())?;
        match self.left_out {
            0 => Ok(()),
            count => write!(out, ", {count} more need what they make"),
        }
    }
}

impl std::error::Error for Failures {}

impl Diagnostic for Failures {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.failures.first()?.code()
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        Some(Box::new(self.failures.iter().map(|failure| failure as &dyn Diagnostic)))
    }
}
