//! Git sources: the tree of a commit, as the archive that a folder with the same files becomes.
//!
//! Receives URL and commit; runs the host's `git` without any configuration but its own, in a folder of the store
//! that is gone afterwards. Nothing is checked out: no filter, attribute or hook of the repository has a say.

mod error;
mod program;
mod tree;

use std::io;

pub use error::GitError;
use program::Program;
use tree::Tree;

use super::fetch::FetchOptions;
use super::source_archive::SourceArchive;
use crate::digest::Sha256;
use crate::lock::GitKey;
use crate::store::{ObjectRef, Store};

/// Submodules in submodules, at most.
const DEPTH: usize = 16;

/// Fetches commits into a store.
pub struct Git<'a> {
    /// Where archives go, and what lies there in between.
    pub store: &'a Store,
    /// How the network is reached.
    pub network: &'a FetchOptions,
    /// Whether to stop.
    pub cancelled: &'a dyn Fn() -> bool,
}

impl Git<'_> {
    /// The archive of a commit's tree, as an object that is not durable yet, and its SHA-256.
    pub fn archive(&self, (url, commit, submodules): &GitKey) -> Result<(ObjectRef, Sha256), GitError> {
        let program = Program::new(self, url, commit)?;
        let mut tree = Tree::default();
        let from = Repository { url: url.clone(), commit: commit.clone() };
        collect(&program, &from, (Vec::new(), *submodules, DEPTH), &mut tree)?;
        let mut archive = SourceArchive::new(self.store.create()?);
        tree.write(&program, &mut archive)?;
        let file = archive.finish().map_err(GitError::keep)?;
        Ok(file.finish()?)
    }
}

/// A commit of a repository.
struct Repository {
    url: String,
    commit: String,
}

/// Adds what is in a commit to `tree`, below `prefix`.
fn collect(
    program: &Program<'_>,
    from: &Repository,
    (prefix, submodules, depth): (Vec<u8>, bool, usize),
    tree: &mut Tree,
) -> Result<(), GitError> {
    fetch(program, from)?;
    let listed = tree::list(program, from)?;
    let links = if submodules { tree::submodules(program, from, &listed)? } else { Vec::new() };
    for entry in listed {
        tree.add(&prefix, entry, &from.url)?;
    }
    for (path, link) in links {
        if depth == 0 {
            return Err(GitError::Submodule {
                url: from.url.clone(),
                path: String::from_utf8_lossy(&path).into_owned(),
                reason: "lies too deep in others".to_owned(),
            });
        }
        let prefix = [&prefix[..], &path, b"/"].concat();
        collect(program, &link, (prefix, submodules, depth - 1), tree)?;
    }
    Ok(())
}

/// Gets the objects of a commit: alone where the server gives it by name, else with all branches and tags.
fn fetch(program: &Program<'_>, from: &Repository) -> Result<(), GitError> {
    let (url, commit) = (address(&from.url)?, from.commit.as_str());
    let alone = ["fetch", "-q", "--depth=1", "--no-tags", "--no-auto-gc", "--", &url, commit];
    let outcome = program.run(&alone)?;
    let refused =
        ["unadvertised object", "dumb http", "not valid"].iter().any(|sign| outcome.said.contains(sign));
    if !outcome.success && outcome.said.contains("not our ref") {
        return Err(GitError::NoCommit { url: from.url.clone(), commit: commit.to_owned() });
    }
    if !outcome.success {
        let heads = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"];
        let all = ["fetch", "-q", "--no-tags", "--no-auto-gc", "--", &url, heads[0], heads[1]];
        let outcome = if refused { program.run(&all)? } else { outcome };
        if !outcome.success {
            return Err(GitError::Repository { url: from.url.clone(), said: outcome.said });
        }
    }
    let kind = program.output(&["cat-file", "-t", commit])?;
    if kind.success && kind.output == b"commit\n" {
        Ok(())
    } else {
        Err(GitError::NoCommit { url: from.url.clone(), commit: commit.to_owned() })
    }
}

/// The URL as git understands it: `file:/path` with an empty host.
fn address(url: &str) -> Result<String, GitError> {
    match url.strip_prefix("file:") {
        Some(path) if path.starts_with("//") => Ok(url.to_owned()),
        Some(path) if path.starts_with('/') => Ok(format!("file://{path}")),
        Some(_) => Err(GitError::Repository {
            url: url.to_owned(),
            said: "a `file:` URL has an absolute path".to_owned(),
        }),
        None => Ok(url.to_owned()),
    }
}

impl From<io::Error> for GitError {
    fn from(source: io::Error) -> Self {
        Self::Io { source }
    }
}
