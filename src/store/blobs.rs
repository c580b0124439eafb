//! Files kept verbatim by their SHA-256, such as signed indexes, and what is derived from them.

use std::fs;
use std::io::{self, Read, Write};
use std::path::PathBuf;

use super::error::{IoContext, StoreError};
use super::layout::Layout;
use super::lookup::note_use;
use super::write::io_error;
use super::{ObjectRef, Store};
use crate::digest::{Digest, Sha256};
use crate::distro::cache::IndexCache;

impl Store {
    /// Keeps `bytes`, durable at once, to be found by their SHA-256.
    pub fn keep_blob(&self, bytes: &[u8]) -> Result<Sha256, StoreError> {
        let sha256 = Sha256::of(bytes);
        let object = self.put(bytes)?;
        self.settle_objects(std::iter::once(object.digest))?;
        self.link_blob(self.layout.blob(&sha256), &object.digest)?;
        Ok(sha256)
    }

    /// Lets the blob `sha256`, which is the durable or pending object `object`, be found by its SHA-256.
    pub fn name_blob(&self, sha256: &Sha256, object: &ObjectRef) -> Result<(), StoreError> {
        self.settle_objects(std::iter::once(object.digest))?;
        self.link_blob(self.layout.blob(sha256), &object.digest)
    }

    /// The bytes of the blob with this SHA-256, checked; `None` where the store has none, or wrong ones.
    pub fn blob(&self, sha256: &Sha256) -> Result<Option<Vec<u8>>, StoreError> {
        let bytes = self.linked_bytes(self.layout.blob(sha256))?;
        Ok(bytes.filter(|bytes| Sha256::of(bytes) == *sha256))
    }

    /// The object that is the blob with this SHA-256.
    pub fn blob_object(&self, sha256: &Sha256) -> Option<ObjectRef> {
        let path = self.layout.blob(sha256);
        let digest = linked_object(&path)?;
        let size = self.size(&digest)?;
        Some(ObjectRef { digest, size })
    }

    /// Keeps `bytes` as the form `name` (lower-case letters, digits, `-`) of the blob with this SHA-256. The
    /// name holds the version of the form.
    pub fn keep_derived(&self, name: &str, sha256: &Sha256, bytes: &[u8]) -> Result<(), StoreError> {
        let object = self.put(bytes)?;
        self.settle_objects(std::iter::once(object.digest))?;
        self.link_blob(self.derived_path(name, sha256), &object.digest)
    }

    /// What [`Store::keep_derived`] kept, checked.
    pub fn derived(&self, name: &str, sha256: &Sha256) -> Result<Option<Vec<u8>>, StoreError> {
        self.linked_bytes(self.derived_path(name, sha256))
    }

    fn derived_path(&self, name: &str, sha256: &Sha256) -> PathBuf {
        debug_assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'));
        self.layout.folder("derived").join(name).join(sha256.to_hex())
    }

    fn link_blob(&self, path: PathBuf, digest: &Digest) -> Result<(), StoreError> {
        self.point(&path, &Layout::link_to("objects", &digest.to_hex()))
    }

    /// The bytes of the object that the symlink `path` points at; `None` for a link that leads nowhere, and for
    /// bytes that are not the object's.
    fn linked_bytes(&self, path: PathBuf) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(digest) = linked_object(&path) else { return Ok(None) };
        let Ok((mut file, object)) = self.open_file(&digest) else { return Ok(None) };
        let size = file.metadata().at("read", &object)?.len();
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
        file.read_to_end(&mut bytes).at("read", &object)?;
        note_use(&file);
        Ok((Digest::of(&bytes) == digest).then_some(bytes))
    }

    /// Keeps everything `reader` gives as an object, pending.
    pub fn put_reader(&self, reader: &mut dyn Read) -> Result<(ObjectRef, Sha256), StoreError> {
        let mut file = self.create()?;
        let mut block = vec![0; 128 * 1024];
        let scratch = self.layout.folder("tmp");
        loop {
            let count = reader.read(&mut block).at("copy into", &scratch)?;
            if count == 0 {
                return file.finish();
            }
            file.write_all(&block[..count]).at("write in", &scratch)?;
        }
    }
}

impl IndexCache for Store {
    fn has_file(&self, sha256: Sha256) -> bool {
        self.blob_object(&sha256).is_some()
    }

    fn file(&self, sha256: Sha256) -> Result<Option<Vec<u8>>, io::Error> {
        self.blob(&sha256).map_err(io_error)
    }

    fn keep_file(&self, sha256: Sha256, bytes: &[u8]) -> Result<(), io::Error> {
        let object = self.put(bytes).map_err(io_error)?;
        self.name_blob(&sha256, &object).map_err(io_error)
    }

    fn derived(&self, form: &str, sha256: Sha256) -> Result<Option<Vec<u8>>, io::Error> {
        Self::derived(self, form, &sha256).map_err(io_error)
    }

    fn keep_derived(&self, form: &str, sha256: Sha256, bytes: &[u8]) -> Result<(), io::Error> {
        Self::keep_derived(self, form, &sha256, bytes).map_err(io_error)
    }
}

/// The object that the symlink at `path` names.
pub(crate) fn linked_object(path: &std::path::Path) -> Option<Digest> {
    Layout::linked("objects", &fs::read_link(path).ok()?)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_may_keep_the_same_blob_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        for round in 0..50_u32 {
            let bytes = round.to_le_bytes();
            std::thread::scope(|scope| {
                let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| store.keep_blob(&bytes))).collect();
                for thread in threads {
                    assert_eq!(thread.join().unwrap().unwrap(), Sha256::of(&bytes));
                }
            });
            assert_eq!(store.blob(&Sha256::of(&bytes)).unwrap().as_deref(), Some(bytes.as_slice()));
        }
    }
}
