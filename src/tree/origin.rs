//! Which package or derivation each path of a tree came from.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::TreePath;
use crate::digest::Digest;

/// Where a file came from, as one line of text:
///
/// - `deb:<name>=<version>:<arch>` or `apk:<name>=<version>:<arch>`, a package of the lock;
/// - `source:<name>`, a source of the recipe; `build:<name>`, the output of a build;
/// - `effect:<name>`, made natively from the merged packages (`effect:ld.so.cache`);
/// - `recipe`, an entry of the recipe's `paths`, `users` or `groups`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Origin(pub String);

impl Origin {
    /// The origin of entries that the recipe itself wrote.
    pub fn recipe() -> Self {
        Self("recipe".to_owned())
    }

    /// The origin of entries that the effect `name` made.
    pub fn effect(name: &str) -> Self {
        Self(format!("effect:{name}"))
    }

    /// Whether an effect made it.
    pub fn is_effect(&self) -> bool {
        self.0.starts_with("effect:")
    }

    /// The name, version and architecture when it is a package.
    pub fn package(&self) -> Option<(&str, &str, &str)> {
        let rest = self.0.strip_prefix("deb:").or_else(|| self.0.strip_prefix("apk:"))?;
        let (name, rest) = rest.split_once('=')?;
        let (version, arch) = rest.rsplit_once(':')?;
        Some((name, version, arch))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// The origin of every path of one tree.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OriginMap {
    paths: BTreeMap<TreePath, Origin>,
}

/// Why bytes are not an encoded origin map.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the encoded origin map is damaged: {0}")]
pub struct DecodeOriginError(pub String);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Encoded {
    schema: u32,
    origins: Vec<Origin>,
    paths: Vec<(TreePath, u32)>,
}

impl OriginMap {
    /// A map in which every path has the one origin `origin`.
    pub fn uniform(paths: impl IntoIterator<Item = TreePath>, origin: &Origin) -> Self {
        Self { paths: paths.into_iter().map(|path| (path, origin.clone())).collect() }
    }

    /// States that `path` came from `origin`, instead of what was stated before.
    pub fn insert(&mut self, path: TreePath, origin: Origin) {
        self.paths.insert(path, origin);
    }

    /// Forgets `path`.
    pub fn remove(&mut self, path: &TreePath) -> Option<Origin> {
        self.paths.remove(path)
    }

    /// The origin of `path`.
    pub fn get(&self, path: &TreePath) -> Option<&Origin> {
        self.paths.get(path)
    }

    /// All paths with their origins, in the order of the paths.
    pub fn iter(&self) -> impl Iterator<Item = (&TreePath, &Origin)> {
        self.paths.iter()
    }

    /// The canonical encoding, schema version 1: JSON without white space, of the sorted distinct origins and
    /// of each path with the index of its origin.
    pub fn encode(&self) -> Vec<u8> {
        let mut numbers: BTreeMap<&Origin, u32> = self.paths.values().map(|origin| (origin, 0)).collect();
        for (number, slot) in numbers.values_mut().enumerate() {
            *slot = number as u32;
        }
        let encoded = Encoded {
            schema: 1,
            origins: numbers.keys().map(|origin| (*origin).clone()).collect(),
            paths: self.paths.iter().map(|(path, origin)| (path.clone(), numbers[origin])).collect(),
        };
        serde_json::to_vec(&encoded).expect("strings and numbers always serialise")
    }

    /// The BLAKE3 digest of [`OriginMap::encode`].
    pub fn digest(&self) -> Digest {
        Digest::of(&self.encode())
    }

    /// The map that [`OriginMap::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeOriginError> {
        let encoded: Encoded =
            serde_json::from_slice(bytes).map_err(|error| DecodeOriginError(error.to_string()))?;
        if encoded.schema != 1 {
            return Err(DecodeOriginError(format!("schema {}", encoded.schema)));
        }
        let mut paths = BTreeMap::new();
        for (path, number) in encoded.paths {
            let origin = encoded
                .origins
                .get(number as usize)
                .ok_or_else(|| DecodeOriginError(format!("no origin number {number}")))?;
            paths.insert(path, origin.clone());
        }
        Ok(Self { paths })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoding_round_trips_and_does_not_depend_on_insertion_order() {
        let path = |text: &str| TreePath::new(text.as_bytes()).unwrap();
        let libc = Origin("deb:libc6=2.36-9:amd64".into());
        let mut one = OriginMap::uniform([path("a"), path("b")], &libc);
        one.insert(path("c"), Origin::recipe());
        let mut two = OriginMap::uniform([path("c")], &Origin::recipe());
        two.insert(path("b"), libc.clone());
        two.insert(path("a"), libc.clone());
        assert_eq!(one.encode(), two.encode());
        assert_eq!(OriginMap::decode(&one.encode()), Ok(two));
        assert_eq!(libc.package(), Some(("libc6", "2.36-9", "amd64")));
    }
}
