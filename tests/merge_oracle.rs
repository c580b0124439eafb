//! Real packages merge to what the distribution's own tools make: mmdebstrap's tree, ldconfig's cache,
//! OpenSSL's hash links, dpkg's alternatives.

mod deb_support;
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use hbuild::exec::{BuildContext, Builder, MemoryContext};
use hbuild::graph::{Action, Derivation, Merge, MergeInput, outputs};
use hbuild::image::merge::MergeBuilder;
use hbuild::tree::{Entry, EntryKind, Origin, Tree, TreePath};
use hbuild_lang::recipe::{Arch, Family, Flavor};

const EPOCH: i64 = 315_532_800;

/// The nine of the issue, and some with hard links, setuid files, alternatives and accounts.
const NAMES: [&str; 19] = [
    "base-files",
    "netbase",
    "tzdata",
    "ca-certificates",
    "libc6",
    "libssl3",
    "libgcc-s1",
    "libstdc++6",
    "media-types",
    "base-passwd",
    "bash",
    "coreutils",
    "mawk",
    "perl-base",
    "passwd",
    "libc-bin",
    "tar",
    "debianutils",
    "dash",
];

fn parameters(packages: &[deb_support::Package], flavor: Flavor, effects: &[(&str, &str)]) -> Merge {
    let inputs = packages.iter().map(|package| MergeInput::Package {
        name: package.name.clone(),
        origin: package.origin(),
        apk: None,
    });
    let mut table: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (package, effect) in effects {
        table.entry((*package).to_owned()).or_default().push((*effect).to_owned());
    }
    Merge {
        family: Family::Debian,
        release: "12".to_owned(),
        arch: Arch::Amd64,
        flavor,
        epoch: EPOCH,
        inputs: inputs.collect(),
        rules: BTreeMap::new(),
        users: BTreeMap::new(),
        groups: BTreeMap::new(),
        effects: table,
        os_release: BTreeMap::new(),
        layers: packages.iter().map(|package| vec![package.origin()]).collect(),
        world: vec![],
        apk_repositories: vec![],
        apk_keys: BTreeMap::new(),
    }
}

fn merge(
    context: &mut MemoryContext,
    packages: &[deb_support::Package],
    parameters: Merge,
) -> BTreeMap<String, hbuild::exec::ObjectRef> {
    let inputs = packages.iter().map(|package| deb_support::unpack(context, package)).collect();
    context.inputs = inputs;
    let derivation =
        Derivation { label: String::new(), action: Action::Merge(Box::new(parameters)), inputs: vec![] };
    MergeBuilder.build(&derivation, context).unwrap_or_else(|error| panic!("{error}"))
}

/// What a path of a tree is, in one line.
fn line(entry: &Entry) -> String {
    let mut line = format!("{} {}", entry.uid, entry.gid);
    match &entry.kind {
        EntryKind::Directory => line += &format!(" d {:o}", entry.mode),
        EntryKind::File { size, .. } => line += &format!(" - {:o} {size} {}", entry.mode, entry.mtime),
        EntryKind::Symlink { target } => line += &format!(" -> {}", String::from_utf8_lossy(target)),
    }
    line
}

/// mmdebstrap does not merge `/usr` in this variant: its paths are led there, as ours were.
fn canonical(path: &str) -> String {
    let top = path.split('/').next().unwrap();
    let aliases = ["bin", "sbin", "lib", "lib32", "lib64", "libx32"];
    if aliases.contains(&top) { format!("usr/{path}") } else { path.to_owned() }
}

/// The entries of the archive at `path`: owners, kind, mode, size and time by path.
fn described(path: &Path) -> BTreeMap<String, String> {
    let mut described = BTreeMap::new();
    let mut archive = tar::Archive::new(std::fs::File::open(path).unwrap());
    for entry in archive.entries().unwrap() {
        let entry = entry.unwrap();
        let header = entry.header();
        let path = String::from_utf8(entry.path_bytes().into_owned()).unwrap();
        let path = path.trim_start_matches("./").trim_end_matches('/').to_owned();
        let (uid, gid, mode) =
            (header.uid().unwrap(), header.gid().unwrap(), header.mode().unwrap() & 0o7777);
        let kind = match header.entry_type() {
            tar::EntryType::Directory => format!(" d {mode:o}"),
            tar::EntryType::Symlink => {
                format!(" -> {}", String::from_utf8_lossy(&entry.link_name_bytes().unwrap()))
            }
            tar::EntryType::Regular => {
                format!(" - {mode:o} {} {}", header.size().unwrap(), header.mtime().unwrap())
            }
            _ => continue,
        };
        if !path.is_empty() {
            described.insert(canonical(&path), format!("{uid} {gid}{kind}"));
        }
    }
    described
}

#[test]
fn the_tree_is_the_one_that_mmdebstrap_extracts() {
    let names = match deb_support::closure("bookworm", &NAMES) {
        Ok(names) => names,
        Err(reason) => return support::skip(&reason),
    };
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let packages = match deb_support::packages("bookworm", &names) {
        Ok(packages) if deb_support::has("mmdebstrap") => packages,
        Ok(_) => return support::skip("no mmdebstrap here"),
        Err(reason) => return support::skip(&reason),
    };
    let folder = tempfile::tempdir().unwrap();
    let tar = folder.path().join("root.tar");
    let made = deb_support::run(
        Command::new("mmdebstrap")
            .args(["--variant=extract", &format!("--include={}", NAMES.join(",")), "bookworm"])
            .arg(&tar)
            .arg(deb_support::mirror().unwrap()),
    );
    if let Err(reason) = made {
        return support::skip(&reason);
    }
    let mut expected = described(&tar);
    let mut context = MemoryContext::default();
    let outputs_made = merge(&mut context, &packages, parameters(&packages, Flavor::Runtime, &[]));
    let tree = context.decode_tree(outputs_made[outputs::TREE]).unwrap();
    let origins = context.decode_origins(outputs_made[outputs::ORIGINS]).unwrap();
    let mut compared = 0;
    for entry in tree.entries() {
        let origin = origins.get(&entry.path).unwrap();
        if origin.package().is_none() {
            continue;
        }
        let path = String::from_utf8_lossy(entry.path.as_bytes()).into_owned();
        // A hard link of ours is a link entry of the tar.
        if let Some(expected) = expected.remove(&path) {
            assert_eq!(line(entry), expected, "{path} of {origin}");
            compared += 1;
        } else {
            assert!(matches!(entry.kind, EntryKind::File { link: Some(_), .. }), "{path} is ours alone");
        }
    }
    // What is left is what mmdebstrap makes by itself.
    let own = [
        "dev",
        "etc/apt",
        "etc/dpkg/dpkg.cfg.d",
        "var/lib/apt",
        "var/cache/apt",
        "var/lib/dpkg",
        "etc/fstab",
        "etc/resolv.conf",
        "etc/hostname",
    ];
    expected.retain(|path, _| {
        !own.iter().any(|own| {
            path == own || path.starts_with(&format!("{own}/")) || own.starts_with(&format!("{path}/"))
        }) && !["usr/lib32", "usr/lib64", "usr/libx32", "var/log", "var/log/apt"].contains(&path.as_str())
    });
    assert_eq!(expected, BTreeMap::new(), "in mmdebstrap's tree alone");
    assert!(compared > 4000, "{compared}");
    check_slices(&context, &outputs_made, &tree, packages.len());
}

/// The slices hold every path, package files in the layer of their package, parents repeated.
fn check_slices(
    context: &MemoryContext,
    made: &BTreeMap<String, hbuild::exec::ObjectRef>,
    tree: &Tree,
    layers: usize,
) {
    let mut seen = BTreeSet::new();
    for number in 0..=layers {
        let [tree_name, origins_name] = outputs::slice(number);
        let slice = context.decode_tree(made[&tree_name]).unwrap();
        let origins = context.decode_origins(made[&origins_name]).unwrap();
        assert_eq!(origins.iter().count(), slice.entries().len());
        for entry in slice.entries() {
            let whole = tree.get(&entry.path).unwrap();
            assert_eq!(line(entry), line(whole));
            if let Some(parent) = entry.path.parent() {
                assert!(slice.get(&parent).is_some(), "{} has no parent in its slice", entry.path);
            }
            if !entry.is_directory() {
                assert!(seen.insert(entry.path.clone()), "{} is in two slices", entry.path);
            } else {
                seen.insert(entry.path.clone());
            }
        }
    }
    assert_eq!(seen.len(), tree.entries().len());
}

/// Writes `tree` to a folder, as the tools that are asked expect it.
fn write_out(context: &MemoryContext, tree: &Tree, folder: &Path) {
    for entry in tree.entries() {
        let path = folder.join(std::ffi::OsStr::from_bytes(entry.path.as_bytes()));
        match &entry.kind {
            EntryKind::Directory => std::fs::create_dir_all(path).unwrap(),
            EntryKind::File { digest, .. } => {
                std::fs::write(&path, context.contents().read(digest).unwrap()).unwrap();
                let mode = std::fs::Permissions::from_mode(u32::from(entry.mode & 0o777));
                std::fs::set_permissions(&path, mode).unwrap();
            }
            EntryKind::Symlink { target } => {
                std::os::unix::fs::symlink(std::ffi::OsStr::from_bytes(target), path).unwrap();
            }
        }
    }
}

struct Rendered {
    context: MemoryContext,
    tree: Tree,
    folder: PathBuf,
    /// Removes the folder.
    _kept: tempfile::TempDir,
}

/// The packages merged with all effects, in the dev flavor, and written out.
fn rendered() -> Result<&'static Rendered, String> {
    static RENDERED: OnceLock<Result<Rendered, String>> = OnceLock::new();
    RENDERED.get_or_init(|| render("bookworm", "12", &NAMES)).as_ref().map_err(Clone::clone)
}

fn render(suite: &str, release: &str, names: &[&str]) -> Result<Rendered, String> {
    let packages = deb_support::packages(suite, names)?;
    let mut context = MemoryContext::default();
    let effects = [
        ("base-passwd", "accounts"),
        ("base-files", "base-files"),
        ("ca-certificates", "ca-bundle"),
        ("libc-bin", "ld-so-cache"),
        ("libc-bin", "nsswitch"),
        ("tzdata", "time-zone"),
        ("debianutils", "shells"),
    ];
    let mut parameters = parameters(&packages, Flavor::Dev, &effects);
    parameters.release = release.to_owned();
    let made = merge(&mut context, &packages, parameters);
    let tree = context.decode_tree(made[outputs::TREE]).unwrap();
    let kept = tempfile::tempdir().unwrap();
    let folder = kept.path().join("root");
    std::fs::create_dir(&folder).unwrap();
    write_out(&context, &tree, &folder);
    Ok(Rendered { context, tree, folder, _kept: kept })
}

fn read(rendered: &Rendered, path: &str) -> Vec<u8> {
    let entry =
        rendered.tree.get(&TreePath::new(path.as_bytes()).unwrap()).unwrap_or_else(|| panic!("no {path}"));
    let EntryKind::File { digest, .. } = &entry.kind else { panic!("{path} is no file") };
    rendered.context.contents().read(digest).unwrap()
}

/// The image's own ldconfig, which is linked statically, is the judge.
#[test]
fn the_library_cache_is_ldconfigs_byte_for_byte() {
    let trixie = NAMES.map(|name| if name == "libssl3" { "libssl3t64" } else { name });
    for (suite, release, names) in [("bookworm", "12", NAMES), ("trixie", "13", trixie)] {
        let rendered = match render(suite, release, &names) {
            Ok(rendered) => rendered,
            Err(reason) => return support::skip(&reason),
        };
        let ours = read(&rendered, "etc/ld.so.cache");
        let ldconfig = rendered.folder.join("usr/sbin/ldconfig");
        let verbose =
            deb_support::run(Command::new(&ldconfig).args(["-v", "-X", "-r"]).arg(&rendered.folder));
        let Ok(verbose) = verbose else { return support::skip("ldconfig of another architecture") };
        let theirs = std::fs::read(rendered.folder.join("etc/ld.so.cache")).unwrap();
        let first = ours.iter().zip(&theirs).position(|(ours, theirs)| ours != theirs);
        let lengths = (ours.len(), theirs.len());
        assert!(ours == theirs, "{suite}: {first:?} {lengths:?}\n{}", String::from_utf8_lossy(&theirs));
        let links = deb_support::run(Command::new(&ldconfig).args(["-v", "-N", "-r"]).arg(&rendered.folder));
        assert!(!links.unwrap().contains("(changed)"), "{verbose}");
    }
}

#[test]
fn the_ca_bundle_and_its_hash_links_are_openssls() {
    let rendered = match rendered() {
        Ok(rendered) if deb_support::has("openssl") || Path::new("/usr/bin/openssl").exists() => rendered,
        Ok(_) => return support::skip("no openssl here"),
        Err(reason) => return support::skip(&reason),
    };
    let links = |folder: &Path| -> BTreeMap<String, PathBuf> {
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
        let links = entries.filter(|entry| entry.file_type().unwrap().is_symlink());
        links
            .map(|entry| {
                (entry.file_name().into_string().unwrap(), std::fs::read_link(entry.path()).unwrap())
            })
            .collect()
    };
    let ours = links(&rendered.folder.join("etc/ssl/certs"));
    // rehash follows the links: they must lead into our tree.
    let own = tempfile::tempdir().unwrap();
    for (name, target) in ours.iter().filter(|(name, _)| name.ends_with(".pem")) {
        let target = rendered.folder.join(target.strip_prefix("/").unwrap());
        std::fs::copy(target, own.path().join(name)).unwrap();
    }
    deb_support::run(Command::new("openssl").arg("rehash").arg(own.path())).unwrap();
    let theirs = links(own.path());
    let hashes: BTreeMap<_, _> = ours.into_iter().filter(|(name, _)| !name.ends_with(".pem")).collect();
    assert_eq!(hashes, theirs);
    assert!(hashes.len() > 100);
    let bundle = String::from_utf8(read(rendered, "etc/ssl/certs/ca-certificates.crt")).unwrap();
    assert_eq!(bundle.matches("BEGIN CERTIFICATE").count(), hashes.len());
}

#[test]
fn dpkg_reads_the_dev_database() {
    let rendered = match rendered() {
        Ok(rendered) if deb_support::has("dpkg-query") => rendered,
        Ok(_) => return support::skip("no dpkg-query here"),
        Err(reason) => return support::skip(&reason),
    };
    let admin = rendered.folder.join("var/lib/dpkg");
    let query = |arguments: &[&str]| {
        deb_support::run(Command::new("dpkg-query").arg("--admindir").arg(&admin).args(arguments)).unwrap()
    };
    let listed = query(&["-W", "-f", "${Package} ${db:Status-Abbrev}\n"]);
    let expected: BTreeSet<String> = NAMES.iter().map(|name| format!("{name} ii ")).collect();
    assert_eq!(listed.lines().map(str::to_owned).collect::<BTreeSet<_>>(), expected);
    assert!(query(&["-L", "mawk"]).contains("/usr/bin/mawk\n"));
    assert!(query(&["-S", "/bin/bash"]).contains("bash: /bin/bash"));
    assert!(query(&["-L", "libc6"]).contains("libc.so.6"));
    if deb_support::has("dpkg") {
        let verify = deb_support::run(
            Command::new("dpkg").arg("--root").arg(&rendered.folder).args(["--verify", "mawk", "tar"]),
        );
        assert_eq!(verify.as_deref(), Ok(""));
    }
}

#[test]
fn alternatives_are_set_as_dpkg_leaves_them() {
    let rendered = match rendered() {
        Ok(rendered) => rendered,
        Err(reason) => return support::skip(&reason),
    };
    for (link, middle, target) in [
        ("usr/bin/awk", "etc/alternatives/awk", "/usr/bin/mawk"),
        ("usr/bin/nawk", "etc/alternatives/nawk", "/usr/bin/mawk"),
        ("usr/bin/which", "etc/alternatives/which", "/usr/bin/which.debianutils"),
        ("usr/sbin/rmt", "etc/alternatives/rmt", "/usr/sbin/rmt-tar"),
        ("usr/share/man/man1/awk.1.gz", "etc/alternatives/awk.1.gz", "/usr/share/man/man1/mawk.1.gz"),
    ] {
        let at = |path: &str| std::fs::read_link(rendered.folder.join(path)).unwrap();
        assert_eq!(at(link), Path::new("/").join(middle));
        assert_eq!(at(middle), Path::new(target));
    }
    let admin = rendered.folder.join("var/lib/dpkg/alternatives");
    let altdir = rendered.folder.join("etc/alternatives");
    let query = deb_support::run(
        Command::new("update-alternatives")
            .arg("--admindir")
            .arg(admin)
            .arg("--altdir")
            .arg(altdir)
            .args(["--query", "awk"]),
    );
    match query {
        Ok(text) => {
            assert!(text.contains("Best: /usr/bin/mawk") && text.contains("Value: /usr/bin/mawk"), "{text}")
        }
        Err(reason) => support::skip(&reason),
    }
}

#[test]
fn accounts_time_zone_and_base_files_are_those_of_the_scripts() {
    let rendered = match rendered() {
        Ok(rendered) => rendered,
        Err(reason) => return support::skip(&reason),
    };
    let text = |path: &str| String::from_utf8(read(rendered, path)).unwrap();
    assert!(text("etc/passwd").starts_with("root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1:"));
    assert!(text("etc/shadow").contains("\n_apt:*:3652:0:99999:7:::\n"));
    assert_eq!(text("etc/timezone"), "Etc/UTC\n");
    let shells = "/bin/sh\n/usr/bin/sh\n/bin/bash\n/usr/bin/bash\n/bin/rbash\n/usr/bin/rbash\n/bin/dash\n/usr/bin/dash\n";
    assert_eq!(text("etc/shells"), format!("# /etc/shells: valid login shells\n{shells}"));
    let entry = |path: &str| rendered.tree.get(&TreePath::new(path.as_bytes()).unwrap()).unwrap().clone();
    assert_eq!((entry("var/mail").mode, entry("var/mail").gid), (0o2775, 8));
    assert_eq!((entry("etc/shadow").mode, entry("etc/shadow").gid), (0o640, 42));
    assert_eq!(entry("var/run").kind, EntryKind::Symlink { target: b"/run".to_vec() });
    assert_eq!(entry("bin").kind, EntryKind::Symlink { target: b"usr/bin".to_vec() });
    assert_eq!(entry("lib64").kind, EntryKind::Symlink { target: b"usr/lib64".to_vec() });
    assert!(
        rendered.tree.entries().iter().filter(|entry| entry.is_directory()).all(|entry| entry.mtime == EPOCH)
    );
    let _ = Origin::recipe();
}
