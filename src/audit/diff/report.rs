//! What a comparison returns, for programs ([`serde::Serialize`]); `render` makes text of it for people.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::digest::{Digest, Sha256};
use crate::tree::TreePath;

/// In what two images or two trees differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Difference {
    /// The first.
    pub left: SideName,
    /// The second.
    pub right: SideName,
    /// What is not the same in manifest and config, in order of document and place.
    pub fields: Vec<FieldDifference>,
    /// Installed packages that are not the same, sorted by name.
    pub packages: Vec<PackageDifference>,
    /// Paths at which the trees are not the same, sorted.
    pub files: Vec<FileDifference>,
}

impl Difference {
    /// That nothing differs.
    pub fn none(left: SideName, right: SideName) -> Self {
        Self { left, right, fields: Vec::new(), packages: Vec::new(), files: Vec::new() }
    }

    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.packages.is_empty() && self.files.is_empty()
    }
}

/// One of the two that are compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct SideName {
    /// As it was named.
    pub name: String,
    /// Of an image: SHA-256 of its manifest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manifest: Option<Sha256>,
}

/// What became of something, seen from the first side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// Only the second side has it.
    Added,
    /// Only the first side has it.
    Removed,
    /// Both have it, not the same.
    Changed,
}

impl Change {
    /// What became of something that the sides have or have not.
    pub(super) fn of(left: bool, right: bool) -> Self {
        match (left, right) {
            (false, true) => Self::Added,
            (true, false) => Self::Removed,
            _ => Self::Changed,
        }
    }
}

/// A value of a JSON document that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct FieldDifference {
    /// The document: `manifest`, `config`.
    pub document: String,
    /// The place in it, a JSON pointer (RFC 6901).
    pub path: String,
    /// What the first side has there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left: Option<serde_json::Value>,
    /// What the second side has there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub right: Option<serde_json::Value>,
}

/// A package that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct PackageDifference {
    /// Its name, with `:<architecture>` where its name stands twice.
    pub name: String,
    /// What lists it: `dpkg`, `apk`, `sbom`.
    pub database: &'static str,
    /// What became of it. A change without another version is one of its other fields, or of its files.
    pub change: Change,
    /// Its version on the first side.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left: Option<String>,
    /// Its version on the second side.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub right: Option<String>,
}

/// A path at which the trees differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct FileDifference {
    /// The path, without a leading slash; bytes that are not UTF-8, and `%`, are percent-encoded.
    pub path: TreePath,
    /// What became of it.
    pub change: Change,
    /// The package that it belongs to, as far as the databases that differ say it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    /// What differs where both sides have it.
    pub attributes: Vec<Attribute>,
    /// What the first side has there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left: Option<EntryFacts>,
    /// What the second side has there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub right: Option<EntryFacts>,
    /// In what the contents differ, where they were looked into.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<Part>,
}

/// What of an entry differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Attribute {
    /// Whether it is a file, a directory or a symbolic link.
    Kind,
    /// Permission bits.
    Mode,
    /// Owner or group.
    Owner,
    /// Modification time.
    Time,
    /// Extended attributes.
    Xattrs,
    /// The files that it is a further name of.
    Links,
    /// The target of a symbolic link.
    Target,
    /// The content of a file.
    Content,
}

/// An entry of a tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct EntryFacts {
    /// `file`, `directory` or `symlink`.
    pub kind: &'static str,
    /// Permission bits, octal: `0755`.
    pub mode: String,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Modification time, seconds since 1970.
    pub time: i64,
    /// Extended attributes; values as text with `\xNN` for what is none.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub xattrs: BTreeMap<String, String>,
    /// The first of the names of a file that has several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hard_link: Option<TreePath>,
    /// Length of a file in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// BLAKE3 of a file's content.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// Target of a symbolic link.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
}

/// A content, or a part of one (a section, a symbol, a member, what is packed), that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Part {
    /// Which part: `section .text`, `member control`; empty for a whole file.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// What it was read as: `elf`, `text`, `tar`, `bytes`, …; empty where it stands on one side alone.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub format: &'static str,
    /// What became of it.
    pub change: Change,
    /// What people most likely want to know.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<Cause>,
    /// Values about it that differ.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<Field>,
    /// The lines that differ.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<TextDifference>,
    /// The bytes that differ.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<BytesDifference>,
    /// Parts of it that differ.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Part>,
    /// How many more parts differ that are not listed.
    #[serde(skip_serializing_if = "is_zero")]
    pub more: usize,
    /// Why it was not looked into further.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

fn is_zero(number: &usize) -> bool {
    *number == 0
}

impl Part {
    /// A part of which nothing is said yet.
    pub(super) fn new(name: impl Into<String>, format: &'static str, change: Change) -> Self {
        Self {
            name: name.into(),
            format,
            change,
            causes: Vec::new(),
            fields: Vec::new(),
            text: None,
            bytes: None,
            parts: Vec::new(),
            more: 0,
            note: None,
        }
    }

    /// Whether it says of nothing that it differs.
    pub(super) fn is_silent(&self) -> bool {
        self.fields.is_empty() && self.text.is_none() && self.bytes.is_none() && self.parts.is_empty()
    }

    /// Notes that a value differs, where it does.
    pub(super) fn field(&mut self, name: &str, left: Option<String>, right: Option<String>) {
        if left != right {
            self.fields.push(Field { name: name.to_owned(), left, right });
        }
    }

    /// Notes a cause once.
    pub(super) fn cause(&mut self, cause: Cause) {
        const MOST: usize = 8;
        if self.causes.len() < MOST && !self.causes.contains(&cause) {
            self.causes.push(cause);
        }
    }
}

/// A value that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Field {
    /// Its name.
    pub name: String,
    /// The first side's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left: Option<String>,
    /// The second side's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub right: Option<String>,
}

/// Lines that differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct TextDifference {
    /// Lines of a unified diff without its file names: `@@ …`, and lines that begin with ` `, `-` or `+`.
    pub lines: Vec<String>,
    /// How many lines of the first side are not on the second, as far as they were compared.
    pub removed: usize,
    /// How many lines of the second side are not on the first.
    pub added: usize,
    /// How many lines of the diff are left out.
    #[serde(skip_serializing_if = "is_zero")]
    pub more: usize,
}

/// Bytes that differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct BytesDifference {
    /// Where the first byte that differs is.
    pub offset: u64,
    /// How many bytes differ of those that both sides have.
    pub count: u64,
    /// The sides' lengths.
    pub sizes: [u64; 2],
    /// Where the shown bytes begin.
    pub shown_from: u64,
    /// Up to 32 bytes of each side around the first that differs, in hexadecimal.
    pub hex: [String; 2],
}

/// A cause that a person can act on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Cause {
    /// A path of where it was built.
    BuildPath {
        /// The first side's.
        left: String,
        /// The second side's.
        right: String,
    },
    /// A date or a time of day.
    Time {
        /// The first side's.
        left: String,
        /// The second side's.
        right: String,
    },
    /// An address in memory.
    Address {
        /// The first side's.
        left: String,
        /// The second side's.
        right: String,
    },
    /// A digest, a build id or a random number.
    Identifier {
        /// The first side's.
        left: String,
        /// The second side's.
        right: String,
    },
    /// The same lines or strings in another order.
    LineOrder,
    /// The same members, sections or symbols in another order.
    MemberOrder,
    /// The same content, packed in another way.
    Compression,
    /// Blanks or line ends alone.
    Blanks,
}
