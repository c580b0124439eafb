//! Logs: what an execution said, by derivation id. The only thing a failure leaves.

use std::fs;
use std::io;

use super::Store;
use super::error::StoreError;
use super::layout;
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
    pub fn log(&self, id: &DerivationId) -> Result<Option<String>, StoreError> {
        let path = self.layout.log(id);
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StoreError::io("read", &path, error)),
        }
    }
}
