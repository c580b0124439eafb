//! File trees as values: what a package unpacks to, what a merge makes, what a layer is written from.
//!
//! A tree holds metadata and content digests only; the bytes of its files lie in packs and are reached through
//! [`Contents`]. Nothing here touches a file system.

mod contents;
mod encode;
mod entry;
mod exec;
mod origin;
mod path;

pub use contents::{ContentError, ContentSink, Contents, MemoryContents};
pub use encode::{DecodeError, TREE_MAGIC};
pub use entry::{Entry, EntryKind, Tree, TreeError};
pub use origin::{Origin, OriginMap};
pub use path::{PathError, TreePath};
