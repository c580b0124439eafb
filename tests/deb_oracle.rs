//! Real packages unpack to what `dpkg-deb --extract` writes.

mod deb_support;
mod support;

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;

use hbuild::exec::{BuildContext, MemoryContext};
use hbuild::graph::outputs;
use hbuild::tree::{EntryKind, Tree};

/// perl-base has hard links, sudo and passwd setuid files, adduser non-ASCII manuals, the others are large.
const NAMES: [&str; 9] = [
    "base-files",
    "libc6",
    "tzdata",
    "perl-base",
    "sudo",
    "passwd",
    "ca-certificates",
    "adduser",
    "python3.11-minimal",
];

#[test]
fn real_packages_unpack_to_what_dpkg_deb_extracts() {
    let packages = match deb_support::packages("bookworm", &NAMES) {
        Ok(packages) if deb_support::has("dpkg-deb") => packages,
        Ok(_) => return support::skip("no dpkg-deb here"),
        Err(reason) => return support::skip(&reason),
    };
    for package in packages {
        let folder = tempfile::tempdir().unwrap();
        let mut context = MemoryContext::default();
        let made = deb_support::unpack(&mut context, &package);
        let tree = context.decode_tree(made[outputs::TREE]).unwrap();
        let origins = context.decode_origins(made[outputs::ORIGINS]).unwrap();
        assert_eq!(origins.iter().count(), tree.entries().len());
        let data = folder.path().join("data");
        deb_support::run(Command::new("dpkg-deb").arg("-x").arg(&package.file).arg(&data)).unwrap();
        compare(&context, &tree, &data);
        let control = context.decode_tree(made[outputs::CONTROL]).unwrap();
        let extracted = folder.path().join("control");
        deb_support::run(Command::new("dpkg-deb").arg("-e").arg(&package.file).arg(&extracted)).unwrap();
        compare(&context, &control, &extracted);
    }
}

fn compare(context: &MemoryContext, tree: &Tree, folder: &Path) {
    let owner = folder.metadata().unwrap().uid();
    let mut count = 0;
    let mut inodes: BTreeMap<u64, Option<u32>> = BTreeMap::new();
    for entry in tree.entries() {
        let path = folder.join(std::ffi::OsStr::from_bytes(entry.path.as_bytes()));
        let found = path.symlink_metadata().unwrap_or_else(|error| panic!("{}: {error}", entry.path));
        count += 1;
        if owner == 0 {
            assert_eq!((found.uid(), found.gid()), (entry.uid, entry.gid), "{}", entry.path);
        }
        // GNU tar writes links that lead upward last, and so touches their directories again.
        if !entry.is_directory() {
            assert_eq!(found.mtime(), entry.mtime, "{}", entry.path);
        }
        match &entry.kind {
            EntryKind::Symlink { target } => {
                assert_eq!(std::fs::read_link(&path).unwrap().as_os_str().as_bytes(), target);
                continue;
            }
            EntryKind::Directory => assert!(found.is_dir()),
            EntryKind::File { digest, size, link } => {
                assert_eq!(found.len(), *size);
                assert_eq!(std::fs::read(&path).unwrap(), context.contents().read(digest).unwrap());
                assert_eq!(found.nlink() > 1, link.is_some(), "{}", entry.path);
                assert_eq!(inodes.entry(found.ino()).or_insert(*link), link);
            }
        }
        assert_eq!(found.mode() & 0o7777, u32::from(entry.mode), "{}", entry.path);
    }
    assert_eq!(files_below(folder), count);
}

fn files_below(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    entries
        .map(|entry| 1 + if entry.file_type().unwrap().is_dir() { files_below(&entry.path()) } else { 0 })
        .sum()
}
