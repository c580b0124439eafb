//! image

pub mod config;
pub mod effects;
pub mod formats;
pub mod layer;
pub mod layout;
pub mod media_type;
pub mod merge;
pub mod read;
