//! The tree of a commit, with those of its submodules, and the archive of it.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::program::Program;
use super::{GitError, Repository};
use crate::host::source_archive::{SourceArchive, is_left_out};
use crate::store::ObjectFile;

/// Longest target of a symbolic link, in bytes.
const LONGEST_TARGET: u64 = 4095;

/// What stands at a path of a commit.
pub(super) struct Listed {
    path: Vec<u8>,
    kind: Kind,
    /// Id of the blob, or of the submodule's commit.
    object: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    File { executable: bool },
    Symlink,
    Submodule,
}

/// A node of a [`Tree`].
enum Node {
    Directory,
    File { executable: bool, object: String },
    Symlink { object: String },
}

/// The files of a commit and its submodules. Its order is the archive's: a folder, then what is in it.
#[derive(Default)]
pub(super) struct Tree {
    nodes: BTreeMap<PathBuf, Node>,
}

/// Everything in a commit, folders left out.
pub(super) fn list(program: &Program<'_>, from: &Repository) -> Result<Vec<Listed>, GitError> {
    let outcome = program.output(&["ls-tree", "-r", "-z", "--full-tree", &from.commit])?;
    let failed = |said: String| GitError::Failed { command: "ls-tree".to_owned(), said };
    if !outcome.success {
        return Err(failed(outcome.said));
    }
    let lines = outcome.output.split(|byte| *byte == 0).filter(|line| !line.is_empty());
    let parse = |line: &[u8]| {
        let tab = line.iter().position(|byte| *byte == b'\t')?;
        let head = std::str::from_utf8(&line[..tab]).ok()?;
        let mut words = head.split(' ');
        let (mode, _type, object) = (words.next()?, words.next()?, words.next()?);
        let mode = u32::from_str_radix(mode, 8).ok()?;
        let kind = match mode >> 12 {
            0o10 => Kind::File { executable: mode & 0o111 != 0 },
            0o12 => Kind::Symlink,
            0o16 => Kind::Submodule,
            _ => return None,
        };
        Some(Listed { path: line[tab + 1..].to_owned(), kind, object: object.to_owned() })
    };
    let strange = |line: &[u8]| failed(format!("strange line `{}`", String::from_utf8_lossy(line)));
    lines.map(|line| parse(line).ok_or_else(|| strange(line))).collect()
}

/// The submodules of a commit by path: where `.gitmodules` says they are, at the commit that the tree names.
pub(super) fn submodules(
    program: &Program<'_>,
    from: &Repository,
    listed: &[Listed],
) -> Result<Vec<(Vec<u8>, Repository)>, GitError> {
    let mut links = listed.iter().filter(|entry| entry.kind == Kind::Submodule).peekable();
    if links.peek().is_none() {
        return Ok(Vec::new());
    }
    let is_file = |kind| matches!(kind, Kind::File { .. });
    let stated = listed.iter().find(|entry| entry.path == b".gitmodules" && is_file(entry.kind));
    let urls = match stated {
        Some(entry) => stated_urls(program, &entry.object)?,
        None => BTreeMap::new(),
    };
    let found = |entry: &Listed| match urls.get(&entry.path) {
        Some(url) => {
            let url = resolve(&from.url, url);
            Ok((entry.path.clone(), Repository { url, commit: entry.object.clone() }))
        }
        None => Err(GitError::Submodule {
            url: from.url.clone(),
            path: String::from_utf8_lossy(&entry.path).into_owned(),
            reason: "has no URL in `.gitmodules`".to_owned(),
        }),
    };
    links.map(found).collect()
}

/// The URLs that the file `.gitmodules` gives, by path.
fn stated_urls(program: &Program<'_>, object: &str) -> Result<BTreeMap<Vec<u8>, String>, GitError> {
    let outcome = program.output(&["config", "-z", "--blob", object, "--get-regexp", "^submodule\\."])?;
    let (mut paths, mut urls) = (BTreeMap::new(), BTreeMap::new());
    for line in outcome.output.split(|byte| *byte == 0) {
        let Some(end) = line.iter().position(|byte| *byte == b'\n') else { continue };
        let (key, value) = (String::from_utf8_lossy(&line[..end]).into_owned(), &line[end + 1..]);
        match key.rsplit_once('.') {
            Some((name, "path")) => drop(paths.insert(name.to_owned(), value.to_owned())),
            Some((name, "url")) => {
                drop(urls.insert(name.to_owned(), String::from_utf8_lossy(value).into_owned()))
            }
            _ => {}
        }
    }
    let found = paths.into_iter().filter_map(|(name, path)| Some((path, urls.remove(&name)?)));
    Ok(found.collect())
}

/// The URL of a submodule, which may be relative to that of the repository it belongs to.
fn resolve(base: &str, url: &str) -> String {
    if !url.starts_with("./") && !url.starts_with("../") {
        return url.to_owned();
    }
    let (mut base, mut rest) = (base.trim_end_matches('/'), url);
    loop {
        if let Some(further) = rest.strip_prefix("../") {
            rest = further;
            base = base.rsplit_once('/').map_or(base, |(parent, _)| parent);
        } else if let Some(further) = rest.strip_prefix("./") {
            rest = further;
        } else {
            return format!("{base}/{rest}");
        }
    }
}

impl Tree {
    /// Adds what stands below `prefix` in the repository `url`.
    pub fn add(&mut self, prefix: &[u8], entry: Listed, url: &str) -> Result<(), GitError> {
        let path = [prefix, &entry.path].concat();
        let mut names = path.split(|byte| *byte == b'/');
        if names.clone().any(|name| matches!(name, b"" | b"." | b"..")) {
            return Err(GitError::Name {
                url: url.to_owned(),
                name: String::from_utf8_lossy(&path).into_owned(),
            });
        }
        if names.any(is_left_out) {
            return Ok(());
        }
        let path = Path::new(OsStr::from_bytes(&path));
        let folders = path.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty());
        self.nodes.extend(folders.map(|folder| (folder.to_owned(), Node::Directory)));
        let object = entry.object;
        let node = match entry.kind {
            Kind::File { executable } => Node::File { executable, object },
            Kind::Symlink => Node::Symlink { object },
            Kind::Submodule => Node::Directory,
        };
        self.nodes.insert(path.to_owned(), node);
        Ok(())
    }

    /// Writes the archive. All objects are in the repository.
    pub fn write(
        &self,
        program: &Program<'_>,
        archive: &mut SourceArchive<ObjectFile<'_>>,
    ) -> Result<(), GitError> {
        let mut wanted = String::new();
        for node in self.nodes.values() {
            if let Node::File { object, .. } | Node::Symlink { object } = node {
                wanted.push_str(object);
                wanted.push('\n');
            }
        }
        let mut running = program.start(&["cat-file", "--batch"], wanted.as_bytes())?;
        let mut output = BufReader::new(running.0.stdout.take().expect("standard output is a pipe"));
        for (path, node) in &self.nodes {
            program.check_cancelled()?;
            match node {
                Node::Directory => archive.directory(path).map_err(GitError::keep)?,
                Node::File { executable, object } => {
                    let size = head(program, &mut output, object)?;
                    archive.file(path, *executable, size, &mut output).map_err(GitError::keep)?;
                    output.read_exact(&mut [0])?;
                }
                Node::Symlink { object } => {
                    let size = head(program, &mut output, object)?;
                    if size > LONGEST_TARGET {
                        let said = format!("the link `{}` is too long", path.display());
                        return Err(GitError::Failed { command: "cat-file".to_owned(), said });
                    }
                    let mut target = vec![0; size as usize];
                    output.read_exact(&mut target)?;
                    output.read_exact(&mut [0])?;
                    let target = Path::new(OsStr::from_bytes(&target));
                    archive.symlink(path, target).map_err(GitError::keep)?;
                }
            }
        }
        program.wait(&mut running)?;
        Ok(())
    }
}

/// Reads the line before an object's bytes: `<id> blob <size>`.
fn head(program: &Program<'_>, output: &mut impl BufRead, object: &str) -> Result<u64, GitError> {
    let mut line = String::new();
    output.read_line(&mut line)?;
    let size =
        line.strip_prefix(object).and_then(|rest| rest.strip_prefix(" blob ")?.trim_end().parse().ok());
    size.ok_or_else(|| GitError::Failed {
        command: "cat-file".to_owned(),
        said: format!("{}\n{}", line.trim_end(), program.said()),
    })
}

#[cfg(test)]
mod tests {
    use super::resolve;

    #[test]
    fn urls_of_submodules_may_be_relative() {
        for (base, url, expected) in [
            ("https://host/a/b.git", "../c.git", "https://host/a/c.git"),
            ("https://host/a/b.git/", "../../c", "https://host/c"),
            ("file:///srv/a", "./modules/c", "file:///srv/a/modules/c"),
            ("ssh://git@host/a", "https://other/c", "https://other/c"),
            ("https://host/a", "git@other:c", "git@other:c"),
        ] {
            assert_eq!(resolve(base, url), expected, "{base} {url}");
        }
    }
}
