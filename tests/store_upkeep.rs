//! Verifying, repairing and collecting.

mod synthetic;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, SystemTime};

use hbuild::digest::Sha256;
use hbuild::graph::{DerivationId, Graph, outputs};
use hbuild::store::{DamageKind, GcOptions, Outcome, Record, Refetch, Root, Store, StoreError};
use synthetic::{Synthetic, run_at, wide};

fn graph(name: &str) -> (Graph, DerivationId) {
    let mut graph = Graph::new();
    let id = wide(&mut graph, name, 3, 2);
    (graph, id)
}

/// A store with the records of the graph `name`.
fn filled(name: &str) -> (tempfile::TempDir, Store, Record) {
    let folder = synthetic::folder();
    let (graph, id) = graph(name);
    let (_, records) = run_at(folder.path(), &graph, &Synthetic::default());
    let store = Store::open(folder.path()).unwrap();
    (folder, store, records[&id].clone())
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.is_symlink() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

#[test]
fn every_flipped_bit_is_found_and_repaired() {
    let (folder, store, _) = filled("a");
    let layout = folder.path().join("layout");
    store.keep_blob(b"InRelease").unwrap();
    store.keep_derived("form", &Sha256::of(b"InRelease"), b"decoded").unwrap();
    let key = store.recall(&graph("a").1).unwrap().key;
    store
        .set_root(&Root { kind: "layout".into(), path: layout, records: vec![key], blobs: Vec::new() })
        .unwrap();
    assert_eq!(store.verify().unwrap().damages, []);
    let mut checked = 0;
    for kind in ["objects", "records", "memo", "blobs", "derived", "roots"] {
        let all = files(&folder.path().join(kind));
        assert!(!all.is_empty(), "{kind}");
        for path in all.into_iter().take(4) {
            let link = fs::read_link(&path).ok().map(|target| target.into_os_string().into_string().unwrap());
            let bytes = link.clone().map_or_else(|| fs::read(&path).unwrap(), String::into_bytes);
            for at in (0..bytes.len()).step_by(1 + bytes.len() / 23) {
                let mut flipped = bytes.clone();
                flipped[at] ^= 1 << (at % 7);
                let put = |bytes: &[u8]| {
                    fs::remove_file(&path).unwrap();
                    match &link {
                        Some(_) => symlink(String::from_utf8(bytes.to_vec()).unwrap(), &path).unwrap(),
                        None => fs::write(&path, bytes).unwrap(),
                    }
                };
                if flipped.contains(&0) && link.is_some() {
                    continue;
                }
                put(&flipped);
                let damages = store.verify().unwrap().damages;
                let below = path.strip_prefix(folder.path()).unwrap();
                assert!(
                    damages.iter().any(|damage| damage.path == below),
                    "{below:?} byte {at}: {damages:?}"
                );
                put(&bytes);
                checked += 1;
            }
        }
    }
    assert!(checked > 200, "{checked}");
    assert_eq!(store.verify().unwrap().damages, []);
}

#[test]
fn repair_drops_what_is_damaged_and_the_next_build_makes_it_again() {
    let (folder, store, before) = filled("a");
    let pack = before.references[0];
    let path = store.path(&pack).unwrap();
    fs::remove_file(&path).unwrap();
    fs::write(&path, b"rubbish").unwrap();
    fs::write(folder.path().join("objects/stray"), b"x").unwrap();
    let report = store.repair(None).unwrap();
    assert!(report.damages.iter().all(|damage| damage.outcome == Outcome::Removed));
    assert!(report.damages.iter().any(|damage| damage.kind == DamageKind::Object));
    assert!(report.damages.iter().any(|damage| damage.kind == DamageKind::Stray));
    assert!(report.damages.iter().any(|damage| damage.kind == DamageKind::LostOutput));
    assert_eq!(store.verify().unwrap().damages, []);
    let (graph, id) = graph("a");
    let (ends, records) = run_at(folder.path(), &graph, &Synthetic::default());
    assert!(ends[2] > 0);
    assert_eq!(records[&id].outputs, before.outputs);
    assert_eq!(store.verify().unwrap().damages, []);
}

#[test]
fn repair_gets_bytes_back_where_it_can() {
    struct Mirror(BTreeMap<Sha256, Vec<u8>>);
    impl Refetch for Mirror {
        fn refetch(&self, sha256: &Sha256) -> Option<Vec<u8>> {
            self.0.get(sha256).cloned()
        }
    }
    let (folder, store, before) = filled("a");
    let file = store.path(&hbuild::digest::Digest::of(b"a-1")).unwrap();
    fs::remove_file(&file).unwrap();
    fs::write(&file, b"a-2").unwrap();
    let mirror = Mirror(BTreeMap::from([(Sha256::of(b"a-1"), b"a-1".to_vec())]));
    let report = store.repair(Some(&mirror)).unwrap();
    assert_eq!(report.damages.len(), 1);
    assert_eq!(report.damages[0].outcome, Outcome::Restored);
    assert_eq!(fs::read(&file).unwrap(), b"a-1");
    assert_eq!(store.verify().unwrap().damages, []);
    let (ends, records) = run_at(folder.path(), &graph("a").0, &Synthetic::default());
    assert_eq!((ends, &records[&graph("a").1]), ([1, 0, 0], &before));
}

fn root(store: &Store, path: &Path, record: &Record, blobs: Vec<Sha256>) {
    let root = Root { kind: "layout".into(), path: path.to_owned(), records: vec![record.key], blobs };
    store.set_root(&root).unwrap();
}

fn gc(store: &Store, max_size: Option<u64>) -> hbuild::store::GcReport {
    store.gc(&GcOptions { max_size, ..GcOptions::default() }, &AtomicBool::new(false)).unwrap()
}

#[test]
fn the_collector_keeps_what_roots_lead_to_and_no_more() {
    let (folder, store, kept) = filled("kept");
    let (_, other) = run_at(folder.path(), &graph("other").0, &Synthetic::default());
    let outside = tempfile::tempdir().unwrap();
    root(&store, outside.path(), &kept, Vec::new());
    store.keep_blob(b"InRelease").unwrap();
    let before = store.info().unwrap();
    let dry = GcOptions { dry_run: true, ..GcOptions::default() };
    let planned = store.gc(&dry, &AtomicBool::new(false)).unwrap();
    assert_eq!(store.info().unwrap(), before);
    let report = gc(&store, None);
    assert_eq!(report, planned);
    assert_eq!(report.records, 10);
    let after = store.info().unwrap();
    assert_eq!(before.records - after.records, 10);
    assert_eq!(before.objects - after.objects, report.objects);
    assert_eq!(before.object_bytes - after.object_bytes, report.freed);
    assert_eq!(after.object_bytes, report.kept);
    assert_eq!(after.memo, after.records);
    assert_eq!(store.verify().unwrap().damages, []);
    assert!(store.blob(&Sha256::of(b"InRelease")).unwrap().is_some());
    let (ends, _) = run_at(folder.path(), &graph("kept").0, &Synthetic::default());
    assert_eq!(ends, [1, 0, 0]);
    let (ends, again) = run_at(folder.path(), &graph("other").0, &Synthetic::default());
    assert_eq!(ends, [0, 0, 10]);
    assert_eq!(again, other);
    // A root is gone with what needed it.
    drop(outside);
    assert_eq!(gc(&store, None).records, 20);
    assert_eq!(store.info().unwrap().roots, 0);
}

#[test]
fn with_a_size_the_least_recently_used_goes_first() {
    let (folder, store, first) = filled("first");
    for name in ["second", "third"] {
        run_at(folder.path(), &graph(name).0, &Synthetic { bytes: 4000, ..Synthetic::default() });
    }
    let age = |name: &str, hours: u64| {
        let mut open = vec![store.recall(&graph(name).1).unwrap().key];
        while let Some(key) = open.pop() {
            let hex = key.to_string();
            let path = folder.path().join("records").join(&hex[..2]).join(&hex);
            let time = SystemTime::now() - Duration::from_secs(3600 * hours);
            // Looking it up is a use: first that, then the time.
            open.extend(store.record(&key).unwrap().inputs);
            fs::File::open(path).unwrap().set_modified(time).unwrap();
        }
    };
    age("first", 30);
    age("second", 10);
    age("third", 20);
    let outside = tempfile::tempdir().unwrap();
    root(&store, outside.path(), &first, Vec::new());
    let all = store.info().unwrap().object_bytes;
    assert_eq!(gc(&store, Some(all)).objects, 0);
    age("second", 10);
    age("third", 20);
    assert!(gc(&store, Some(all - 1)).freed > 0);
    let known = |name: &str| store.recall(&graph(name).1).is_some();
    assert_eq!([known("first"), known("second"), known("third")], [true, true, false]);
    gc(&store, Some(0));
    assert_eq!([known("first"), known("second")], [true, false], "what a root names is never removed");
    assert!(store.has_references(&store.recall(&graph("first").1).unwrap()));
    assert_eq!(store.verify().unwrap().damages, []);
}

#[test]
fn the_collector_never_runs_beside_a_build() {
    let (_folder, store, _) = filled("a");
    let build = store.share(&AtomicBool::new(false)).unwrap();
    let error = store.gc(&GcOptions::default(), &AtomicBool::new(false)).unwrap_err();
    assert!(matches!(error, StoreError::InUse { .. }));
    let waits = GcOptions { wait: true, ..GcOptions::default() };
    std::thread::scope(|scope| {
        let collector = scope.spawn(|| store.gc(&waits, &AtomicBool::new(false)).unwrap());
        std::thread::sleep(Duration::from_millis(60));
        assert!(!collector.is_finished());
        drop(build);
        assert_eq!(collector.join().unwrap().records, 10);
    });
    let error = store.gc(&waits, &AtomicBool::new(true));
    assert!(error.is_ok(), "nobody to wait for");
}

#[test]
fn a_damaged_root_stops_the_collector() {
    let (folder, store, record) = filled("a");
    root(&store, folder.path(), &record, Vec::new());
    let path = files(&folder.path().join("roots")).remove(0);
    let mut bytes = fs::read(&path).unwrap();
    let last = bytes.len() - 10;
    bytes[last] ^= 1;
    fs::remove_file(&path).unwrap();
    fs::write(&path, bytes).unwrap();
    let error = store.gc(&GcOptions::default(), &AtomicBool::new(false)).unwrap_err();
    assert!(matches!(error, StoreError::DamagedRoot { .. }));
    assert_eq!(store.info().unwrap().records, 10);
    assert!(record.outputs.contains_key(outputs::TREE));
}
