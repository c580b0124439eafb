//! Why a layer could not be made.

use crate::tree::TreePath;

/// Why a layer could not be made.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum LayerError {
    /// An extended attribute whose name no pax record can carry.
    #[error("{path} has an extended attribute whose name no tar header can carry")]
    #[diagnostic(
        code(hbuild::image::bad_xattr_name),
        help(
            "names of extended attributes in a layer hold neither `=` nor NUL: drop the file with a `delete` rule in `paths`"
        )
    )]
    XattrName {
        /// The entry.
        path: TreePath,
    },
    /// The derivation asks for a compressor this program does not have.
    #[error("the layer is to be written by `{wanted}`, but this hbuild has `{have}`")]
    #[diagnostic(
        code(hbuild::image::other_compressor),
        help("the bytes of a layer depend on the compressor's version: use the hbuild that made the graph")
    )]
    OtherCompressor {
        /// The library the derivation names.
        wanted: String,
        /// The library linked in.
        have: String,
    },
    /// The compressor or the archive failed.
    #[error("cannot compress the layer")]
    #[diagnostic(
        code(hbuild::image::compression_failed),
        help("the level may be out of the compressor's range: zstd takes 1 to 22, gzip 0 to 9")
    )]
    Compress {
        /// What the compressor or the store said.
        #[source]
        source: std::io::Error,
    },
}
