//! OCI image layouts: one folder for each image name, holding every variant, platform and referrer.
//!
//! Receives manifests and configs as bytes and layers as descriptors with a way to open their blobs; touches
//! the file system only through [`Folder`]. A layout changes all at once: its `index.json` is replaced last,
//! and what it no longer reaches is removed after that.

mod adopt;
mod attach;
mod content;
mod error;
mod folder;
mod merge;
mod reach;
mod referrer;
mod write;

pub use adopt::{Adopted, adopt};
pub use attach::{Artifact, attach};
pub use content::{Blob, BlobContent, LayoutImage, OpenBlob, Platform, Variant, variant_index};
pub use error::LayoutError;
pub use folder::{Folder, FolderError, NewFile};
pub use referrer::{Referrer, Subject, artifact_with_files, referrer_manifest, referrers_tag};
pub use write::{WriteOptions, Written, write};

pub(crate) use content::{OCI_LAYOUT, blob_path};
pub(crate) use referrer::referrers_index;
pub(crate) use write::{copy_blob, copy_checked};
