//! Several transfers at once.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::RemoteError;

/// Transfers at once: what registries and networks take without complaint.
const WORKERS: usize = 6;

/// Does `work` on each of `items`, several at once; the results in their order, or the first error, after which
/// nothing new begins.
pub(super) fn each<T: Sync, R: Send>(
    items: &[T],
    work: impl Fn(&T) -> Result<R, RemoteError> + Sync,
) -> Result<Vec<R>, RemoteError> {
    let results = Mutex::new(Vec::new());
    let failed = Mutex::new(None);
    let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let run = || {
        while !stop.load(Ordering::Relaxed) {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(at) else { return };
            match work(item) {
                Ok(result) => results.lock().expect("no holder panics").push((at, result)),
                Err(error) => {
                    stop.store(true, Ordering::Relaxed);
                    failed.lock().expect("no holder panics").get_or_insert(error);
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..WORKERS.min(items.len()) {
            scope.spawn(run);
        }
        run();
    });
    if let Some(error) = failed.into_inner().expect("no holder panics") {
        return Err(error);
    }
    let mut results = results.into_inner().expect("no holder panics");
    results.sort_by_key(|(at, _)| *at);
    Ok(results.into_iter().map(|(_, result)| result).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_order_or_the_error() {
        let items: Vec<u32> = (0..100).collect();
        assert_eq!(each(&items, |item| Ok(item * 2)).unwrap()[99], 198);
        let failed = each(&items, |item| if *item == 7 { Err(RemoteError::Cancelled) } else { Ok(()) });
        assert!(matches!(failed, Err(RemoteError::Cancelled)));
        assert!(each(&[] as &[u32], |_| Ok(())).unwrap().is_empty());
    }
}
