//! The image config and the image manifest (OCI image specification 1.1), as canonical JSON.
//!
//! Receives what the recipe says and the descriptors of the layers; never reads a layer. Layers without a
//! single entry are left out.

mod account;
mod builder;
mod documents;
mod error;

pub use account::{Account, account, environment_of, numeric_user};
pub use builder::ImageBuilder;
pub use documents::{DEFAULT_PATH, ImageDocuments, image_documents, to_canonical};

pub(crate) use builder::text;
pub(crate) use documents::descriptor;
pub use error::ConfigError;
