//! Software bills of materials: what is in an image, independent of the format, and one file for each format.
//!
//! A bill lists packages, not files: which file came from which package is a document of its own
//! ([`super::Origins`]), so that the bills stay small and no file has to be hashed again.

mod cyclonedx;
mod inventory;
mod spdx;

pub use cyclonedx::{cyclonedx, index as cyclonedx_index};
pub use inventory::{Inventory, Item, Survey};
pub use spdx::{index as spdx_index, spdx};

/// Version of hbuild, as the bills name their tool.
const HBUILD_VERSION: &str = env!("CARGO_PKG_VERSION");
