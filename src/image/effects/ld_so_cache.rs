//! `ldconfig`: the cache of libraries, and the soname links that are missing.

use std::collections::{BTreeMap, BTreeSet};

use hbuild_lang::recipe::Arch;

use super::ld_cache::compare_names;
use super::{CacheEntry, elf, encode_cache};
use crate::digest::Digest;
use crate::image::merge::{MergeError, Workspace};
use crate::tree::{EntryKind, TreePath};

const EFFECT: &str = "ld-so-cache";
/// How deep `include` may nest in `/etc/ld.so.conf`.
const INCLUDES: usize = 8;

/// Makes the cache and the links, when the effect table asks for them.
pub fn make_ld_so_cache(workspace: &mut Workspace<'_>) -> Result<(), MergeError> {
    if !workspace.has_effect(EFFECT) {
        return Ok(());
    }
    let mut folders = Vec::new();
    read_configuration(workspace, "/etc/ld.so.conf", 0, &mut folders)?;
    folders.extend(system_folders(workspace.parameters.arch));
    let mut seen = BTreeSet::new();
    let mut scanner = Scanner { workspace, sonames: BTreeMap::new(), found: Vec::new() };
    for folder in folders {
        let Ok(Some(path)) = TreePath::from_absolute(&folder) else { continue };
        let Ok(Some(real)) = scanner.workspace.root.real_directory(&path) else { continue };
        let root = &scanner.workspace.root;
        let present = root.get(&real).is_some_and(|node| node.entry.is_directory());
        if !present || !seen.insert(real.clone()) {
            continue;
        }
        scanner.scan(&folder, &real, None)?;
        let hwcaps = real.join(b"glibc-hwcaps").expect("a plain name");
        let root = &scanner.workspace.root;
        let subfolders: Vec<_> = root.children(&hwcaps).map(|node| node.entry.path.clone()).collect();
        for real in subfolders {
            let name = String::from_utf8_lossy(real.file_name()).into_owned();
            let shown = format!("{folder}/glibc-hwcaps/{name}");
            scanner.scan(&shown, &real, Some(&name))?;
        }
    }
    let found = scanner.found;
    let generator = generator(workspace);
    let bytes = encode_cache(found, &generator);
    workspace.write(EFFECT, &Workspace::path("/etc/ld.so.cache"), bytes, (0o644, 0, 0))
}

/// The name that Debian's ldconfig leaves in the cache: its package's version, and glibc's.
fn generator(workspace: &Workspace<'_>) -> String {
    let package = |name: &str| workspace.packages.iter().find(|package| package.name == name);
    let libc = package("libc-bin").or_else(|| package("libc6"));
    let version = libc.and_then(|package| package.field("Version")).unwrap_or("0");
    let upstream = version.split('-').next().unwrap_or(version);
    format!("ldconfig (Debian GLIBC {version}) stable release version {upstream}")
}

/// The folders that Debian's ldconfig searches by itself.
fn system_folders(arch: Arch) -> [String; 4] {
    let triplet = match arch {
        Arch::Amd64 => "x86_64-linux-gnu",
        Arch::Arm64 => "aarch64-linux-gnu",
    };
    [format!("/lib/{triplet}"), format!("/usr/lib/{triplet}"), "/lib".to_owned(), "/usr/lib".to_owned()]
}

/// The folders that a configuration file names, in order.
fn read_configuration(
    workspace: &Workspace<'_>,
    path: &str,
    depth: usize,
    folders: &mut Vec<String>,
) -> Result<(), MergeError> {
    let Some(text) = workspace.read(path)? else { return Ok(()) };
    for line in String::from_utf8_lossy(&text).lines() {
        let line = line.split('#').next().unwrap_or_default().trim();
        match line.strip_prefix("include").filter(|rest| rest.starts_with([' ', '\t'])) {
            Some(patterns) if depth < INCLUDES => {
                for pattern in patterns.split_whitespace() {
                    for file in matching(workspace, pattern) {
                        read_configuration(workspace, &file, depth + 1, folders)?;
                    }
                }
            }
            Some(_) => {}
            None => {
                let folder = line.split([' ', '\t', ',', ':']).next().unwrap_or_default();
                if folder.starts_with('/') {
                    folders.push(folder.trim_end_matches('/').to_owned());
                }
            }
        }
    }
    Ok(())
}

/// The files that match a pattern whose last component alone may be a glob, sorted.
fn matching(workspace: &Workspace<'_>, pattern: &str) -> Vec<String> {
    let absolute = if pattern.starts_with('/') { pattern.to_owned() } else { format!("/etc/{pattern}") };
    let Some((folder, name)) = absolute.rsplit_once('/') else { return Vec::new() };
    let Ok(Some(folder)) = TreePath::from_absolute(folder) else { return Vec::new() };
    let Ok(glob) = globset::Glob::new(name) else { return Vec::new() };
    let matcher = glob.compile_matcher();
    let children = workspace.root.children(&folder).map(|node| node.entry.path.clone());
    let files = children.filter(|path| matcher.is_match(&*String::from_utf8_lossy(path.file_name())));
    files.map(|path| path.absolute()).collect()
}

struct Library {
    name: String,
    is_link: bool,
}

/// Looks for libraries, each file once.
struct Scanner<'w, 'a> {
    workspace: &'w mut Workspace<'a>,
    /// What [`elf::soname`] said of a content.
    sonames: BTreeMap<Digest, Option<Option<String>>>,
    found: Vec<CacheEntry>,
}

impl Scanner<'_, '_> {
    /// Adds the libraries of one folder, `shown` as it was named and `real` as it is.
    fn scan(&mut self, shown: &str, real: &TreePath, hwcaps: Option<&str>) -> Result<(), MergeError> {
        let mut libraries: BTreeMap<String, Library> = BTreeMap::new();
        let children: Vec<_> =
            self.workspace.root.children(real).map(|node| node.entry.path.clone()).collect();
        for path in children {
            let Ok(name) = std::str::from_utf8(path.file_name()) else { continue };
            if !is_library_name(name) {
                continue;
            }
            let Some((soname, is_link)) = self.examine(&path, name)? else { continue };
            let newer = libraries.get(&soname).is_none_or(|known| {
                (!is_link && known.is_link)
                    || (is_link == known.is_link && compare_names(&known.name, name).is_lt())
            });
            if newer {
                libraries.insert(soname, Library { name: name.to_owned(), is_link });
            }
        }
        let flags = match self.workspace.parameters.arch {
            Arch::Amd64 => 0x303,
            Arch::Arm64 => 0xa03,
        };
        for (soname, library) in libraries {
            let name = if hwcaps.is_some() { &library.name } else { &soname };
            let path = format!("{shown}/{name}");
            if hwcaps.is_none() && !library.is_link && soname != library.name {
                link(self.workspace, real, &soname, &library.name);
            }
            self.found.push(CacheEntry { soname, path, flags, hwcaps: hwcaps.map(str::to_owned) });
        }
        Ok(())
    }

    /// The soname by which a file is found, and whether it is a link to its library.
    fn examine(&mut self, path: &TreePath, name: &str) -> Result<Option<(String, bool)>, MergeError> {
        let root = &self.workspace.root;
        let is_link = root.get(path).is_some_and(|node| matches!(node.entry.kind, EntryKind::Symlink { .. }));
        let Some(EntryKind::File { digest, .. }) = root.follow(path).map(|node| &node.entry.kind) else {
            return Ok(None);
        };
        let digest = *digest;
        if !self.sonames.contains_key(&digest) {
            let bytes = self.workspace.content(&digest)?;
            self.sonames.insert(digest, elf::soname(&bytes, self.workspace.parameters.arch));
        }
        let Some(soname) = self.sonames[&digest].clone() else { return Ok(None) };
        let soname = soname.unwrap_or_else(|| name.to_owned());
        if !is_link {
            return Ok(Some((soname, false)));
        }
        // A link named as the soname, or the `.so` link of the compiler, stands for itself; any other counts
        // as a library of its own.
        let itself = name == soname || (name.ends_with(".so") && soname.starts_with(name));
        Ok(Some(if itself { (name.to_owned(), true) } else { (soname, false) }))
    }
}

fn is_library_name(name: &str) -> bool {
    let begins = ["lib", "ld-", "ld.so.", "ld64.so."].iter().any(|start| name.starts_with(start));
    begins && name.contains(".so")
}

/// Makes the link `soname` to `name` where there is none to it.
fn link(workspace: &mut Workspace<'_>, folder: &TreePath, soname: &str, name: &str) {
    let Ok(path) = folder.join(soname.as_bytes()) else { return };
    let there = workspace.root.get(&path).is_some_and(|node| match &node.entry.kind {
        EntryKind::Symlink { target } => target == name.as_bytes() || workspace.root.follow(&path).is_some(),
        _ => true,
    });
    if !there && !soname.contains('/') {
        workspace.link(EFFECT, &path, name);
    }
}
