//! Places across the files of a program.

use crate::syntax::Span;

/// The number of a file in its program; 0 is the entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct FileId(pub u32);

/// A range of bytes of one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Site {
    /// The file.
    pub file: FileId,
    /// The bytes.
    pub span: Span,
}

impl FileId {
    /// The place `span` of this file.
    pub fn site(self, span: Span) -> Site {
        Site { file: self, span }
    }

    /// The file's place in the program's list.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}
