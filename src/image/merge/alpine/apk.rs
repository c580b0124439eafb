//! What a merge must know of an .apk besides its files.

use std::collections::BTreeMap;

use crate::distro::alpine::checksum::Checksum;
use crate::distro::alpine::pkginfo::PkgInfo;
use crate::distro::alpine::relation::Dependency;
use crate::graph::ApkEntry;
use crate::tree::TreePath;

/// A package of Alpine.
#[derive(Debug)]
pub struct Apk {
    /// What it says of itself.
    pub info: PkgInfo,
    /// What its index says of it.
    pub entry: ApkEntry,
    replaces: Vec<Dependency>,
}

impl Apk {
    /// The package that `.PKGINFO` describes, or what is wrong with the description.
    pub fn read(info: &str, entry: &ApkEntry) -> Result<Self, String> {
        let info = PkgInfo::parse(info).map_err(|error| error.to_string())?;
        let replaces = info.replaces.iter().map(|word| word.parse::<Dependency>());
        let replaces = replaces.collect::<Result<_, _>>().map_err(|error| error.to_string())?;
        Ok(Self { info, entry: entry.clone(), replaces })
    }

    /// How strongly its files replace those of `other`; `None` where they do not.
    pub fn replaces(&self, other: &Self) -> Option<u32> {
        let named =
            self.replaces.iter().filter(|wanted| !wanted.conflict && wanted.name == other.info.pkgname);
        let mut meant = named.filter(|wanted| meets(&other.info.pkgver, wanted));
        meant.next().map(|_| self.info.replaces_priority.unwrap_or(0))
    }

    /// Whether both are made of one source.
    pub fn is_of_the_source_of(&self, other: &Self) -> bool {
        self.info.origin.is_some() && self.info.origin == other.info.origin
    }
}

/// Whether `version` is one that `wanted` asks for.
pub(super) fn meets(version: &str, wanted: &Dependency) -> bool {
    wanted.constraint.as_ref().is_none_or(|(operator, text)| operator.admits(version, text))
}

/// The SHA-1 of each file and link of a package, by path: lines of 40 hexadecimal digits, two blanks and the path.
pub(super) fn read_sums(text: &[u8]) -> BTreeMap<TreePath, Checksum> {
    let mut sums = BTreeMap::new();
    for line in text.split(|&byte| byte == b'\n') {
        let Some((digest, path)) = line.split_at_checked(40) else { continue };
        let path = path.strip_prefix(b"  ").and_then(|path| TreePath::new(path).ok());
        if let (Some(digest), Some(path)) = (hexadecimal(digest), path) {
            sums.insert(path, Checksum(digest));
        }
    }
    sums
}

fn hexadecimal(digits: &[u8]) -> Option<[u8; 20]> {
    let mut bytes = [0; 20];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |at: usize| char::from(pair[at]).to_digit(16);
        *byte = (digit(0)? * 16 + digit(1)?) as u8;
    }
    Some(bytes)
}
