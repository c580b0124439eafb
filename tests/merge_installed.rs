//! A dev image of packages is what installing them leaves, but for what is listed here.

mod deb_support;
mod support;

use std::collections::BTreeMap;
use std::process::Command;

use hbuild::exec::{Builder, MemoryContext};
use hbuild::graph::{Action, Derivation, Merge, MergeInput, outputs};
use hbuild::image::merge::MergeBuilder;
use hbuild::tree::EntryKind;
use hbuild_lang::recipe::{Arch, Family, Flavor};

/// What mmdebstrap writes by itself, what an installation logs, and caches.
const OTHERS: [&str; 24] = [
    "dev",
    "etc/.pwd.lock",
    "etc/apt/apt.conf.d",
    "etc/apt/sources.list",
    "etc/fstab",
    "etc/hostname",
    "etc/hosts",
    "etc/group-",
    "etc/gshadow-",
    "etc/machine-id",
    "etc/passwd-",
    "etc/resolv.conf",
    "etc/shadow-",
    "etc/subgid-",
    "etc/subuid-",
    "var/backups",
    "var/cache",
    "var/lib/apt",
    "var/lib/dpkg",
    "var/lib/pam",
    "var/lib/systemd",
    "var/lib/usrmerge",
    "var/log",
    "run",
];

/// What scripts do that hbuild does not: each is warned about.
const KNOWN: [&str; 9] = [
    "etc/environment",
    "etc/security/opasswd",
    "etc/subgid",
    "etc/subuid",
    "etc/systemd/system",
    "etc/rc",
    "usr/share/man/man1/sh.distrib.1.gz",
    "usr/bin/sh.distrib",
    "var/lib/shells.state",
];

fn is_below(path: &str, folders: &[&str]) -> bool {
    folders.iter().any(|folder| {
        path == *folder
            || path.starts_with(&format!("{folder}/"))
            || (*folder == "etc/rc" && path.starts_with("etc/rc"))
    })
}

#[test]
fn a_dev_image_is_what_an_installation_leaves() {
    if !deb_support::has("mmdebstrap") {
        return support::skip("no mmdebstrap here");
    }
    let folder = tempfile::tempdir().unwrap();
    let tar = folder.path().join("root.tar");
    let mirror = match deb_support::mirror() {
        Ok(mirror) => mirror,
        Err(reason) => return support::skip(&reason),
    };
    let made = deb_support::run(
        Command::new("mmdebstrap")
            .args(["--variant=minbase", "--include=ca-certificates,netbase", "bookworm"])
            .arg(&tar)
            .arg(mirror),
    );
    if let Err(reason) = made {
        return support::skip(&reason);
    }
    let (expected, names) = installed(&tar);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let packages = deb_support::packages("bookworm", &names).unwrap();
    let mut context = MemoryContext::default();
    context.inputs = packages.iter().map(|package| deb_support::unpack(&mut context, package)).collect();
    let derivation = Derivation {
        label: String::new(),
        action: Action::Merge(Box::new(parameters(&packages))),
        inputs: vec![],
    };
    let started = std::time::Instant::now();
    let made = MergeBuilder.build(&derivation, &context).unwrap_or_else(|error| panic!("{error}"));
    eprintln!("{} packages merged in {:?}", packages.len(), started.elapsed());
    context.warnings().iter().for_each(|warning| eprintln!("{warning}"));
    let tree = context.decode_tree(made[outputs::TREE]).unwrap();
    let mut differences = Vec::new();
    let mut ours = BTreeMap::new();
    for entry in tree.entries() {
        let path = String::from_utf8_lossy(entry.path.as_bytes()).into_owned();
        let size = |size: u64| if size_differs(&path) { 0 } else { size };
        let line = match &entry.kind {
            EntryKind::Directory => format!("{} {} d {:o}", entry.uid, entry.gid, entry.mode),
            EntryKind::File { size: bytes, .. } => {
                format!("{} {} - {:o} {}", entry.uid, entry.gid, entry.mode, size(*bytes))
            }
            EntryKind::Symlink { target } => format!("-> {}", String::from_utf8_lossy(target)),
        };
        ours.insert(path, line);
    }
    for (path, line) in &ours {
        if !is_below(path, &OTHERS) && !is_below(path, &KNOWN) && expected.get(path) != Some(line) {
            differences.push(format!("{path}: ours {line}, installed {:?}", expected.get(path)));
        }
    }
    for (path, line) in &expected {
        if !is_below(path, &OTHERS) && !is_below(path, &KNOWN) && !ours.contains_key(path) {
            differences.push(format!("{path}: only installed {line}"));
        }
    }
    assert_eq!(differences, Vec::<String>::new());
}

/// Files whose length depends on the day, or on the order in which packages are configured.
fn size_differs(path: &str) -> bool {
    matches!(path, "etc/shadow" | "etc/shells")
}

fn parameters(packages: &[deb_support::Package]) -> Merge {
    let inputs = packages.iter().map(|package| MergeInput::Package {
        name: package.name.clone(),
        origin: package.origin(),
        apk: None,
    });
    let effects = [
        ("base-passwd", "accounts"),
        ("base-files", "base-files"),
        ("ca-certificates", "ca-bundle"),
        ("libc-bin", "ld-so-cache"),
        ("libc-bin", "nsswitch"),
        ("libpam-runtime", "pam"),
        ("netbase", "netbase"),
        ("tzdata", "time-zone"),
        ("debianutils", "shells"),
    ];
    let mut table: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (package, effect) in effects {
        table.entry(package.to_owned()).or_default().push(effect.to_owned());
    }
    Merge {
        family: Family::Debian,
        release: "12".to_owned(),
        arch: Arch::Amd64,
        flavor: Flavor::Dev,
        epoch: 315_532_800,
        inputs: inputs.collect(),
        rules: BTreeMap::new(),
        users: BTreeMap::new(),
        groups: BTreeMap::new(),
        effects: table,
        os_release: BTreeMap::new(),
        layers: vec![],
        world: vec![],
        apk_repositories: vec![],
        apk_keys: BTreeMap::new(),
    }
}

/// Every path of the tar in one line, and the names of the packages in it.
fn installed(tar: &std::path::Path) -> (BTreeMap<String, String>, Vec<String>) {
    let mut paths: BTreeMap<String, String> = BTreeMap::new();
    let mut names = Vec::new();
    let mut archive = tar::Archive::new(std::fs::File::open(tar).unwrap());
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = String::from_utf8(entry.path_bytes().into_owned()).unwrap();
        let path = path.trim_start_matches("./").trim_end_matches('/').to_owned();
        let header = entry.header();
        let (uid, gid, mode) =
            (header.uid().unwrap(), header.gid().unwrap(), header.mode().unwrap() & 0o7777);
        let size = if size_differs(&path) { 0 } else { header.size().unwrap() };
        let line = match header.entry_type() {
            tar::EntryType::Directory => format!("{uid} {gid} d {mode:o}"),
            tar::EntryType::Regular => format!("{uid} {gid} - {mode:o} {size}"),
            tar::EntryType::Symlink => {
                format!("-> {}", String::from_utf8_lossy(&entry.link_name_bytes().unwrap()))
            }
            tar::EntryType::Link => {
                let target = String::from_utf8(entry.link_name_bytes().unwrap().into_owned()).unwrap();
                paths[target.trim_start_matches("./")].clone()
            }
            _ => continue,
        };
        if path == "var/lib/dpkg/status" {
            let mut text = String::new();
            std::io::Read::read_to_string(&mut entry, &mut text).unwrap();
            names =
                text.lines().filter_map(|line| line.strip_prefix("Package: ")).map(str::to_owned).collect();
        }
        if !path.is_empty() {
            paths.insert(path, line);
        }
    }
    (paths, names)
}
