//! host

pub mod folder;
pub mod root_folder;
