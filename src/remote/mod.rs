//! Registries as places that images are pushed to and pulled from, by the OCI distribution specification (1.1).
//!
//! What a registry says is believed by digest alone, every document has a greatest length, and credentials go to the
//! registry they are for and to whom it names for tokens, nowhere else.

mod attach;
mod blobs;
mod client;
mod collect;
mod documents;
mod error;
mod files;
mod listing;
mod pull;
mod push;
mod reference;
mod referrers;
mod stream;
mod workers;

pub use attach::{Attached, attach};
pub use client::{Access, Client, Repository};
pub use error::RemoteError;
pub use files::RegistryFiles;
pub use pull::{Pulled, pull};
pub use push::{Counts, PushOptions, Pushed, PushedTag, TagState, Target, push, targets};
pub use reference::Reference;
