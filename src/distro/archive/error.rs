//! Why an archive was refused.

use crate::tree::{ContentError, TreePath};

/// An archive that was refused: which, and why. Its code and help are those of the problem.
#[derive(Debug, thiserror::Error)]
#[error("{archive}: {problem}")]
pub struct ArchiveError {
    /// The archive, as its origin names it: `deb:libc6=2.36-9:amd64`.
    pub archive: String,
    /// What is wrong with it.
    pub problem: Box<ArchiveProblem>,
}

impl miette::Diagnostic for ArchiveError {
    fn code<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        self.problem.code()
    }

    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        self.problem.help()
    }
}

/// Why an unpack failed.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// The archive is bad.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The store failed.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// The build is being stopped.
    #[error("stopped")]
    Cancelled,
}

impl UnpackError {
    /// The error of `archive`.
    pub fn archive(archive: &str, problem: ArchiveProblem) -> Self {
        Self::Archive(ArchiveError { archive: archive.to_owned(), problem: Box::new(problem) })
    }
}

/// What is wrong with an archive.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum ArchiveProblem {
    /// It ends too early.
    #[error("{part} ends too early")]
    #[diagnostic(
        code(hbuild::archive::truncated),
        help("the file is incomplete at its source: fetch it again, or take another version")
    )]
    Truncated {
        /// The part that ends.
        part: String,
    },
    /// Its compressed data, or its structure, is wrong.
    #[error("{part} is damaged: {detail}")]
    #[diagnostic(
        code(hbuild::archive::damaged),
        help("the file is damaged at its source: fetch it again, or take another version")
    )]
    Damaged {
        /// The part that is.
        part: String,
        /// In the decoder's words.
        detail: String,
    },
    /// It could not be read.
    #[error("the archive cannot be read")]
    #[diagnostic(
        code(hbuild::archive::unreadable),
        help("check the disk that holds the store; `hbuild store verify` finds damage")
    )]
    Unreadable(#[source] std::io::Error),
    /// It is no ar archive.
    #[error("not a Debian package: the file does not begin with `!<arch>`")]
    #[diagnostic(
        code(hbuild::archive::not_a_package),
        help("the URL or the mirror gave something else than a .deb; look at the first lines of the file")
    )]
    NotAPackage,
    /// A member's header is malformed.
    #[error("the header of a package member, at byte {at}, has a bad {field}")]
    #[diagnostic(
        code(hbuild::archive::bad_member_header),
        help("build the package again with dpkg-deb; ar(5) and deb(5) give the format")
    )]
    MemberHeader {
        /// Offset in the file.
        at: u64,
        /// Which field.
        field: &'static str,
    },
    /// A format version of another kind.
    #[error("the package has format version `{version}`; hbuild reads 2.x")]
    #[diagnostic(
        code(hbuild::archive::format_version),
        help("build the package again with a dpkg-deb that writes format 2.0")
    )]
    FormatVersion {
        /// As the member `debian-binary` has it.
        version: String,
    },
    /// A required member is not there.
    #[error("the package has no member `{name}`")]
    #[diagnostic(
        code(hbuild::archive::missing_member),
        help(
            "a .deb holds debian-binary, control.tar and data.tar in this order: build it again with dpkg-deb"
        )
    )]
    MissingMember {
        /// Which.
        name: &'static str,
    },
    /// A member that has no place there.
    #[error("the package has a member `{name}` where `{expected}` belongs")]
    #[diagnostic(
        code(hbuild::archive::unexpected_member),
        help(
            "a .deb holds debian-binary, control.tar and data.tar in this order, and others only with names that begin `_`"
        )
    )]
    UnexpectedMember {
        /// Its name.
        name: String,
        /// What was expected.
        expected: &'static str,
    },
    /// A compression that hbuild does not read.
    #[error("`{name}` is compressed in a way that hbuild does not read")]
    #[diagnostic(
        code(hbuild::archive::unknown_compression),
        help("gzip, bzip2, xz and zstd are read: compress it again with one of them")
    )]
    UnknownCompression {
        /// The member or file.
        name: String,
    },
    /// Decoding would take too much memory.
    #[error("{part} needs more than {limit} MiB of memory to decode")]
    #[diagnostic(
        code(hbuild::archive::decoder_memory),
        help(
            "compress it again with a smaller window: `xz -9` and `zstd --ultra -22` are the most that is read"
        )
    )]
    DecoderMemory {
        /// The part.
        part: String,
        /// The limit.
        limit: u64,
    },
    /// A tar header is malformed.
    #[error("the tar header at byte {at} has a bad {field}")]
    #[diagnostic(
        code(hbuild::archive::bad_tar_header),
        help(
            "the archive is damaged or made to deceive: take it from another place, or make it again with GNU tar"
        )
    )]
    TarHeader {
        /// Offset in the tar stream.
        at: u64,
        /// Which field.
        field: &'static str,
    },
    /// A number is negative or too large.
    #[error("{path} has the {field} {value}, which is out of range")]
    #[diagnostic(
        code(hbuild::archive::number_out_of_range),
        help("owners, sizes and modes are small and not negative: make the archive again with GNU tar")
    )]
    NumberOutOfRange {
        /// The entry.
        path: String,
        /// Which field.
        field: &'static str,
        /// Its value.
        value: i128,
    },
    /// A long name, a pax header or an attribute is too long.
    #[error("a header describes an entry with {size} bytes of {what}; {limit} are allowed")]
    #[diagnostic(
        code(hbuild::archive::oversize_header),
        help("no real archive needs this: take it from another place")
    )]
    OversizeHeader {
        /// What is too long.
        what: &'static str,
        /// Its size.
        size: u64,
        /// The limit.
        limit: u64,
    },
    /// An absolute path.
    #[error("the entry `{path}` has an absolute path")]
    #[diagnostic(
        code(hbuild::archive::absolute_path),
        help("entries are relative to the root of the archive: make it again without leading slashes")
    )]
    AbsolutePath {
        /// As it stands.
        path: String,
    },
    /// A path with `..`.
    #[error("the entry `{path}` leaves the archive's root with `..`")]
    #[diagnostic(
        code(hbuild::archive::path_leaves_root),
        help("this is how archives attack whoever unpacks them: find out where it comes from")
    )]
    PathLeavesRoot {
        /// As it stands.
        path: String,
    },
    /// A path that is not plain.
    #[error("the entry `{path}` has an empty name, a `.` component or a NUL byte")]
    #[diagnostic(
        code(hbuild::archive::irregular_path),
        help("make the archive again with GNU tar from a plain folder")
    )]
    IrregularPath {
        /// As it stands.
        path: String,
    },
    /// A device, fifo, or another special file.
    #[error("{path} is a {kind}")]
    #[diagnostic(
        code(hbuild::archive::special_file),
        help("images hold files, directories and links only; the container runtime makes device nodes")
    )]
    SpecialFile {
        /// The entry.
        path: String,
        /// What it is.
        kind: &'static str,
    },
    /// A sparse file.
    #[error("{path} is stored as a sparse file")]
    #[diagnostic(code(hbuild::archive::sparse_file), help("make the archive again without `--sparse`"))]
    SparseFile {
        /// The entry.
        path: String,
    },
    /// A kind of entry that is not known.
    #[error("{path} has the unknown entry type `{kind}`")]
    #[diagnostic(
        code(hbuild::archive::unknown_entry),
        help("make the archive again as ustar, GNU or pax tar")
    )]
    UnknownEntry {
        /// The entry.
        path: String,
        /// The type's letter.
        kind: char,
    },
    /// A whiteout.
    #[error("{path} has a name that begins `.wh.`, which deletes files in an OCI layer")]
    #[diagnostic(
        code(hbuild::archive::whiteout_name),
        help("drop files with `paths = {{ \"/path\" = delete }}`; no archive may do it")
    )]
    WhiteoutName {
        /// The entry.
        path: TreePath,
    },
    /// An entry below a symlink of the same archive.
    #[error("{path} would be written through the symbolic link {link}")]
    #[diagnostic(
        code(hbuild::archive::through_symlink),
        help(
            "this is how archives attack whoever unpacks them; an honest one holds the real directory instead"
        )
    )]
    ThroughSymlink {
        /// The entry.
        path: TreePath,
        /// The link above it.
        link: TreePath,
    },
    /// An entry below a file.
    #[error("{path} lies below {file}, which is a file")]
    #[diagnostic(code(hbuild::archive::below_file), help("the archive contradicts itself: make it again"))]
    BelowFile {
        /// The entry.
        path: TreePath,
        /// The file above it.
        file: TreePath,
    },
    /// One path twice.
    #[error("{path} stands twice in the archive")]
    #[diagnostic(
        code(hbuild::archive::duplicate_entry),
        help("which of the two counts is left to whoever unpacks it: make the archive again")
    )]
    DuplicateEntry {
        /// The path.
        path: TreePath,
    },
    /// A hard link that leads to no earlier file of the archive.
    #[error("{path} is a hard link to `{target}`, which is no earlier file of the archive")]
    #[diagnostic(
        code(hbuild::archive::bad_hard_link),
        help("a hard link names a file that stands before it in the same archive: make the archive again")
    )]
    BadHardLink {
        /// The link.
        path: TreePath,
        /// What it names.
        target: String,
    },
    /// Content where there must be none.
    #[error("{path} is a {kind} and yet has content")]
    #[diagnostic(code(hbuild::archive::content_of_link), help("make the archive again with GNU tar"))]
    ContentOfLink {
        /// The entry.
        path: String,
        /// What it is.
        kind: &'static str,
    },
    /// A symlink without a target.
    #[error("{path} is a symbolic link to nothing")]
    #[diagnostic(code(hbuild::archive::empty_symlink), help("make the archive again with GNU tar"))]
    EmptySymlink {
        /// The link.
        path: TreePath,
    },
    /// It unpacks to too much.
    #[error("it unpacks to more than {limit} bytes")]
    #[diagnostic(
        code(hbuild::archive::bomb),
        help("no real archive of this size holds so much: take it from another place")
    )]
    Bomb {
        /// The limit.
        limit: u64,
    },
    /// It has too many entries.
    #[error("it has more than {limit} entries, or names that are too long together")]
    #[diagnostic(
        code(hbuild::archive::too_many_entries),
        help("no real archive holds so many: take it from another place, or split it")
    )]
    TooManyEntries {
        /// The limit.
        limit: u64,
    },
    /// Something stands behind its end.
    #[error("{part} goes on behind its end")]
    #[diagnostic(
        code(hbuild::archive::trailing_bytes),
        help("the file holds more than it shows: take it from another place")
    )]
    TrailingBytes {
        /// The part.
        part: String,
    },
    /// A file whose content is not what its header states.
    #[error("{path} has another content than the checksum beside it says")]
    #[diagnostic(
        code(hbuild::archive::wrong_checksum),
        help("the package was made wrongly, or changed after it was made: take another version of it")
    )]
    WrongChecksum {
        /// The file.
        path: TreePath,
    },
    /// A name of an owner that can be none.
    #[error("{path} has an owner or a group whose name is none")]
    #[diagnostic(
        code(hbuild::archive::owner_name),
        help("names of accounts are printable ASCII without blanks and `:`; build the package again")
    )]
    OwnerName {
        /// The entry.
        path: String,
    },
    /// What the format of a distro's packages asks for, and this one does not have.
    #[error("{0}")]
    #[diagnostic(transparent)]
    Format(Box<dyn miette::Diagnostic + Send + Sync>),
    /// More than one top folder to strip.
    #[error("it has more at its top than one folder: `{path}` besides `{folder}`")]
    #[diagnostic(code(hbuild::archive::several_top_folders), help("set `strip = 0` on the source"))]
    SeveralTopFolders {
        /// The first folder.
        folder: String,
        /// What else there is.
        path: String,
    },
}

/// A path as bytes, for people.
pub(super) fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).into_owned()
}
