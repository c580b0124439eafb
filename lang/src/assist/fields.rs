//! What is to be said about fields.

use crate::check::schema::{self, Field, Shape};
use crate::syntax::ast::DeclarationKind;

/// What is to be said about a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldNote {
    /// Its name.
    pub name: &'static str,
    /// What it takes: `a list of strings`.
    pub takes: &'static str,
    /// What it is for and what it is by default: one line of Markdown.
    pub doc: &'static str,
    /// What the records have that it maps to, where it does.
    pub records: Vec<FieldNote>,
}

impl From<&Field> for FieldNote {
    fn from(field: &Field) -> Self {
        let records = match field.shape {
            Shape::Records(_, records) => records,
            _ => &[],
        };
        let record = |record: &schema::RecordField| Self {
            name: record.name,
            takes: record.shape.describe(),
            doc: record.doc,
            records: Vec::new(),
        };
        Self {
            name: field.name,
            takes: field.shape.describe(),
            doc: field.doc,
            records: records.iter().map(record).collect(),
        }
    }
}

/// The fields of an item of this kind.
pub fn fields_of(kind: DeclarationKind) -> impl Iterator<Item = FieldNote> {
    schema::of_declaration(kind).iter().map(FieldNote::from)
}
