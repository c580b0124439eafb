//! Following paths through the symlinks of a tree, as a process in the image would.

use crate::tree::{Entry, EntryKind, Tree, TreePath};

/// Linux gives up after 40 symlinks (`ELOOP`).
const MOST_LINKS: usize = 40;

/// The entry that the absolute path `path` leads to, every symlink on the way and at the end followed. `None`
/// where nothing is there, the way leads through a file, or round in circles. The root itself has no entry.
pub fn follow<'a>(tree: &'a Tree, path: &[u8]) -> Option<&'a Entry> {
    walk(tree, path).flatten()
}

/// Whether the absolute path `path` leads to something: an entry, the root, or a directory that the tree leaves
/// out because it only holds others.
pub fn leads_somewhere(tree: &Tree, path: &[u8]) -> bool {
    walk(tree, path).is_some()
}

/// Where `path` leads: nowhere, to something without an entry, or to an entry.
fn walk<'a>(tree: &'a Tree, path: &[u8]) -> Option<Option<&'a Entry>> {
    let mut left: Vec<Vec<u8>> = components(path);
    let mut at: Vec<u8> = Vec::new();
    let mut links = 0;
    let mut found = None;
    while let Some(component) = left.pop() {
        if component == b".." {
            at.truncate(at.iter().rposition(|&byte| byte == b'/').unwrap_or(0));
            found = TreePath::new(&at).ok().and_then(|path| tree.get(&path));
            continue;
        }
        let parent = at.len();
        if !at.is_empty() {
            at.push(b'/');
        }
        at.extend_from_slice(&component);
        let here = TreePath::new(&at).ok()?;
        match tree.get(&here) {
            Some(Entry { kind: EntryKind::Symlink { target }, .. }) => {
                links += 1;
                if links > MOST_LINKS {
                    return None;
                }
                at.truncate(if target.first() == Some(&b'/') { 0 } else { parent });
                left.extend(components(target));
                found = None;
            }
            Some(entry) if left.is_empty() || entry.is_directory() => found = Some(entry),
            Some(_) => return None,
            None if tree.below(&here).next().is_some() => found = None,
            None => return None,
        }
    }
    Some(found)
}

/// The components of a path, last one first.
fn components(path: &[u8]) -> Vec<Vec<u8>> {
    let parts = path.split(|&byte| byte == b'/').filter(|part| !matches!(*part, b"" | b"."));
    parts.rev().map(<[u8]>::to_vec).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;

    #[test]
    fn links_are_followed_within_the_tree() {
        let path = |text: &str| TreePath::new(text.as_bytes()).unwrap();
        let tree = Tree::new(vec![
            Entry::symlink(path("lib"), "usr/lib", 0),
            Entry::symlink(path("lib64"), "/usr/lib64", 0),
            Entry::symlink(path("loop"), "loop", 0),
            Entry::symlink(path("usr/lib64/ld.so"), "../../lib/x/ld.so", 0),
            Entry::symlink(path("usr/lib64/out"), "../../../../usr/lib/x/ld.so", 0),
            Entry::file(path("usr/lib/x/ld.so"), Digest::of(b""), 0, 0o755, 0),
        ])
        .unwrap();
        let found = |text: &str| follow(&tree, text.as_bytes()).map(|entry| entry.path.absolute());
        for name in
            ["/lib64/ld.so", "/lib/x/ld.so", "/usr/lib64/out", "//usr/./lib/x/ld.so", "/lib/x/../x/ld.so"]
        {
            assert_eq!(found(name).as_deref(), Some("/usr/lib/x/ld.so"), "{name}");
        }
        for name in ["/loop", "/loop/x", "/lib/x/ld.so/y", "/absent", "/", ""] {
            assert_eq!(found(name), None, "{name}");
        }
        assert!(leads_somewhere(&tree, b"/lib") && leads_somewhere(&tree, b"/lib64/../lib/x"));
        assert!(!leads_somewhere(&tree, b"/lib/y") && !leads_somewhere(&tree, b"/loop"));
    }
}
