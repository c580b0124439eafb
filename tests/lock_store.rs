//! The store as the cache of indexes: the same file kept by many threads at once.

use std::sync::{Barrier, Mutex};

use hbuild::digest::Sha256;
use hbuild::distro::cache::IndexCache;
use hbuild::store::Store;

#[test]
fn many_threads_keep_the_same_file() {
    let folder = tempfile::tempdir().unwrap();
    let store: &dyn IndexCache = &Store::open(folder.path()).unwrap();
    let barrier = Barrier::new(8);
    let results = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for round in 0..50_u32 {
                    let bytes = round.to_le_bytes().repeat(1000);
                    let sha256 = Sha256::of(&bytes);
                    barrier.wait();
                    let kept = store.keep_file(sha256, &bytes);
                    let derived = store.keep_derived("form", sha256, &bytes);
                    results.lock().unwrap().extend([kept.err(), derived.err()].into_iter().flatten());
                    // Not before all have met: a thread that fails would leave the others waiting.
                    barrier.wait();
                    let found = (store.file(sha256), store.derived("form", sha256));
                    if !matches!(&found, (Ok(Some(one)), Ok(Some(other))) if *one == bytes && *other == bytes)
                    {
                        results.lock().unwrap().push(std::io::Error::other("not kept"));
                    }
                }
            });
        }
    });
    let errors = results.into_inner().unwrap();
    assert!(errors.is_empty(), "{errors:?}");
}
