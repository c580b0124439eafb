//! A lock from the real archive: main, updates and security of trixie, for two architectures.

mod mirror_support;
mod support;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Instant;

use hbuild::digest::Sha256;
use hbuild::distro::access::{AccessError, RepositoryAccess, RepositoryFile};
use hbuild::distro::cache::MemoryCache;
use hbuild::distro::surroundings::Surroundings;
use hbuild::host::fetch::{Content, FetchOptions, Fetcher, Wanted};
use hbuild::host::mirror::{Mirrors, Sources};
use hbuild::host::repositories::Archive;
use hbuild::lock::{Lock, RecipeItems, UpdateOptions, Updated, update};
use hbuild_lang::recipe::{Arch, Image};
use mirror_support::images::{image, repository};
use mirror_support::repository::real_bases;

/// Counts what is fetched.
struct Counting<'a> {
    archive: Archive<'a>,
    paths: Mutex<Vec<String>>,
}

impl RepositoryAccess for Counting<'_> {
    fn fetch(&self, file: &RepositoryFile<'_>) -> Result<Vec<u8>, AccessError> {
        self.paths.lock().unwrap().push(file.paths[0].clone());
        self.archive.fetch(file)
    }
}

fn images(packages: &[&str]) -> Vec<Image> {
    let key = |name: &str| {
        let path = format!("{}/lang/std/keys/debian-archive-{name}.asc", env!("CARGO_MANIFEST_DIR"));
        std::fs::read_to_string(path).unwrap()
    };
    let (automatic, stable, security) =
        (key("trixie-automatic"), key("trixie-stable"), key("trixie-security-automatic"));
    let main = [automatic.as_str(), stable.as_str()];
    let repositories = [
        repository("debian", "trixie", &main),
        repository("debian", "trixie-updates", &main),
        repository("debian-security", "trixie-security", &[&security]),
    ];
    [Arch::Amd64, Arch::Arm64].map(|arch| image("python", arch, packages, &repositories)).to_vec()
}

#[test]
fn python_from_trixie() {
    if mirror_support::repository::real("debian", "dists/trixie/InRelease").is_none() {
        return support::skip("no Debian mirror is within reach");
    }
    let names = ["debian", "debian-security"];
    let given: BTreeMap<_, _> = names.map(|name| (name.to_owned(), real_bases(name))).into();
    let mirrors = Mirrors::new(Sources { given, ..Sources::default() });
    let fetcher = Fetcher::new(FetchOptions::default()).unwrap();
    let archive = Archive { fetcher: &fetcher, mirrors: &mirrors };
    let access = Counting { archive, paths: Mutex::default() };
    let cache = MemoryCache::default();
    let surroundings = Surroundings { access: &access, cache: &cache };
    let now = hbuild::host::clock::now();
    let lock = |packages: &[&str], old: Option<&Lock>, all: bool| {
        access.paths.lock().unwrap().clear();
        let images = images(packages);
        let recipes =
            [RecipeItems { name: "python.hb".to_owned(), images: &images, ..RecipeItems::default() }];
        let updated = if all { Updated::All } else { Updated::Outgrown };
        let options = UpdateOptions { update: updated, whole_folder: true, ..UpdateOptions::default() };
        let start = Instant::now();
        let outcome = update(&recipes, old, &options, surroundings, now).unwrap();
        let fetched = access.paths.lock().unwrap().len();
        eprintln!("{packages:?}: {:?}, {fetched} files fetched", start.elapsed());
        (outcome, fetched)
    };

    let (first, fetched) = lock(&["python3"], None, false);
    assert!((7..=8).contains(&fetched), "three InReleases, six indexes of which two may be alike: {fetched}");
    let lock_one = &first.lock;
    assert_eq!((lock_one.snapshots.len(), lock_one.variants.len()), (3, 2));
    for variant in &lock_one.variants {
        let names: Vec<&str> = variant.packages.iter().filter_map(|text| text.split('=').next()).collect();
        for name in ["python3", "python3-minimal", "libc6", "libpython3-stdlib"] {
            assert!(names.contains(&name), "{name} is missing in {names:?}");
        }
    }
    assert_eq!(Lock::parse(&lock_one.serialize()).as_ref().unwrap(), lock_one);
    let (same, fetched) = lock(&["python3"], Some(lock_one), false);
    assert_eq!((fetched, &same.lock), (0, lock_one));
    let (all, fetched) = lock(&["python3"], Some(lock_one), true);
    assert_eq!((fetched, &all.lock), (3, lock_one), "nothing but the InReleases is fetched again");
    let (more, fetched) = lock(&["python3", "ca-certificates"], Some(lock_one), false);
    assert_eq!(fetched, 3);
    assert!(more.changes.table().contains("+ ca-certificates"), "{}", more.changes.table());

    let package = lock_one.packages.iter().find(|package| package.arch == "arm64").unwrap();
    let snapshot = lock_one.snapshots.iter().find(|snapshot| snapshot.id == package.snapshot).unwrap();
    let urls = mirrors.urls(&snapshot.repository, None, &package.file, snapshot.date.parse().ok()).unwrap();
    let (content, size) = (package.sha256.map(Content::Sha256), Some(package.size));
    let wanted = Wanted { what: package.reference(), urls, content, size, limit: 0, headers: Vec::new() };
    let mut bytes = Vec::new();
    fetcher.fetch(&wanted, &mut bytes, &|_, _| {}).unwrap();
    assert_eq!(Some(Sha256::of(&bytes)), package.sha256);
}
