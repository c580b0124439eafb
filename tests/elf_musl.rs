//! The ELF closure of Alpine's minirootfs against musl's own loader, which runs in it; and glibc's programs there.

mod alpine_support;
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use alpine_support::oracle::{self, Apk};
use hbuild::digest::Digest;
use hbuild::image::elf::{ElfReport, elf_report};
use hbuild::tree::{ContentError, Contents, Entry, Tree, TreePath};
use hbuild_lang::recipe::{Arch, Family};

const LOADER: &str = "/lib/ld-musl-x86_64.so.1";

struct FolderContents(BTreeMap<Digest, PathBuf>);

impl Contents for FolderContents {
    fn open(&self, digest: &Digest) -> Result<Box<dyn Read + Send + '_>, ContentError> {
        Ok(Box::new(fs::File::open(&self.0[digest])?))
    }
}

fn report(root: &Path) -> ElfReport {
    let (mut entries, mut contents) = (Vec::new(), BTreeMap::new());
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for file in fs::read_dir(folder).unwrap() {
            let file = file.unwrap().path();
            let path = TreePath::new(file.strip_prefix(root).unwrap().as_os_str().as_bytes()).unwrap();
            let metadata = fs::symlink_metadata(&file).unwrap();
            if metadata.is_dir() {
                entries.push(Entry::directory(path, 0));
                folders.push(file);
            } else if metadata.is_symlink() {
                entries.push(Entry::symlink(path, fs::read_link(file).unwrap().as_os_str().as_bytes(), 0));
            } else if metadata.is_file() {
                let digest = Digest::of(&fs::read(&file).unwrap());
                entries.push(Entry::file(path, digest, metadata.len(), 0o755, 0));
                contents.insert(digest, file);
            }
        }
    }
    let tree = Tree::new(entries).unwrap();
    elf_report(&tree, &FolderContents(contents), Arch::Amd64, Family::Alpine, &|| false).unwrap().unwrap()
}

/// The libraries that musl loads for the file at `path`, but for its own.
fn listed(apk: &Apk, path: &str) -> BTreeSet<String> {
    let text = apk.chroot(LOADER, &["--list", path]).unwrap();
    let libraries = text.lines().filter_map(|line| line.trim().split_once(" => "));
    libraries.map(|(_, place)| place.split(" (").next().unwrap().to_owned()).collect()
}

#[test]
fn needs_are_found_where_musl_finds_them() {
    let apk = match oracle::apk() {
        Ok(apk) => apk,
        Err(reason) => return support::skip(&reason),
    };
    // Libraries in places of their own: behind a link, and in a folder of the file that lists them.
    fs::rename(apk.root().join("lib/libz.so.1.3.1"), apk.root().join("opt/libz.so.1")).unwrap();
    fs::write(apk.root().join("etc/ld-musl-x86_64.path"), "/nowhere\n/lib:/usr/lib:/opt\n").unwrap();
    fs::remove_file(apk.root().join("lib/libz.so.1")).unwrap();
    let report = report(apk.root());
    assert!(report.problems.is_empty(), "{:?}", report.problems);
    assert!(report.not_proven.iter().all(|open| open.kind != "nss"), "{:?}", report.not_proven);
    let by_path: BTreeMap<String, _> = report.files.iter().map(|file| (file.path.absolute(), file)).collect();
    assert!(by_path.len() > 15, "{}", by_path.len());
    for file in report.files.iter().filter(|file| !file.needed.is_empty()) {
        let (mut ours, mut left) = (BTreeSet::new(), vec![file]);
        while let Some(next) = left.pop() {
            for place in next.needed.iter().filter_map(|link| link.path.clone()) {
                let real = fs::canonicalize(apk.root().join(&place[1..])).unwrap();
                let real =
                    format!("/{}", real.strip_prefix(apk.root().canonicalize().unwrap()).unwrap().display());
                if ours.insert(place) {
                    left.push(by_path[&real]);
                }
            }
        }
        assert_eq!(ours, listed(&apk, &file.path.absolute()), "{}", file.path);
    }
    assert!(listed(&apk, "/sbin/apk").contains("/opt/libz.so.1"));
}

#[test]
fn what_is_made_for_glibc_is_named_as_such() {
    let apk = match oracle::apk() {
        Ok(apk) => apk,
        Err(reason) => return support::skip(&reason),
    };
    let found = ["/lib/x86_64-linux-gnu/libm.so.6", "/usr/lib/x86_64-linux-gnu/libm.so.6"];
    let Some(library) = found.iter().find(|path| Path::new(path).exists()) else {
        return support::skip("no glibc on this machine");
    };
    fs::copy(library, apk.root().join("usr/lib/libown.so")).unwrap();
    fs::copy("/proc/self/exe", apk.root().join("usr/bin/own")).unwrap();
    let report = report(apk.root());
    let problems: Vec<(String, &str)> =
        report.problems.iter().map(|problem| (problem.path.absolute(), problem.rule.as_str())).collect();
    assert!(problems.contains(&("/usr/bin/own".to_owned(), "elf-interpreter")), "{problems:?}");
    assert!(problems.contains(&("/usr/lib/libown.so".to_owned(), "elf-library")), "{problems:?}");
    for problem in report
        .problems
        .iter()
        .filter(|problem| problem.rule != "elf-library" || problem.detail.contains("glibc"))
    {
        assert!(problem.detail.contains("it is made for glibc, and this image has musl"), "{problem:?}");
        assert!(problem.detail.contains("link it statically"), "{problem:?}");
    }
    // With glibc's loader, as gcompat brings it, they may run.
    fs::create_dir_all(apk.root().join("lib64")).unwrap();
    std::os::unix::fs::symlink(LOADER, apk.root().join("lib64/ld-linux-x86-64.so.2")).unwrap();
    let report = self::report(apk.root());
    assert!(report.problems.iter().all(|problem| problem.rule != "elf-interpreter"), "{:?}", report.problems);
}
