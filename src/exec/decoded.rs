//! Decoded forms of objects, each decoded once as long as something that is to come needs it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::digest::Digest;
use crate::store::Record;
use crate::tree::{OriginMap, Tree};

/// One form of objects by digest.
#[derive(Debug)]
pub(super) struct Forms<T> {
    slots: Mutex<BTreeMap<Digest, Slot<T>>>,
}

/// Filled by the first who needs it, while the others wait.
type Slot<T> = Arc<Mutex<Option<Arc<T>>>>;

impl<T> Default for Forms<T> {
    fn default() -> Self {
        Self { slots: Mutex::default() }
    }
}

impl<T> Forms<T> {
    /// The form of the object `digest`, made with `decode` when it is not known.
    pub fn get<E>(&self, digest: Digest, decode: impl FnOnce() -> Result<T, E>) -> Result<Arc<T>, E> {
        let slot =
            self.slots.lock().unwrap_or_else(PoisonError::into_inner).entry(digest).or_default().clone();
        let mut form = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(form) = &*form {
            return Ok(form.clone());
        }
        let decoded = Arc::new(decode()?);
        *form = Some(decoded.clone());
        Ok(decoded)
    }

    /// Notes the form of the object `digest`.
    pub fn insert(&self, digest: Digest, form: T) {
        let slot: Slot<T> = Arc::new(Mutex::new(Some(Arc::new(form))));
        self.slots.lock().unwrap_or_else(PoisonError::into_inner).insert(digest, slot);
    }

    fn remove(&self, digest: &Digest) {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner).remove(digest);
    }
}

/// The trees and origin maps of one run.
#[derive(Debug, Default)]
pub(super) struct Decoded {
    pub trees: Forms<Tree>,
    pub origins: Forms<OriginMap>,
}

impl Decoded {
    /// Forgets the outputs of `record`.
    pub fn forget(&self, record: &Record) {
        for object in record.outputs.values() {
            self.trees.remove(&object.digest);
            self.origins.remove(&object.digest);
        }
    }
}
