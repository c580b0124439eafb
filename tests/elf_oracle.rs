//! The ELF closure of real Debian packages against their own dynamic loader, which runs in the tree.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use hbuild::digest::Digest;
use hbuild::image::elf::{ElfReport, Priority, Relro, elf_report};
use hbuild::tree::{ContentError, Contents, Entry, Tree, TreePath};
use hbuild_lang::recipe::{Arch, Family};
use support::skip;

const PACKAGES: &str = "base-files,curl,openssl,perl,python3,systemd";
const LOADER: &str = "/lib64/ld-linux-x86-64.so.2";

/// Files of a folder by digest.
struct FolderContents(BTreeMap<Digest, PathBuf>);

impl Contents for FolderContents {
    fn open(&self, digest: &Digest) -> Result<Box<dyn Read + Send + '_>, ContentError> {
        Ok(Box::new(fs::File::open(&self.0[digest])?))
    }
}

fn load(root: &Path) -> (Tree, FolderContents) {
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
                let mode = (metadata.mode() & 0o7777) as u16;
                entries.push(Entry::file(path, digest, metadata.len(), mode, 0));
                contents.insert(digest, file);
            }
        }
    }
    (Tree::new(entries).unwrap(), FolderContents(contents))
}

fn report(root: &Path) -> ElfReport {
    let (tree, contents) = load(root);
    elf_report(&tree, &contents, Arch::Amd64, Family::Debian, &|| false).unwrap().unwrap()
}

/// What the loader in `root` finds for `path` and all it needs: name to path, `None` where it finds nothing.
fn listed(root: &Path, path: &str) -> BTreeMap<String, Option<String>> {
    // `--list` gives up at the first library that is missing; this goes on. `env` is there because the variable
    // must not reach `chroot` itself.
    let arguments = ["/env", "LD_TRACE_LOADED_OBJECTS=1", LOADER, path];
    let output = Command::new("chroot").arg(root).args(arguments).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut found = BTreeMap::new();
    for line in text.lines() {
        if let Some((name, rest)) = line.trim().split_once(" => ") {
            let place = rest.split(" (").next().unwrap().to_owned();
            found.insert(name.to_owned(), (place != "not found").then_some(place));
        }
    }
    found
}

/// Holds the needs of every file against the loader; returns how many were compared and how many are missing.
fn compare(root: &Path, report: &ElfReport) -> (usize, usize) {
    let listings: Vec<_> = report.files.iter().map(|file| listed(root, &file.path.absolute())).collect();
    let (mut compared, mut missing) = (0, 0);
    for (file, own) in report.files.iter().zip(&listings) {
        for link in &file.needed {
            // The loader does not say where it found itself.
            let Some(place) = own.get(&link.name) else {
                assert!(link.name.starts_with("ld-linux"), "{}: {} is not listed", file.path, link.name);
                continue;
            };
            // A private library is found where a program that has it in its own RUNPATH starts.
            let with_program = |listing: &&BTreeMap<String, Option<String>>| {
                let base = String::from_utf8_lossy(file.path.file_name()).into_owned();
                listing.contains_key(&base) && listing.get(&link.name) == Some(&link.path)
            };
            let right =
                link.path == *place || place.is_none() && listings.iter().any(|other| with_program(&other));
            assert!(right, "{} needs {}: {:?}, not {place:?}", file.path, link.name, link.path);
            compared += 1;
            missing += usize::from(link.path.is_none());
        }
    }
    (compared, missing)
}

fn debian_tree(folder: &Path) -> Option<PathBuf> {
    let mirror = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/peers/mirror.sh");
    let mirror = Command::new("bash").arg(mirror).output().ok()?;
    let mirror = String::from_utf8(mirror.stdout).ok()?;
    if mirror.trim().is_empty() {
        return None;
    }
    let root = folder.join("root");
    let line = format!("deb {} trixie main", mirror.trim());
    let include = format!("--include={PACKAGES}");
    let arguments = ["--quiet", "--variant=extract", &include, "trixie", root.to_str()?, &line];
    let made = Command::new("mmdebstrap").args(arguments).env("TMPDIR", folder).output().ok()?;
    assert!(made.status.success(), "mmdebstrap: {}", String::from_utf8_lossy(&made.stderr));
    for name in ["bin", "sbin", "lib", "lib64"] {
        if fs::symlink_metadata(root.join(name)).is_err() {
            std::os::unix::fs::symlink(format!("usr/{name}"), root.join(name)).unwrap();
        }
    }
    fs::copy("/usr/bin/env", root.join("env")).unwrap();
    Some(root)
}

#[test]
fn needs_are_found_where_the_loader_finds_them() {
    if !rustix::process::geteuid().is_root() || !cfg!(target_arch = "x86_64") {
        return skip("the loader is run with chroot, which needs root, on amd64");
    }
    let folder = tempfile::tempdir().unwrap();
    let Some(root) = debian_tree(folder.path()) else { return skip("no mmdebstrap, or no mirror of Debian") };
    let whole = report(&root);
    assert!(whole.files.len() > 150, "{} files", whole.files.len());
    let (compared, missing) = compare(&root, &whole);
    assert!(compared > 500, "{compared}");
    assert_eq!(missing, 0);
    let problems: Vec<_> = whole.problems.iter().map(|problem| (&problem.path, &problem.detail)).collect();
    assert!(problems.is_empty(), "{problems:?}");
    check_facts(&whole);

    // A library in a folder that only the cache names, and one that is gone.
    let triplet = root.join("usr/lib/x86_64-linux-gnu");
    let moved = root.join("opt/lib");
    fs::create_dir_all(&moved).unwrap();
    fs::rename(triplet.join("libcurl.so.4"), moved.join("libcurl.so.4")).unwrap();
    let real = fs::read_link(moved.join("libcurl.so.4")).unwrap();
    fs::rename(triplet.join(&real), moved.join(&real)).unwrap();
    fs::remove_file(triplet.join("libexpat.so.1")).unwrap();
    let (_, missing) = compare(&root, &report(&root));
    assert!(missing >= 2, "libcurl and libexpat: {missing}");
    fs::write(root.join("etc/ld.so.conf"), "/opt/lib\n").unwrap();
    let cached = Command::new("ldconfig").arg("-r").arg(&root).output().unwrap();
    assert!(cached.status.success());
    let broken = report(&root);
    compare(&root, &broken);
    let curl = broken.files.iter().find(|file| file.path.absolute() == "/usr/bin/curl").unwrap();
    let curl = curl.needed.iter().find(|link| link.name == "libcurl.so.4").unwrap();
    assert_eq!(curl.path.as_deref(), Some("/opt/lib/libcurl.so.4"));
    assert!(broken.problems.iter().all(|problem| problem.rule == "elf-library"));
    assert!(broken.problems.iter().all(|problem| problem.detail.contains("libexpat.so.1")));
    fs::remove_file(root.join("usr/lib64/ld-linux-x86-64.so.2")).unwrap();
    let without = report(&root);
    let lost = |problem: &&hbuild::image::elf::ElfProblem| problem.rule == "elf-interpreter";
    assert!(without.problems.iter().filter(lost).count() > 20);
}

/// Facts that readelf and the packages' own build flags state.
fn check_facts(report: &ElfReport) {
    let file = |path: &str| report.files.iter().find(|file| file.path.absolute() == path).unwrap();
    let curl = file("/usr/bin/curl");
    assert_eq!(curl.hardening.relro, Relro::Full);
    assert!(curl.hardening.stack_protector && !curl.hardening.executable_stack);
    let notes = report.files.iter().flat_map(|file| &file.dlopen);
    let declared: Vec<_> =
        notes.filter(|note| note.soname.iter().any(|name| name.starts_with("lib"))).collect();
    assert!(declared.len() > 5, "systemd declares what it opens");
    assert!(declared.iter().any(|note| note.priority != Priority::Required && note.path.is_none()));
    for kind in ["gconv", "openssl", "dlopen"] {
        assert!(report.not_proven.iter().any(|entry| entry.kind == kind), "{kind}");
    }
}
