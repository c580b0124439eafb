//! Which layer each package and content goes to, as a pure function of names.

use std::collections::BTreeSet;

use crate::digest::Digest;
use crate::tree::Origin;

/// The budget of package layers where nobody asks for another.
pub const DEFAULT_BUDGET: usize = 16;
/// The most layers that contents get one each; further ones share the last. Overlay file systems mount 127.
pub const MOST_CONTENT_LAYERS: usize = 80;

/// Source packages with a layer of their own: large, in nearly every image, or updated on their own for
/// security, so that images share these layers and an update of one moves little else. `gcc` stands for every
/// `gcc-<number>`. A new name goes to the end: the order numbers the layers.
const ALONE: [&str; 6] = ["glibc", "gcc", "openssl", "ca-certificates", "tzdata", "base-files"];

/// The origins of each layer but the last (which takes what has no layer here): first `budget` layers of
/// packages, some perhaps empty, then one for each of `contents`.
///
/// The layer of a package is a function of the name of its source package and of `budget` alone. Neither its
/// version nor any other package of the image moves it, so a change of one rewrites one layer.
pub fn assign_layers(packages: &[(String, Origin)], contents: &[Origin], budget: usize) -> Vec<Vec<Origin>> {
    let budget = budget.max(1);
    let mut layers = vec![BTreeSet::new(); budget + contents.len().min(MOST_CONTENT_LAYERS)];
    for (source, origin) in packages {
        layers[bucket(source, budget)].insert(origin.clone());
    }
    for (number, origin) in contents.iter().enumerate() {
        layers[budget + number.min(MOST_CONTENT_LAYERS - 1)].insert(origin.clone());
    }
    layers.into_iter().map(|origins| origins.into_iter().collect()).collect()
}

/// The layer of a source package, below `budget`: its place in [`ALONE`], else behind those by the BLAKE3
/// digest of its name. A budget below 12 has no layers of one package.
fn bucket(source: &str, budget: usize) -> usize {
    let alone = if budget >= 2 * ALONE.len() { ALONE.len() } else { 0 };
    let stem = match source.strip_prefix("gcc-") {
        Some(number) if number.bytes().all(|byte| byte.is_ascii_digit()) => "gcc",
        _ => source,
    };
    if let Some(at) = ALONE[..alone].iter().position(|name| *name == stem) {
        return at;
    }
    let head = Digest::of(source.as_bytes()).0;
    let number = u64::from_le_bytes(head[..8].try_into().expect("eight of 32 bytes"));
    alone + (number % (budget - alone) as u64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(source: &str, version: &str) -> (String, Origin) {
        (source.to_owned(), Origin(format!("deb:{source}={version}:amd64")))
    }

    #[test]
    fn no_package_moves_when_another_changes_or_goes() {
        let names = ["glibc", "openssl", "zlib", "acl", "bash", "systemd", "gcc-12", "perl", "apt"];
        let all: Vec<_> = names.iter().map(|name| package(name, "1")).collect();
        let before = assign_layers(&all, &[], 16);
        for (at, name) in names.iter().enumerate() {
            let mut changed = all.clone();
            changed[at] = package(name, "2");
            let after = assign_layers(&changed, &[], 16);
            assert_eq!(before.iter().zip(&after).filter(|(one, two)| one != two).count(), 1);
            changed.remove(at);
            let after = assign_layers(&changed, &[], 16);
            assert_eq!(before.iter().zip(&after).filter(|(one, two)| one != two).count(), 1);
        }
    }

    #[test]
    fn the_assignment_is_pinned() {
        let buckets = ["glibc", "gcc-14", "base-files", "zlib", "bash"].map(|name| bucket(name, 16));
        assert_eq!(buckets[..3], [0, 1, 5]);
        assert_eq!(buckets[3..], [15, 14], "a change of this function rewrites layers of every image");
        assert_eq!(bucket("glibc", 1), 0);
    }

    #[test]
    fn contents_follow_the_packages_one_each() {
        let contents: Vec<_> = (0..100).map(|n| Origin(format!("source:s{n}"))).collect();
        let layers = assign_layers(&[], &contents, 3);
        assert_eq!(layers.len(), 3 + MOST_CONTENT_LAYERS);
        assert_eq!(layers[3], [contents[0].clone()]);
        assert_eq!(layers[2 + MOST_CONTENT_LAYERS].len(), 21);
    }
}
