//! What is in an image: its packages with what the merged tree adds to them.

use std::collections::BTreeMap;
use std::io::Read;

use hbuild_lang::recipe::Family;

use crate::digest::Sha256;
use crate::evidence::copyright::{self, Declared};
use crate::evidence::links::{Last, follow};
use crate::evidence::purl;
use crate::lock::{Components, LockedPackage};
use crate::tree::{ContentError, Contents, EntryKind, OriginMap, Tree, TreePath};

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
    let target = |path: &TreePath| match &tree.get(path)?.kind {
        EntryKind::Symlink { target } => Some(target.as_slice()),
        _ => None,
    };
    let path = TreePath::new(path.as_bytes()).ok();
    let Some(path) = path.and_then(|path| follow(&path, Last::Followed, &target)) else {
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
