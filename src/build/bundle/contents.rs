//! The entries of a bundle in the making, each with the place of its bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use crate::bundle::{BundleError, Entry, Kind, RECIPES, STANDARD, Use, blob_path};
use crate::digest::Sha256;
use crate::store::{ObjectRef, Store};

/// Where the bytes of an entry are.
enum Place {
    Memory(Vec<u8>),
    Store(ObjectRef),
}

/// Everything that a bundle is to hold, by path.
#[derive(Default)]
pub(super) struct Contents {
    by_path: BTreeMap<String, (Sha256, u64, Place, BTreeSet<Use>)>,
}

impl Contents {
    /// Adds bytes that are known by their digest.
    pub fn bytes(&mut self, bytes: &[u8], it: Use) {
        let sha256 = Sha256::of(bytes);
        self.add(blob_path(&sha256), (sha256, bytes.len() as u64), it, || Place::Memory(bytes.to_vec()));
    }

    /// Adds an object of the store.
    pub fn object(&mut self, sha256: Sha256, object: ObjectRef, it: Use) {
        self.add(blob_path(&sha256), (sha256, object.size), it, || Place::Store(object));
    }

    /// Adds a module of the standard library.
    pub fn module(&mut self, name: &str, text: &str) {
        let name = name.trim_start_matches(STANDARD);
        let bytes = text.as_bytes();
        let described = (Sha256::of(bytes), bytes.len() as u64);
        let it = Use::new(Kind::Module, name);
        self.add(format!("{STANDARD}{name}.hb"), described, it, || Place::Memory(bytes.to_vec()));
    }

    /// Adds a file that stands at `path`, below the folder of all recipes; by its digest alone where it lies outside.
    pub fn file(&mut self, path: &str, bytes: &[u8], kind: Kind) {
        let it = Use::new(kind, path);
        let Some(clean) = clean(path) else { return self.bytes(bytes, it) };
        let described = (Sha256::of(bytes), bytes.len() as u64);
        self.add(format!("{RECIPES}{clean}"), described, it, || Place::Memory(bytes.to_vec()));
    }

    fn add(&mut self, path: String, (sha256, size): (Sha256, u64), it: Use, place: impl FnOnce() -> Place) {
        let uses =
            &mut self.by_path.entry(path).or_insert_with(|| (sha256, size, place(), BTreeSet::new())).3;
        uses.insert(it);
    }

    /// The entries as a manifest lists them.
    pub fn entries(&self) -> Vec<Entry> {
        let entry = |(path, (sha256, size, _, uses)): (&String, &(Sha256, u64, Place, BTreeSet<Use>))| {
            Entry { path: path.clone(), sha256: *sha256, size: *size, uses: uses.iter().cloned().collect() }
        };
        self.by_path.iter().map(entry).collect()
    }

    /// The bytes of one of the entries.
    pub fn open<'a>(&'a self, entry: &Entry, store: &'a Store) -> Result<Box<dyn Read + 'a>, BundleError> {
        match &self.by_path[&entry.path].2 {
            Place::Memory(bytes) => Ok(Box::new(bytes.as_slice())),
            Place::Store(object) => match store.reader(object) {
                Ok(reader) => Ok(reader),
                Err(error) => {
                    let source = std::io::Error::other(error);
                    Err(BundleError::Io { action: "read what goes into", source })
                }
            },
        }
    }
}

/// `path` in the form that it has in a bundle; `None` where it leaves the folder.
pub(super) fn clean(path: &str) -> Option<String> {
    let parts: Vec<&str> = path.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    let inside = !path.starts_with('/') && !parts.is_empty() && !parts.contains(&"..");
    (inside && !path.contains('\\') && !path.chars().any(char::is_control)).then(|| parts.join("/"))
}
