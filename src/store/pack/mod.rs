//! Packs: the contents of many files in one object.
//!
//! # Format
//!
//! Integers are little-endian.
//!
//! ```text
//! pack    = content* trailer footer
//! content = the bytes of one content; no two are equal
//! trailer = (digest [32], offset u64, length u64)*, sorted by digest
//! footer  = number of contents u64, BLAKE3 of the trailer [32], "hbpack1\n"
//! ```
//!
//! The first content kept stands at offset 0. The empty content is never listed: every pack has it.

mod format;
mod reader;
mod set;
mod writer;

pub use reader::Pack;
pub use set::Packs;
pub use writer::PackWriter;
