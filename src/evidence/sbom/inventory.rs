//! What is in an image: its packages with what the merged tree adds to them.

use std::collections::BTreeMap;
use std::io::Read;

use hbuild_lang::recipe::Family;

use crate::digest::Sha256;
use crate::evidence::copyright::{self, Declared};
use crate::evidence::purl;
use crate::lock::{Components, LockedPackage};
use crate::tree::{ContentError, Contents, EntryKind, OriginMap, Tree, TreePath};

/// Symlinks followed for one path before it is given up.
const LINK_LIMIT: usize = 16;

/// An image and its packages.
#[derive(Debug)]
pub struct Inventory<'a> {
    /// What the lock and the recipe say.
    pub components: &'a Components,
    /// SHA-256 of the image manifest.
    pub manifest: Sha256,
    /// One for each of [`Components::packages`], in that order.
    pub items: Vec<Item<'a>>,
}

/// A package in an image.
#[derive(Debug)]
pub struct Item<'a> {
    /// The locked package.
    pub package: &'a LockedPackage,
    /// Its package URL.
    pub purl: String,
    /// What its copyright file declares, where that is machine-readable.
    pub declared: Option<Declared>,
    /// How many files and links of it are in the image.
    pub files: u64,
}

impl<'a> Inventory<'a> {
    /// Counts each package's files in `origins` and reads its copyright file from `tree`.
    pub fn take(
        components: &'a Components,
        manifest: Sha256,
        origins: &OriginMap,
        tree: &Tree,
        contents: &dyn Contents,
    ) -> Result<Self, ContentError> {
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        for (path, origin) in origins.iter() {
            if tree.get(path).is_some_and(|entry| !entry.is_directory()) {
                *counts.entry(origin.0.as_str()).or_default() += 1;
            }
        }
        let prefix = match components.distro.family {
            Family::Alpine => "apk:",
            Family::Debian => "deb:",
        };
        let mut items = Vec::with_capacity(components.packages.len());
        for package in &components.packages {
            let origin = format!("{prefix}{}", package.reference());
            items.push(Item {
                package,
                purl: purl::package(&components.distro, package),
                declared: declared(tree, contents, &package.name)?,
                files: counts.get(origin.as_str()).copied().unwrap_or(0),
            });
        }
        Ok(Self { components, manifest, items })
    }

    /// `<variant>-<arch>`, the version of the image in both formats.
    pub fn image_version(&self) -> String {
        format!("{}-{}", self.components.variant, self.components.arch)
    }

    /// The image's package URL.
    pub fn image_purl(&self) -> String {
        let Components { image, arch, variant, .. } = self.components;
        purl::image(image, self.manifest, *arch, variant)
    }

    /// The name of the operating system in `/etc/os-release`.
    pub fn system(&self) -> (&'static str, &str) {
        (self.components.distro.family.as_str(), &self.components.distro.release)
    }
}

fn declared(tree: &Tree, contents: &dyn Contents, package: &str) -> Result<Option<Declared>, ContentError> {
    let path = format!("usr/share/doc/{package}/copyright");
    let Some(path) = TreePath::new(path.as_bytes()).ok().and_then(|path| resolve(tree, &path)) else {
        return Ok(None);
    };
    match tree.get(&path).map(|entry| &entry.kind) {
        Some(EntryKind::File { digest, size, .. }) if *size <= copyright::SIZE_LIMIT => {
            let mut bytes = Vec::with_capacity(*size as usize);
            contents.open(digest)?.take(copyright::SIZE_LIMIT).read_to_end(&mut bytes)?;
            Ok(copyright::parse(&bytes))
        }
        _ => Ok(None),
    }
}

/// `path` with every symlink on its way followed inside `tree`; `None` where it leads nowhere.
fn resolve(tree: &Tree, path: &TreePath) -> Option<TreePath> {
    let mut pending: Vec<Vec<u8>> = components(path.as_bytes());
    let mut at: Option<TreePath> = None;
    let mut links = 0;
    while let Some(name) = pending.pop() {
        match name.as_slice() {
            b"" | b"." => continue,
            b".." => {
                at = at.and_then(|path| path.parent());
                continue;
            }
            _ => {}
        }
        let next = match &at {
            Some(directory) => directory.join(&name).ok()?,
            None => TreePath::new(&name).ok()?,
        };
        match tree.get(&next).map(|entry| &entry.kind) {
            Some(EntryKind::Symlink { target }) => {
                links += 1;
                if links > LINK_LIMIT {
                    return None;
                }
                if target.starts_with(b"/") {
                    at = None;
                }
                pending.extend(components(target));
            }
            _ => at = Some(next),
        }
    }
    at
}

/// The components of a path, the first one last.
fn components(path: &[u8]) -> Vec<Vec<u8>> {
    path.split(|&byte| byte == b'/').rev().map(<[u8]>::to_vec).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::Entry;

    fn path(text: &str) -> TreePath {
        TreePath::new(text.as_bytes()).unwrap()
    }

    #[test]
    fn links_are_followed_inside_the_tree_only() {
        let tree = Tree::new(vec![
            Entry::directory(path("usr/share/doc"), 0),
            Entry::symlink(path("usr/share/doc/b"), "a", 0),
            Entry::symlink(path("usr/share/doc/c"), "../../../../../usr/share/doc/b", 0),
            Entry::symlink(path("loop"), "/loop", 0),
            Entry::directory(path("usr/share/doc/a"), 0),
        ])
        .unwrap();
        let found = |text: &str| resolve(&tree, &path(text)).map(|path| path.absolute());
        assert_eq!(found("usr/share/doc/c/copyright").as_deref(), Some("/usr/share/doc/a/copyright"));
        assert_eq!(found("loop/x"), None);
    }
}
