//! Memory that commands share which no queue orders.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// How often is looked whether to stop.
const TICK: Duration = Duration::from_millis(20);

/// Memory for commands. One always runs.
pub(super) struct Memory {
    /// All there is, where it is known.
    all: Option<u64>,
    /// What is taken, by how many.
    taken: Mutex<(u64, usize)>,
    freed: Condvar,
}

/// A part of [`Memory`], given back when dropped.
pub(super) struct Reserved<'a> {
    memory: &'a Memory,
    bytes: u64,
}

impl Memory {
    pub fn new(all: Option<u64>) -> Self {
        Self { all, taken: Mutex::default(), freed: Condvar::new() }
    }

    /// Waits until there are `bytes`; `None` where `stop` is set before.
    pub fn reserve(&self, bytes: u64, stop: &AtomicBool) -> Option<Reserved<'_>> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        while !stop.load(Ordering::Relaxed) {
            if taken.1 == 0 || self.all.is_none_or(|all| taken.0.saturating_add(bytes) <= all) {
                *taken = (taken.0.saturating_add(bytes), taken.1 + 1);
                return Some(Reserved { memory: self, bytes });
            }
            taken = self.freed.wait_timeout(taken, TICK).unwrap_or_else(PoisonError::into_inner).0;
        }
        None
    }
}

impl Drop for Reserved<'_> {
    fn drop(&mut self) {
        let mut taken = self.memory.taken.lock().unwrap_or_else(PoisonError::into_inner);
        *taken = (taken.0.saturating_sub(self.bytes), taken.1 - 1);
        self.memory.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_waits_and_one_always_runs() {
        let (memory, stop) = (Memory::new(Some(10)), AtomicBool::new(false));
        let large = memory.reserve(100, &stop).unwrap();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| memory.reserve(6, &stop).is_some());
            std::thread::sleep(TICK * 3);
            assert!(!waiting.is_finished());
            drop(large);
            assert!(waiting.join().unwrap());
        });
        let _small = memory.reserve(4, &stop).unwrap();
        let _other = memory.reserve(6, &stop).unwrap();
        stop.store(true, Ordering::Relaxed);
        assert!(memory.reserve(1, &stop).is_none());
    }
}
