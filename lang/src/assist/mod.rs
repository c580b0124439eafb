//! What editors ask about a recipe: texts in, byte ranges out. One file a feature; no protocol, no files.

mod actions;
mod analysis;
mod completion;
mod docs;
mod fields;
mod hover;
mod navigate;
mod outline;
mod reference;
mod rename;
mod render;
mod scope;
mod signature;
mod symbol;
mod tokens;
mod walk;

pub use actions::mends;
pub use analysis::Analysis;
pub use completion::{Completion, CompletionKind, Completions, Surroundings, complete};
pub use fields::{FieldNote, fields_of};
pub use hover::{Hover, hover, string_at};
pub use navigate::{Definition, Location, defined_at, definition, highlights, references, references_to};
pub use outline::{Entry, EntryKind, folds, outline, selection};
pub use reference::reference;
pub use rename::{RenameError, can_be_called, rename_at};
pub use signature::{Signature, signature};
pub use tokens::{TOKENS, Token, tokens};

/// The text of a module of the standard library, by its path below `std/`.
pub fn standard_text(name: &str) -> Option<&'static str> {
    crate::modules::standard_module(name)
}
