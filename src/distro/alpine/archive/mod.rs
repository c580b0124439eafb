//! Alpine packages, apk v2: three gzip members behind each other, each of them a tar archive.
//!
//! The _signature segment_ (`.SIGN.RSA.<key>`) signs the bytes of the _control segment_ (`.PKGINFO`, scripts), whose
//! `datahash` is the SHA-256 of the bytes of the _data segment_. The first two have no end-of-archive mark. An index
//! states the SHA-1 of the control segment, so that each package is pinned by both.

mod apk;
mod error;
mod head;
mod identity;
mod segment;

pub use apk::{ApkTrees, Expected, OWNERS, SHA1SUMS, unpack_apk};
pub use error::ApkProblem;
pub use head::{Head, signatures_in};
pub use identity::Identity;
pub use segment::{Segment, read_segment, starts_with_signature};
