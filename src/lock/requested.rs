//! The packages of a request, in the grammar of their distribution.

use hbuild_lang::recipe::Family;

use super::{LockError, Request};
use crate::distro::{alpine, debian};

/// The requested packages.
pub(super) enum Packages {
    Alpine(Vec<alpine::relation::Dependency>),
    Debian(Vec<debian::relation::PackageRequest>),
}

impl Packages {
    /// The packages that `texts` ask for.
    pub fn parse(family: Family, texts: &[String]) -> Result<Self, LockError> {
        Ok(match family {
            Family::Alpine => Self::Alpine(texts.iter().map(|text| text.parse()).collect::<Result<_, _>>()?),
            Family::Debian => Self::Debian(texts.iter().map(|text| text.parse()).collect::<Result<_, _>>()?),
        })
    }

    /// The architectures that are asked for by name.
    pub fn architectures(&self) -> impl Iterator<Item = &str> {
        let named = match self {
            Self::Alpine(_) => &[][..],
            Self::Debian(packages) => packages,
        };
        let named = named.iter().filter_map(|package| package.arch.as_deref());
        named.filter(|arch| !matches!(*arch, "all" | "any" | "native"))
    }
}

/// The name of the package that `request` asks for, in the grammar of `family`; none where it is not one.
pub(super) fn name_of(family: Family, request: &str) -> Option<String> {
    match family {
        Family::Alpine => Some(request.parse::<alpine::relation::Dependency>().ok()?.name),
        Family::Debian => Some(request.parse::<debian::relation::PackageRequest>().ok()?.name),
    }
}

impl Request {
    /// The family of its distribution.
    pub(super) fn family(&self) -> Family {
        if self.distro.starts_with(Family::Alpine.as_str()) { Family::Alpine } else { Family::Debian }
    }
}
