//! Installed packages, by the databases that scanners read.
//!
//! A database that both sides have alike says nothing; of the others every package is read, and those that are on both
//! sides alike are taken out.

use std::collections::{BTreeMap, BTreeSet};

use super::DiffError;
use super::escape::text_of;
use super::report::{Change, FileDifference, PackageDifference};
use crate::digest::Digest;
use crate::distro::debian::deb822::paragraphs;
use crate::tree::{Contents, TreePath};

/// Longer databases are not read.
const MOST_BYTES: u64 = 64 << 20;

const STATUS_D: &[u8] = b"var/lib/dpkg/status.d/";
const STATUS: &[u8] = b"var/lib/dpkg/status";
const INFO: &[u8] = b"var/lib/dpkg/info/";
const INSTALLED: [&[u8]; 2] = [b"lib/apk/db/installed", b"usr/lib/apk/db/installed"];
const SBOM: &[u8] = b"usr/share/sbom/";

/// What a file says of packages.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Database {
    /// Stanzas of dpkg.
    Dpkg,
    /// The files of a package of dpkg, with their MD5 sums or bare.
    Files,
    /// apk's own.
    Apk,
    /// An SPDX document.
    Sbom,
}

fn database(path: &[u8]) -> Option<Database> {
    let named = |folder: &[u8]| path.strip_prefix(folder).filter(|name| !name.contains(&b'/'));
    match path {
        STATUS => Some(Database::Dpkg),
        _ if INSTALLED.contains(&path) => Some(Database::Apk),
        _ => match (named(STATUS_D), named(INFO), named(SBOM)) {
            (Some(name), _, _) if name.ends_with(b".md5sums") => Some(Database::Files),
            (Some(_), _, _) => Some(Database::Dpkg),
            (_, Some(name), _) if name.ends_with(b".list") => Some(Database::Files),
            (_, _, Some(name)) if name.ends_with(b".spdx.json") => Some(Database::Sbom),
            _ => None,
        },
    }
}

/// Which of `files` are databases.
pub(super) fn databases(files: &[FileDifference]) -> Vec<usize> {
    let is_one = |file: &FileDifference| {
        let small = [&file.left, &file.right].into_iter().flatten();
        let small = small.filter_map(|facts| facts.size).all(|size| size <= MOST_BYTES);
        small && database(file.path.as_bytes()).is_some()
    };
    (0..files.len()).filter(|at| is_one(&files[*at])).collect()
}

/// The packages of one side: by database and name, what is said of each.
#[derive(Default)]
struct Packages {
    by_name: BTreeMap<(&'static str, String), Package>,
    /// The package of a path, as far as a database says it.
    owners: BTreeMap<Vec<u8>, String>,
}

#[derive(PartialEq, Eq)]
struct Package {
    version: String,
    /// All that is said of it.
    text: Digest,
}

/// The packages that differ by the databases among `files`, which get the packages that they belong to.
pub(super) fn compare(
    files: &mut [FileDifference],
    databases: &[usize],
    contents: &dyn Contents,
) -> Result<Vec<PackageDifference>, DiffError> {
    let mut sides = [Packages::default(), Packages::default()];
    for at in databases {
        let file = &files[*at];
        let path = file.path.as_bytes();
        for (packages, facts) in sides.iter_mut().zip([&file.left, &file.right]) {
            let Some(digest) = facts.as_ref().and_then(|facts| facts.digest) else { continue };
            packages.read(path, &contents.read(&digest)?);
        }
    }
    let [left, right] = sides;
    for file in files.iter_mut() {
        let path = file.path.as_bytes();
        file.package = right.owners.get(path).or_else(|| left.owners.get(path)).cloned();
    }
    let names: BTreeSet<_> = left.by_name.keys().chain(right.by_name.keys()).collect();
    let difference = |key: &&(&'static str, String)| {
        let (one, other) = (left.by_name.get(*key), right.by_name.get(*key));
        (one != other).then(|| PackageDifference {
            name: key.1.clone(),
            database: key.0,
            change: Change::of(one.is_some(), other.is_some()),
            left: one.map(|package| package.version.clone()),
            right: other.map(|package| package.version.clone()),
        })
    };
    Ok(names.iter().filter_map(difference).collect())
}

impl Packages {
    fn read(&mut self, path: &[u8], bytes: &[u8]) {
        match database(path) {
            Some(Database::Dpkg) => self.read_dpkg(path, &String::from_utf8_lossy(bytes)),
            Some(Database::Files) => self.read_files(path, bytes),
            Some(Database::Apk) => self.read_apk(bytes),
            Some(Database::Sbom) => self.read_sbom(bytes),
            None => {}
        }
    }

    fn add(&mut self, database: &'static str, name: String, version: String, text: &[u8]) {
        let package = Package { version, text: Digest::of(text) };
        self.by_name.insert((database, name), package);
    }

    fn read_dpkg(&mut self, path: &[u8], text: &str) {
        let one = path.starts_with(STATUS_D);
        let own = text_of(path.rsplit(|&byte| byte == b'/').next().unwrap_or_default());
        for block in text.split("\n\n").filter(|block| !block.trim().is_empty()) {
            let Ok(found) = paragraphs(block) else { continue };
            let Some(paragraph) = found.first() else { continue };
            let Some(package) = paragraph.get("Package") else { continue };
            // A file for each package is named after it, with the architecture where two have the name.
            let name = if one { own.clone() } else { package.to_owned() };
            let same = paragraph.get("Multi-Arch") == Some("same");
            let arch = paragraph.get("Architecture").filter(|_| !one && same);
            let name = arch.map_or(name.clone(), |arch| format!("{name}:{arch}"));
            let version = paragraph.get("Version").unwrap_or_default().to_owned();
            self.add("dpkg", name, version, block.as_bytes());
        }
    }

    fn read_files(&mut self, path: &[u8], bytes: &[u8]) {
        let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
        let (name, sums) = match name.strip_suffix(b".md5sums") {
            Some(name) => (name, true),
            None => (name.strip_suffix(b".list").unwrap_or(name), false),
        };
        let name = text_of(name);
        for line in bytes.split(|&byte| byte == b'\n') {
            let path = if sums { line.get(34..).unwrap_or_default() } else { line };
            let path = path.strip_prefix(b"/").unwrap_or(path);
            if let Ok(Some(path)) = TreePath::from_archive(path) {
                self.own(path.as_bytes(), &name);
            }
        }
    }

    /// Notes that the package `name` has `path`, also where usrmerge puts it.
    fn own(&mut self, path: &[u8], name: &str) {
        let merged = [&b"bin/"[..], b"sbin/", b"lib/", b"lib64/", b"lib32/"];
        if merged.iter().any(|folder| path.starts_with(folder)) {
            self.owners.insert([b"usr/", path].concat(), name.to_owned());
        }
        self.owners.insert(path.to_vec(), name.to_owned());
    }

    fn read_apk(&mut self, bytes: &[u8]) {
        for block in
            bytes.split_inclusive(|&byte| byte == b'\n').collect::<Vec<_>>().split(|line| *line == b"\n")
        {
            let field = |line: &[u8], letter: u8| match line {
                [found, b':', rest @ ..] if *found == letter => Some(rest.trim_ascii_end().to_vec()),
                _ => None,
            };
            let first = |letter| block.iter().find_map(|line| field(line, letter));
            let Some(name) = first(b'P') else { continue };
            let (name, version) = (text_of(&name), text_of(&first(b'V').unwrap_or_default()));
            let mut folder = Vec::new();
            for line in block {
                if let Some(path) = field(line, b'F') {
                    folder = path;
                } else if let Some(file) = field(line, b'R') {
                    let slash: &[u8] = if folder.is_empty() { b"" } else { b"/" };
                    self.owners.insert([&folder, slash, &file].concat(), name.clone());
                }
            }
            self.add("apk", name, version, &block.concat());
        }
    }

    fn read_sbom(&mut self, bytes: &[u8]) {
        let Ok(document) = serde_json::from_slice::<serde_json::Value>(bytes) else { return };
        for package in document["packages"].as_array().into_iter().flatten() {
            let Some(name) = package["name"].as_str() else { continue };
            let version = package["versionInfo"].as_str().unwrap_or_default().to_owned();
            self.add("sbom", name.to_owned(), version, package.to_string().as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(path: &str, text: &str) -> Packages {
        let mut packages = Packages::default();
        packages.read(path.as_bytes(), text.as_bytes());
        packages
    }

    fn versions(packages: &Packages) -> Vec<(&str, &str)> {
        packages
            .by_name
            .iter()
            .map(|((_, name), package)| (name.as_str(), package.version.as_str()))
            .collect()
    }

    #[test]
    fn every_database_is_read() {
        let status = "Package: a\nArchitecture: amd64\nMulti-Arch: same\nVersion: 1\n\n\
            Package: b\nVersion: 2:3-4\nDescription: x\n .\n y\n\nno stanza\n\n";
        let dpkg = of("var/lib/dpkg/status", status);
        assert_eq!(versions(&dpkg), [("a:amd64", "1"), ("b", "2:3-4")]);
        let one = of("var/lib/dpkg/status.d/libc6:i386", "Package: libc6\nVersion: 2.36\n");
        assert_eq!(versions(&one), [("libc6:i386", "2.36")]);
        let installed = "C:Q1x\nP:musl\nV:1.2.5-r0\nF:lib\nR:ld-musl.so\nF:\nR:top\n\nP:b\nV:1\n\n";
        let apk = of("lib/apk/db/installed", installed);
        assert_eq!(versions(&apk), [("b", "1"), ("musl", "1.2.5-r0")]);
        assert_eq!(apk.owners.get(&b"lib/ld-musl.so"[..]).map(String::as_str), Some("musl"));
        assert_eq!(apk.owners.get(&b"top"[..]).map(String::as_str), Some("musl"));
        let sbom = of("usr/share/sbom/x.spdx.json", r#"{"packages":[{"name":"x","versionInfo":"1.0"},{}]}"#);
        assert_eq!(versions(&sbom), [("x", "1.0")]);
        let sums =
            of("var/lib/dpkg/status.d/c.md5sums", "d41d8cd98f00b204e9800998ecf8427e  lib/c.so\nshort\n");
        assert_eq!(sums.owners.len(), 2, "also where usrmerge puts it");
        for path in ["var/lib/dpkg/status.d/", "usr/share/sbom/x.json", "lib/apk/db/installed/x"] {
            assert!(database(path.as_bytes()).is_none() || path.ends_with('/'), "{path}");
        }
    }
}
