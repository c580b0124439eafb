//! What one account may do with the files of an image, as a tree of its own.
//!
//! A sandbox has one user and one group, so all files of an image are that user's there. Owner and group of each entry
//! are therefore turned into what they mean for the account: the owner's bits of the modes in the tree made here. Pure.

use std::collections::BTreeMap;

use crate::image::config::Account;
use crate::tree::{Entry, EntryKind, Tree, TreePath};

/// Directories that a container runtime, or the sandbox, mounts something on.
const MOUNT_POINTS: [&str; 2] = ["dev", "proc"];
/// Directories below which nothing of the image is seen.
const HIDDEN: [&str; 3] = ["dev", "proc", "sys"];
/// Where root, who may write everywhere, is expected to write.
const TEMPORARY: [&str; 3] = ["tmp", "run", "var/tmp"];
/// Most writable directories of one image.
const MOST_WRITABLE: usize = 1000;
/// Read, write and execute for everybody.
const ALL: u16 = 0o777;

/// The tree `image` as `account` may use it: the owner's bits of each mode are what the account may do, all others are
/// as they were; setuid, setgid, owners, extended attributes and hard links are gone. All parents are there, and so are
/// `/dev`, `/proc` and `directory`. `epoch` is the time of what is added.
pub fn as_seen_by(image: &Tree, account: &Account, directory: &str, epoch: i64) -> Tree {
    let mut entries: BTreeMap<TreePath, Entry> =
        image.entries().iter().map(|entry| (entry.path.clone(), seen(entry, account))).collect();
    let new = |path: &TreePath| seen(&Entry::directory(path.clone(), epoch), account);
    let wanted = MOUNT_POINTS.into_iter().chain([directory.trim_matches('/')]);
    let wanted: Vec<TreePath> = wanted.filter_map(|path| TreePath::new(path.as_bytes()).ok()).collect();
    for path in &wanted {
        // Where something else is in the way, the runtime's error is the sandbox's too.
        if path.parent().is_none_or(|parent| may_hold(&entries, parent)) {
            entries.entry(path.clone()).or_insert_with(|| new(path));
        }
    }
    let paths: Vec<TreePath> = entries.keys().cloned().collect();
    for path in paths {
        let mut parent = path.parent();
        while let Some(path) = parent.filter(|path| !entries.contains_key(path)) {
            parent = path.parent();
            entries.insert(path.clone(), new(&path));
        }
    }
    Tree::new(entries.into_values().collect()).expect("the entries of a tree and their parents make a tree")
}

/// Whether a directory can stand at `path`: neither it nor a parent of it is anything else.
fn may_hold(entries: &BTreeMap<TreePath, Entry>, path: TreePath) -> bool {
    let mut place = Some(path);
    while let Some(path) = place {
        if entries.get(&path).is_some_and(|entry| !entry.is_directory()) {
            return false;
        }
        place = path.parent();
    }
    true
}

fn seen(entry: &Entry, account: &Account) -> Entry {
    let kind = match &entry.kind {
        EntryKind::File { digest, size, .. } => EntryKind::File { digest: *digest, size: *size, link: None },
        other => other.clone(),
    };
    let mode = match kind {
        EntryKind::Symlink { .. } => ALL,
        EntryKind::Directory => access(entry, account) << 6 | entry.mode & 0o1077,
        EntryKind::File { .. } => access(entry, account) << 6 | entry.mode & 0o077,
    };
    let (path, mtime) = (entry.path.clone(), entry.mtime);
    Entry { path, kind, mode, uid: 0, gid: 0, mtime, xattrs: BTreeMap::new() }
}

/// The three bits of what `account` may do with `entry`: read, write, execute.
pub fn access(entry: &Entry, account: &Account) -> u16 {
    let mode = entry.mode;
    if account.uid == 0 {
        // Root may do everything but execute what nobody may.
        let executes = entry.is_directory() || mode & 0o111 != 0;
        return 0o6 | u16::from(executes);
    }
    let class = if entry.uid == account.uid {
        6
    } else if entry.gid == account.gid || account.groups.contains(&entry.gid) {
        3
    } else {
        0
    };
    mode >> class & 0o7
}

/// The directories that `account` may write to, none below another: by their modes, or for root, who may write
/// anywhere, those for temporary files and `volumes`. `seen` is what [`as_seen_by`] made.
pub fn writable(seen: &Tree, account: &Account, volumes: &[String]) -> Vec<String> {
    let named: Vec<&str> =
        TEMPORARY.into_iter().chain(volumes.iter().map(|path| path.trim_matches('/'))).collect();
    let is_writable = |entry: &Entry| match account.uid {
        0 => named.iter().any(|name| name.as_bytes() == entry.path.as_bytes()),
        _ => entry.mode & 0o300 == 0o300,
    };
    let mut found: Vec<&TreePath> = Vec::new();
    for entry in seen.entries().iter().filter(|entry| entry.is_directory()) {
        let top = entry.path.as_bytes().split(|byte| *byte == b'/').next().unwrap_or_default();
        let hidden = HIDDEN.iter().any(|name| name.as_bytes() == top);
        let covered = found.last().is_some_and(|above| entry.path.is_within(above));
        if !hidden && !covered && is_writable(entry) {
            found.push(&entry.path);
        }
    }
    let plain = found.iter().filter_map(|path| std::str::from_utf8(path.as_bytes()).ok());
    plain.take(MOST_WRITABLE).map(|path| format!("/{path}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;

    fn account(uid: u32, groups: &[u32]) -> Account {
        Account { uid, gid: uid, groups: groups.to_vec(), home: "/".to_owned() }
    }

    fn path(text: &str) -> TreePath {
        TreePath::new(text.as_bytes()).unwrap()
    }

    fn file(name: &str, uid: u32, gid: u32, mode: u16) -> Entry {
        Entry { uid, gid, ..Entry::file(path(name), Digest::of(b"x"), 1, mode, 0) }
    }

    fn directory(name: &str, uid: u32, gid: u32, mode: u16) -> Entry {
        Entry { uid, gid, mode, ..Entry::directory(path(name), 0) }
    }

    #[test]
    fn an_account_is_owner_or_of_the_group_or_another_and_nothing_besides() {
        let nonroot = account(65532, &[7]);
        for (uid, gid, mode, may) in [
            (0, 0, 0o644, 4),
            (0, 0, 0o600, 0),
            (0, 0, 0o4755, 5),
            (65532, 0, 0o400, 4),
            (65532, 65532, 0o077, 0),
            (0, 65532, 0o640, 4),
            (0, 65532, 0o607, 0),
            (0, 7, 0o620, 2),
            (0, 8, 0o621, 1),
        ] {
            assert_eq!(access(&file("f", uid, gid, mode), &nonroot), may, "{uid}:{gid} {mode:o}");
        }
        let root = account(0, &[]);
        assert_eq!(access(&file("f", 5, 5, 0), &root), 6);
        assert_eq!(access(&file("f", 5, 5, 0o001), &root), 7);
        assert_eq!(access(&directory("d", 5, 5, 0), &root), 7);
    }

    #[test]
    fn the_tree_that_is_seen_is_whole_and_says_what_may_be_done() {
        let tree = vec![
            file("secret", 0, 0, 0o640),
            directory("data", 65532, 65532, 0o2750),
            file("data/own", 65532, 65532, 0o4440),
            file("usr/bin/tool", 0, 0, 0o755),
            directory("tmp", 0, 0, 0o1777),
            directory("tmp/below", 65532, 0, 0o700),
            directory("dev", 65532, 0, 0o755),
            directory("dev/shm", 0, 0, 0o1777),
        ];
        let (tree, nonroot) = (Tree::new(tree).unwrap(), account(65532, &[]));
        let seen = as_seen_by(&tree, &nonroot, "/srv/work", 9);
        let shown: Vec<_> = seen
            .entries()
            .iter()
            .map(|entry| format!("{} {:o}", entry.path.absolute(), entry.mode))
            .collect();
        let expected = [
            "/data 750",
            "/data/own 440",
            "/dev 755",
            "/dev/shm 1777",
            "/proc 555",
            "/secret 40",
            "/srv 555",
            "/srv/work 555",
            "/tmp 1777",
            "/tmp/below 700",
            "/usr 555",
            "/usr/bin 555",
            "/usr/bin/tool 555",
        ];
        assert_eq!(shown, expected);
        assert_eq!(writable(&seen, &nonroot, &["/srv".to_owned()]), ["/data", "/tmp"]);
        let root = account(0, &[]);
        let seen = as_seen_by(&tree, &root, "/", 9);
        assert_eq!(writable(&seen, &root, &["/srv".to_owned(), "/data/".to_owned()]), ["/data", "/tmp"]);
    }

    #[test]
    fn a_directory_in_whose_way_something_stands_is_not_made() {
        let link = Entry::symlink(path("work"), *b"/elsewhere", 0);
        let tree = Tree::new(vec![link, file("proc", 0, 0, 0o644)]).unwrap();
        for directory in ["/work", "/work/deep/er", "relative/../x", ""] {
            let seen = as_seen_by(&tree, &account(65532, &[]), directory, 0);
            let names: Vec<_> = seen.entries().iter().map(|entry| entry.path.absolute()).collect();
            assert_eq!(names, ["/dev", "/proc", "/work"], "{directory}");
        }
    }
}
