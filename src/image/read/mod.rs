//! Reading images back: a layout folder or an OCI archive, its manifests, configs, referrers and trees.
//!
//! Whatever is read was written by anyone: every blob is checked against its digest before it is parsed, and
//! sizes have limits. Archives with device nodes or paths out of the tree are refused; whiteouts are followed.

mod archive;
mod error;
mod files;
mod layout;
mod tree;

pub use archive::Archive;
pub use error::{LayerFault, NotPlain, ReadError};
pub use files::{FolderFiles, ImageFiles};
pub use layout::{Image, Layout};
pub use tree::HashingSink;
pub(crate) use tree::unpacked;
