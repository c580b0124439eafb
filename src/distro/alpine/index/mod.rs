//! An APKINDEX: borrowed slices of its text, with tables to find packages by name.
//!
//! Receives the verified bytes of the member `APKINDEX`, or the cached form made of them. Never reads files, and
//! never looks at more than one index at a time.

mod package;

pub use package::Package;

use memchr::memmem;

use crate::distro::alpine::checksum::ParseChecksumError;

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
    /// Where each entry begins.
    starts: Vec<u32>,
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
        let (mut start, mut starts) = (0, Vec::new());
        loop {
            start += text.as_bytes()[start..].iter().take_while(|byte| **byte == b'\n').count();
            if start == text.len() {
                break;
            }
            let length = separator.find(&text.as_bytes()[start..]).unwrap_or(text.len() - start);
            Package::new(&text[start..start + length]).check().map_err(|(offset, flaw)| {
                IndexError::Malformed { line: line_of(text.as_bytes(), start + offset), flaw }
            })?;
            starts.push(u32::try_from(start).expect("an index is smaller than 4 GiB"));
            start += length;
        }
        Ok(Self { text, starts })
    }

    /// The form in which a verified index is kept.
    pub fn to_cache(&self) -> Vec<u8> {
        self.text.clone().into_bytes()
    }

    /// The index of a cached form; an error says that the cache has to be made anew.
    pub fn from_cache(bytes: Vec<u8>) -> Result<Self, IndexError> {
        Self::parse(bytes)
    }

    /// How many packages it has.
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// A package by its number, in the order of the file. Panics for a number that is not below [`Self::len`].
    pub fn package(&self, number: usize) -> Package<'_> {
        let start = self.starts[number] as usize;
        let end = self.starts.get(number + 1).map_or(self.text.len(), |next| *next as usize);
        Package::new(self.text[start..end].trim_end_matches('\n'))
    }

    /// Every package in the order of the file.
    pub fn packages(&self) -> impl Iterator<Item = Package<'_>> {
        (0..self.len()).map(|number| self.package(number))
    }
}

/// The line that a byte offset lies in, from 1.
fn line_of(text: &[u8], offset: usize) -> usize {
    1 + memchr::memchr_iter(b'\n', &text[..offset.min(text.len())]).count()
}
