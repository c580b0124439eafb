//! Debian: signed repositories, Packages indexes, the resolver, .deb archives.

pub mod archive;
pub mod deb822;
pub mod index;
pub mod relation;
pub mod release;
pub mod repository;
pub mod resolver;
pub mod signature;
pub mod version;
