//! What programs open by names that they make up at run time: listed, not proven.

use std::collections::BTreeMap;

use super::{ElfFile, NotProven};
use crate::tree::{Tree, TreePath};

/// Objects that hold `dlopen` themselves.
const LOADERS: [&str; 6] = [
    "libc.so.6",
    "libdl.so.2",
    "ld-linux-x86-64.so.2",
    "ld-linux-aarch64.so.1",
    "libc.musl-x86_64.so.1",
    "libc.musl-aarch64.so.1",
];

/// Everything not proven about a tree whose ELF files are `files` and whose `/etc/nsswitch.conf` is `nsswitch`.
/// `calls` says which files name `dlopen`.
pub(super) fn not_proven(
    tree: &Tree,
    files: &[ElfFile],
    calls: &dyn Fn(&TreePath) -> bool,
    nsswitch: &str,
) -> Vec<NotProven> {
    let mut found = services(files, nsswitch);
    found.extend(folders(tree));
    for file in files {
        let loader = file.soname.as_deref().is_some_and(|soname| LOADERS.contains(&soname));
        if !loader && calls(&file.path) {
            let detail = match file.dlopen.len() {
                0 => "opens libraries by name and declares none".to_owned(),
                count => format!("opens libraries by name and declares {count}"),
            };
            found.push(NotProven { kind: "dlopen".to_owned(), subject: file.path.absolute(), detail });
        }
    }
    found.sort();
    found
}

/// The services of `/etc/nsswitch.conf` with the module that glibc opens for each.
fn services(files: &[ElfFile], nsswitch: &str) -> Vec<NotProven> {
    let mut names: Vec<&str> = Vec::new();
    for line in nsswitch.lines() {
        let line = line.split('#').next().unwrap_or_default();
        let Some((_, services)) = line.split_once(':') else { continue };
        let mut action = false;
        for word in services.split_whitespace() {
            action |= word.starts_with('[');
            if !action {
                names.push(word);
            }
            action &= !word.ends_with(']');
        }
    }
    names.sort_unstable();
    names.dedup();
    let entry = |name: &&str| {
        let module = format!("libnss_{name}.so.2");
        let there = files.iter().find(|file| file.path.file_name() == module.as_bytes());
        let detail = match (there, *name) {
            (Some(file), _) => format!("{module} is {}", file.path),
            (None, "files" | "dns") => {
                format!("built into glibc 2.34 and later; {module} is not in the image")
            }
            (None, _) => format!("{module} is not in the image"),
        };
        NotProven { kind: "nss".to_owned(), subject: name.to_string(), detail }
    };
    names.iter().map(entry).collect()
}

/// Folders of modules, each with the number of modules in it.
fn folders(tree: &Tree) -> Vec<NotProven> {
    let mut counts: BTreeMap<(&str, TreePath), usize> = BTreeMap::new();
    for entry in tree.entries().iter().filter(|entry| !entry.is_directory()) {
        let Some(folder) = entry.path.parent() else { continue };
        let kind = match folder.file_name() {
            b"gconv" => "gconv",
            b"ossl-modules" => "openssl",
            name if name.starts_with(b"engines-") => "openssl",
            b"security" if entry.path.file_name().starts_with(b"pam_") => "pam",
            _ => continue,
        };
        if entry.path.file_name().ends_with(b".so") {
            *counts.entry((kind, folder)).or_default() += 1;
        }
    }
    let entry = |((kind, folder), count): ((&str, TreePath), usize)| NotProven {
        kind: kind.to_owned(),
        subject: folder.absolute(),
        detail: format!("{count} modules, opened by name"),
    };
    counts.into_iter().map(entry).collect()
}
