//! The fields of everything that has some, as the reference of the book lists them.

use super::FieldNote;
use crate::check::schema;

/// What has fields, in the order of the reference: its name as it is written, and its fields.
pub fn reference() -> Vec<(&'static str, Vec<FieldNote>)> {
    let parts = [
        ("image", schema::IMAGE),
        ("test", schema::TEST),
        ("waive", schema::WAIVER),
        ("source", schema::SOURCE),
        ("repository", schema::REPOSITORY),
        ("build", schema::BUILD),
        ("step", schema::STEP),
    ];
    parts.map(|(name, fields)| (name, fields.iter().map(FieldNote::from).collect())).into()
}
