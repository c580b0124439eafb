//! What is in an image: its packages with what the merged tree adds to them.

use std::collections::BTreeMap;
use std::io::Read;

use serde::{Deserialize, Serialize};

use crate::digest::Sha256;
use crate::evidence::copyright::{self, Declared};
use crate::evidence::links::{Last, follow};
use crate::evidence::{PackageFiles, installed, purl};
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
    /// The digests of package files that the lock does not state.
    pub files: PackageFiles,
}

/// A package in an image.
#[derive(Debug)]
pub struct Item<'a> {
    /// The locked package.
    pub package: &'a LockedPackage,
    /// Its package URL.
    pub purl: String,
    /// SHA-256 of its file.
    pub sha256: Option<Sha256>,
    /// What its copyright file declares, where that is machine-readable, or Alpine's installed database.
    pub declared: Option<Declared>,
    /// How many files and links of it are in the image.
    pub files: u64,
}

/// What a merged tree says of its packages.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Survey {
    /// How many files and links of each origin are in the image.
    pub files: BTreeMap<Origin, u64>,
    /// What the copyright file of each package, or Alpine's installed database, declares, by the package's name.
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
        if packages.iter().any(|(_, origin)| origin.0.starts_with("apk:")) {
            let bytes = read(tree, contents, installed::INSTALLED, installed::SIZE_LIMIT)?;
            found = installed::licenses(&String::from_utf8_lossy(&bytes.unwrap_or_default()));
            found.retain(|name, _| packages.iter().any(|(of_package, _)| of_package == name));
        }
        for (name, _) in packages.iter().filter(|(_, origin)| origin.0.starts_with("deb:")) {
            let path = format!("usr/share/doc/{name}/copyright");
            let bytes = read(tree, contents, &path, copyright::SIZE_LIMIT)?;
            found.extend(bytes.and_then(|bytes| copyright::parse(&bytes)).map(|it| (name.clone(), it)));
        }
        files.retain(|origin, _| packages.iter().any(|(_, of_package)| of_package == origin));
        Ok(Self { files, declared: found })
    }
}

impl<'a> Inventory<'a> {
    /// The packages of `components` with what `survey` and `files` found out about them.
    pub fn new(components: &'a Components, manifest: Sha256, survey: &Survey, files: PackageFiles) -> Self {
        let item = |package: &'a LockedPackage| Item {
            package,
            purl: purl::package(&components.distro, package),
            sha256: files.sha256(package),
            declared: survey.declared.get(&package.name).cloned(),
            files: survey.files.get(&package_origin(package)).copied().unwrap_or(0),
        };
        Self { components, manifest, items: components.packages.iter().map(item).collect(), files }
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

/// The content of a file that is not longer than `limit`, where there is one.
fn read(
    tree: &Tree,
    contents: &dyn Contents,
    path: &str,
    limit: u64,
) -> Result<Option<Vec<u8>>, ContentError> {
    let target = |path: &TreePath| match &tree.get(path)?.kind {
        EntryKind::Symlink { target } => Some(target.as_slice()),
        _ => None,
    };
    let path = TreePath::new(path.as_bytes()).ok();
    let Some(path) = path.and_then(|path| follow(&path, Last::Followed, &target)) else {
        return Ok(None);
    };
    match tree.get(&path).map(|entry| &entry.kind) {
        Some(EntryKind::File { digest, size, .. }) if *size <= limit => {
            let mut bytes = Vec::with_capacity(*size as usize);
            contents.open(digest)?.take(limit).read_to_end(&mut bytes)?;
            Ok(Some(bytes))
        }
        _ => Ok(None),
    }
}
