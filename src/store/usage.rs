//! Notes of what commands used the last time, by label: a later run orders its work by them. They are hints, which
//! decide nothing else, and are never missed.

use std::fs;

use super::error::{IoContext, StoreError};
use super::record::{seal, unseal};
use super::{Store, Usage, layout};

/// A command that took less time, in milliseconds, and less memory, in bytes, is not worth a note.
const WORTH_NOTING: (u64, u64) = (1_000, 64 << 20);

impl Store {
    /// What the last noted execution of a derivation with this label used.
    pub fn usage(&self, label: &str) -> Option<Usage> {
        unseal("usage", &fs::read(self.layout.usage(label)).ok()?)
    }

    /// Notes what an execution used.
    pub fn note_usage(&self, label: &str, usage: &Usage) -> Result<(), StoreError> {
        let path = self.layout.usage(label);
        let (time, memory) = WORTH_NOTING;
        if usage.wall_ms < time && usage.peak_memory < memory && !path.exists() {
            return Ok(());
        }
        let new = self.write_scratch(&seal("usage", usage))?.keep();
        layout::rename(&new, &path).at("write", &path)
    }
}
