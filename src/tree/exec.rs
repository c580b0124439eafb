//! Exec trees: what a command sees of a tree (design section 6).

use std::collections::{BTreeMap, BTreeSet};

use super::{Entry, EntryKind, Tree, TreePath};

impl Tree {
    /// The exec tree of this one: directories (0755), symlinks, and files with an executable bit (0755 where any
    /// was set, else 0644), all of root's and of the time `epoch`, without extended attributes and hard links.
    /// Absolute symlinks become relative, and every parent is there.
    #[must_use]
    pub fn to_exec(&self, epoch: i64) -> Self {
        let mut parents: BTreeSet<TreePath> = BTreeSet::new();
        let mut entries: Vec<Entry> = Vec::with_capacity(self.entries().len());
        for entry in self.entries() {
            let mut parent = entry.path.parent();
            while let Some(path) = parent.filter(|path| self.get(path).is_none() && !parents.contains(path)) {
                parent = path.parent();
                parents.insert(path);
            }
            entries.push(exec_entry(entry, epoch));
        }
        entries.extend(parents.into_iter().map(|path| Entry::directory(path, epoch)));
        Self::new(entries).expect("the entries of a tree and their parents make a tree")
    }
}

fn exec_entry(entry: &Entry, epoch: i64) -> Entry {
    let path = entry.path.clone();
    match &entry.kind {
        EntryKind::Directory => Entry::directory(path, epoch),
        EntryKind::File { digest, size, .. } => {
            let mode = if entry.mode & 0o111 == 0 { 0o644 } else { 0o755 };
            Entry::file(path, *digest, *size, mode, epoch)
        }
        EntryKind::Symlink { target } => {
            let target = relative(&path, target);
            let (kind, xattrs) = (EntryKind::Symlink { target }, BTreeMap::new());
            Entry { path, kind, mode: 0o777, uid: 0, gid: 0, mtime: epoch, xattrs }
        }
    }
}

/// The target of a symlink at `path`, relative: from `x/y/z`, `/a/b` is `../../a/b`, and `/` is `../..`.
fn relative(path: &TreePath, target: &[u8]) -> Vec<u8> {
    if target.first() != Some(&b'/') {
        return target.to_vec();
    }
    let depth = path.as_bytes().iter().filter(|&&byte| byte == b'/').count();
    let inner = target.iter().position(|&byte| byte != b'/').map_or(&b""[..], |at| &target[at..]);
    let mut parts: Vec<&[u8]> = vec![b".."; depth];
    if !inner.is_empty() {
        parts.push(inner);
    }
    if parts.is_empty() { b".".to_vec() } else { parts.join(&b'/') }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::digest::Digest;

    const EPOCH: i64 = 315_532_800;

    fn path(text: &str) -> TreePath {
        TreePath::new(text.as_bytes()).unwrap()
    }

    #[test]
    fn absolute_links_become_relative() {
        let cases = [
            ("x/y/z", "/a/b", "../../a/b"),
            ("x", "/a", "a"),
            ("x", "/", "."),
            ("x/y", "/", ".."),
            ("x/y", "//a//b/", "../a//b/"),
            ("x/y", "../a", "../a"),
        ];
        for (at, target, wanted) in cases {
            let made = relative(&path(at), target.as_bytes());
            assert_eq!(String::from_utf8(made).unwrap(), wanted, "{at} -> {target}");
        }
    }

    #[test]
    fn an_exec_tree_is_pinned() {
        let mut setuid = Entry::file(path("usr/bin/su"), Digest::of(b"su"), 2, 0o4711, 7);
        setuid.uid = 3;
        setuid.xattrs.insert(b"security.capability".to_vec(), vec![1]);
        let link = Some(0);
        let mut names =
            [path("usr/a"), path("usr/b")].map(|at| Entry::file(at, Digest::of(b"x"), 1, 0o600, 9));
        for entry in &mut names {
            entry.kind = EntryKind::File { digest: Digest::of(b"x"), size: 1, link };
        }
        let [a, b] = names;
        let tree = Tree::new(vec![
            a,
            b,
            setuid,
            Entry::symlink(path("etc/alternatives/awk"), "/usr/bin/mawk", 3),
            Entry::directory(path("tmp"), 4),
        ]);
        let exec = tree.unwrap().to_exec(EPOCH);
        let shown: Vec<String> = exec
            .entries()
            .iter()
            .map(|entry| {
                let kind = match &entry.kind {
                    EntryKind::Directory => "/".to_owned(),
                    EntryKind::File { link, .. } => format!(" {link:?}"),
                    EntryKind::Symlink { target } => format!(" -> {}", String::from_utf8_lossy(target)),
                };
                let Entry { path, mode, uid, gid, mtime, xattrs, .. } = entry;
                format!("{path}{kind} {mode:o} {uid}:{gid} {mtime} {}", xattrs.len())
            })
            .collect();
        assert_eq!(
            shown,
            [
                "/etc/ 755 0:0 315532800 0",
                "/etc/alternatives/ 755 0:0 315532800 0",
                "/etc/alternatives/awk -> ../../usr/bin/mawk 777 0:0 315532800 0",
                "/tmp/ 755 0:0 315532800 0",
                "/usr/ 755 0:0 315532800 0",
                "/usr/a None 644 0:0 315532800 0",
                "/usr/b None 644 0:0 315532800 0",
                "/usr/bin/ 755 0:0 315532800 0",
                "/usr/bin/su None 755 0:0 315532800 0",
            ]
        );
        assert_eq!(
            exec.digest().to_hex(),
            "591ed3b0fd99a92a55d08e671f9e7f92ca7df06893a04c04cf3b11b351152ede",
            "a change of these bytes makes new keys of all executions"
        );
    }

    proptest! {
        #[test]
        fn an_exec_tree_is_its_own(
            paths in proptest::collection::btree_set("[a-c](/[a-c]){0,4}", 1..12),
            modes in proptest::collection::vec((0u16..0o10000, "(/|\\.\\./)?[a-c](/[a-c]){0,3}"), 12),
        ) {
            let entries = paths.iter().zip(modes).map(|(at, (mode, target))| match mode % 3 {
                0 => Entry::directory(path(at), i64::from(mode)),
                1 => Entry::symlink(path(at), target, 1),
                _ => Entry::file(path(at), Digest::of(at.as_bytes()), 1, mode, 2),
            });
            if let Ok(tree) = Tree::new(entries.collect()) {
                let exec = tree.to_exec(EPOCH);
                prop_assert_eq!(&exec.to_exec(EPOCH), &exec);
                for entry in exec.entries() {
                    prop_assert!(entry.path.parent().is_none_or(|parent| exec.get(&parent).is_some()));
                    if let EntryKind::Symlink { target } = &entry.kind {
                        prop_assert_ne!(target[0], b'/');
                    }
                }
            }
        }
    }
}
