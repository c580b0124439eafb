//! Alpine: signed repositories, APKINDEX indexes, the resolver, .apk archives.

pub mod archive;
pub mod checksum;
pub mod index;
pub mod pkginfo;
pub mod relation;
pub mod repository;
pub mod resolver;
pub mod signature;
pub mod version;
