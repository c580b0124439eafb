//! A package as its index describes it.

use super::fields::{Field, Fields};
use crate::digest::Sha256;
use crate::distro::debian::relation::{self, Relation, RelationError};

/// What may stand beside a package of another architecture, and what it may satisfy (`Multi-Arch`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MultiArch {
    /// Only its own architecture.
    No,
    /// Stands beside itself at another architecture, in the same version.
    Same,
    /// Satisfies relations of any architecture.
    Foreign,
    /// Satisfies relations that say `:any`.
    Allowed,
}

/// How much a package matters to Debian (`Priority`), most first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// The field is missing.
    Unstated,
    /// `required`
    Required,
    /// `important`
    Important,
    /// `standard`
    Standard,
    /// `optional`
    Optional,
    /// `extra`, and everything unknown.
    Extra,
}

/// One stanza of an index.
#[derive(Debug, Clone)]
pub struct Stanza<'a> {
    pub(super) text: &'a str,
    fields: Fields<'a>,
}

macro_rules! relation_accessors {
    ($($(#[$doc:meta])* $name:ident: $field:ident;)*) => {
        $(
            $(#[$doc])*
            pub fn $name(&self) -> Result<Vec<Relation<'a>>, RelationError> {
                relation::parse(self.fields.get(Field::$field).unwrap_or_default())
            }
        )*
    };
}

impl<'a> Stanza<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        // A text that cannot be read has been refused before; were it here, it would have no fields.
        Self { text, fields: Fields::read(text).unwrap_or_default() }
    }

    /// The stanza's text; of an index that was loaded from its cached form, only the fields that are read here.
    pub fn text(&self) -> &'a str {
        self.text
    }

    pub(crate) fn fields(&self) -> Fields<'a> {
        self.fields.clone()
    }

    pub(crate) fn field(&self, field: Field) -> Option<&'a str> {
        self.fields.get(field)
    }

    /// Name.
    pub fn package(&self) -> &'a str {
        self.fields.get(Field::Package).unwrap_or_default()
    }

    /// Version.
    pub fn version(&self) -> &'a str {
        self.fields.get(Field::Version).unwrap_or_default()
    }

    /// Debian's name of the architecture, or `all`.
    pub fn architecture(&self) -> &'a str {
        self.fields.get(Field::Architecture).unwrap_or_default()
    }

    /// `Multi-Arch`; a package for all architectures cannot be `same`.
    pub fn multi_arch(&self) -> MultiArch {
        match self.fields.get(Field::MultiArch) {
            Some("same") if self.architecture() != "all" => MultiArch::Same,
            Some("foreign") => MultiArch::Foreign,
            Some("allowed") => MultiArch::Allowed,
            _ => MultiArch::No,
        }
    }

    /// Whether the system cannot do without it.
    pub fn essential(&self) -> bool {
        self.fields.flag(Field::Essential)
    }

    /// Whether it must not be removed (`Protected`, formerly `Important`).
    pub fn protected(&self) -> bool {
        self.fields.flag(Field::Protected) || self.fields.flag(Field::Important)
    }

    /// Priority.
    pub fn priority(&self) -> Priority {
        let Some(priority) = self.fields.get(Field::Priority) else { return Priority::Unstated };
        let known = [
            ("required", Priority::Required),
            ("important", Priority::Important),
            ("standard", Priority::Standard),
            ("optional", Priority::Optional),
        ];
        let found = known.iter().find(|(name, _)| name.eq_ignore_ascii_case(priority));
        found.map_or(Priority::Extra, |(_, priority)| *priority)
    }

    /// Section.
    pub fn section(&self) -> Option<&'a str> {
        self.fields.get(Field::Section)
    }

    /// Name of the source package.
    pub fn source(&self) -> &'a str {
        self.fields.source().0
    }

    /// Version of the source package.
    pub fn source_version(&self) -> &'a str {
        self.fields.source().1
    }

    /// Path of the .deb below the repository's base. A parsed index has one in every stanza.
    pub fn filename(&self) -> Option<&'a str> {
        self.fields.get(Field::Filename)
    }

    /// Length of the .deb in bytes. A parsed index has one in every stanza.
    pub fn size(&self) -> Option<u64> {
        self.fields.get(Field::Size)?.parse().ok()
    }

    /// SHA-256 of the .deb. A parsed index has one in every stanza.
    pub fn sha256(&self) -> Option<Sha256> {
        self.fields.get(Field::Sha256)?.parse().ok()
    }

    /// Space it takes when installed, in KiB, as its maintainer's tools estimated it.
    pub fn installed_size(&self) -> Option<u64> {
        self.fields.get(Field::InstalledSize)?.parse().ok()
    }

    relation_accessors! {
        /// `Depends`.
        depends: Depends;
        /// `Pre-Depends`.
        pre_depends: PreDepends;
        /// `Recommends`.
        recommends: Recommends;
        /// `Suggests`.
        suggests: Suggests;
        /// `Provides`.
        provides: Provides;
        /// `Conflicts`.
        conflicts: Conflicts;
        /// `Breaks`.
        breaks: Breaks;
        /// `Replaces`.
        replaces: Replaces;
    }
}
