//! Debian: signed repositories, Packages indexes, the resolver, .deb archives.

pub mod index;
pub mod relation;
pub mod resolver;
pub mod version;
