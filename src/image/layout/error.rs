//! Why a layout could not be written.

use super::FolderError;
use crate::digest::Sha256;
use crate::tree::ContentError;

/// Why a layout or an archive could not be written.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum LayoutError {
    /// The folder holds something else.
    #[error("the output folder of `{name}` holds files that are no OCI image layout: `{found}`")]
    #[diagnostic(
        code(hbuild::image::not_a_layout),
        help("give another folder with `-o`, or remove what stands there")
    )]
    NotALayout {
        /// The image.
        name: String,
        /// One of the files.
        found: String,
    },
    /// A blob of a variant that is to stay is missing or wrong.
    #[error("the blob sha256:{digest} of the layout of `{name}` is missing or damaged")]
    #[diagnostic(
        code(hbuild::image::damaged_layout),
        help(
            "a variant that this run does not build refers to it: remove the layout's folder and build all variants again"
        )
    )]
    Damaged {
        /// The image.
        name: String,
        /// The blob.
        digest: Sha256,
    },
    /// Two variants want one name.
    #[error("two variants of `{name}` have the name or tag `{tag}`")]
    #[diagnostic(code(hbuild::image::duplicate_tag), help("give each variant tags of its own in `tags`"))]
    DuplicateTag {
        /// The image.
        name: String,
        /// The name.
        tag: String,
    },
    /// A manifest that is none, or names a layer that was not given.
    #[error("the manifest sha256:{digest} does not describe the layers given with it")]
    #[diagnostic(code(hbuild::image::bad_manifest), help("this is a defect in hbuild: please report it"))]
    Manifest {
        /// Its digest.
        digest: Sha256,
    },
    /// The bytes of a blob are not what its digest says.
    #[error("the store's bytes for sha256:{digest} are damaged")]
    #[diagnostic(
        code(hbuild::image::damaged_blob),
        help("run `hbuild store verify --repair`, then build again")
    )]
    Content {
        /// The blob.
        digest: Sha256,
    },
    /// The store could not give a blob.
    #[error("cannot read sha256:{digest} from the store")]
    #[diagnostic(
        code(hbuild::image::unreadable_blob),
        help("run `hbuild store verify --repair`, then build again")
    )]
    Open {
        /// The blob.
        digest: Sha256,
        /// What the store said.
        #[source]
        source: ContentError,
    },
    /// The file system refused.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Folder(#[from] FolderError),
    /// The user stopped it.
    #[error("stopped")]
    #[diagnostic(code(hbuild::image::stopped), help("nothing was left behind; run the command again"))]
    Cancelled,
}
