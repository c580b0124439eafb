//! Images of Alpine's packages hold what the real apk leaves: files, owners, applets, accounts and its database.

mod alpine_support;
mod support;

use std::collections::BTreeMap;
use std::io::Read;

use alpine_support::{ALL, EPOCH, merge, oracle, packages, parameters};
use hbuild_lang::recipe::Flavor;

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
    let scripts = |folder: &std::path::Path| scripts(&folder.join("lib/apk/db/scripts.tar"));
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
fn scripts(archive: &std::path::Path) -> Vec<(String, u32, u64, String)> {
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
        oracle::run(std::process::Command::new("chroot").arg(&folder).arg("/sbin/apk").args(arguments))
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
    oracle::run(std::process::Command::new("cp").arg("-r").arg(shared.join("v3.20")).arg(&mirror)).unwrap();
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
