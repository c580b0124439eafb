//! Archives read as hostile: tar streams, plain or compressed, to image trees. Shared by Debian packages and by
//! the archives of sources.
//!
//! Everything streams: the bytes go from the decoder through one buffer into the [`ContentSink`], and memory
//! does not grow with the archive. Nothing is believed before it is checked, and nothing here touches a file
//! system: what would be written through a link or outside a root is an error, not an accident.
//!
//! [`ContentSink`]: crate::tree::ContentSink

mod beside;
mod collect;
mod decode;
mod error;
mod layers;
mod limits;
mod pax;
mod single;
mod stream;

pub use beside::Beside;
pub use collect::{Cancelled, TarForm, unpack_apk_data, unpack_tar};
pub use decode::{Decoder, Encoding, problem as decode_problem};
pub use error::{ArchiveError, ArchiveProblem, UnpackError};
pub use layers::{Layer, Layers};
pub use limits::Limits;
pub use single::single_file;
pub use stream::{Member, MemberKind, TarReader};

#[cfg(test)]
mod tests;
