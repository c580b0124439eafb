//! image

pub mod config;
pub mod layer;
pub mod media_type;
pub mod planning;
