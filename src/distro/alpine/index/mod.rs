//! An APKINDEX: borrowed slices of its text, with tables to find packages by name.
//!
//! Receives the verified bytes of the member `APKINDEX`, or the cached form made of them. Never reads files, and
//! never looks at more than one index at a time.

mod cache;
mod hash;
mod package;
mod tables;

#[cfg(test)]
mod tests;

pub(crate) use hash::bucket;
pub use package::Package;
pub(crate) use tables::{NEVER, OWN};

use memchr::memmem;
use tables::{TableBuilder, Tables, slice};

use crate::distro::alpine::checksum::ParseChecksumError;
use crate::distro::alpine::relation::Operator;

/// Largest index that is read, in bytes; Alpine's biggest is 15 MB.
pub const MAX_INDEX_SIZE: usize = 1 << 28;

/// What is wrong with an entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// A line without a field name.
    #[error("a line that is no field")]
    NoField,
    /// A field twice.
    #[error("the field `{0}:` stands there twice")]
    Twice(char),
    /// A field is missing.
    #[error("the field `{0}:` is missing or empty")]
    Missing(char),
    /// A name or version that cannot be part of a file name.
    #[error("the field `{0}:` has a character that it may not have")]
    Character(char),
    /// A number that is none.
    #[error("the field `{0}:` is not a number")]
    Number(char),
    /// A checksum that is none.
    #[error("the field `C:` is wrong: {0}")]
    Checksum(ParseChecksumError),
}

/// Why an index cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
pub enum IndexError {
    /// An entry that is not one.
    #[error("line {line} of the package index: {flaw}")]
    #[diagnostic(
        code(hbuild::alpine::bad_index),
        help("the repository publishes a broken APKINDEX; tell its owner, or use another mirror")
    )]
    Malformed {
        /// Line, from 1.
        line: usize,
        /// What is wrong.
        flaw: Flaw,
    },
    /// Not text.
    #[error("line {line} of the package index is not UTF-8")]
    #[diagnostic(
        code(hbuild::alpine::index_encoding),
        help("the repository publishes a broken APKINDEX; tell its owner, or use another mirror")
    )]
    Encoding {
        /// Line, from 1.
        line: usize,
    },
    /// Larger than [`MAX_INDEX_SIZE`].
    #[error("the package index has {size} bytes, more than the {MAX_INDEX_SIZE} that are read")]
    #[diagnostic(
        code(hbuild::alpine::index_size),
        help("check that the repository's URL, release and architecture are right")
    )]
    Size {
        /// Its length.
        size: usize,
    },
    /// A cached form that cannot be used.
    #[error("the cached package index cannot be used: {reason}")]
    #[diagnostic(
        code(hbuild::alpine::index_cache),
        help("run `hbuild lock` again: it is made anew from the index")
    )]
    Cache {
        /// Why.
        reason: &'static str,
    },
}

/// An APKINDEX.
#[derive(Debug, PartialEq, Eq)]
pub struct Index {
    text: String,
    tables: Tables,
}

impl Index {
    /// The index of an APKINDEX. Every entry is checked to have what each package has.
    pub fn parse(text: Vec<u8>) -> Result<Self, IndexError> {
        if text.len() > MAX_INDEX_SIZE {
            return Err(IndexError::Size { size: text.len() });
        }
        let text = String::from_utf8(text).map_err(|error| IndexError::Encoding {
            line: line_of(error.as_bytes(), error.utf8_error().valid_up_to()),
        })?;
        let separator = memmem::Finder::new("\n\n");
        let (mut start, mut builder) = (0, TableBuilder::new(&text));
        loop {
            start += text.as_bytes()[start..].iter().take_while(|byte| **byte == b'\n').count();
            if start == text.len() {
                break;
            }
            let length = separator.find(&text.as_bytes()[start..]).unwrap_or(text.len() - start);
            let entry = &text[start..start + length];
            Package::new(entry).check().map_err(|(offset, flaw)| IndexError::Malformed {
                line: line_of(text.as_bytes(), start + offset),
                flaw,
            })?;
            builder.add(entry);
            start += length;
        }
        let tables = builder.finish();
        Ok(Self { text, tables })
    }

    /// How many packages it has.
    pub fn len(&self) -> usize {
        self.tables.packages.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.tables.packages.is_empty()
    }

    /// A package by its number, in the order of the file. Panics for a number that is not below [`Self::len`].
    pub fn package(&self, number: usize) -> Package<'_> {
        let packages = &self.tables.packages;
        let start = packages[number][0] as usize;
        let end = packages.get(number + 1).map_or(self.text.len(), |next| next[0] as usize);
        Package::new(self.text[start..end].trim_end_matches('\n'))
    }

    /// Every package in the order of the file.
    pub fn packages(&self) -> impl Iterator<Item = Package<'_>> {
        (0..self.len()).map(|number| self.package(number))
    }

    /// The names of packages whose entry has something that apk 2.14 could not read.
    pub fn unusable(&self) -> impl Iterator<Item = &str> {
        let unusable = self.tables.packages.iter().filter(|[_, _, unusable]| *unusable != 0);
        unusable.map(|[_, name, _]| self.name(*name))
    }

    /// Every name that is a package here, or provided, in the order of the file.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let numbers = (0..).take(self.tables.names.len());
        numbers.filter(|name| !self.providers(*name).is_empty()).map(|name| self.name(name))
    }

    /// How many names it mentions.
    pub(crate) fn name_count(&self) -> usize {
        self.tables.names.len()
    }

    /// The number of a name.
    pub(crate) fn find_name(&self, name: &str) -> Option<u32> {
        self.tables.find(&self.text, name)
    }

    /// A name by its number.
    pub(crate) fn name(&self, number: u32) -> &str {
        self.tables.name(&self.text, number)
    }

    /// The packages that have a name, each with the position of what it provides or [`OWN`].
    pub(crate) fn providers(&self, name: u32) -> &[[u32; 2]] {
        self.tables.providers.get(name as usize)
    }

    /// The packages whose `install_if` mentions a name.
    pub(crate) fn triggered(&self, name: u32) -> impl Iterator<Item = u32> {
        self.tables.triggered.get(name as usize).iter().map(|[package]| *package)
    }

    /// The name of a package, and whether apk could install it.
    pub(crate) fn package_name(&self, package: u32) -> (u32, bool) {
        let [_, name, unusable] = self.tables.packages[package as usize];
        (name, unusable == 0)
    }

    /// What a package relates to.
    pub(crate) fn relations(&self, package: u32, kind: Kind) -> impl Iterator<Item = Relation<'_>> {
        let lists = match kind {
            Kind::Depends => &self.tables.depends,
            Kind::Provides => &self.tables.provides,
            Kind::InstallIf => &self.tables.install_if,
        };
        lists.get(package as usize).iter().map(|[name, flags, start, length]| {
            let (conflict, operator) = Tables::from_flags(*flags);
            let constraint = operator.map(|operator| (operator, slice(&self.text, [*start, *length])));
            Relation { name: *name, conflict, constraint }
        })
    }
}

/// A kind of relation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Depends,
    Provides,
    InstallIf,
}

/// A relation of a package to a name of the same index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Relation<'a> {
    pub(crate) name: u32,
    pub(crate) conflict: bool,
    pub(crate) constraint: Option<(Operator, &'a str)>,
}

/// The line that a byte offset lies in, from 1.
fn line_of(text: &[u8], offset: usize) -> usize {
    1 + memchr::memchr_iter(b'\n', &text[..offset.min(text.len())]).count()
}
