//! The origin of every path of an image, as a predicate: `https://hbuild.dev/origins/v1`.
//!
//! It is what `why` needs from the image alone, and what an SBOM leaves out.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Statement, media, purl};
use crate::digest::Sha256;
use crate::lock::Components;
use crate::tree::{EntryKind, Origin, OriginMap, Tree, TreePath};

/// The predicate. Paths have no leading slash; bytes that are not UTF-8, and `%`, are percent-encoded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Origins {
    /// Every origin with its paths, sorted by origin.
    pub origins: Vec<OriginGroup>,
    /// The target of every symlink.
    pub links: BTreeMap<TreePath, String>,
}

/// The paths of one origin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OriginGroup {
    /// The origin, in the form of [`Origin`].
    pub origin: Origin,
    /// Package URL, where it is a package, or a build that states one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// Files, links and directories, sorted.
    pub paths: Vec<TreePath>,
}

/// The statement for the image of `components` with the merged `tree` and its origin map. Paths of the map that
/// are not in the tree are left out.
pub fn origins(
    components: &Components,
    manifest: Sha256,
    map: &OriginMap,
    tree: &Tree,
) -> Statement<Origins> {
    let uris: BTreeMap<String, String> = components
        .packages
        .iter()
        .map(|package| (package.reference(), purl::package(&components.distro, package)))
        .collect();
    let of_build = |origin: &Origin| {
        let build = components.builds.iter().find(|build| build.origin == *origin);
        build.and_then(|build| build.purl.clone())
    };
    let mut groups: BTreeMap<&Origin, Vec<TreePath>> = BTreeMap::new();
    for (path, origin) in map.iter().filter(|(path, _)| tree.get(path).is_some()) {
        groups.entry(origin).or_default().push(path.clone());
    }
    let group = |(origin, paths): (&Origin, Vec<TreePath>)| {
        let reference = origin.package().map(|(name, version, arch)| format!("{name}={version}:{arch}"));
        let uri = reference.and_then(|reference| uris.get(&reference).cloned()).or_else(|| of_build(origin));
        OriginGroup { origin: origin.clone(), uri, paths }
    };
    let links = tree.entries().iter().filter_map(|entry| match &entry.kind {
        EntryKind::Symlink { target } => {
            Some((entry.path.clone(), String::from_utf8_lossy(target).into_owned()))
        }
        _ => None,
    });
    let predicate = Origins { origins: groups.into_iter().map(group).collect(), links: links.collect() };
    Statement::about(components, manifest, media::PREDICATE_ORIGINS, predicate)
}
