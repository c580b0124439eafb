//! The contents of all files of a derivation's input trees: the packs that the input records name.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::digest::Digest;
use crate::store::{Pack, Packs, Store, StoreError};
use crate::tree::{ContentError, Contents};

/// The packs opened in one run. Sets are shared by derivations that need the same ones.
#[derive(Debug, Default)]
pub(super) struct PackCache {
    packs: Mutex<BTreeMap<Digest, Arc<Pack>>>,
    sets: Mutex<BTreeMap<Vec<Digest>, Arc<Packs>>>,
}

impl PackCache {
    /// The packs `names`, which are sorted.
    fn set(&self, store: &Store, names: &[Digest]) -> Result<Arc<Packs>, StoreError> {
        let mut sets = self.sets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(set) = sets.get(names) {
            return Ok(set.clone());
        }
        let packs = names.iter().map(|name| self.pack(store, name)).collect::<Result<_, _>>()?;
        let set = Arc::new(Packs::new(packs));
        sets.insert(names.to_vec(), set.clone());
        Ok(set)
    }

    fn pack(&self, store: &Store, name: &Digest) -> Result<Arc<Pack>, StoreError> {
        let mut packs = self.packs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pack) = packs.get(name) {
            return Ok(pack.clone());
        }
        let pack = Arc::new(Pack::open(store, name)?);
        packs.insert(*name, pack.clone());
        Ok(pack)
    }
}

/// The contents in reach of one derivation; packs are opened when the first content is.
#[derive(Debug)]
pub(super) struct InputContents<'a> {
    pub store: &'a Store,
    pub cache: &'a PackCache,
    pub stop: &'a AtomicBool,
    /// Sorted.
    pub packs: Vec<Digest>,
    pub opened: OnceLock<Arc<Packs>>,
}

impl InputContents<'_> {
    fn packs(&self) -> Result<&Packs, ContentError> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(stopped().into());
        }
        if let Some(packs) = self.opened.get() {
            return Ok(packs);
        }
        let packs = self.cache.set(self.store, &self.packs)?;
        Ok(self.opened.get_or_init(|| packs))
    }
}

impl Contents for InputContents<'_> {
    fn open(&self, digest: &Digest) -> Result<Box<dyn Read + Send + '_>, ContentError> {
        let inner = self.packs()?.open(digest)?;
        Ok(Box::new(Stoppable { inner, stop: self.stop }))
    }

    fn read(&self, digest: &Digest) -> Result<Vec<u8>, ContentError> {
        self.packs()?.read(digest)
    }
}

/// A reader that fails once the run is being stopped, so that long work ends without asking.
pub(super) struct Stoppable<'a, R> {
    pub inner: R,
    pub stop: &'a AtomicBool,
}

impl<R: Read> Read for Stoppable<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(stopped());
        }
        self.inner.read(buffer)
    }
}

/// The error of reading and writing in a run that is being stopped. Not `Interrupted`: that is tried again.
pub(super) fn stopped() -> io::Error {
    io::Error::other(super::BuildError::Cancelled)
}
