//! Logs: what an execution said, by derivation id. The only thing a failure leaves.

use std::collections::BTreeSet;
use std::fs;
use std::io;

use super::Store;
use super::error::StoreError;
use super::layout::{self, list};
use crate::digest::Digest;
use crate::graph::DerivationId;

impl Store {
    /// Keeps `text` as the log of the derivation, in place of an earlier one; no bytes are no log.
    pub fn write_log(&self, id: &DerivationId, text: &[u8]) -> Result<(), StoreError> {
        let path = self.layout.log(id);
        if text.is_empty() {
            return layout::remove(&path);
        }
        let new = self.write_scratch(text)?.keep();
        layout::rename(&new, &path).map_err(|error| StoreError::io("write", &path, error))
    }

    /// The log of the derivation's last execution that left one.
    pub fn log(&self, id: &DerivationId) -> Result<Option<Vec<u8>>, StoreError> {
        let path = self.layout.log(id);
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StoreError::io("read", &path, error)),
        }
    }

    /// The ids that begin with these digits, at least two, of derivations that have a record or a log; sorted.
    pub fn known_derivations(&self, prefix: &str) -> Result<Vec<DerivationId>, StoreError> {
        let mut found = BTreeSet::new();
        let Some(shard) = prefix.get(..2) else { return Ok(Vec::new()) };
        for folder in ["memo", "logs"] {
            for (name, _) in list(&self.layout.folder(folder).join(shard))? {
                if name.starts_with(prefix)
                    && let Ok(digest) = name.parse::<Digest>()
                {
                    found.insert(DerivationId(digest));
                }
            }
        }
        Ok(found.into_iter().collect())
    }
}
