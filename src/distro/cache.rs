//! Where indexes are kept between runs: verbatim, as evidence, and in the form that hbuild reads fast.

use std::collections::BTreeMap;
use std::io;
use std::sync::Mutex;

use crate::digest::Sha256;

/// Keeps what was fetched and verified, by digest. The store is one.
///
/// Losing an entry costs a fetch, nothing else. What is given back is what was kept under that digest: an
/// implementation that cannot be sure says that it has nothing.
pub trait IndexCache: Sync {
    /// Whether the file with this digest is here.
    fn has_file(&self, sha256: Sha256) -> bool;

    /// The file with this digest.
    fn file(&self, sha256: Sha256) -> Result<Option<Vec<u8>>, io::Error>;

    /// Keeps a signed index, Packages file or certificate verbatim.
    fn keep_file(&self, sha256: Sha256, bytes: &[u8]) -> Result<(), io::Error>;

    /// The form called `form` of the file with this digest.
    fn derived(&self, form: &str, sha256: Sha256) -> Result<Option<Vec<u8>>, io::Error>;

    /// Keeps a form of a file.
    fn keep_derived(&self, form: &str, sha256: Sha256, bytes: &[u8]) -> Result<(), io::Error>;
}

/// A cache for the run alone.
#[derive(Debug, Default)]
pub struct MemoryCache {
    entries: Mutex<BTreeMap<(String, Sha256), Vec<u8>>>,
}

impl MemoryCache {
    fn get(&self, form: &str, sha256: Sha256) -> Option<Vec<u8>> {
        let entries = self.entries.lock().expect("no holder panics");
        entries.get(&(form.to_owned(), sha256)).cloned()
    }
}

impl IndexCache for MemoryCache {
    fn has_file(&self, sha256: Sha256) -> bool {
        self.entries.lock().expect("no holder panics").contains_key(&(String::new(), sha256))
    }

    fn file(&self, sha256: Sha256) -> Result<Option<Vec<u8>>, io::Error> {
        Ok(self.get("", sha256))
    }

    fn keep_file(&self, sha256: Sha256, bytes: &[u8]) -> Result<(), io::Error> {
        self.keep_derived("", sha256, bytes)
    }

    fn derived(&self, form: &str, sha256: Sha256) -> Result<Option<Vec<u8>>, io::Error> {
        Ok(self.get(form, sha256))
    }

    fn keep_derived(&self, form: &str, sha256: Sha256, bytes: &[u8]) -> Result<(), io::Error> {
        let mut entries = self.entries.lock().expect("no holder panics");
        entries.insert((form.to_owned(), sha256), bytes.to_vec());
        Ok(())
    }
}
