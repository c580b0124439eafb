//! The distributions: signed repositories, indexes, resolvers and package archives.

pub mod access;
pub mod alpine;
pub mod archive;
pub mod cache;
pub mod debian;
mod sealed;
mod similar;
pub mod surroundings;
pub mod version;
