//! What could be written at a place.
//!
//! The text is looked at as it would be with a word at the cursor, so that what is half written has a tree: what that
//! word is there says what can stand in its place.

mod context;
mod keys;
mod labels;
mod members;
mod names;
mod strings;
mod values;

use std::ops::Range;

use super::Analysis;
use crate::syntax::ast::Item;
use crate::{FileError, Files};
use context::Context;

pub(super) use labels::labels_of;

/// The word put in at the cursor: a name that no recipe has.
const MARK: &str = "xhbuildcursorx";

/// What kind of thing is proposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompletionKind {
    /// A word of the language.
    Keyword,
    /// A field.
    Field,
    /// A function or method.
    Function,
    /// A module.
    Module,
    /// A `let`, a parameter, a variable, an axis.
    Variable,
    /// A constant of the language, or a value that is one of few.
    Constant,
    /// A source, build, image or repository.
    Item,
    /// A key of a record, a column of a table.
    Property,
    /// A package.
    Package,
    /// A file.
    File,
    /// An account, a label, a rule.
    Value,
}

/// One proposal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// What it is called.
    pub label: String,
    /// What it is.
    pub kind: CompletionKind,
    /// A word about it: its type.
    pub detail: Option<String>,
    /// What it is for: Markdown.
    pub doc: Option<String>,
    /// What is put in.
    pub insert: String,
    /// The same with places to fill in: `${1:name}`, `$0`.
    pub snippet: Option<String>,
    /// What is replaced.
    pub range: Range<usize>,
    /// How well it fits: less is better.
    pub rank: u8,
}

/// What can be proposed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Completions {
    /// The proposals, the best first.
    pub list: Vec<Completion>,
    /// Whether there are more, so that it has to be asked again when more is written.
    pub incomplete: bool,
}

/// What is known of the world around a recipe.
pub trait Surroundings {
    /// Packages of the recipe's repositories whose names begin with `prefix`, sorted, each with its version; and
    /// whether there are more. `distro` is the one they are wanted for, where that is known: `debian13`.
    fn packages(&self, prefix: &str, distro: Option<&str>) -> (Vec<(String, String)>, bool);

    /// The rules of the policy, each with what it asks.
    fn rules(&self) -> Vec<(String, String)>;

    /// The recipe files that could be imported, relative to the entry's folder.
    fn files(&self) -> Vec<String>;
}

/// What could be written at the byte `offset` of the file `entry`.
pub fn complete(files: &dyn Files, entry: &str, offset: usize, around: &dyn Surroundings) -> Completions {
    let Some(text) = files.read(entry).ok().and_then(|bytes| String::from_utf8(bytes).ok()) else {
        return Completions::default();
    };
    if !text.is_char_boundary(offset) {
        return Completions::default();
    }
    let marked = format!("{}{MARK}{}", &text[..offset], &text[offset..]);
    let marked = Marked { files, entry, text: marked };
    let Some(analysis) = Analysis::loaded(&marked, entry) else { return Completions::default() };
    let Some(context) = Context::find(&analysis, &text, offset) else { return Completions::default() };
    let mut found = context.complete(around);
    found.list.sort_by(|one, other| (one.rank, &one.label).cmp(&(other.rank, &other.label)));
    found.list.dedup_by(|one, other| one.label == other.label && one.kind == other.kind);
    found
}

/// The files with the mark in the entry.
struct Marked<'a> {
    files: &'a dyn Files,
    entry: &'a str,
    text: String,
}

impl Files for Marked<'_> {
    fn read(&self, path: &str) -> Result<Vec<u8>, FileError> {
        if path == self.entry { Ok(self.text.clone().into_bytes()) } else { self.files.read(path) }
    }
}

/// Whether the item was made by the mark.
fn is_marked(item: &Item) -> bool {
    item.name().is_some_and(|name| name.text.contains(MARK))
}
