//! In what two images, trees, evaluated recipes or locks differ, down to the cause.
//!
//! Images and trees become two [`Side`]s, whose trees are compared entry by entry. Contents that differ are fetched
//! into a [`Spool`] and compared by what they are (`content`). Everything read is hostile: what is held in memory,
//! looked into and listed has limits. It opens no file by itself and prints nothing.

mod compare;
mod content;
mod entries;
mod error;
mod escape;
mod fields;
mod images;
mod locks;
mod packages;
mod recipes;
mod render;
mod report;
mod side;
mod trees;

pub use compare::{Options, diff_images};
pub use content::causes;
pub use entries::Ignored;
pub use error::DiffError;
pub use images::{ImageSource, read_images};
pub use locks::{LockDifference, diff_locks};
pub use recipes::{RecipeDifference, VariantChange, diff_recipes};
pub use report::{
    Attribute, BytesDifference, Cause, Change, Difference, EntryFacts, Field, FieldDifference,
    FileDifference, PackageDifference, Part, SideName, TextDifference,
};
pub use side::{Fetch, Side, Spool};
pub use trees::{OpenArchive, read_archive};

/// Asks whether the command is being stopped.
pub type Cancelled<'a> = &'a (dyn Fn() -> bool + Sync);
