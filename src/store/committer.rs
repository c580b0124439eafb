//! The thread that commits what the others finish, so that nobody waits for the disk but the end of the build.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::{Duration, Instant};

use super::{KeyLock, Record, Store, StoreError};
use crate::graph::DerivationId;

/// How long a group is gathered. Every sync halts who makes files in the meantime, so few are better.
const GATHER: Duration = Duration::from_millis(100);

/// One finished derivation.
#[derive(Debug)]
pub struct Finished {
    /// The derivation.
    pub id: DerivationId,
    /// What it gave.
    pub record: Record,
    /// The right to write the record; given up when it stands. `None` where another derivation of the same run,
    /// sent before, gave the record: then only the memo is written.
    pub lock: Option<KeyLock>,
}

impl Store {
    /// Runs `body` beside a thread that commits, in groups, what is sent to it. Returns the body's value and whether all that was sent is durable now. When a
    /// commit fails, `failed` is called once; while `discard` is set, nothing more is committed.
    pub fn committing<T>(
        &self,
        discard: &AtomicBool,
        failed: impl FnOnce() + Send,
        body: impl FnOnce(Sender<Finished>) -> T,
    ) -> (T, Result<(), StoreError>) {
        std::thread::scope(|scope| {
            let (sender, receiver) = mpsc::channel();
            let thread = scope.spawn(move || {
                let result = self.commit_all(&receiver, discard);
                if result.is_err() {
                    failed();
                }
                // What was not committed gives up its locks with the receiver.
                result
            });
            let value = body(sender);
            let committed = thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            (value, committed)
        })
    }

    fn commit_all(&self, receiver: &Receiver<Finished>, discard: &AtomicBool) -> Result<(), StoreError> {
        while let Ok(first) = receiver.recv() {
            let mut group = vec![first];
            let end = Instant::now() + GATHER;
            // Ends at once when nobody is left who could send.
            while let Ok(next) = receiver.recv_timeout(end.saturating_duration_since(Instant::now())) {
                group.push(next);
            }
            if !discard.load(Ordering::Relaxed) {
                self.commit(&mut group)?;
            }
        }
        Ok(())
    }
}
