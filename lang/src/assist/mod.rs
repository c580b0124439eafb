//! What editors ask about a recipe: texts in, byte ranges out. One file a feature; no protocol, no files.

mod fields;

pub use fields::{FieldNote, fields_of};
