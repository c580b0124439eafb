//! The thread that commits what the others finish, so that nobody waits for the disk but the end of the build.

use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{Scope, ScopedJoinHandle};

use super::{KeyLock, Record, Store, StoreError};
use crate::graph::DerivationId;

/// One finished derivation.
#[derive(Debug)]
pub struct Finished {
    /// The derivation.
    pub id: DerivationId,
    /// What it gave.
    pub record: Record,
    /// The right to write the record; given up when it stands.
    pub lock: KeyLock,
}

/// Takes finished derivations and commits them in groups: each group is what arrived during the last one.
#[derive(Debug)]
pub struct Committer<'scope> {
    sender: Sender<Finished>,
    thread: ScopedJoinHandle<'scope, Result<(), StoreError>>,
}

impl<'scope> Committer<'scope> {
    /// Starts the thread. `failed` is called from it, once, when a commit fails; what comes later is dropped.
    pub fn start<'env>(
        scope: &'scope Scope<'scope, 'env>,
        store: &'scope Store,
        failed: impl FnOnce() + Send + 'scope,
    ) -> Self {
        let (sender, receiver) = mpsc::channel();
        let work = move || {
            let result = run(store, &receiver);
            if result.is_err() {
                failed();
            }
            // Locks of what was not committed are given up here.
            drop(receiver);
            result
        };
        Self { sender, thread: scope.spawn(work) }
    }

    /// Where threads send what they finish.
    pub fn sender(&self) -> Sender<Finished> {
        self.sender.clone()
    }

    /// Waits until everything sent is durable. All other senders must be gone.
    pub fn finish(self) -> Result<(), StoreError> {
        drop(self.sender);
        self.thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

fn run(store: &Store, receiver: &Receiver<Finished>) -> Result<(), StoreError> {
    let mut unsynced = Vec::new();
    while let Ok(first) = receiver.recv() {
        let mut records = Vec::new();
        let mut locks = Vec::new();
        for Finished { id, record, lock } in std::iter::once(first).chain(receiver.try_iter()) {
            records.push((id, record));
            locks.push(lock);
        }
        unsynced = store.commit_after(&unsynced, &records)?;
        drop(locks);
    }
    store.settle_records(&unsynced)
}
