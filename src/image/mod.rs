//! image

pub mod config;
pub mod formats;
pub mod layer;
pub mod layout;
pub mod media_type;
pub mod read;
