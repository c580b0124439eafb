//! Debian: signed repositories, Packages indexes, the resolver, .deb archives.

pub mod archive;
pub mod index;
pub mod relation;
pub mod resolver;
pub mod version;
