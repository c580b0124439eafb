//! Layers: one slice of a merged tree becomes a tar archive, hashed and compressed in one pass.
//!
//! Receives the slice's tree, its origin map and the contents of its files; gives the compressed bytes and
//! their descriptor. The bytes are a function of the tree and the [`Compression`] alone: neither the number of
//! threads nor the sizes of reads have a part in them.
//!
//! [`Compression`]: crate::graph::Compression

mod archive;
mod builder;
mod compress;
mod error;
mod member;

pub use archive::{ArchiveDigest, archive_size, with_parents, write_archive};
pub use builder::{EMPTY_ARCHIVE_SIZE, LayerBuilder};
pub use compress::{compress_with, compression};
pub use error::LayerError;
pub use member::{Member, MemberError, member_header};
