//! Why a commit was not fetched.

use std::io;

use crate::digest::Sha256;
use crate::store::StoreError;
use crate::tree::ContentError;

/// Why a commit was not fetched.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum GitError {
    /// No program.
    #[error("`git` is not installed: the source `{url}` cannot be fetched")]
    #[diagnostic(
        code(hbuild::host::no_git),
        help("install git, or give the source as `url` with `sha256`: archives need no program")
    )]
    NoGit {
        /// The repository.
        url: String,
    },
    /// The repository cannot be reached, or is none.
    #[error("cannot fetch from the git repository `{url}`: {said}")]
    #[diagnostic(
        code(hbuild::host::git_repository),
        help(
            "check the URL, the network and your right to read it; hbuild asks for no password and uses none of git's configuration"
        )
    )]
    Repository {
        /// The repository.
        url: String,
        /// What git said.
        said: String,
    },
    /// The repository has no such commit.
    #[error("the git repository `{url}` has no commit `{commit}`")]
    #[diagnostic(
        code(hbuild::host::git_commit),
        help("check `commit` in the recipe, and that it was pushed; a tag's own id is no commit")
    )]
    NoCommit {
        /// The repository.
        url: String,
        /// The commit.
        commit: String,
    },
    /// A submodule that cannot be followed.
    #[error("the submodule `{path}` of `{url}` {reason}")]
    #[diagnostic(
        code(hbuild::host::git_submodule),
        help("leave `submodules` out and name what you need of them as sources of their own")
    )]
    Submodule {
        /// The repository it belongs to.
        url: String,
        /// Its path.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A tree with a name that no file has.
    #[error("a tree of `{url}` has the name `{name}`, which no file has")]
    #[diagnostic(
        code(hbuild::host::git_name),
        help("the commit was made by hand, perhaps to do harm: do not use it")
    )]
    Name {
        /// The repository.
        url: String,
        /// The name.
        name: String,
    },
    /// The content is not what was locked.
    #[error("the commit `{commit}` of `{url}` has another content than was locked: {found}, not {expected}")]
    #[diagnostic(
        code(hbuild::host::git_changed),
        help(
            "find out why before you do anything else: a commit never changes. If the lock is wrong, take the entry out of `hbuild.lock` and run `hbuild lock`"
        )
    )]
    Changed {
        /// The repository.
        url: String,
        /// The commit.
        commit: String,
        /// SHA-256 of the archive that was made now.
        found: Sha256,
        /// The lock's.
        expected: Sha256,
    },
    /// `git` failed in what needs no network.
    #[error("`git {command}` failed: {said}")]
    #[diagnostic(
        code(hbuild::host::git_failed),
        help("check that git is whole and not older than 2.29, and that the store may be written")
    )]
    Failed {
        /// Its subcommand.
        command: String,
        /// What it said.
        said: String,
    },
    /// The files between git and the archive.
    #[error("cannot work with the files of `git`")]
    #[diagnostic(
        code(hbuild::host::git_files),
        help("check that the store may be written and that there is space left")
    )]
    Io {
        /// Why.
        source: io::Error,
    },
    /// The archive cannot be kept.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Store(#[from] StoreError),
    /// The caller wants no more of it.
    #[error("the fetch of `{url}` was stopped")]
    #[diagnostic(code(hbuild::host::git_stopped), help("run the command again"))]
    Cancelled {
        /// The repository.
        url: String,
    },
}

impl GitError {
    /// The error for an archive that cannot be written.
    pub(super) fn keep(error: io::Error) -> Self {
        match StoreError::from_content(ContentError::Io(error)) {
            Ok(error) => Self::Store(error),
            Err(ContentError::Io(source)) => Self::Io { source },
            Err(other) => Self::Io { source: io::Error::other(other) },
        }
    }
}
