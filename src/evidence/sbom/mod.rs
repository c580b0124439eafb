//! Software bills of materials: what is in an image, independent of the format, and one file for each format.
//!
//! A bill lists packages and, below them, their files: SPDX with the digests of each, CycloneDX with the places alone.

mod cyclonedx;
mod files;
mod inventory;
mod spdx;

pub use cyclonedx::{cyclonedx, index as cyclonedx_index};
pub use files::{FileDigests, FoundFile};
pub use inventory::{Inventory, Item, Survey};
pub use spdx::{index as spdx_index, spdx};

/// Version of hbuild, as the bills name their tool.
const HBUILD_VERSION: &str = env!("CARGO_PKG_VERSION");
