//! Bundles: everything that a build takes in one file, from which it is repeated without a network
//! (`docs/src/bundle.md`).
//!
//! A bundle is a tar archive of plain files whose headers have one form only. `manifest.json` comes first and lists
//! all others in the order of their paths; so equal contents are equal bytes. Receives bytes through [`ReadAt`] and
//! gives them to a writer; never a path of this host. Whatever is read was written by anyone: a bundle that is not
//! byte for byte what hbuild writes is refused, and content counts only after its digest was checked.

mod error;
mod header;
mod manifest;
mod read;
mod write;

pub use error::BundleError;
pub use manifest::{BundledItem, Entry, FORMAT, ItemKind, Kind, Maker, Manifest, Use, blob_path};
pub use read::{Bundle, EntryReader, ReadAt};
pub use write::{Written, write};

/// The folder of recipes and of what stands beside them.
pub const RECIPES: &str = "recipes/";
/// The folder of the modules of the standard library.
pub const STANDARD: &str = "std/";
