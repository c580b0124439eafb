//! Why an image could not be read.

use crate::distro::access::AccessError;
use crate::image::layout::FolderError;
use crate::tree::{ContentError, PathError, TreeError};

/// Why an image could not be read.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum ReadError {
    /// There is no `index.json`.
    #[error("this is no OCI image layout: it has no usable `{missing}`")]
    #[diagnostic(
        code(hbuild::image::no_layout),
        help(
            "give the folder of one image (`out/hello`), or a `.oci.tar` that `hbuild build --format tar` wrote"
        )
    )]
    NoLayout {
        /// The file that is missing or unreadable.
        missing: String,
    },
    /// No image has the name.
    #[error("no image is named `{wanted}`")]
    #[diagnostic(code(hbuild::image::unknown_reference), help("there are: {}", there.join(", ")))]
    UnknownReference {
        /// What was asked for.
        wanted: String,
        /// What there is.
        there: Vec<String>,
    },
    /// Several images could be meant.
    #[error("several images could be meant")]
    #[diagnostic(code(hbuild::image::ambiguous_reference), help("name one of: {}", there.join(", ")))]
    Ambiguous {
        /// What there is.
        there: Vec<String>,
    },
    /// A blob is missing, too large or not what its digest says.
    #[error("the blob {digest} is missing or damaged")]
    #[diagnostic(
        code(hbuild::image::bad_blob),
        help("the copy of the image is not whole: build, copy or pull it again")
    )]
    Blob {
        /// Its digest.
        digest: String,
    },
    /// A file of the layout is a link or something else that is no plain file.
    #[error("`{path}` of the image is {reason}")]
    #[diagnostic(
        code(hbuild::image::not_plain),
        help("an image holds plain files in plain folders only: whatever leads elsewhere is not followed")
    )]
    NotPlain {
        /// The file, relative to the layout.
        path: String,
        /// What it is.
        reason: NotPlain,
    },
    /// A document does not parse.
    #[error("{digest} is not a document of the OCI image specification")]
    #[diagnostic(
        code(hbuild::image::bad_document),
        help("the image was made by a tool that hbuild cannot follow")
    )]
    Document {
        /// Its digest.
        digest: String,
        /// What is wrong.
        #[source]
        source: serde_json::Error,
    },
    /// A layer is packed in a way that hbuild does not know.
    #[error("a layer has the media type `{media_type}`")]
    #[diagnostic(code(hbuild::image::unknown_layer_type), help("hbuild reads tar, tar+gzip and tar+zstd"))]
    LayerType {
        /// The media type.
        media_type: String,
    },
    /// A layer is no archive that hbuild would write.
    #[error("the layer {digest} is not a plain archive: {reason}")]
    #[diagnostic(
        code(hbuild::image::bad_layer),
        help("hbuild's own layers hold files, directories, links and plain whiteouts")
    )]
    Layer {
        /// The layer's digest.
        digest: String,
        /// What is wrong with it.
        reason: LayerFault,
    },
    /// Keeping a content failed.
    #[error("cannot keep what a layer holds")]
    #[diagnostic(code(hbuild::image::cannot_keep), help("check that the disk has room"))]
    Keep(#[from] ContentError),
    /// The file system refused.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Folder(#[from] FolderError),
    /// Whoever has the image did not give it.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Access(AccessError),
}

/// What stands where a plain file is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotPlain {
    /// A symbolic link, or in an archive a link of any kind.
    #[error("a link")]
    Link,
    /// A link, or no folder, on the way to it.
    #[error("behind a link")]
    Folder,
    /// A folder, pipe, socket or device.
    #[error("no regular file")]
    Special,
    /// Two members of an archive.
    #[error("there twice")]
    Twice,
}

/// What is wrong with a layer.
#[derive(Debug, thiserror::Error)]
pub enum LayerFault {
    /// The tar or its compression.
    #[error("{0}")]
    Archive(std::io::Error),
    /// A member's path.
    #[error("{0}")]
    Path(PathError),
    /// A name of whiteouts that none has.
    #[error("{0} is no whiteout that the specification has")]
    Whiteout(String),
    /// A member that no image tree holds.
    #[error("{0} is neither file, directory nor link")]
    Kind(String),
    /// A link to something that is not there.
    #[error("{0} is a hard link to nothing")]
    Link(String),
    /// The members make no tree.
    #[error("{0}")]
    Tree(TreeError),
    /// The bytes are not those of the diff id.
    #[error("its content is not what the config's diff id says")]
    DiffId,
}
