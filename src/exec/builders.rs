//! Which builder performs which kind of action.

use std::collections::BTreeMap;

use super::Builder;
use crate::graph::{Action, Evidence};

/// The kinds of actions that have builders of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ActionKind {
    /// [`Action::Fetch`].
    Fetch,
    /// [`Action::Unpack`].
    Unpack,
    /// [`Action::Merge`].
    Merge,
    /// [`Action::Project`].
    Project,
    /// [`Action::Exec`].
    Exec,
    /// [`Action::Layer`].
    Layer,
    /// [`Action::Image`].
    Image,
    /// [`Action::Test`].
    Test,
    /// [`Evidence::Elf`].
    Elf,
    /// [`Evidence::Policy`].
    Policy,
    /// [`Evidence::Origins`].
    Origins,
    /// [`Evidence::Report`].
    Report,
    /// [`Evidence::Survey`].
    Survey,
    /// [`Evidence::PackageFiles`].
    PackageFiles,
    /// [`Evidence::Sbom`].
    Sbom,
    /// [`Evidence::Provenance`].
    Provenance,
    /// [`Evidence::Index`].
    Index,
}

impl ActionKind {
    /// The kind of `action`.
    pub fn of(action: &Action) -> Self {
        match action {
            Action::Fetch(_) => Self::Fetch,
            Action::Unpack(_) => Self::Unpack,
            Action::Merge(_) => Self::Merge,
            Action::Project(_) => Self::Project,
            Action::Exec(_) => Self::Exec,
            Action::Layer(_) => Self::Layer,
            Action::Image(_) => Self::Image,
            Action::Test(_) => Self::Test,
            Action::Evidence(evidence) => match **evidence {
                Evidence::Elf { .. } => Self::Elf,
                Evidence::Policy { .. } => Self::Policy,
                Evidence::Origins { .. } => Self::Origins,
                Evidence::Report { .. } => Self::Report,
                Evidence::Survey { .. } => Self::Survey,
                Evidence::PackageFiles { .. } => Self::PackageFiles,
                Evidence::Sbom { .. } => Self::Sbom,
                Evidence::Provenance(_) => Self::Provenance,
                Evidence::Index { .. } => Self::Index,
            },
        }
    }

    /// Its name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fetch => "fetch",
            Self::Unpack => "unpack",
            Self::Merge => "merge",
            Self::Project => "project",
            Self::Exec => "exec",
            Self::Layer => "layer",
            Self::Image => "image",
            Self::Test => "test",
            Self::Elf => "elf",
            Self::Policy => "policy",
            Self::Origins => "origins",
            Self::Report => "report",
            Self::Survey => "survey",
            Self::PackageFiles => "package-files",
            Self::Sbom => "sbom",
            Self::Provenance => "provenance",
            Self::Index => "index",
        }
    }
}

/// A builder for each kind.
#[derive(Default)]
pub struct Builders<'a> {
    by_kind: BTreeMap<ActionKind, &'a dyn Builder>,
}

impl<'a> Builders<'a> {
    /// No builder for any kind.
    pub fn new() -> Self {
        Self::default()
    }

    /// These, and `builder` for `kind`.
    #[must_use]
    pub fn with(mut self, kind: ActionKind, builder: &'a dyn Builder) -> Self {
        self.by_kind.insert(kind, builder);
        self
    }

    /// The builder for `kind`.
    pub(super) fn get(&self, kind: ActionKind) -> Option<&'a dyn Builder> {
        self.by_kind.get(&kind).copied()
    }
}
