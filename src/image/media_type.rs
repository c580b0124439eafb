//! Media types and annotation keys of the OCI image and distribution specifications (1.1).

/// An uncompressed layer.
pub const LAYER_TAR: &str = "application/vnd.oci.image.layer.v1.tar";
/// A layer in gzip.
pub const LAYER_GZIP: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
/// A layer in zstd.
pub const LAYER_ZSTD: &str = "application/vnd.oci.image.layer.v1.tar+zstd";
/// An image config.
pub const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
/// An image manifest, of images and of artifacts.
pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// An image index.
pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// The config `{}` of artifacts.
pub const EMPTY: &str = "application/vnd.oci.empty.v1+json";
/// Bytes of no further type.
pub const BYTES: &str = "application/octet-stream";

/// The annotation of an index entry that names it.
pub const REF_NAME: &str = "org.opencontainers.image.ref.name";
/// The annotation of a layer that gives the name of the file that it is.
pub const TITLE: &str = "org.opencontainers.image.title";
