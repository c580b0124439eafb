//! What is in an image: its packages with what the merged tree adds to them.

use std::collections::BTreeMap;
use std::io::Read;

use serde::{Deserialize, Serialize};

use crate::digest::Sha256;
use crate::evidence::copyright::{self, Declared};
use crate::evidence::links::{Last, follow};
use crate::evidence::purl;
use crate::graph::package_origin;
use crate::lock::{Components, LockedPackage};
use crate::tree::{ContentError, Contents, EntryKind, Origin, OriginMap, Tree, TreePath};

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

/// What a merged tree says of its packages.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Survey {
    /// How many files and links of each origin are in the image.
    pub files: BTreeMap<Origin, u64>,
    /// What the copyright file of each package declares, by the package's name.
    pub declared: BTreeMap<String, Declared>,
}

impl Survey {
    /// Counts the files of each of `packages` in `origins` and reads its copyright file from `tree`.
    pub fn take(
        packages: &[(String, Origin)],
        origins: &OriginMap,
        tree: &Tree,
        contents: &dyn Contents,
    ) -> Result<Self, ContentError> {
        let mut files: BTreeMap<Origin, u64> = BTreeMap::new();
        for entry in tree.entries().iter().filter(|entry| !entry.is_directory()) {
            let Some(origin) = origins.get(&entry.path) else { continue };
            match files.get_mut(origin) {
                Some(count) => *count += 1,
                None => drop(files.insert(origin.clone(), 1)),
            }
        }
        let mut found = BTreeMap::new();
        for (name, _) in packages {
            if let Some(declared) = declared(tree, contents, name)? {
                found.insert(name.clone(), declared);
            }
        }
        files.retain(|origin, _| packages.iter().any(|(_, of_package)| of_package == origin));
        Ok(Self { files, declared: found })
    }
}

impl<'a> Inventory<'a> {
    /// The packages of `components` with what `survey` found out about them.
    pub fn new(components: &'a Components, manifest: Sha256, survey: &Survey) -> Self {
        let item = |package: &'a LockedPackage| Item {
            package,
            purl: purl::package(&components.distro, package),
            declared: survey.declared.get(&package.name).cloned(),
            files: survey.files.get(&package_origin(package)).copied().unwrap_or(0),
        };
        Self { components, manifest, items: components.packages.iter().map(item).collect() }
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
