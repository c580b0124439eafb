//! The lock file: what is written is read again, and what is damaged is told clearly.

use std::collections::BTreeMap;

use hbuild::digest::Sha256;
use hbuild::lock::{
    Lock, LockError, LockedBlob, LockedGit, LockedOci, LockedPackage, LockedPlatform, LockedRoot,
    LockedVariant, Request, Snapshot, SnapshotIndex,
};
use miette::Diagnostic;
use proptest::prelude::*;

fn lock() -> Lock {
    let package = |name: &str, arch: &str| LockedPackage {
        name: name.to_owned(),
        version: "1:2.0~rc1-3+b1".to_owned(),
        arch: arch.to_owned(),
        sha256: Some(Sha256::of(name.as_bytes())),
        checksum: None,
        size: 1234,
        file: format!("pool/main/{name}_2.0~rc1-3+b1_{arch}.deb"),
        source: "source".to_owned(),
        source_version: (name == "a").then(|| "1:2.0~rc1-3".to_owned()),
        snapshot: "debian/trixie@2026-01-10T10:12:52Z".to_owned(),
    };
    let packages = vec![package("a", "amd64"), package("b", "all")];
    let request = Request {
        distro: "debian13".to_owned(),
        arch: "amd64".to_owned(),
        repositories: vec!["debian trixie main".to_owned()],
        packages: vec!["a".to_owned(), "b".to_owned()],
        exclude: vec!["c".to_owned()],
        resolve: "full".to_owned(),
    };
    let variant = LockedVariant {
        image: "hello".to_owned(),
        recipe: "hello.hb".to_owned(),
        point: BTreeMap::from([
            ("arch".to_owned(), "amd64".to_owned()),
            ("distro".to_owned(), "debian13".to_owned()),
        ]),
        request: request.clone(),
        packages: packages.iter().map(LockedPackage::reference).collect(),
        cut: vec!["a: c (>= 1) | d".to_owned()],
    };
    let snapshot = Snapshot {
        id: "debian/trixie@2026-01-10T10:12:52Z".to_owned(),
        repository: "debian".to_owned(),
        url: None,
        suite: "trixie".to_owned(),
        codename: Some("trixie".to_owned()),
        date: "2026-01-10T10:12:52Z".to_owned(),
        valid_until: Some("2026-01-17T10:12:52Z".to_owned()),
        in_release: Some(Sha256::of(b"InRelease")),
        in_release_size: Some(140_000),
        signed_by: vec!["4CB50190207B4758A3F73A796ED0E7B82643E131".to_owned()],
        indexes: vec![SnapshotIndex {
            component: "main".to_owned(),
            arch: "amd64".to_owned(),
            path: "main/binary-amd64/Packages.xz".to_owned(),
            sha256: Sha256::of(b"Packages"),
            size: 9_678_380,
        }],
    };
    let root = LockedRoot {
        recipes: vec!["hello.hb".to_owned(), "other.hb".to_owned()],
        request: Request { packages: vec!["a".to_owned()], ..request },
        packages: vec![packages[0].reference()],
        cut: Vec::new(),
    };
    let git = LockedGit {
        url: "https://example.org/x.git".to_owned(),
        commit: "0123456789".repeat(4),
        submodules: true,
        recipes: vec!["hello.hb".to_owned()],
        sha256: Sha256::of(b"git"),
    };
    let layers = vec![LockedBlob { sha256: Sha256::of(b"layer"), size: 5 }];
    let manifest = LockedBlob { sha256: Sha256::of(b"manifest"), size: 8 };
    let oci = LockedOci {
        name: "docker.io/library/alpine".to_owned(),
        digest: Sha256::of(b"index"),
        recipes: vec!["app.hb".to_owned()],
        platforms: vec![LockedPlatform { arch: "amd64".to_owned(), manifest, layers }],
    };
    Lock {
        version: 1,
        snapshots: vec![snapshot],
        packages,
        variants: vec![variant],
        roots: vec![root],
        git: vec![git],
        oci: vec![oci],
    }
}

#[test]
fn it_is_toml_that_other_readers_understand() {
    let text = lock().serialize();
    assert_eq!(Lock::parse(&text).unwrap(), lock());
    let value: toml::Value = toml::from_str(&text).unwrap();
    assert_eq!(value["package"][1]["name"].as_str(), Some("b"));
    assert_eq!(value["variant"][0]["request"]["exclude"][0].as_str(), Some("c"));
    assert_eq!(value["root"][0]["request"]["packages"][0].as_str(), Some("a"));
    assert_eq!(value["git"][0]["submodules"].as_bool(), Some(true));
    assert_eq!(value["oci"][0]["platform"][0]["layers"][0]["size"].as_integer(), Some(5));
    assert_eq!(value["snapshot"][0]["indexes"][0]["size"].as_integer(), Some(9_678_380));
    let serde: Lock = toml::from_str(&toml::to_string(&lock()).unwrap()).unwrap();
    assert_eq!(serde, lock());
    assert!(text.lines().all(|line| line.len() < 200), "one item a line");
    assert_eq!(Lock::parse(&Lock::empty().serialize()).unwrap(), Lock::empty());
}

#[test]
fn order_does_not_matter() {
    let mut mixed = lock();
    mixed.packages.reverse();
    mixed.variants[0].packages.reverse();
    mixed.roots[0].recipes.reverse();
    assert_eq!(Lock::parse(&mixed.serialize()).unwrap(), lock());
}

#[test]
fn damage_is_told_with_its_own_code() {
    let text = lock().serialize();
    let change = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        text.replacen(from, to, 1)
    };
    let cases = [
        (String::new(), "damaged"),
        ("nonsense".to_owned(), "damaged"),
        (text[..text.len() / 2].to_owned(), "damaged"),
        (change("size = 1234", "size = \"1234\""), "damaged"),
        (change("suite = ", "sweet = "), "damaged"),
        (change("version = 1\n", "version = 2\n"), "newer"),
        (change("[[package]]", "<<<<<<< ours\n[[package]]"), "merge_conflict"),
        (change("  \"b=", "  \"x="), "inconsistent"),
        (change("snapshot = \"debian/trixie@", "snapshot = \"debian/sid@"), "inconsistent"),
        (change("file = \"pool/", "file = \"../"), "inconsistent"),
        (change("date = \"2026", "date = \"year"), "inconsistent"),
        (format!("{text}{}", &text[text.find("[[variant]]").unwrap()..]), "inconsistent"),
        (format!("{text}{}", &text[text.find("[[root]]").unwrap()..]), "inconsistent"),
        (format!("{text}{}", &text[text.find("[[git]]").unwrap()..]), "inconsistent"),
        (change("  \"a=1:2.0~rc1-3+b1:amd64\",\n]\n[root", "  \"x=1:amd64\",\n]\n[root"), "inconsistent"),
        (change("commit = \"0123", "commit = \"HEAD"), "inconsistent"),
    ];
    for (text, code) in cases {
        let error = Lock::parse(&text).unwrap_err();
        assert_eq!(error.code().unwrap().to_string(), format!("hbuild::lock::{code}"), "{error}");
        assert!(error.help().is_some());
    }
    let error = Lock::parse(&change("suite = ", "sweet = ")).unwrap_err();
    assert!(matches!(error, LockError::Damaged { line: 7, .. }), "{error}");
}

proptest! {
    #[test]
    fn any_text_round_trips(name in "\\PC*[\"\\\\\u{1}\u{7f}\u{85}\n\t]*\\PC*", label in "\\PC*") {
        let mut lock = lock();
        lock.variants[0].image = name;
        lock.variants[0].point.insert(label.clone(), label);
        prop_assert_eq!(Lock::parse(&lock.serialize()).unwrap(), lock);
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC*", at in 0_usize..2000) {
        let mut whole = lock().serialize();
        let at = (0..=at.min(whole.len())).rev().find(|at| whole.is_char_boundary(*at)).unwrap();
        whole.insert_str(at, &text);
        let _ = Lock::parse(&whole);
    }
}
