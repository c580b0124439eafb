//! Forms of an image other than a layout folder: archives of one file, and a root file system.
//!
//! - `docker`: `<name>-<variant>-<arch>.docker.tar`, one platform with uncompressed layers, for `docker load`
//!   (and `podman load`).
//! - `tar`: `<name>-<variant>.oci.tar`, an OCI layout of one variant in a tar, for `podman load` and
//!   `skopeo copy oci-archive:`. It holds the image alone; the documents about it are in the layout.
//! - `dir`: `<name>-<variant>-<arch>.rootfs/`, the merged tree as files.
//!
//! Bytes are a function of the image; nothing is written where the file is already right.

mod docker;
mod file;
mod oci_archive;
mod root;
mod tree_archive;

pub use docker::{docker_archive_name, write_docker_archive};
pub use oci_archive::{oci_archive_name, write_oci_archive};
pub use root::{NewRoot, RootError, RootReport, RootState, RootTarget, root_name, write_root};
pub use tree_archive::write_tree_archive;
