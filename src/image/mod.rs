//! Images: what is made of package trees. Merging and effects, layers, config and manifest, the ELF closure and the
//! policy, and the forms in which an image leaves the store; also reading images back.
//!
//! Everything here is a function of its inputs: trees, descriptors and contents come in, bytes go out. Files are
//! reached only through the traits [`layout::Folder`] and [`formats::RootTarget`], which `host` implements.

pub mod access;
pub mod config;
pub mod effects;
pub mod elf;
pub mod follow;
pub mod formats;
pub mod layer;
pub mod layout;
pub mod media_type;
pub mod merge;
pub mod policy;
pub mod read;
