//! The merged `/usr`: top folders that are links into it.

use super::root::{Node, Root};
use crate::tree::{Entry, Origin, TreePath};

/// The folders at the top whose content lies below `/usr`.
const ALIASES: [&[u8]; 7] = [b"bin", b"sbin", b"lib", b"lib32", b"lib64", b"libx32", b"libo32"];

/// Whether `release` of Debian has a merged `/usr`: 12 and later, and what is not a number.
pub fn is_merged(release: &str) -> bool {
    release.parse::<u32>().map_or(true, |release| release >= 12)
}

/// The place below `/usr` of a path below an alias, or `None` where it has none.
pub fn canonical(path: &TreePath) -> Option<TreePath> {
    let bytes = path.as_bytes();
    let end = bytes.iter().position(|&byte| byte == b'/').unwrap_or(bytes.len());
    // Most paths begin `usr/` or `etc/`: told apart by one byte.
    if !matches!(bytes[0], b'b' | b's' | b'l') || !ALIASES.contains(&&bytes[..end]) {
        return None;
    }
    Some(TreePath::new(&[b"usr/", bytes].concat()).expect("a plain path below usr is one"))
}

/// Whether `path` is itself an alias, such as `/bin`.
pub fn is_alias(path: &TreePath) -> bool {
    ALIASES.contains(&path.as_bytes())
}

/// Makes the links of all aliases whose folder in `/usr` is there, where no package has made them.
pub fn make_links(root: &mut Root) {
    let origin = root.origin_number(&Origin::effect("usrmerge"));
    for alias in ALIASES {
        let link = TreePath::new(alias).expect("an alias is a plain name");
        let target = [b"usr/", alias].concat();
        let folder = TreePath::new(&target).expect("an alias is a plain name");
        let wanted = root.get(&folder).is_some_and(|node| node.entry.is_directory());
        if wanted && root.get(&link).is_none() {
            let entry = Entry::symlink(link, target, root.epoch());
            root.insert(Node { entry, origin, touched: true });
        }
    }
}

/// Takes away the links of [`make_links`] whose folder is gone.
pub fn drop_dangling(root: &mut Root) {
    let effect = Origin::effect("usrmerge");
    for alias in ALIASES {
        let link = TreePath::new(alias).expect("an alias is a plain name");
        let made = root.get(&link).is_some_and(|node| *root.origin(node.origin) == effect);
        if made && root.real_directory(&link).ok().flatten().is_none_or(|path| root.get(&path).is_none()) {
            root.remove(&link);
        }
    }
}
