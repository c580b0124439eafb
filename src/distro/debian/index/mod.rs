//! A Packages index: borrowed slices of its text, with tables to find packages by name.
//!
//! Receives the decoded and verified bytes of a `Packages` file, or the cached form made of them. Never reads
//! files, and never looks at more than one index at a time.

mod cache;
mod fields;
mod stanza;
mod tables;

#[cfg(test)]
mod tests;

pub use fields::Flaw;
pub(crate) use fields::{Field, Fields};
pub use stanza::{MultiArch, Priority, Stanza};

use memchr::memmem;
use tables::{Mention, NEVER, TableBuilder, Tables};

/// Largest index that is read, in bytes; Debian's biggest is 60 MB.
pub const MAX_INDEX_SIZE: usize = 1 << 30;

/// Why an index cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
pub enum IndexError {
    /// A stanza that is not one.
    #[error("line {line} of the package index: {flaw}")]
    #[diagnostic(
        code(hbuild::debian::bad_index),
        help(
            "the repository publishes a broken Packages file; tell its owner, or use another mirror or snapshot"
        )
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
        code(hbuild::debian::index_encoding),
        help(
            "the repository publishes a broken Packages file; tell its owner, or use another mirror or snapshot"
        )
    )]
    Encoding {
        /// Line, from 1.
        line: usize,
    },
    /// Larger than [`MAX_INDEX_SIZE`].
    #[error("the package index has {size} bytes, more than the {MAX_INDEX_SIZE} that are read")]
    #[diagnostic(
        code(hbuild::debian::index_size),
        help("check that the repository's URL and suite are right")
    )]
    Size {
        /// Its length.
        size: usize,
    },
    /// A cached form that cannot be used.
    #[error("the cached package index cannot be used: {reason}")]
    #[diagnostic(
        code(hbuild::debian::index_cache),
        help("run `hbuild lock` again: it is made anew from the index")
    )]
    Cache {
        /// Why.
        reason: &'static str,
    },
}

/// A stanza of one index, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StanzaRef(u32);

/// A Packages index.
#[derive(Debug, PartialEq, Eq)]
pub struct Index {
    text: String,
    tables: Tables,
}

impl Index {
    /// The index of a Packages file. Every stanza is checked to have the fields that every package has; its
    /// relations are not read until they are asked for.
    pub fn parse(text: Vec<u8>) -> Result<Self, IndexError> {
        if text.len() > MAX_INDEX_SIZE {
            return Err(IndexError::Size { size: text.len() });
        }
        let text = String::from_utf8(text).map_err(|error| IndexError::Encoding {
            line: line_of(error.as_bytes(), error.utf8_error().valid_up_to()),
        })?;
        let mut builder = TableBuilder::default();
        let separator = memmem::Finder::new("\n\n");
        let mut start = 0;
        loop {
            start += text.as_bytes()[start..].iter().take_while(|byte| **byte == b'\n').count();
            if start == text.len() {
                break;
            }
            let length = separator.find(&text.as_bytes()[start..]).unwrap_or(text.len() - start);
            let malformed =
                |offset, flaw| IndexError::Malformed { line: line_of(text.as_bytes(), start + offset), flaw };
            let fields = Fields::read(&text[start..start + length])
                .map_err(|(offset, flaw)| malformed(offset, flaw))?;
            fields.check().map_err(|flaw| malformed(0, flaw))?;
            builder.add(u32::try_from(start).expect("an index is smaller than 4 GiB"), &fields);
            start += length;
        }
        let tables = builder.finish();
        Ok(Self { text, tables })
    }

    /// How many stanzas it has.
    pub fn len(&self) -> usize {
        self.tables.stanzas.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.tables.stanzas.is_empty()
    }

    /// A stanza by its number. Panics for a number of a longer index.
    pub fn stanza(&self, number: StanzaRef) -> Stanza<'_> {
        let number = number.0 as usize;
        let start = self.tables.stanzas[number] as usize;
        let end = self.tables.stanzas.get(number + 1).map_or(self.text.len(), |next| *next as usize);
        Stanza::new(self.text[start..end].trim_end_matches('\n'))
    }

    /// Every stanza in the order of the file.
    pub fn stanzas(&self) -> impl Iterator<Item = Stanza<'_>> {
        (0..self.len()).map(|number| self.stanza(StanzaRef(u32::try_from(number).unwrap_or(NEVER))))
    }

    /// The stanzas of the packages of this name, in the order of the file.
    pub fn find(&self, name: &str) -> impl Iterator<Item = StanzaRef> {
        let number = self.tables.find(name);
        number.map_or(&[][..], |number| self.tables.packages.get(number)).iter().copied().map(StanzaRef)
    }

    /// The stanzas whose `Provides` has this name, in the order of the file.
    pub fn providers(&self, name: &str) -> impl Iterator<Item = StanzaRef> {
        let number = self.tables.find(name);
        number.map_or(&[][..], |number| self.tables.provides.get(number)).iter().copied().map(StanzaRef)
    }

    /// Every name that is a package here, or provided, in byte order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        (0..self.tables.name_ends.len())
            .filter(|number| {
                !self.tables.packages.get(*number).is_empty() || !self.tables.provides.get(*number).is_empty()
            })
            .map(|number| self.tables.name(number))
    }

    /// The number of a name, for the look-ups by number.
    pub(crate) fn name_number(&self, name: &str) -> Option<NameNumber> {
        self.tables.find(name).map(NameNumber)
    }

    /// As [`Self::find`].
    pub(crate) fn numbered_packages(&self, name: NameNumber) -> impl Iterator<Item = StanzaRef> {
        self.tables.packages.get(name.0).iter().copied().map(StanzaRef)
    }

    /// As [`Self::providers`].
    pub(crate) fn numbered_providers(&self, name: NameNumber) -> impl Iterator<Item = StanzaRef> {
        self.tables.provides.get(name.0).iter().copied().map(StanzaRef)
    }

    /// When the index first brings a name up, as apt counts it.
    pub(crate) fn first_mention(&self, name: NameNumber) -> FirstMention {
        let positions = self.tables.mentions[name.0];
        let position = |how: Mention| Some(positions[how as usize]).filter(|position| *position != NEVER);
        FirstMention {
            own: position(Mention::Own),
            native: position(Mention::Native),
            own_weak: position(Mention::OwnWeak),
            native_weak: position(Mention::NativeWeak),
        }
    }
}

/// A name of one index, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NameNumber(usize);

/// Positions of the first mentions of a name: for the architecture of the mentioning stanza (`own`), or for the
/// image's (`native`); weak where only a conflict or the like mentions it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FirstMention {
    pub(crate) own: Option<u32>,
    pub(crate) native: Option<u32>,
    pub(crate) own_weak: Option<u32>,
    pub(crate) native_weak: Option<u32>,
}

/// The line that a byte offset lies in, from 1.
fn line_of(text: &[u8], offset: usize) -> usize {
    1 + memchr::memchr_iter(b'\n', &text[..offset.min(text.len())]).count()
}
