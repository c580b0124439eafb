//! What hbuild takes from the machine it runs on: the clock, files, the network and the configuration.
//!
//! With `store`, `sandbox`, `remote` and `cli` the only module that touches the operating system. It decides
//! nothing about recipes or packages: whatever it fetches is believed only after its digest or signature.

pub mod apk_sources;
pub mod apt_sources;
pub mod clock;
pub mod discover;
pub mod fetch;
pub mod fetch_builder;
pub mod files;
pub mod folder;
pub mod folder_tree;
pub mod git;
pub mod image_folder;
pub mod limits;
pub mod machine;
pub mod memory;
pub mod mirror;
pub mod new_files;
pub mod registry;
pub mod repositories;
pub mod root_folder;
pub mod settings;
pub mod signer;
mod source_archive;
pub mod spool;
pub mod terminal;
pub mod url;
