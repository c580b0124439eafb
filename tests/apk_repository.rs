//! Indexes of Alpine repositories: genuine ones, and others that the test makes and signs.

mod apk_support;
mod support;

use std::collections::BTreeMap;
use std::fs;

use apk_support::{Entry, KEY, Signer, alpine, gzip, keys, tar};
use hbuild::digest::Sha256;
use hbuild::distro::alpine::repository::{KnownIndex, RepositoryError, SignedIndex, load_index};
use hbuild::distro::cache::{IndexCache, MemoryCache};
use hbuild::distro::surroundings::Surroundings;
use hbuild::host::fetch::{FetchOptions, Fetcher};
use hbuild::host::mirror::{Mirrors, Sources};
use hbuild::host::repositories::Archive;
use hbuild::timestamp::Timestamp;
use hbuild_lang::recipe::{Repository, RepositoryKey};
use miette::Diagnostic;

/// 2024-06-18.
const DAY: i64 = 1_718_668_800;

const TEXT: &str = "C:Q1YCZ4e/kV0Uaynh14//zvTTyN7x8=\nP:a\nV:1-r0\nA:x86_64\nS:10\nI:20\nT:one\nU:u\nL:MIT\no:a\n\
    t:1688146859\n\nC:Q19qUyV9TFS+tErPDBnvqG7VqyvyM=\nP:b\nV:2-r0\nA:x86_64\nS:10\nI:20\nT:two\nU:u\nL:MIT\no:b\n\
    t:1688146860\nD:a\n\n";

fn repository(name: &str, suite: &str, keys: &[(String, String)], url: Option<String>) -> Repository {
    let keys =
        keys.iter().map(|(name, text)| RepositoryKey { name: name.clone(), text: text.as_str().into() });
    Repository {
        name: name.to_owned(),
        url,
        suite: suite.to_owned(),
        components: vec!["main".to_owned()],
        keys: keys.collect(),
        tag: None,
    }
}

/// The part of an index that is signed, of this time.
fn signed(text: &str, time: i64) -> Vec<u8> {
    let dated = |name: &str, text: &str| Entry { mtime: time as u64, ..Entry::file(name, text.as_bytes()) };
    gzip(&tar(&[dated("DESCRIPTION", "v3.19.1-9-gabc\n"), dated("APKINDEX", text)], true))
}

/// A repository in a folder, and what is between it and the caller.
struct World {
    folder: tempfile::TempDir,
    signer: Signer,
    cache: MemoryCache,
}

impl World {
    fn new() -> Option<Self> {
        let signer = Signer::new(2048)?;
        Some(Self { folder: tempfile::tempdir().unwrap(), signer, cache: MemoryCache::default() })
    }

    fn repository(&self) -> Repository {
        let url = format!("file:{}", self.folder.path().display());
        repository("own", "v1", &[(KEY.to_owned(), self.signer.public.clone())], Some(url))
    }

    fn put(&self, bytes: &[u8]) {
        let folder = self.folder.path().join("v1/main/x86_64");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("APKINDEX.tar.gz"), bytes).unwrap();
    }

    /// Puts an index of this time, well signed.
    fn publish(&self, text: &str, time: i64) -> Vec<u8> {
        let signed = signed(text, time);
        let bytes = [self.signer.segment(&signed), signed].concat();
        self.put(&bytes);
        bytes
    }

    fn with<T>(&self, use_it: impl FnOnce(Surroundings<'_>) -> T) -> T {
        let fetcher = Fetcher::new(FetchOptions { rounds: 1, ..FetchOptions::default() }).unwrap();
        let mirrors = Mirrors::new(Sources { given: BTreeMap::new(), ..Sources::default() });
        let access = Archive { fetcher: &fetcher, mirrors: &mirrors };
        use_it(Surroundings { access: &access, cache: &self.cache })
    }

    fn refresh(&self, known: Option<i64>) -> Result<SignedIndex, RepositoryError> {
        let known = known.map(|date| KnownIndex { date: Timestamp(date) });
        let now = Timestamp(DAY + 3600);
        self.with(|world| SignedIndex::refresh(&self.repository(), "main", "x86_64", known, world, now))
    }

    fn code(&self, known: Option<i64>) -> String {
        let error = self.refresh(known).unwrap_err();
        assert!(error.help().is_some());
        error.code().unwrap().to_string().replace("hbuild::", "")
    }
}

#[test]
fn a_signed_index_is_kept_and_read() {
    let Some(world) = World::new() else { return };
    let bytes = world.publish(TEXT, DAY);
    let index = world.refresh(None).unwrap();
    assert_eq!((index.sha256, index.size), (Sha256::of(&bytes), bytes.len() as u64));
    assert_eq!((index.date, index.description.as_str()), (Timestamp(DAY), "v3.19.1-9-gabc"));
    assert_eq!(index.signed_by, [KEY]);
    assert_eq!(
        (index.name(), index.path()),
        ("own/v1/main/x86_64".to_owned(), "v1/main/x86_64/APKINDEX.tar.gz".to_owned())
    );
    assert!(world.cache.has_file(index.sha256));
    fs::remove_dir_all(world.folder.path().join("v1")).unwrap();
    for _ in 0..2 {
        let packages = world.with(|world| load_index(&index, world)).unwrap();
        assert_eq!(packages.len(), 2);
    }
    let other = World { cache: MemoryCache::default(), ..world };
    assert!(matches!(other.with(|world| load_index(&index, world)), Err(RepositoryError::Fetch(_))));
    other.put(&bytes);
    assert_eq!(other.with(|world| load_index(&index, world)).unwrap().len(), 2);
}

#[test]
fn an_index_has_the_date_of_its_archive_or_of_its_newest_package() {
    let Some(world) = World::new() else { return };
    for (time, date) in [(DAY, DAY), (0, 1_688_146_860), (315_532_800, 1_688_146_860)] {
        world.publish(TEXT, time);
        assert_eq!(world.refresh(None).unwrap().date, Timestamp(date));
    }
    world.publish(TEXT, DAY);
    assert!(world.refresh(Some(DAY)).is_ok());
    assert_eq!(world.code(Some(DAY + 1)), "alpine::older");
    world.publish(TEXT, DAY + 86_400 + 3700);
    assert_eq!(world.code(None), "alpine::not_yet_valid");
    world.publish("", 0);
    assert_eq!(world.refresh(None).unwrap().date, Timestamp(0));
}

#[test]
fn what_is_not_signed_by_a_key_of_the_repository_is_refused() {
    let (Some(world), Some(other)) = (World::new(), Signer::new(2048)) else { return };
    let (signed, newer) = (signed(TEXT, DAY), signed(TEXT, DAY + 60));
    let segment = |name: &str, signer: &Signer, hash: &str| {
        gzip(&tar(&[Entry::file(name, &signer.sign(hash, &signed))], false))
    };
    let own = world.signer.segment(&signed);
    let foreign = segment(".SIGN.RSA.someone.rsa.pub", &other, "-sha1");
    let strong = segment(&format!(".SIGN.RSA256.{KEY}"), &world.signer, "-sha256");
    for good in [vec![own.clone()], vec![strong], vec![foreign.clone(), own.clone()]] {
        world.put(&[good.concat(), signed.clone()].concat());
        world.refresh(None).unwrap();
    }
    let cases: Vec<(&str, Vec<Vec<u8>>)> = vec![
        ("unsigned", vec![signed.clone()]),
        ("other_key", vec![foreign.clone(), signed.clone()]),
        ("bad_signature", vec![own.clone(), newer.clone()]),
        ("bad_signature", vec![other.segment(&signed), signed.clone()]),
        ("bad_signature", vec![own.clone(), signed.clone(), b"x".to_vec()]),
        ("bad_signature", vec![own.clone(), signed.clone(), newer.clone()]),
        ("bad_signature", vec![own.clone()]),
        ("unsigned", vec![newer, own.clone(), signed.clone()]),
        ("index_v3", vec![b"ADB.ndx".to_vec()]),
        ("damaged_index", vec![b"<html>404</html>".to_vec()]),
        ("damaged_index", vec![]),
    ];
    for (code, parts) in cases {
        world.put(&parts.concat());
        assert_eq!(world.code(None), format!("alpine::{code}"), "{}", parts.len());
    }
    for at in (own.len()..own.len() + signed.len()).step_by(3) {
        let mut bytes = [&own[..], &signed].concat();
        bytes[at] ^= 1;
        world.put(&bytes);
        assert_eq!(world.code(None), "alpine::bad_signature", "byte {at}");
    }
    let unkeyed = Repository { keys: Vec::new(), ..world.repository() };
    let refused = SignedIndex::verify(&unkeyed, "main", "x86_64", &own).unwrap_err();
    assert_eq!(refused.code().unwrap().to_string(), "hbuild::alpine::no_keys");
}

#[test]
fn a_signed_archive_that_is_no_index_is_refused() {
    let Some(world) = World::new() else { return };
    let sign = |signed: Vec<u8>| world.put(&[world.signer.segment(&signed), signed].concat());
    sign(gzip(&tar(&[Entry::file("DESCRIPTION", b"x")], true)));
    assert_eq!(world.code(None), "alpine::no_index");
    sign(gzip(b"no tar"));
    assert_eq!(world.code(None), "alpine::damaged_index");
    sign(b"no gzip".to_vec());
    assert_eq!(world.code(None), "alpine::damaged_index");
    world.publish("P:half\n\n", DAY);
    let index = world.refresh(None).unwrap();
    let error = world.with(|world| load_index(&index, world)).unwrap_err();
    assert_eq!(error.code().unwrap().to_string(), "hbuild::alpine::unreadable_index");
    fs::remove_dir_all(world.folder.path().join("v1")).unwrap();
    assert_eq!(world.code(None), "host::not_found");
}

#[test]
fn genuine_indexes_are_signed_by_the_keys_of_the_distro() {
    let Some(alpine) = alpine() else { return };
    let read = |path: &str| fs::read(alpine.join(path).join("APKINDEX.tar.gz")).unwrap();
    let genuine = repository("alpine", "v3.19", &keys(&alpine, false), None);
    for (component, count, date) in
        [("main", 5443, "2024-06-18T15:36:06Z"), ("community", 17_587, "2024-06-18T15:25:05Z")]
    {
        let bytes = read(&format!("v3.19/{component}/x86_64"));
        let index = SignedIndex::verify(&genuine, component, "x86_64", &bytes).unwrap();
        assert_eq!(index.signed_by, ["alpine-devel@lists.alpinelinux.org-6165ee59.rsa.pub"]);
        assert_eq!(index.date.to_string()[..13], date[..13]);
        assert!(index.description.starts_with("v3.19"), "{}", index.description);
        let cache = MemoryCache::default();
        cache.keep_file(index.sha256, &bytes).unwrap();
        let fetcher = Fetcher::new(FetchOptions::default()).unwrap();
        let mirrors = Mirrors::new(Sources { given: BTreeMap::new(), ..Sources::default() });
        let access = Archive { fetcher: &fetcher, mirrors: &mirrors };
        let loaded = load_index(&index, Surroundings { access: &access, cache: &cache }).unwrap();
        assert_eq!(loaded.len(), count);
    }
    for arch in ["x86_64", "aarch64"] {
        let bytes = read(&format!("v3.20/main/{arch}"));
        let refused = SignedIndex::verify(&genuine, "main", arch, &bytes).unwrap_err();
        assert_eq!(refused.code().unwrap().to_string(), "hbuild::alpine::other_key");
        let named = repository("own", "v3.20", &keys(&alpine, true), None);
        assert!(SignedIndex::verify(&named, "main", arch, &bytes).is_ok());
    }
}
