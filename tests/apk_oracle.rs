//! Genuine packages of Alpine: unpacked to what Python finds in them, verified as the real apk verifies them.

mod apk_support;
mod support;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use apk_support::{RealApk, alpine, checksum, control, keyring, keys, packages, run, unpack};
use hbuild::distro::alpine::archive::{ApkTrees, Identity};
use hbuild::distro::alpine::pkginfo::PkgInfo;
use hbuild::tree::{EntryKind, MemoryContents};
use miette::Diagnostic;
use rayon::prelude::*;
use sha1::{Digest as _, Sha1};

#[test]
fn the_keys_are_those_of_the_distro() {
    let Some(alpine) = alpine() else { return };
    let own: BTreeMap<String, String> = keys(&alpine, false).into_iter().collect();
    let theirs = fs::read_dir(alpine.join("keys")).unwrap().map(|entry| entry.unwrap());
    let theirs: BTreeMap<String, String> = theirs
        .map(|file| (file.file_name().into_string().unwrap(), fs::read_to_string(file.path()).unwrap()))
        .filter(|(name, _)| !name.starts_with("test@"))
        .collect();
    assert_eq!(own, theirs);
    let all = hbuild_lang::standard_repositories().into_iter().filter(|found| found.name == "alpine");
    assert!(all.map(|repository| repository.keys.len()).all(|count| count == own.len()));
}

/// What Python's tarfile finds in packages: an object for each of the arguments, with a list of entries by name.
const LIST: &str = r#"
import hashlib, json, sys, tarfile
for path in sys.argv[1:]:
    found = {}
    with tarfile.open(path, "r:gz") as archive:
        for entry in archive:
            content = archive.extractfile(entry) if entry.isreg() else None
            sha1 = hashlib.sha1(content.read() if content else entry.linkname.encode()).hexdigest()
            kind = {tarfile.REGTYPE: "file", tarfile.DIRTYPE: "directory", tarfile.SYMTYPE: "symlink"}.get(entry.type, "link")
            metadata = [kind, entry.mode, entry.uid, entry.gid, int(entry.mtime), entry.size, entry.linkname]
            found[entry.name] = {"metadata": metadata, "sha1": sha1}
    print(json.dumps(found))
"#;

#[test]
fn genuine_packages_unpack_to_what_others_find_in_them() {
    let Some(alpine) = alpine() else { return };
    let (genuine, test) = (keyring(&keys(&alpine, false)), keyring(&keys(&alpine, true)));
    let branches = [("v3.19", "x86_64", &genuine), ("v3.20", "x86_64", &test), ("v3.20", "aarch64", &test)];
    for (branch, arch, keyring) in branches {
        let found = packages(&alpine, branch, arch);
        assert!(found.len() >= 15, "{branch}");
        found.par_chunks(found.len().div_ceil(2)).for_each(|paths| {
            let listed = run(Command::new("python3").args(["-c", LIST]).args(paths)).stdout;
            let listed = String::from_utf8(listed).unwrap();
            for (path, listed) in paths.iter().zip(listed.lines()) {
                let bytes = fs::read(path).unwrap();
                let checksum = checksum(&bytes);
                let unpacked = unpack(&bytes, checksum, keyring);
                compare(path, &unpacked.unwrap(), &serde_json::from_str(listed).unwrap());
                let mut identity = Identity::new(checksum, keyring.clone().into());
                bytes.chunks(10_000).for_each(|chunk| identity.update(chunk).unwrap());
                identity.finish().unwrap();
            }
        });
    }
}

/// What was found of an entry: type, mode, owner, group, time, size, target.
#[derive(Debug, PartialEq, serde::Deserialize)]
struct Found {
    metadata: (String, u16, u32, u32, i64, u64, String),
    sha1: String,
}

fn compare(path: &Path, unpacked: &(ApkTrees, MemoryContents), found: &BTreeMap<String, Found>) {
    let (trees, contents) = unpacked;
    let mut ours = BTreeMap::new();
    for (tree, of_control) in [(&trees.tree, false), (&trees.control, true)] {
        for entry in tree.entries() {
            let name = String::from_utf8(entry.path.as_bytes().to_vec()).unwrap();
            if of_control && !name.starts_with('.') {
                continue;
            }
            let (kind, size, target, content) = match &entry.kind {
                EntryKind::Directory => ("directory", 0, String::new(), &[][..]),
                EntryKind::Symlink { target } => {
                    ("symlink", 0, String::from_utf8(target.clone()).unwrap(), target.as_slice())
                }
                EntryKind::File { digest, size, .. } => {
                    ("file", *size, String::new(), contents.blobs[digest].as_slice())
                }
            };
            let sha1 = Sha1::digest(content).iter().map(|byte| format!("{byte:02x}")).collect();
            let metadata = (kind.to_owned(), entry.mode, entry.uid, entry.gid, entry.mtime, size, target);
            ours.insert(name, Found { metadata, sha1 });
        }
    }
    let mut count = 0;
    for (name, theirs) in found {
        match (ours.get(name), theirs.metadata.0.as_str()) {
            (Some(linked), "link") => {
                assert_eq!(linked, &ours[&theirs.metadata.6], "{path:?}: {name}");
            }
            (Some(ours), _) => assert_eq!(ours, theirs, "{path:?}: {name}"),
            (None, _) => {
                assert!(name.starts_with(".SIGN.RSA.") || name == ".dummy", "{path:?}: {name}");
                continue;
            }
        }
        count += 1;
    }
    assert_eq!(count, ours.len(), "{path:?}");
    let info = PkgInfo::parse(&control(unpacked, ".PKGINFO")).unwrap();
    assert_eq!(format!("{}-{}.apk", info.pkgname, info.pkgver), path.file_name().unwrap().to_str().unwrap());
}

#[test]
fn packages_of_the_test_key_are_refused_by_the_keys_of_the_distro() {
    let Some(alpine) = alpine() else { return };
    let genuine = keyring(&keys(&alpine, false));
    for path in packages(&alpine, "v3.20", "x86_64") {
        let bytes = fs::read(path).unwrap();
        let error = unpack(&bytes, checksum(&bytes), &genuine).unwrap_err();
        let hbuild::distro::archive::UnpackError::Archive(error) = error else { panic!("{error}") };
        assert_eq!(error.code().unwrap().to_string(), "hbuild::alpine::other_key");
        assert!(error.to_string().contains("test@hbuild-5f000000.rsa.pub"), "{error}");
    }
}

/// hbuild may refuse what apk takes, never the other way.
#[test]
fn whatever_apk_refuses_is_refused() {
    let Some(alpine) = alpine() else { return };
    let Some(apk) = RealApk::new(&alpine) else { return };
    let genuine = keyring(&keys(&alpine, false));
    let folder = tempfile::tempdir().unwrap();
    let mut files: Vec<(PathBuf, Vec<u8>)> = Vec::new();
    let mut add = |name: String, bytes: Vec<u8>| {
        let path = folder.path().join(format!("{name}.apk"));
        fs::write(&path, &bytes).unwrap();
        files.push((path, bytes));
    };
    for name in ["ssl_client-1.36.1-r19", "libc-utils-0.7.2-r5", "pyc-3.11.9-r0"] {
        let path = alpine.join(format!("v3.19/main/x86_64/{name}.apk"));
        let Ok(good) = fs::read(path) else { continue };
        for at in (0..good.len()).step_by(good.len() / 40 + 1) {
            let mut flipped = good.clone();
            flipped[at] ^= 0x10;
            add(format!("{name}-flipped-{at}"), flipped);
            add(format!("{name}-cut-{at}"), good[..at].to_vec());
        }
        add(format!("{name}-longer"), [&good[..], b"x"].concat());
        add(format!("{name}-twice"), [&good[..], &good[..]].concat());
        add(name.to_owned(), good);
    }
    let paths: Vec<PathBuf> = files.iter().map(|(path, _)| path.clone()).collect();
    let mut refused = 0;
    for ((path, bytes), good) in files.iter().zip(apk.verify(&paths)) {
        let head = hbuild::distro::alpine::archive::Head::read(&mut bytes.as_slice());
        let ours = head.is_ok_and(|head| unpack(bytes, head.checksum, &genuine).is_ok());
        assert!(good || !ours, "{path:?} is taken");
        refused += usize::from(!ours);
    }
    assert!(refused >= files.len() - 3 && refused < files.len(), "{refused} of {}", files.len());
    let all = packages(&alpine, "v3.19", "x86_64");
    assert!(apk.verify(&all[..20]).into_iter().all(|good| good));
}

/// What apk writes of each file into its database is what the lists of the control trees say.
#[test]
fn checksums_are_those_of_apk_s_database() {
    let Some(alpine) = alpine() else { return };
    let Some(apk) = RealApk::new(&alpine) else { return };
    let root = tempfile::tempdir().unwrap();
    if root.path().metadata().unwrap().uid() != 0 {
        return support::skip("apk installs as root alone");
    }
    let mut add = apk.command();
    add.arg("--root").arg(root.path()).args(["--initdb", "--no-cache", "--no-scripts", "--arch", "x86_64"]);
    add.arg("--keys-dir").arg(alpine.join("keys"));
    add.arg("-X")
        .arg(alpine.join("v3.19/main"))
        .args(["add", "ncurses-terminfo-base"])
        .arg("pcsc-lite-libs")
        .arg("chrony");
    let said = add.output().unwrap();
    let installed = fs::read_to_string(root.path().join("lib/apk/db/installed"));
    let installed = installed.unwrap_or_else(|error| panic!("{error}: {said:?}"));
    let test = keyring(&keys(&alpine, true));
    let mut compared = 0;
    for stanza in installed.split("\n\n") {
        let field = |name: &str| stanza.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        let path = alpine.join(format!("v3.19/main/x86_64/{}-{}.apk", field("P:"), field("V:")));
        let Ok(bytes) = fs::read(path) else { continue };
        let unpacked = unpack(&bytes, field("C:").parse().unwrap(), &test).unwrap();
        let sums = control(&unpacked, "sha1sums");
        let sums: BTreeMap<&str, &str> =
            sums.lines().filter_map(|line| line.split_once("  ")).map(|(sum, path)| (path, sum)).collect();
        let mut theirs = BTreeMap::new();
        let (mut folder, mut file) = ("", String::new());
        for line in stanza.lines() {
            match line.split_at_checked(2) {
                Some(("F:", name)) => folder = name,
                Some(("R:", name)) => file = format!("{folder}/{name}").trim_start_matches('/').to_owned(),
                Some(("Z:", sum)) => {
                    let sum: hbuild::distro::alpine::checksum::Checksum = sum.parse().unwrap();
                    let hex: String = sum.0.iter().map(|byte| format!("{byte:02x}")).collect();
                    theirs.insert(file.clone(), hex);
                }
                _ => {}
            }
        }
        let ours: BTreeMap<String, String> =
            sums.iter().map(|(path, sum)| (String::from(*path), String::from(*sum))).collect();
        assert_eq!(ours, theirs, "{}", field("P:"));
        compared += theirs.len();
        if field("P:") == "chrony" {
            let owners = control(&unpacked, "owners");
            assert_eq!(
                owners,
                "chrony:chrony  etc/chrony\nchrony:chrony  var/lib/chrony\nroot:wheel  var/log/chrony\n"
            );
        }
    }
    assert!(compared > 40, "{compared}");
}
