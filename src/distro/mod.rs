//! The distributions: signed repositories, indexes, resolvers and package archives.

pub mod debian;
