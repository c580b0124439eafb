//! Alpine: APKINDEX indexes and the resolver.

pub mod checksum;
pub mod index;
pub mod relation;
pub mod resolver;
pub mod version;
