//! The distributions: signed repositories, indexes, resolvers and package archives.

pub mod archive;
pub mod debian;
