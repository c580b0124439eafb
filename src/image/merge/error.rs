//! Why a merge failed.

use miette::Diagnostic;

use crate::tree::{ContentError, Origin, TreeError, TreePath};

/// Why trees do not make one image.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum MergeError {
    /// Two packages have the same file.
    #[error("{path} comes from {first} and from {second}")]
    #[diagnostic(
        code(hbuild::merge::file_conflict),
        help(
            "neither replaces the other, so the distro's own installer would refuse them too: drop one of the two packages"
        )
    )]
    FileConflict {
        /// The path.
        path: TreePath,
        /// Who has it already.
        first: Origin,
        /// Who has it as well.
        second: Origin,
    },
    /// A content has a file that something else has already.
    #[error("{path} of {second} would replace the one of {first}")]
    #[diagnostic(
        code(hbuild::merge::not_replacing),
        help(
            "say so where it is meant: `contents = [x.replacing(\"{path}\")]`; or leave it out with `.without(…)`"
        )
    )]
    NotReplacing {
        /// The path.
        path: TreePath,
        /// Who has it already.
        first: Origin,
        /// The content.
        second: Origin,
    },
    /// A directory meets something else.
    #[error("{path} is a directory in one of {first} and {second}, and no directory in the other")]
    #[diagnostic(
        code(hbuild::merge::kind_conflict),
        help("a file cannot replace a directory, nor the other way round: move or leave out one of the two")
    )]
    KindConflict {
        /// The path.
        path: TreePath,
        /// Who has it already.
        first: Origin,
        /// Who has it as well.
        second: Origin,
    },
    /// A path leads through links that end nowhere.
    #[error("{path} of {origin} lies behind the link {link}, which leads to no directory")]
    #[diagnostic(
        code(hbuild::merge::broken_link),
        help("look where the link points, and who made it; a content can be placed elsewhere with `.at(…)`")
    )]
    BrokenLink {
        /// The path.
        path: TreePath,
        /// The link.
        link: TreePath,
        /// Who has the path.
        origin: Origin,
    },
    /// A whiteout name.
    #[error("{path} of {origin} has a name that begins `.wh.`, which deletes files in an OCI layer")]
    #[diagnostic(
        code(hbuild::merge::whiteout_name),
        help("drop files with `paths = {{ \"/path\" = delete }}` instead")
    )]
    WhiteoutName {
        /// The path.
        path: String,
        /// Who has it.
        origin: Origin,
    },
    /// A glob or path of the recipe that cannot be read.
    #[error("`{pattern}` is not an absolute path or glob: {reason}")]
    #[diagnostic(
        code(hbuild::merge::bad_pattern),
        help("write an absolute path, or a glob with `*`, `**`, `?`, `[…]` or `{{…}}`")
    )]
    BadPattern {
        /// As written.
        pattern: String,
        /// What is wrong.
        reason: String,
    },
    /// Attributes for a path that is not there.
    #[error("`paths` sets attributes of {path}, which is not in the image")]
    #[diagnostic(
        code(hbuild::merge::no_such_path),
        help(
            "check the spelling, and whether a `delete` drops it; `file(…)` and `directory(…)` make new ones"
        )
    )]
    NoSuchPath {
        /// The path.
        path: TreePath,
    },
    /// A file of the recipe where a directory with content is, or the other way round.
    #[error("`paths` makes {path} a {wanted}, but {origin} has a {found} there")]
    #[diagnostic(
        code(hbuild::merge::rule_conflict),
        help("delete what is there by a rule of its own, or choose another path")
    )]
    RuleConflict {
        /// The path.
        path: TreePath,
        /// What the rule makes.
        wanted: &'static str,
        /// What is there.
        found: &'static str,
        /// Who has it.
        origin: Origin,
    },
    /// An owner that is no account.
    #[error("{path} is to belong to the {kind} `{name}`, which the image does not have")]
    #[diagnostic(code(hbuild::merge::unknown_account), help("{help}"))]
    UnknownAccount {
        /// The path or glob.
        path: String,
        /// `user` or `group`.
        kind: &'static str,
        /// The name.
        name: String,
        /// What to do.
        help: String,
    },
    /// Two accounts or groups that contradict each other.
    #[error("the {kind} `{name}` has the id {id}, which belongs to `{other}`")]
    #[diagnostic(
        code(hbuild::merge::account_conflict),
        help(
            "choose an id that is free; `hbuild show` lists the accounts of the recipe, base-passwd has those below 100"
        )
    )]
    AccountConflict {
        /// `user` or `group`.
        kind: &'static str,
        /// The name.
        name: String,
        /// The id.
        id: u32,
        /// Who has the id.
        other: String,
    },
    /// A name or field that `/etc/passwd` cannot hold.
    #[error("the account `{name}` has a {field} that /etc/passwd cannot hold")]
    #[diagnostic(
        code(hbuild::merge::bad_account),
        help("names and fields have no colon and no line break, and a name is not empty")
    )]
    BadAccount {
        /// The name.
        name: String,
        /// Which field.
        field: &'static str,
    },
    /// All ids for system accounts are taken.
    #[error("no id between 100 and 999 is left for the system account `{name}`")]
    #[diagnostic(
        code(hbuild::merge::no_free_id),
        help("give some accounts fixed ids in `users` and `groups`")
    )]
    NoFreeId {
        /// The account.
        name: String,
    },
    /// An effect of the table that hbuild does not know.
    #[error("the effect `{name}` of the package {package} is not known")]
    #[diagnostic(code(hbuild::merge::unknown_effect), help("{help}"))]
    UnknownEffect {
        /// The package.
        package: String,
        /// The effect.
        name: String,
        /// What to do.
        help: String,
    },
    /// A certificate that is none.
    #[error("{path} is not a PEM certificate: {reason}")]
    #[diagnostic(
        code(hbuild::merge::bad_certificate),
        help("the CA bundle takes X.509 certificates in PEM, one a file")
    )]
    BadCertificate {
        /// The file.
        path: TreePath,
        /// What is wrong.
        reason: &'static str,
    },
    /// A package's control data is malformed.
    #[error("{origin} has a malformed {member}: {reason}")]
    #[diagnostic(code(hbuild::merge::bad_control), help("the package is damaged: take another version"))]
    BadControl {
        /// The package.
        origin: Origin,
        /// The control member.
        member: String,
        /// What is wrong.
        reason: String,
    },
    /// The entries do not make a tree: a defect of the merge's own rules.
    #[error("the merged entries make no tree")]
    #[diagnostic(
        code(hbuild::merge::not_a_tree),
        help("report this with the recipe and the lock: no input should lead here")
    )]
    NotATree(#[source] TreeError),
    /// Content could not be read or kept.
    #[error(transparent)]
    #[diagnostic(
        code(hbuild::merge::content),
        help("check the disk that holds the store; `hbuild store verify` finds damage")
    )]
    Content(#[from] ContentError),
}
