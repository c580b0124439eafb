//! Images of Alpine's packages hold what the real apk leaves: files, owners, applets, accounts and its database.

mod alpine_support;
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;
use std::process::Command;

use alpine_support::{ALL, EPOCH, merge, oracle, packages, parameters};
use hbuild::graph::{Merge, outputs};
use hbuild::tree::Entry;
use hbuild_lang::recipe::{Flavor, PathRule, User};

const MIRROR: &str = "v3.20/main/x86_64";

/// Every path in which an image may differ from what apk leaves, and why. A name that ends with a slash stands for all
/// below it.
const DIFFERENT: [(&str, &str); 13] = [
    ("dev/console", "a container runtime makes the devices, and an image has none"),
    ("dev/null", "likewise"),
    ("dev/random", "likewise"),
    ("dev/urandom", "likewise"),
    ("dev/zero", "likewise"),
    ("etc/apk/keys/test@hbuild-5f000000.rsa.pub", "brought by the test for apk"),
    ("etc/group-", "busybox keeps the file before its last change"),
    ("etc/passwd-", "likewise"),
    (
        "etc/shadow",
        "the day of the last change is the epoch, and root is locked, whom the package lets in without a password",
    ),
    ("etc/shadow-", "busybox keeps the file before its last change"),
    (
        "lib/apk/db/scripts.tar",
        "the same scripts in the same order under headers of another form: compared below",
    ),
    (
        "lib/apk/exec",
        "apk makes it for itself with another mode than the package's, and its own audit says so",
    ),
    ("proc", "likewise"),
];

#[test]
fn the_image_is_what_apk_leaves() {
    let (apk, packages) = match (oracle::apk(), packages(MIRROR, &ALL)) {
        (Ok(apk), Ok(packages)) => (apk, packages),
        (Err(reason), _) | (_, Err(reason)) => return support::skip(&reason),
    };
    let new = apk.install(&ALL).unwrap();
    let image = merge(&packages, parameters(&packages, Flavor::Dev));
    assert_eq!(image.context.warnings(), Vec::<String>::new());
    let ours = apk.write(&image.context, &image.tree, "ours");
    let scripts = |folder: &Path| scripts(&folder.join("lib/apk/db/scripts.tar"));
    assert_eq!(scripts(&ours), scripts(&new));
    let (ours, theirs) = (oracle::described(&ours), oracle::described(&new));
    let mut different = BTreeMap::new();
    for path in ours.keys().chain(theirs.keys()) {
        let (ours, theirs) = (ours.get(path).cloned(), theirs.get(path).cloned());
        let (ours, theirs) = match ours.as_deref().and_then(|line| line.strip_suffix(&format!(" {EPOCH}"))) {
            // The time of what hbuild makes is the epoch.
            Some(made) => {
                let theirs = theirs
                    .map(|line| line.rsplit_once(' ').map_or(line.clone(), |(rest, _)| rest.to_owned()));
                (Some(made.to_owned()), theirs)
            }
            None => (ours, theirs),
        };
        if ours != theirs {
            different.insert(path.clone(), (ours, theirs));
        }
    }
    for (path, _) in DIFFERENT {
        let before = different.len();
        different.retain(|known, _| known != path && !(path.ends_with('/') && known.starts_with(path)));
        assert!(different.len() < before, "{path} does not differ");
    }
    assert!(different.is_empty(), "{different:#?}");
}

/// Name, mode, time and text of each member.
fn scripts(archive: &Path) -> Vec<(String, u32, u64, String)> {
    let mut archive = tar::Archive::new(std::fs::File::open(archive).unwrap());
    let members = archive.entries().unwrap().map(|member| {
        let mut member = member.unwrap();
        let name = String::from_utf8(member.path_bytes().into_owned()).unwrap();
        let (mode, time) = (member.header().mode().unwrap() & 0o777, member.header().mtime().unwrap());
        let mut text = String::new();
        member.read_to_string(&mut text).unwrap();
        (name, mode, time, text)
    });
    members.collect()
}

/// The packages with what the mirror lacks: `musl-utils` and what it needs.
const WITHOUT_UTILS: [&str; 13] = [
    "alpine-baselayout",
    "alpine-baselayout-data",
    "alpine-keys",
    "alpine-release",
    "apk-tools",
    "busybox",
    "busybox-binsh",
    "ca-certificates-bundle",
    "libcrypto3",
    "libssl3",
    "musl",
    "ssl_client",
    "zlib",
];

/// What the dev flavor is for: apk takes the image for a system of its own, and goes on from there.
#[test]
fn apk_works_in_the_dev_flavor() {
    let (apk, packages) = match (oracle::apk(), packages(MIRROR, &WITHOUT_UTILS)) {
        (Ok(apk), Ok(packages)) => (apk, packages),
        (Err(reason), _) | (_, Err(reason)) => return support::skip(&reason),
    };
    let mut parameters = parameters(&packages, Flavor::Dev);
    parameters.apk_repositories = vec!["/mirror/v3.20/main".to_owned()];
    let image = merge(&packages, parameters);
    let folder = apk.write(&image.context, &image.tree, "ours");
    let inside = |arguments: &[&str]| {
        oracle::run(Command::new("chroot").arg(&folder).arg("/sbin/apk").args(arguments))
    };
    assert_eq!(inside(&["audit", "--system", "--check-permissions"]).unwrap(), "");
    let listed: Vec<String> =
        packages.iter().map(|package| format!("{}-{}", package.name, package.version)).collect();
    let info = inside(&["info", "-v"]).unwrap();
    assert_eq!(info.lines().collect::<Vec<_>>(), listed);
    let owner = inside(&["info", "--who-owns", "/lib/ld-musl-x86_64.so.1"]).unwrap();
    assert!(owner.contains("is owned by musl-1.2.5-r0"), "{owner}");
    // With a mirror that the image trusts.
    let mirror = folder.join("mirror");
    std::fs::create_dir(&mirror).unwrap();
    let shared = alpine_support::shared().unwrap();
    oracle::run(Command::new("cp").arg("-r").arg(shared.join("v3.20")).arg(&mirror)).unwrap();
    let key = "test@hbuild-5f000000.rsa.pub";
    std::fs::copy(shared.join("keys").join(key), folder.join("etc/apk/keys").join(key)).unwrap();
    let added = inside(&["add", "musl-utils"]).unwrap();
    assert!(added.contains("Executing busybox-1.36.1-r29.trigger"), "{added}");
    assert!(added.ends_with("OK: 8 MiB in 15 packages\n"), "{added}");
    assert_eq!(inside(&["audit", "--system", "--check-permissions"]).unwrap(), "");
    let upgraded = inside(&["upgrade", "--available"]).unwrap();
    assert!(upgraded.ends_with("in 15 packages\n") && !upgraded.contains("Upgrading"), "{upgraded}");
    inside(&["del", "musl-utils"]).unwrap();
    assert_eq!(inside(&["info", "-v"]).unwrap().lines().collect::<Vec<_>>(), listed);
}

/// The runtime flavor as `std` has it, with a file dropped, one replaced and one given away.
fn runtime(packages: &[alpine_support::Package]) -> Merge {
    let mut parameters = parameters(packages, Flavor::Runtime);
    let file =
        |text: &str| PathRule::File { text: text.to_owned(), owner: None, group: None, mode: Some(0o600) };
    let attrs = |mode| PathRule::Attrs { owner: Some("nonroot".to_owned()), group: None, mode: Some(mode) };
    let user = User {
        uid: 65_532,
        gid: 65_532,
        home: "/home/nonroot".to_owned(),
        shell: "/sbin/nologin".to_owned(),
        gecos: "nonroot".to_owned(),
    };
    parameters.users.insert("nonroot".to_owned(), user);
    for (path, rule) in [
        ("/etc/apk/keys/**", PathRule::Delete),
        ("/usr/share/apk/**", PathRule::Delete),
        ("/usr/lib/engines-3/padlock.so", PathRule::Delete),
        ("/usr/share/udhcpc/default.script", file("replaced")),
        ("/usr/lib/engines-3/capi.so", attrs(0o700)),
        ("/etc/crontabs", attrs(0o700)),
    ] {
        parameters.rules.insert(path.to_owned(), rule);
    }
    parameters
}

/// The names and versions of all packages.
fn all(packages: &[alpine_support::Package]) -> BTreeSet<(String, String)> {
    packages.iter().map(|package| (package.name.clone(), package.version.clone())).collect()
}

#[test]
fn what_the_recipe_drops_is_not_in_the_database() {
    let (apk, packages) = match (oracle::apk(), packages(MIRROR, &ALL)) {
        (Ok(apk), Ok(packages)) => (apk, packages),
        (Err(reason), _) | (_, Err(reason)) => return support::skip(&reason),
    };
    let image = merge(&packages, runtime(&packages));
    let folder = apk.write(&image.context, &image.tree, "ours");
    let asked = |arguments: &[&str]| {
        let options = ["--root", "/ours", "--no-network", "--no-cache"];
        apk.chroot("/sbin/apk", &[&options[..], arguments].concat()).unwrap()
    };
    assert_eq!(asked(&["audit", "--system", "--check-permissions"]), "");
    let info = asked(&["info", "-vv"]);
    let listed: Vec<&str> = info.lines().filter_map(|line| line.split(' ').next()).collect();
    let wanted: Vec<String> =
        packages.iter().map(|package| format!("{}-{}", package.name, package.version)).collect();
    assert_eq!(listed, wanted);
    let installed = std::fs::read_to_string(folder.join("lib/apk/db/installed")).unwrap();
    for gone in ["F:usr/share/apk", "R:padlock.so", "R:default.script", "R:alpine-devel@lists"] {
        assert!(!installed.contains(gone), "{gone}");
    }
    for there in ["F:etc/crontabs\nM:65532:0:700\n", "R:capi.so\na:65532:0:700\n", "R:passwd\nZ:"] {
        assert!(installed.contains(there), "{there}");
    }
    for file in ["scripts.tar", "triggers", "lock"] {
        assert!(!folder.join("lib/apk/db").join(file).exists(), "{file}");
    }
    let passwd = std::fs::read_to_string(folder.join("etc/passwd")).unwrap();
    assert!(passwd.contains("\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n"), "{passwd}");
    scan(&folder, &all(&packages));
}

/// Holds what scanners find in `folder` against the packages that are there.
fn scan(folder: &Path, wanted: &BTreeSet<(String, String)>) {
    let of_purl = |purl: &str| {
        let (name, rest) = purl.strip_prefix("pkg:apk/alpine/")?.split_once('@')?;
        let (version, qualifiers) = rest.split_once('?')?;
        assert!(qualifiers.contains("arch=x86_64") && qualifiers.contains("distro="), "{purl}");
        Some((name.replace("%2B", "+"), version.to_owned()))
    };
    let found = |document: &serde_json::Value, list: &str| -> BTreeSet<(String, String)> {
        let items = document[list].as_array().unwrap().iter();
        items.filter_map(|item| of_purl(item["purl"].as_str()?)).collect()
    };
    if support::oracles::has("syft") {
        let target = format!("dir:{}", folder.display());
        let text =
            support::oracles::run(Command::new("syft").args(["scan", "--quiet", &target, "-o", "syft-json"]));
        let document = serde_json::from_str(&text).unwrap();
        assert_eq!(&found(&document, "artifacts"), wanted, "syft");
    }
    if support::oracles::has("trivy") {
        let arguments = ["rootfs", "--quiet", "--offline-scan", "--skip-db-update", "--format", "cyclonedx"];
        let cache = tempfile::tempdir().unwrap();
        let text = support::oracles::run(
            Command::new("trivy").args(arguments).arg("--cache-dir").arg(cache.path()).arg(folder),
        );
        let document = serde_json::from_str(&text).unwrap();
        assert_eq!(&found(&document, "components"), wanted, "trivy");
    }
}

#[test]
fn the_order_of_the_inputs_does_not_matter_and_every_path_is_in_one_layer() {
    let packages = match packages(MIRROR, &ALL) {
        Ok(packages) => packages,
        Err(reason) => return support::skip(&reason),
    };
    let image = merge(&packages, runtime(&packages));
    let mut backwards = packages.clone();
    backwards.reverse();
    let mut parameters = runtime(&backwards);
    parameters.layers.reverse();
    let other = merge(&backwards, parameters);
    assert_eq!(image.tree.encode(), other.tree.encode());
    assert_eq!(image.made[outputs::ORIGINS], other.made[outputs::ORIGINS]);
    let mut seen = BTreeSet::new();
    for number in 0..=packages.len() {
        let [tree, origins] = outputs::slice(number);
        let slice = image.context.decode_tree(image.made[&tree]).unwrap();
        let origins = image.context.decode_origins(image.made[&origins]).unwrap();
        for entry in slice.entries() {
            assert_eq!(Some(described(entry)), image.tree.get(&entry.path).map(described));
            let parent = entry.path.parent();
            assert!(parent.is_none_or(|parent| slice.get(&parent).is_some()), "{}", entry.path);
            let first = seen.insert(entry.path.clone());
            assert!(first || entry.is_directory(), "{} is in two slices", entry.path);
            if number < packages.len() && !entry.is_directory() {
                assert_eq!(origins.get(&entry.path), Some(&packages[number].origin()));
            }
        }
    }
    assert_eq!(seen.len(), image.tree.entries().len());
}

/// What a path is, but for the numbers of hard-link groups.
fn described(entry: &Entry) -> (u16, u32, u32, i64, bool) {
    (entry.mode, entry.uid, entry.gid, entry.mtime, entry.is_directory())
}
