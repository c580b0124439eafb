//! Why a lock cannot be used or made.

use std::fmt;

use hbuild_lang::recipe::{Arch, Family, Located, Place};
use miette::Diagnostic;

use super::plan::Item;
use super::requested::name_of;
use crate::distro::{alpine, debian};

/// Something in which a recipe and its lock differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What differs: `packages`, `repositories`.
    pub what: &'static str,
    /// What the recipe has and the lock does not.
    pub added: Vec<String>,
    /// What the lock has and the recipe does not.
    pub removed: Vec<String>,
}

impl fmt::Display for Difference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:", self.what)?;
        if self.added.is_empty() && self.removed.is_empty() {
            out.write_str(" in another order")?;
        }
        for entry in &self.added {
            write!(out, " +{entry}")?;
        }
        for entry in &self.removed {
            write!(out, " -{entry}")?;
        }
        Ok(())
    }
}

fn lines<T: fmt::Display>(entries: &[T]) -> String {
    entries.iter().map(|entry| format!("\n  {entry}")).collect()
}

/// Why a lock cannot be used or made.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum LockError {
    /// There is no lock.
    #[error("`{recipe}` has no lock: its packages are not pinned yet")]
    #[diagnostic(
        code(hbuild::lock::missing),
        help("run `hbuild lock {recipe}` and commit the file `hbuild.lock` beside the recipe")
    )]
    Missing {
        /// The recipe as the user named it.
        recipe: String,
    },
    /// The recipe asks for something else than the lock answers.
    #[error("the lock does not fit `{recipe}` any more: the {item} asks for something else{}", lines(.differences))]
    #[diagnostic(code(hbuild::lock::outgrown), help("run `hbuild lock {recipe}`"))]
    Outgrown {
        /// The recipe as the user named it.
        recipe: String,
        /// The image, build or source, with its point.
        item: String,
        /// In what.
        differences: Vec<Difference>,
    },
    /// The lock knows nothing of this variant or build.
    #[error("the lock has no entry for the {item} of `{recipe}`")]
    #[diagnostic(code(hbuild::lock::no_variant), help("run `hbuild lock {recipe}`"))]
    NoVariant {
        /// The recipe as the user named it.
        recipe: String,
        /// The image or build, with its point.
        item: String,
    },
    /// Not a lock.
    #[error("`hbuild.lock` is damaged, line {line}: {message}")]
    #[diagnostic(
        code(hbuild::lock::damaged),
        help(
            "only `hbuild lock` writes this file: restore it from version control, or delete it and run `hbuild lock`"
        )
    )]
    Damaged {
        /// Where, from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// A merge was not finished.
    #[error("`hbuild.lock` has the marks of an unfinished merge, line {line}")]
    #[diagnostic(
        code(hbuild::lock::merge_conflict),
        help(
            "take one side of the merge as a whole, then run `hbuild lock`: it adds what the other side's recipe needs"
        )
    )]
    MergeConflict {
        /// Where, from 1.
        line: usize,
    },
    /// Written by a newer hbuild.
    #[error("`hbuild.lock` has version {found}; this hbuild knows version {known}")]
    #[diagnostic(code(hbuild::lock::newer), help("use the hbuild that wrote the lock, or a newer one"))]
    Newer {
        /// Its version.
        found: u64,
        /// The newest known here.
        known: u32,
    },
    /// An entry of the lock contradicts another.
    #[error("`hbuild.lock` contradicts itself: {message}")]
    #[diagnostic(
        code(hbuild::lock::inconsistent),
        help(
            "only `hbuild lock` writes this file: restore it from version control, or delete it and run `hbuild lock`"
        )
    )]
    Inconsistent {
        /// What.
        message: String,
    },
    /// An image cannot have the packages of what it extends.
    #[error("the {item} extends the {base}, which has `{package}` {theirs}, and itself needs {own}")]
    #[diagnostic(
        code(hbuild::lock::extends),
        help(
            "both share the package's layer: drop the pin, or run `hbuild lock --update` to move both to the archive's present state"
        )
    )]
    Extends {
        /// The image, with its point.
        item: String,
        /// What it extends.
        base: String,
        /// The package.
        package: String,
        /// Its version there.
        theirs: String,
        /// The version here.
        own: String,
    },
    /// An image of a registry without the architecture that is wanted.
    #[error("`{reference}` has no image for {arch}, which the {item} takes of it ({place})")]
    #[diagnostic(
        code(hbuild::lock::platform),
        help("it has: {there}; take one of these, or leave the architecture out where the source is used")
    )]
    Platform {
        /// The image.
        reference: String,
        /// The architecture.
        arch: Arch,
        /// The image or build that takes it, with its point.
        item: String,
        /// Where.
        place: Place,
        /// The architectures there are.
        there: String,
    },
    /// Something is not in the lock that was just made.
    #[error("not locked: {items}")]
    #[diagnostic(
        code(hbuild::lock::incomplete),
        help("the rest is locked; run the command again when the reason is gone")
    )]
    Incomplete {
        /// What.
        items: String,
        /// Why.
        #[diagnostic_source]
        reason: Box<dyn Diagnostic + Send + Sync>,
    },
    /// Some of what is to be built is locked, and some is not.
    #[error("not everything selected is in the lock of `{recipe}`: it lacks {items}")]
    #[diagnostic(code(hbuild::lock::partly), help("{help}"))]
    Partly {
        /// The recipe as the user named it.
        recipe: String,
        /// What is not locked.
        items: String,
        /// How to build the rest, and how to lock it all.
        help: String,
    },
    /// A package asked for in another distribution's grammar, or none.
    #[error(transparent)]
    #[diagnostic(transparent)]
    AlpineRequest(#[from] alpine::relation::RequestError),
    /// The same.
    #[error(transparent)]
    #[diagnostic(transparent)]
    DebianRequest(#[from] debian::relation::RequestError),
    /// A URL with a password in a recipe.
    #[error("the URL of the {item} holds a user name or password")]
    #[diagnostic(
        code(hbuild::lock::credential),
        help("take it out of the recipe and put it under `credentials` in hbuild's configuration file")
    )]
    Credential {
        /// The repository or source.
        item: String,
    },
    /// A name given to `--update` that no lock has.
    #[error("`--update {name}`: the lock has no package of this name")]
    #[diagnostic(code(hbuild::lock::unknown_update), help("{}", suggestion_help(suggestions)))]
    UnknownUpdate {
        /// The name.
        name: String,
        /// Similar names.
        suggestions: Vec<String>,
    },
    /// A repository cannot be used.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Alpine(Box<alpine::repository::RepositoryError>),
    /// A repository cannot be used.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Debian(#[from] debian::repository::RepositoryError),
    /// The store.
    #[error("the keys of the repositories cannot be kept")]
    #[diagnostic(
        code(hbuild::lock::cannot_keep),
        help("check that the store may be written and that there is space left")
    )]
    Cache {
        /// Why.
        source: std::io::Error,
    },
    /// The request has no answer.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Resolve(Box<Unresolved>),
    /// A package of an index without what a lock needs.
    #[error("the index entry of `{package}` cannot be locked: {reason}")]
    #[diagnostic(
        code(hbuild::lock::bad_entry),
        help("the archive is made wrongly: tell whoever makes it, or exclude the package")
    )]
    Entry {
        /// The package.
        package: String,
        /// Why.
        reason: &'static str,
    },
    /// One version of a package, two contents.
    #[error("the archive has other bytes for `{package}` than the lock, under the same version")]
    #[diagnostic(
        code(hbuild::lock::changed_bytes),
        help(
            "if that is meant, run `hbuild lock --update` to take the archive's present state for every variant"
        )
    )]
    ChangedBytes {
        /// The package as `name=version:arch`.
        package: String,
    },
    /// One date of an index, two contents.
    #[error("the archive has another index for `{snapshot}` than the lock, under the same date")]
    #[diagnostic(
        code(hbuild::lock::changed_index),
        help(
            "if that is meant, run `hbuild lock --update` to take the archive's present state for every variant"
        )
    )]
    ChangedIndex {
        /// The snapshot.
        snapshot: String,
    },
}

impl From<alpine::repository::RepositoryError> for LockError {
    fn from(error: alpine::repository::RepositoryError) -> Self {
        Self::Alpine(Box::new(error))
    }
}

/// A request without an answer, with the image or build that has it. Code and help are those of the reason.
#[derive(Debug, thiserror::Error)]
#[error("the packages of the {item} cannot be resolved{}", at(.place))]
pub struct Unresolved {
    /// The image or build, with its point.
    pub item: String,
    /// Where the recipe asks for the package in question, if it is one.
    pub place: Option<Place>,
    /// Why.
    pub source: Unsolved,
}

/// Why the resolver of a distribution has no answer.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum Unsolved {
    /// Alpine's.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Alpine(#[from] alpine::resolver::ResolveError),
    /// Debian's.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Debian(#[from] debian::resolver::ResolveError),
}

fn at(place: &Option<Place>) -> String {
    place.as_ref().map(|place| format!(" ({place})")).unwrap_or_default()
}

impl Diagnostic for Unresolved {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.source.code()
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.source.help()
    }
}

impl Unresolved {
    /// The failure of `item`'s request, on Alpine.
    pub(super) fn alpine(item: Item<'_>, source: alpine::resolver::ResolveError) -> LockError {
        use alpine::resolver::ResolveError::{UnknownPackage, VersionNotAvailable, Virtual};
        let name = match &source {
            UnknownPackage { name, .. } | VersionNotAvailable { name, .. } | Virtual { name, .. } => {
                name.clone()
            }
            _ => String::new(),
        };
        Self::about(item, Family::Alpine, &name, source.into())
    }

    /// The same, on Debian.
    pub(super) fn debian(item: Item<'_>, source: debian::resolver::ResolveError) -> LockError {
        use debian::resolver::ResolveError::{
            NoSuchArchitecture, TwoPins, UnknownPackage, VersionNotAvailable, Virtual,
        };
        let name = match &source {
            UnknownPackage { name, .. }
            | NoSuchArchitecture { name, .. }
            | VersionNotAvailable { name, .. }
            | TwoPins { name, .. }
            | Virtual { name, .. } => name.clone(),
            _ => String::new(),
        };
        Self::about(item, Family::Debian, &name, source.into())
    }

    /// The failure, which is about the package `name` where that is one.
    fn about(item: Item<'_>, family: Family, name: &str, source: Unsolved) -> LockError {
        let asks =
            |entry: &&Located<String>| name_of(family, &entry.value).is_some_and(|asked| asked == name);
        let place = item.requested.into_iter().flatten().find(asks).map(|entry| entry.place.clone());
        LockError::Resolve(Box::new(Self { item: item.shown(), place, source }))
    }
}

fn suggestion_help(suggestions: &[String]) -> String {
    match suggestions {
        [] => "name packages as `hbuild.lock` lists them, without version and architecture".to_owned(),
        some => {
            let names: Vec<String> = some.iter().map(|name| format!("`{name}`")).collect();
            format!("did you mean {}?", names.join(" or "))
        }
    }
}
