//! What editors ask about a recipe: texts in, byte ranges out. One file a feature; no protocol, no files.

mod fields;
mod reference;

pub use fields::{FieldNote, fields_of};
pub use reference::reference;
