//! Relations between packages (Debian Policy 7) and package requests, as values.
//!
//! Receives the text of one field (`Depends`, `Provides`, …) or one request of a recipe. Never looks a package
//! up.

mod grammar;
mod request;

use std::cmp::Ordering;
use std::fmt;

pub use grammar::{RelationError, parse};
pub use request::{PackageRequest, RequestError, is_package_name};

/// How a version constraint compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operator {
    /// `<<`
    Earlier,
    /// `<=`, and the obsolete `<`.
    EarlierOrEqual,
    /// `=`
    Equal,
    /// `>=`, and the obsolete `>`.
    LaterOrEqual,
    /// `>>`
    Later,
}

impl Operator {
    /// Whether a version that compares to the constraint's as `order` meets the constraint.
    pub fn admits(self, order: Ordering) -> bool {
        match self {
            Self::Earlier => order.is_lt(),
            Self::EarlierOrEqual => order.is_le(),
            Self::Equal => order.is_eq(),
            Self::LaterOrEqual => order.is_ge(),
            Self::Later => order.is_gt(),
        }
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Earlier => "<<",
            Self::EarlierOrEqual => "<=",
            Self::Equal => "=",
            Self::LaterOrEqual => ">=",
            Self::Later => ">>",
        })
    }
}

/// One alternative of a relation field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Relation<'a> {
    /// Package name.
    pub name: &'a str,
    /// What follows the colon: `any`, `native` or an architecture.
    pub qualifier: Option<&'a str>,
    /// Version constraint.
    pub constraint: Option<(Operator, &'a str)>,
    /// Whether the next relation of the list is an alternative to this one (`|`).
    pub or_next: bool,
}

impl fmt::Display for Relation<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name)?;
        if let Some(qualifier) = self.qualifier {
            write!(out, ":{qualifier}")?;
        }
        if let Some((operator, version)) = self.constraint {
            write!(out, " ({operator} {version})")?;
        }
        Ok(())
    }
}
