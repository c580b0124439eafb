//! Exec roots: what they hold, who makes them, when they are made anew, verified and collected.

mod synthetic;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use hbuild::digest::Digest;
use hbuild::graph::{DerivationId, DerivationKey};
use hbuild::store::{
    DamageKind, ExecRoot, Finished, GcOptions, ObjectRef, Outcome, Pack, Packs, Record, Root, Store,
    StoreError,
};
use hbuild::tree::{ContentError, ContentSink, Contents, Entry, Tree, TreePath};

const EPOCH: i64 = 315_532_800;

/// A store with an exec tree in it, and the contents of its files.
struct World {
    folder: tempfile::TempDir,
    store: Store,
    tree: Tree,
    object: ObjectRef,
    packs: Packs,
}

fn path(text: &[u8]) -> TreePath {
    TreePath::new(text).unwrap()
}

impl World {
    fn new(files: usize) -> Self {
        let folder = synthetic::folder();
        let store = Store::open(&folder.path().join("store")).unwrap();
        let mut pack = store.create_pack().unwrap();
        let mut entries = vec![
            Entry::symlink(path(b"bin"), "usr/bin", EPOCH),
            Entry::symlink(path(b"usr/line\nend"), "\u{e4}", EPOCH),
            Entry::file(path(b"usr/bytes\xff"), pack.keep_bytes(b"bytes").unwrap(), 5, 0o644, EPOCH),
            Entry::file(path(b"usr/bin/tool"), pack.keep_bytes(b"#!tool").unwrap(), 6, 0o755, EPOCH),
            Entry::file(path(b"usr/empty"), Digest::of(b""), 0, 0o644, EPOCH),
            Entry::directory(path(b"tmp"), EPOCH),
        ];
        let large: Vec<u8> = (0..3_000_000u32).flat_map(u32::to_le_bytes).collect();
        let digest = pack.keep_bytes(&large).unwrap();
        entries.push(Entry::file(path(b"usr/large"), digest, large.len() as u64, 0o644, EPOCH));
        for number in 0..files {
            let text = number.to_string().repeat(3000);
            let digest = pack.keep_bytes(text.as_bytes()).unwrap();
            let at = format!("usr/lib/{}/{number}", number % 100);
            entries.push(Entry::file(path(at.as_bytes()), digest, text.len() as u64, 0o644, EPOCH));
        }
        let pack = pack.finish().unwrap();
        let tree = Tree::new(entries).unwrap().to_exec(EPOCH);
        let object = store.put(&tree.encode()).unwrap();
        let packs = Packs::new(vec![Arc::new(Pack::open(&store, &pack.digest).unwrap())]);
        Self { folder, store, tree, object, packs }
    }

    fn root<'a>(
        &'a self,
        mount_points: &'a [String],
        cancelled: &'a (dyn Fn() -> bool + Sync),
    ) -> ExecRoot<'a> {
        let (object, tree) = (self.object, &self.tree);
        ExecRoot { object, tree, mount_points, epoch: EPOCH, owner: None, threads: 2, cancelled }
    }

    fn make(&self) -> PathBuf {
        let name = self.store.exec_root(&self.root(&[], &|| false), &self.packs).unwrap();
        self.store.exec_roots().unwrap().join(name)
    }

    /// Makes the tree's object durable, named by a record that a root names.
    fn commit(&self) -> (DerivationKey, PathBuf) {
        let key = DerivationKey(Digest::of(b"key"));
        let record = Record {
            key,
            label: "project".into(),
            outputs: [("tree".to_owned(), self.object)].into(),
            inputs: Vec::new(),
            references: Vec::new(),
            sha256: Default::default(),
            warnings: Vec::new(),
            execution: None,
        };
        let lock = self.store.try_lock_key(&key).unwrap().unwrap();
        let id = DerivationId(Digest::of(b"id"));
        self.store.commit(&mut [Finished { id, record, lock: Some(lock) }]).unwrap();
        let layout = self.folder.path().join("layout");
        fs::create_dir(&layout).unwrap();
        let root =
            Root { kind: "layout".into(), path: layout.clone(), records: vec![key], blobs: Vec::new() };
        self.store.set_root(&root).unwrap();
        (key, layout)
    }
}

/// Every path below `folder` with its kind, mode and time.
fn listing(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut pending = vec![folder.to_owned()];
    while let Some(path) = pending.pop() {
        let metadata = fs::symlink_metadata(&path).unwrap();
        assert_eq!(metadata.mtime(), EPOCH, "{path:?}");
        let name =
            path.strip_prefix(folder).unwrap().as_os_str().as_encoded_bytes().escape_ascii().to_string();
        let mode = metadata.mode() & 0o7777;
        if metadata.is_dir() {
            found.push(format!("{name}/ {mode:o}"));
            pending.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if metadata.is_symlink() {
            found.push(format!("{name} -> {}", fs::read_link(&path).unwrap().display()));
        } else {
            found.push(format!("{name} {mode:o} {}", metadata.len()));
        }
    }
    found.sort();
    found
}

#[test]
fn a_root_is_the_tree_with_mount_points() {
    let world = World::new(0);
    let folder = world.make();
    assert_eq!(
        listing(&folder),
        [
            "/ 755",
            "bin -> usr/bin",
            "build/ 755",
            "dev/ 755",
            "out/ 755",
            "proc/ 755",
            "tmp/ 755",
            "usr/ 755",
            "usr/bin/ 755",
            "usr/bin/tool 755 6",
            "usr/bytes\\xff 644 5",
            "usr/empty 644 0",
            "usr/large 644 12000000",
            "usr/line\\nend -> \u{e4}",
        ]
    );
    assert_eq!(fs::read(folder.join("usr/bin/tool")).unwrap(), b"#!tool");
    let large = fs::read(folder.join("usr/large")).unwrap();
    assert!(large.chunks(4).zip(0u32..).all(|(bytes, number)| bytes == number.to_le_bytes()));
    let exec = folder.parent().unwrap();
    assert_eq!(fs::metadata(exec).unwrap().permissions().mode() & 0o777, 0o755);
    let further = vec!["out-doc".to_owned()];
    let other = world.store.exec_root(&world.root(&further, &|| false), &world.packs).unwrap();
    assert_ne!(exec.join(&other), folder);
    assert!(exec.join(&other).join("out-doc").is_dir());
    assert!(!folder.join("out-doc").exists());
}

/// Counts how often contents are read.
struct Counting<'a>(&'a Packs, AtomicUsize);

impl Contents for Counting<'_> {
    fn open(&self, digest: &Digest) -> Result<Box<dyn std::io::Read + Send + '_>, ContentError> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.open(digest)
    }
}

#[test]
fn what_is_wanted_by_many_at_once_is_made_once() {
    let world = World::new(300);
    let counting = Counting(&world.packs, AtomicUsize::new(0));
    let other = Store::open(world.store.root()).unwrap();
    std::thread::scope(|scope| {
        for store in [&world.store, &other, &world.store, &other] {
            scope.spawn(|| store.exec_root(&world.root(&[], &|| false), &counting).unwrap());
        }
    });
    assert_eq!(counting.1.load(Ordering::Relaxed), 304);
    assert_eq!(world.store.info().unwrap().exec_roots, 1);
}

#[test]
fn a_root_that_a_crash_may_have_torn_is_made_anew() {
    let world = World::new(0);
    let folder = world.make();
    let tool = folder.join("usr/bin/tool");
    fs::write(&tool, "torn").unwrap();
    assert_eq!(world.make(), folder);
    assert_eq!(fs::read(&tool).unwrap(), b"torn", "a root of this start of the machine is not looked at");
    for marker in ["", "another start of the machine"] {
        fs::write(&tool, "torn").unwrap();
        fs::write(folder.with_extension("boot"), marker).unwrap();
        world.make();
        assert_eq!(fs::read(&tool).unwrap(), b"#!tool");
    }
    fs::remove_file(folder.with_extension("boot")).unwrap();
    fs::remove_dir_all(folder.join("usr")).unwrap();
    world.make();
    assert_eq!(fs::read(&tool).unwrap(), b"#!tool");
}

#[test]
fn a_root_that_was_stopped_or_failed_leaves_nothing() {
    let world = World::new(300);
    let looks = AtomicUsize::new(0);
    let stop = || looks.fetch_add(1, Ordering::Relaxed) > 50;
    let stopped = world.store.exec_root(&world.root(&[], &stop), &world.packs);
    let error = StoreError::from_content(stopped.unwrap_err()).unwrap();
    assert!(matches!(error, StoreError::Stopped), "{error:?}");
    assert!(world.store.exec_root(&world.root(&[], &|| false), &Packs::default()).is_err());
    let left = fs::read_dir(world.store.exec_roots().unwrap()).unwrap();
    let left: Vec<_> = left.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect();
    assert_eq!(left, Vec::<PathBuf>::new());
    let mut tree = world.tree.clone().into_entries();
    tree.retain(|entry| entry.path != path(b"tmp"));
    tree.push(Entry::symlink(path(b"tmp"), "usr", EPOCH));
    let tree = Tree::new(tree).unwrap();
    let root = ExecRoot { object: ObjectRef::of(&tree.encode()), tree: &tree, ..world.root(&[], &|| false) };
    let error = StoreError::from_content(world.store.exec_root(&root, &world.packs).unwrap_err()).unwrap();
    assert!(matches!(&error, StoreError::NoMountPoint { path } if path == "/tmp"), "{error:?}");
    listing(&world.make());
}

#[test]
fn verify_finds_what_is_wrong_and_repair_drops_it() {
    let world = World::new(3);
    world.commit();
    let folder = world.make();
    assert_eq!(world.store.verify().unwrap().damages, []);
    let changes: [fn(&Path); 7] = [
        |folder| {
            let mut bytes = fs::read(folder.join("usr/large")).unwrap();
            bytes[7_000_000] ^= 4;
            fs::write(folder.join("usr/large"), bytes).unwrap();
        },
        |folder| fs::remove_file(folder.join("usr/empty")).unwrap(),
        |folder| fs::write(folder.join("usr/more"), "").unwrap(),
        |folder| {
            fs::remove_file(folder.join("bin")).unwrap();
            std::os::unix::fs::symlink("usr", folder.join("bin")).unwrap();
        },
        |folder| fs::set_permissions(folder.join("usr/empty"), fs::Permissions::from_mode(0o755)).unwrap(),
        |folder| fs::remove_dir_all(folder).unwrap(),
        |folder| {
            fs::remove_file(folder.join("usr/bin/tool")).unwrap();
            fs::create_dir(folder.join("usr/bin/tool")).unwrap();
        },
    ];
    for (number, change) in changes.into_iter().enumerate() {
        change(&folder);
        let report = world.store.verify().map(|report| report.damages);
        let damages = match report {
            Ok(damages) => damages,
            Err(error) => panic!("change {number}: {error:?}"),
        };
        assert_eq!(damages.len(), 1, "change {number}");
        assert_eq!((damages[0].kind, damages[0].outcome), (DamageKind::ExecRoot, Outcome::Found));
        let repaired = world.store.repair(None).unwrap().damages;
        assert_eq!(repaired[0].outcome, Outcome::Removed);
        assert!(!folder.exists());
        assert_eq!(world.store.verify().unwrap().damages, []);
        assert_eq!(world.make(), folder);
        assert_eq!(world.store.verify().unwrap().damages, [], "change {number}");
    }
}

#[test]
fn the_collector_keeps_roots_of_trees_that_are_needed() {
    let world = World::new(3);
    let (_, layout) = world.commit();
    let folder = world.make();
    let id = DerivationId(Digest::of(b"failed"));
    world.store.create_failed(&id).unwrap().finish().unwrap();
    assert_eq!(world.store.info().unwrap().failed, 1);
    let stop = AtomicBool::new(false);
    let gc =
        |dry_run| world.store.gc(&GcOptions { dry_run, ..GcOptions::default() }, &stop).unwrap().exec_roots;
    assert_eq!(gc(false), 0);
    assert!(folder.is_dir() && world.store.failed(&id).unwrap().is_none());
    fs::remove_dir(layout).unwrap();
    assert_eq!(gc(true), 1);
    assert!(folder.is_dir());
    assert_eq!(gc(false), 1);
    assert!(!folder.exists() && !folder.with_extension("boot").exists());
}

/// How long it takes: `cargo test --release --test store_exec_roots -- --ignored --nocapture`.
#[test]
#[ignore = "measures"]
fn ten_thousand_files() {
    let world = World::new(10_000);
    let started = std::time::Instant::now();
    world.make();
    eprintln!("10,000 files: {:?}", started.elapsed());
    let started = std::time::Instant::now();
    world.make();
    eprintln!("again: {:?}", started.elapsed());
}
