//! What is in an image: its packages with what the merged tree adds to them.

use std::collections::BTreeMap;
use std::io::Read;

use serde::{Deserialize, Serialize};

use super::files::{FoundFile, files_by_origin};
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
    /// The files and links that are of no package, by origin.
    pub other: BTreeMap<Origin, Vec<FoundFile>>,
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
    /// The files and links of it that are in the image.
    pub files: Vec<FoundFile>,
}

/// What a merged tree says of its packages.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Survey {
    /// The files and links of each origin.
    pub files: BTreeMap<Origin, Vec<FoundFile>>,
    /// What the copyright file of each package, or Alpine's installed database, declares, by the package's name.
    pub declared: BTreeMap<String, Declared>,
}

impl Survey {
    /// Lists and hashes the files of each origin, and reads the copyright file of each of `packages`.
    pub fn take(
        packages: &[(String, Origin)],
        origins: &OriginMap,
        tree: &Tree,
        contents: &dyn Contents,
    ) -> Result<Self, ContentError> {
        let files = files_by_origin(origins, tree, contents)?;
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
        Ok(Self { files, declared: found })
    }
}

impl<'a> Inventory<'a> {
    /// The packages of `components` with what `survey` and `files` found out about them.
    pub fn new(components: &'a Components, manifest: Sha256, survey: Survey, files: PackageFiles) -> Self {
        let Survey { files: mut found, mut declared } = survey;
        let item = |package: &'a LockedPackage| Item {
            package,
            purl: purl::package(&components.distro, package),
            sha256: files.sha256(package),
            declared: declared.remove(&package.name),
            files: found.remove(&package_origin(package)).unwrap_or_default(),
        };
        let items = components.packages.iter().map(item).collect();
        Self { components, manifest, items, files, other: found }
    }

    /// `<variant>-<arch>`, the version of the image in both formats.
    pub fn image_version(&self) -> String {
        format!("{}-{}", self.components.variant, self.components.arch)
    }

    /// The files of the source, build or effect with this origin; none where there are none.
    pub fn files_of(&self, origin: &Origin) -> &[FoundFile] {
        self.other.get(origin).map_or(&[], Vec::as_slice)
    }

    /// The files that no package, source or build brought: those of the recipe and of effects, by origin.
    pub fn own_files(&self) -> impl Iterator<Item = (&Origin, &[FoundFile])> {
        let Components { builds, sources, .. } = self.components;
        let own = self.other.iter().filter(|(origin, _)| {
            !builds.iter().any(|build| build.origin == **origin)
                && !sources.iter().any(|source| source.origin() == **origin)
        });
        own.map(|(origin, files)| (origin, files.as_slice()))
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
