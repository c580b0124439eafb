//! Objects, packs, records, blobs and partial files.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use hbuild::digest::{Digest, Sha256};
use hbuild::distro::cache::IndexCache;
use hbuild::graph::{DerivationId, DerivationKey, FixedOutput};
use hbuild::store::{Finished, Pack, Packs, Record, Store, StoreError};
use hbuild::tree::{ContentSink, Contents};
use proptest::prelude::*;

fn record(key: &str, outputs: &[(&str, hbuild::exec::ObjectRef)]) -> (DerivationId, Record) {
    let record = Record {
        key: DerivationKey(Digest::of(key.as_bytes())),
        label: key.to_owned(),
        outputs: outputs.iter().map(|(name, object)| ((*name).to_owned(), *object)).collect(),
        inputs: Vec::new(),
        references: Vec::new(),
        sha256: BTreeMap::new(),
        warnings: vec!["a warning".to_owned()],
        execution: None,
    };
    (DerivationId(Digest::of(format!("id of {key}").as_bytes())), record)
}

fn commit(store: &Store, (id, record): (DerivationId, Record)) {
    let lock = store.try_lock_key(&record.key).unwrap().unwrap();
    assert!(store.try_lock_key(&record.key).unwrap().is_none());
    store.commit(&mut [Finished { id, record, lock: Some(lock) }]).unwrap();
}

#[test]
fn objects_are_whole_read_only_and_found_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let object = store.put(b"some bytes").unwrap();
    assert_eq!(object.digest, Digest::of(b"some bytes"));
    assert!(matches!(store.path(&object.digest), Err(StoreError::MissingObject(_))), "not durable yet");
    let mut file = store.create().unwrap();
    file.write_all(&vec![7; 1_000_000]).unwrap();
    let (large, sha256) = file.finish().unwrap();
    assert_eq!(sha256, Sha256::of(&vec![7; 1_000_000]));
    let (id, made) = record("a", &[("file", object), ("large", large)]);
    commit(&store, (id, made.clone()));
    assert_eq!(store.recall(&id), Some(made.clone()));
    drop(store);

    let store = Store::open(folder.path()).unwrap();
    assert_eq!(store.recall(&id), Some(made.clone()));
    assert_eq!(store.record(&made.key), Some(made));
    let path = store.path(&object.digest).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o222, 0);
    assert_eq!(store.read(&object).unwrap(), b"some bytes");
    let mut bytes = Vec::new();
    store.reader(&large).unwrap().read_to_end(&mut bytes).unwrap();
    assert_eq!(Digest::of(&bytes), large.digest);
}

#[test]
fn what_is_not_committed_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let object = store.put(b"some bytes").unwrap();
    let mut unfinished = store.create().unwrap();
    unfinished.write_all(b"other").unwrap();
    drop(unfinished);
    drop(store);
    assert!(!Store::open(folder.path()).unwrap().contains(&object));
    assert_eq!(fs::read_dir(folder.path().join("tmp")).unwrap().count(), 0);
}

#[test]
fn the_first_record_of_a_key_stands() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let (one, two) = (store.put(b"one").unwrap(), store.put(b"two").unwrap());
    let (id, first) = record("key", &[("file", one)]);
    commit(&store, (id, first.clone()));
    commit(&store, record("key", &[("file", two)]));
    assert_eq!(store.record(&first.key), Some(first.clone()));
    // One whose object is lost is a miss, and may be replaced.
    fs::remove_file(store.path(&one.digest).unwrap()).unwrap();
    assert_eq!(store.record(&first.key), None);
    let (id, second) = record("key", &[("file", two)]);
    commit(&store, (id, second.clone()));
    assert_eq!(store.recall(&id), Some(second));
}

#[test]
fn torn_records_and_short_objects_are_misses() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let object = store.put(b"some bytes").unwrap();
    let (id, made) = record("a", &[("file", object)]);
    commit(&store, (id, made.clone()));
    let path = store.path(&object.digest).unwrap();
    fs::remove_file(&path).unwrap();
    fs::write(&path, b"").unwrap();
    assert_eq!(store.recall(&id), None, "as a power cut leaves a file that was not synced");
    let again = store.put(b"some bytes").unwrap();
    assert_eq!(again, object);
    commit(&store, (id, made.clone()));
    assert_eq!(store.recall(&id), Some(made.clone()));
    let hex = made.key.to_string();
    let file = folder.path().join("records").join(&hex[..2]).join(&hex);
    let bytes = fs::read(&file).unwrap();
    for length in 0..bytes.len() {
        // In place: the memo is another name of the same file.
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        fs::write(&file, &bytes[..length]).unwrap();
        assert_eq!(store.recall(&id), None);
    }
}

#[test]
fn damaged_bytes_are_noticed_when_they_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let object = store.put(b"some bytes").unwrap();
    let mut pack = store.create_pack().unwrap();
    let content = pack.keep_bytes(b"packed bytes").unwrap();
    let pack = pack.finish().unwrap();
    commit(&store, record("a", &[("file", object), ("pack", pack)]));
    let flip = |path: &Path, at: usize| {
        let mut bytes = fs::read(path).unwrap();
        bytes[at] ^= 1;
        fs::remove_file(path).unwrap();
        fs::write(path, bytes).unwrap();
    };
    flip(&store.path(&object.digest).unwrap(), 3);
    flip(&store.path(&pack.digest).unwrap(), 3);
    let store = Store::open(folder.path()).unwrap();
    assert!(matches!(store.read(&object), Err(StoreError::DamagedObject(_))));
    assert!(store.reader(&object).unwrap().read_to_end(&mut Vec::new()).is_err());
    let packs = Packs::new(vec![Pack::open(&store, &pack.digest).unwrap().into()]);
    assert!(packs.read(&content).is_err());
    assert!(packs.open(&content).unwrap().read_to_end(&mut Vec::new()).is_err());
    flip(&store.path(&pack.digest).unwrap(), 20);
    assert!(matches!(Pack::open(&store, &pack.digest), Err(StoreError::DamagedObject(_))), "the trailer");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn packs_give_back_what_they_got(
        sizes in proptest::collection::vec(
            prop_oneof![0..100usize, 0..70_000usize, 1_000_000..1_100_000usize, Just(1 << 20)],
            1..12,
        ),
        repeat in 0..4usize,
        whole in any::<bool>(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let content = |number: usize, size: usize| -> Vec<u8> {
            let mut bytes = vec![0; size];
            blake3::Hasher::new().update(&[number as u8]).finalize_xof().fill(&mut bytes);
            bytes
        };
        let mut contents: Vec<Vec<u8>> =
            sizes.iter().enumerate().map(|(number, size)| content(number, *size)).collect();
        for number in 0..repeat.min(contents.len()) {
            contents.push(contents[number].clone());
        }
        let mut pack = store.create_pack().unwrap();
        for bytes in &contents {
            if whole {
                prop_assert_eq!(pack.keep_bytes(bytes).unwrap(), Digest::of(bytes));
            } else {
                let (digest, size) = pack.keep(&mut bytes.as_slice()).unwrap();
                prop_assert_eq!((digest, size), (Digest::of(bytes), bytes.len() as u64));
            }
        }
        let object = pack.finish().unwrap();
        prop_assert_eq!(Digest::of(&store.read(&object).unwrap()), object.digest);
        commit(&store, record("pack", &[("pack", object)]));
        for store in [&store, &Store::open(folder.path()).unwrap()] {
            let pack = Pack::open(store, &object.digest).unwrap();
            let first = contents.iter().find(|bytes| !bytes.is_empty());
            prop_assert_eq!(pack.first(), first.map(|bytes| Digest::of(bytes)));
            let mut distinct = contents.clone();
            distinct.sort();
            distinct.dedup();
            distinct.retain(|bytes| !bytes.is_empty());
            prop_assert_eq!(pack.contents().count(), distinct.len());
            let total: usize = distinct.iter().map(Vec::len).sum();
            prop_assert_eq!(object.size as usize, total + 48 * distinct.len() + 48, "no content stands twice");
            let packs = Packs::new(vec![pack.into()]);
            for bytes in &contents {
                prop_assert_eq!(&packs.read(&Digest::of(bytes)).unwrap(), bytes);
                let mut streamed = Vec::new();
                packs.open(&Digest::of(bytes)).unwrap().read_to_end(&mut streamed).unwrap();
                prop_assert_eq!(&streamed, bytes);
            }
            prop_assert!(packs.read(&Digest::of(b"absent")).is_err());
        }
    }
}

#[test]
fn the_form_of_packs_is_pinned() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let mut pack = store.create_pack().unwrap();
    pack.keep_bytes(b"one").unwrap();
    pack.keep(&mut &b"two"[..]).unwrap();
    pack.keep_bytes(b"one").unwrap();
    let bytes = store.read(&pack.finish().unwrap()).unwrap();
    let mut entries = [(Digest::of(b"one"), 0u64, 3u64), (Digest::of(b"two"), 3, 3)];
    entries.sort();
    let trailer: Vec<u8> = entries
        .iter()
        .flat_map(|(digest, offset, length)| {
            [&digest.0[..], &offset.to_le_bytes(), &length.to_le_bytes()].concat()
        })
        .collect();
    let expected =
        [b"onetwo", &trailer[..], &2u64.to_le_bytes(), &Digest::of(&trailer).0, b"hbpack1\n"].concat();
    assert_eq!(bytes, expected);
}

#[test]
fn hostile_packs_are_refused_without_a_panic() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let mut good = store.create_pack().unwrap();
    good.keep_bytes(b"content").unwrap();
    let good = store.read(&good.finish().unwrap()).unwrap();
    for at in 7..good.len() {
        for bit in 0..8 {
            let mut bytes = good.clone();
            bytes[at] ^= 1 << bit;
            let object = store.put(&bytes).unwrap();
            assert!(Pack::open(&store, &object.digest).is_err(), "byte {at} bit {bit}");
        }
        let object = store.put(&good[..at]).unwrap();
        assert!(Pack::open(&store, &object.digest).is_err());
    }
}

#[test]
fn blobs_and_their_forms_are_found_by_sha256() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let sha256 = store.keep_blob(b"InRelease").unwrap();
    assert_eq!(sha256, Sha256::of(b"InRelease"));
    store.keep_derived("index-1", &sha256, b"decoded").unwrap();
    store.keep_derived("index-1", &sha256, b"decoded again").unwrap();
    drop(store);
    let store = Store::open(folder.path()).unwrap();
    let cache: &dyn IndexCache = &store;
    assert!(cache.has_file(sha256));
    assert_eq!(cache.file(sha256).unwrap().unwrap(), b"InRelease");
    assert_eq!(cache.derived("index-1", sha256).unwrap().unwrap(), b"decoded again");
    assert_eq!(cache.derived("index-2", sha256).unwrap(), None);
    assert_eq!(cache.file(Sha256::of(b"other")).unwrap(), None);
    let path = store.path(&Digest::of(b"InRelease")).unwrap();
    fs::remove_file(&path).unwrap();
    fs::write(&path, b"InReleasf").unwrap();
    assert_eq!(cache.file(sha256).unwrap(), None, "what is damaged is not given");
}

#[test]
fn a_partial_file_goes_on_in_the_next_run() {
    let folder = tempfile::tempdir().unwrap();
    let content = FixedOutput::Sha256(Sha256::of(b"first half, second half"));
    {
        let store = Store::open(folder.path()).unwrap();
        let mut partial = store.partial(&content).unwrap();
        partial.present(&mut |_| panic!("there is nothing yet")).unwrap();
        partial.write_all(b"first half, ").unwrap();
    }
    let store = Store::open(folder.path()).unwrap();
    let mut partial = store.partial(&content).unwrap();
    let mut present = Vec::new();
    partial.present(&mut |bytes| present.extend_from_slice(bytes)).unwrap();
    assert_eq!(present, b"first half, ");
    partial.write_all(b"second half").unwrap();
    let object = partial.finish().unwrap();
    assert_eq!(store.read(&object).unwrap(), b"first half, second half");
    assert_eq!(object.digest, Digest::of(b"first half, second half"));
    assert_eq!(fs::read_dir(folder.path().join("partial")).unwrap().count(), 0);
}

#[test]
fn a_folder_with_something_else_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("thesis.tex"), "x").unwrap();
    assert!(matches!(Store::open(folder.path()), Err(StoreError::NotAStore { .. })));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    let newer = tempfile::tempdir().unwrap();
    fs::write(newer.path().join("format"), "hbuild store 2\n").unwrap();
    assert!(matches!(Store::open(newer.path()), Err(StoreError::NotAStore { .. })));
}
