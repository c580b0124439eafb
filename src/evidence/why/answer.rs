//! What `why` returns, for people ([`std::fmt::Display`]) and for programs ([`serde::Serialize`]).

use std::fmt;

use hbuild_lang::recipe::Place;
use serde::Serialize;

use super::BuildCause;
use crate::digest::Sha256;
use crate::distro::alpine::checksum::Checksum;

/// Why a path is in an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Answer {
    /// `<image>:<variant>-<arch>`.
    pub image: String,
    /// SHA-256 of the image manifest.
    pub manifest: Sha256,
    /// The path that was found, absolute.
    pub path: String,
    /// The symlinks among the folders of the path asked for, and the path itself where it is one.
    pub links: Vec<Link>,
    /// Where it came from.
    pub cause: Cause,
}

/// A symlink.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Link {
    /// Where it stands, absolute.
    pub path: String,
    /// Its target as written.
    pub target: String,
}

/// Where a path came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Cause {
    /// A package shipped it.
    Package(Box<PackageCause>),
    /// A source of the recipe holds it.
    Source(SourceCause),
    /// A build of the recipe made it.
    Build(Box<BuildCause>),
    /// hbuild wrote it, so that scanners find what the build made.
    Sbom(Box<BuildCause>),
    /// hbuild made it from the merged packages.
    Effect {
        /// The effect: `ld.so.cache`.
        name: String,
    },
    /// The recipe says so itself.
    Recipe {
        /// The rule of `paths`, where one names the path.
        rule: Option<String>,
        /// The rule's place, else the image item's.
        place: Place,
    },
    /// An origin that this version of hbuild does not know.
    Other {
        /// The origin as the document states it.
        origin: String,
    },
}

/// The chain behind a package's file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct PackageCause {
    /// Name.
    pub name: String,
    /// Version.
    pub version: String,
    /// The distro's name of its architecture.
    pub arch: String,
    /// Package URL.
    pub purl: String,
    /// SHA-256 of the package file.
    pub sha256: Sha256,
    /// Of an Alpine package: what the signed index states of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checksum: Option<Checksum>,
    /// Path of the package file below the repository's base.
    pub file: String,
    /// The signed index that vouches for it.
    pub index: SignedIndex,
    /// Why the package is in the image.
    pub requested: RequestedBy,
    /// Whether the chain was checked again just now.
    pub check: Check,
}

/// A signed index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct SignedIndex {
    /// Its name in the lock: `debian/bookworm@2026-01-10T10:12:52Z`.
    pub name: String,
    /// SHA-256 of the file that is signed: Debian's InRelease, Alpine's APKINDEX.tar.gz.
    pub sha256: Sha256,
    /// Repository: `debian`.
    pub repository: String,
    /// Suite as requested; of Alpine the branch.
    pub suite: String,
    /// Debian's code name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub codename: Option<String>,
    /// Alpine: component and architecture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part: Option<IndexPart>,
    /// Its date, RFC 3339.
    pub date: String,
    /// The keys that signed it: fingerprints, of Alpine file names.
    pub signed_by: Vec<String>,
    /// The Packages files of it that may list the package.
    pub packages: Vec<PackagesFile>,
}

/// What of a branch an index of Alpine is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IndexPart {
    /// `main`.
    pub component: String,
    /// Alpine's name of the architecture.
    pub arch: String,
}

/// A Packages file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PackagesFile {
    /// Path below the suite's folder.
    pub path: String,
    /// SHA-256 of it as fetched.
    pub sha256: Sha256,
}

/// Why a package is in an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum RequestedBy {
    /// The recipe, or a module it uses, asks for it by name.
    Recipe {
        /// The request as written.
        request: String,
        /// Its place.
        place: Place,
    },
    /// Another package needs it.
    Dependency {
        /// The recipe, whose requests lead to it.
        recipe: String,
    },
}

/// A source of the recipe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct SourceCause {
    /// Name of the item.
    pub name: String,
    /// Its URL, or `path:<path>`.
    pub uri: Option<String>,
    /// SHA-256 of the file.
    pub sha256: Option<Sha256>,
    /// The image's line that takes it, else the image item.
    pub place: Place,
}

/// What was checked when the question was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case", tag = "kind")]
pub enum Check {
    /// Signature, index and package entry hold.
    Rechecked {
        /// Fingerprints of the keys whose signatures hold.
        signed_by: Vec<String>,
        /// The Packages file that lists the package.
        listed_in: String,
    },
    /// Nothing speaks against it, but these files are not at hand.
    Asserted {
        /// The files.
        missing: Vec<String>,
    },
}

impl fmt::Display for Answer {
    /// The chain, one step a line.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{} in {}", self.path, self.image)?;
        for link in &self.links {
            writeln!(out, "  link       {} -> {}", link.path, link.target)?;
        }
        write!(out, "{}", self.cause)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Package(package) => package.fmt(out),
            Self::Source(source) => source.fmt(out),
            Self::Build(build) => build.fmt(out),
            Self::Sbom(build) => {
                writeln!(out, "  made by    hbuild, to tell scanners of the build `{}`", build.name)?;
                build.fmt(out)
            }
            Self::Effect { name } => writeln!(out, "  made by    hbuild, effect `{name}` of the packages"),
            Self::Recipe { rule: Some(rule), place } => {
                writeln!(out, "  recipe     `{rule}` at {place}")
            }
            Self::Recipe { rule: None, place } => writeln!(out, "  recipe     image at {place}"),
            Self::Other { origin } => writeln!(out, "  origin     {origin}"),
        }
    }
}

impl fmt::Display for PackageCause {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "  package    {} {} {}", self.name, self.version, self.arch)?;
        writeln!(out, "  file       {}", self.file)?;
        writeln!(out, "  sha256     {}", self.sha256)?;
        if let Some(checksum) = &self.checksum {
            writeln!(out, "  checksum   {checksum}")?;
        }
        self.index.fmt(out)?;
        self.requested.fmt(out)?;
        self.check.fmt(out)
    }
}

impl fmt::Display for SignedIndex {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { repository, suite, date, sha256, .. } = self;
        write!(out, "  index      {repository} {suite} ")?;
        match (&self.codename, &self.part) {
            (Some(codename), _) => writeln!(out, "({codename}) of {date}, InRelease sha256 {sha256}")?,
            (None, Some(IndexPart { component, arch })) => {
                writeln!(out, "{component} {arch} of {date}, APKINDEX sha256 {sha256}")?;
            }
            (None, None) => writeln!(out, "of {date}, sha256 {sha256}")?,
        }
        for key in &self.signed_by {
            writeln!(out, "  signed by  {key}")?;
        }
        Ok(())
    }
}

impl fmt::Display for RequestedBy {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Recipe { request, place } => writeln!(out, "  requested  \"{request}\" at {place}"),
            Self::Dependency { recipe } => {
                writeln!(out, "  requested  as a dependency of the packages of {recipe}")
            }
        }
    }
}

impl fmt::Display for SourceCause {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "  source     {}", self.name)?;
        if let Some(uri) = &self.uri {
            writeln!(out, "  from       {uri}")?;
        }
        if let Some(sha256) = &self.sha256 {
            writeln!(out, "  sha256     {sha256}")?;
        }
        writeln!(out, "  requested  at {}", self.place)
    }
}

impl fmt::Display for Check {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rechecked { listed_in, .. } => {
                writeln!(out, "  checked    signature, index and the entry in {listed_in}")
            }
            Self::Asserted { missing } => {
                writeln!(out, "  checked    no: asserted by the lock, not rechecked ({})", missing.join(", "))
            }
        }
    }
}
