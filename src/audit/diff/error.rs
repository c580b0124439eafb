//! Why two things could not be compared.

use crate::distro::archive::ArchiveError;
use crate::image::read::ReadError;
use crate::tree::ContentError;

/// Why two things could not be compared.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum DiffError {
    /// An image could not be read.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Image(#[from] ReadError),
    /// A layer or an archive is none that hbuild reads.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Archive(#[from] ArchiveError),
    /// A content could not be read or kept.
    #[error("cannot read the contents to compare")]
    #[diagnostic(
        code(hbuild::diff::contents),
        help(
            "check that nothing changes while it is read, and that the folder for temporary files has room"
        )
    )]
    Content(#[from] ContentError),
    /// A file or folder cannot be read.
    #[error("cannot read {path}")]
    #[diagnostic(
        code(hbuild::diff::unreadable),
        help("check that it may be read; files of a root file system are often root's alone")
    )]
    Unreadable {
        /// Its path.
        path: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A folder holds something that no image has.
    #[error("{path} is neither file, directory nor symbolic link")]
    #[diagnostic(
        code(hbuild::diff::special_file),
        help("images have no devices, sockets and pipes: remove it, or compare a folder below")
    )]
    SpecialFile {
        /// Its path.
        path: String,
    },
    /// The user stopped it.
    #[error("stopped")]
    #[diagnostic(code(hbuild::diff::stopped), help("run the command again"))]
    Cancelled,
}
