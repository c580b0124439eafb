//! The store itself: opening it, finding objects, keeping new ones.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::error::{IoContext, StoreError};
use super::layout::Layout;
use super::read::CheckedReader;
use super::scratch::Scratch;
use super::write::ObjectFile;
use super::{ObjectRef, PackWriter};
use crate::digest::Digest;

/// A store on this host. Shared by all threads of a process; several processes may use one folder at a time.
#[derive(Debug)]
pub struct Store {
    pub(crate) layout: Layout,
    /// Made at the first write, so that a store that is only read needs no right to write.
    scratch: Mutex<Option<Arc<Scratch>>>,
    written: Mutex<Written>,
    /// Held while pending objects are moved: two threads may have the same one to move.
    settling: Mutex<()>,
}

/// What this process wrote.
#[derive(Debug, Default)]
struct Written {
    /// Objects that lie in the scratch folder until [`Store::commit`] made them durable.
    pending: BTreeMap<Digest, Pending>,
    /// All objects written here: their bytes were hashed on the way and need no check when read.
    fresh: BTreeSet<Digest>,
}

#[derive(Debug, Clone)]
struct Pending {
    path: PathBuf,
    size: u64,
}

impl Store {
    /// The store at `path`. A new or empty folder becomes one.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let layout = Layout::open(path)?;
        Ok(Self { layout, scratch: Mutex::default(), written: Mutex::default(), settling: Mutex::default() })
    }

    /// The folder it was opened at.
    pub fn root(&self) -> &Path {
        &self.layout.root
    }

    /// Whether the whole object is there, durable or written by this process. Its length is checked, its bytes
    /// are not.
    pub fn contains(&self, object: &ObjectRef) -> bool {
        self.size(&object.digest) == Some(object.size)
    }

    /// The length of an object in bytes, or `None` where it is not there.
    pub fn size(&self, digest: &Digest) -> Option<u64> {
        if let Some(pending) = self.written().pending.get(digest) {
            return Some(pending.size);
        }
        let metadata = fs::metadata(self.layout.object(digest)).ok()?;
        metadata.is_file().then_some(metadata.len())
    }

    /// Where the durable object lies: a file of mode 0444 that may be hard-linked and must not be changed.
    pub fn path(&self, digest: &Digest) -> Result<PathBuf, StoreError> {
        let path = self.layout.object(digest);
        if path.is_file() { Ok(path) } else { Err(StoreError::MissingObject(*digest)) }
    }

    /// A reader over an object. Bytes of an earlier run are checked on the way: where they are wrong, its end is
    /// an error.
    pub fn reader(&self, object: &ObjectRef) -> Result<Box<dyn Read + Send>, StoreError> {
        let (file, path) = self.open_file(&object.digest)?;
        if self.is_fresh(&object.digest) {
            return Ok(Box::new(file));
        }
        let length = file.metadata().at("read", &path)?.len();
        if length != object.size {
            return Err(StoreError::DamagedObject(object.digest));
        }
        Ok(Box::new(CheckedReader::new(file, object.digest)))
    }

    /// The bytes of an object, checked.
    pub fn read(&self, object: &ObjectRef) -> Result<Vec<u8>, StoreError> {
        let mut bytes = Vec::with_capacity(usize::try_from(object.size).unwrap_or(0).min(1 << 26));
        let (mut file, path) = self.open_file(&object.digest)?;
        file.read_to_end(&mut bytes).at("read", &path)?;
        if bytes.len() as u64 != object.size
            || (!self.is_fresh(&object.digest) && Digest::of(&bytes) != object.digest)
        {
            return Err(StoreError::DamagedObject(object.digest));
        }
        Ok(bytes)
    }

    /// An open object with its path.
    pub(crate) fn open_file(&self, digest: &Digest) -> Result<(File, PathBuf), StoreError> {
        let pending = self.written().pending.get(digest).map(|pending| pending.path.clone());
        // A commit may have moved the file since: then it stands at its final place.
        let last = self.layout.object(digest);
        for path in pending.into_iter().chain([last]) {
            match File::open(&path) {
                Ok(file) => return Ok((file, path)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(StoreError::io("open", &path, error)),
            }
        }
        Err(StoreError::MissingObject(*digest))
    }

    /// Whether this process wrote the object.
    pub(crate) fn is_fresh(&self, digest: &Digest) -> bool {
        self.written().fresh.contains(digest)
    }

    /// Keeps `bytes` as an object. It is durable after the commit of a record that names it.
    pub fn put(&self, bytes: &[u8]) -> Result<ObjectRef, StoreError> {
        let object = ObjectRef::of(bytes);
        if self.contains(&object) {
            return Ok(object);
        }
        let file = ObjectFile::create(self)?;
        file.write_whole(bytes, &object)?;
        Ok(object)
    }

    /// A new object written piece by piece.
    pub fn create(&self) -> Result<ObjectFile<'_>, StoreError> {
        ObjectFile::create(self)
    }

    /// A new pack.
    pub fn create_pack(&self) -> Result<PackWriter<'_>, StoreError> {
        PackWriter::create(self)
    }

    /// Takes over the finished file at `path`, whose bytes are `object`. Where the object is there already, the
    /// file is removed.
    pub(crate) fn adopt(&self, path: PathBuf, object: &ObjectRef) {
        let mut written = self.written();
        let stands = fs::metadata(self.layout.object(&object.digest))
            .is_ok_and(|metadata| metadata.is_file() && metadata.len() == object.size);
        if stands || written.pending.contains_key(&object.digest) {
            drop(written);
            let _ = fs::remove_file(path);
            return;
        }
        written.fresh.insert(object.digest);
        written.pending.insert(object.digest, Pending { path, size: object.size });
    }

    /// Where the objects among `digests` lie that are not durable yet, sorted.
    pub(crate) fn pending(&self, digests: impl Iterator<Item = Digest>) -> Vec<(Digest, PathBuf)> {
        let written = self.written();
        let digests: BTreeSet<Digest> = digests.collect();
        let path = |digest: Digest| Some((digest, written.pending.get(&digest)?.path.clone()));
        digests.into_iter().filter_map(path).collect()
    }

    /// Keeps other threads from moving pending objects.
    pub(crate) fn settling(&self) -> MutexGuard<'_, ()> {
        self.settling.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// States that the object stands at its final place.
    pub(crate) fn settle(&self, digest: &Digest) {
        self.written().pending.remove(digest);
    }

    /// The folder of this process below `tmp`.
    pub(crate) fn scratch(&self) -> Result<Arc<Scratch>, StoreError> {
        let mut scratch = self.scratch.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(scratch) = &*scratch {
            return Ok(scratch.clone());
        }
        let new = Arc::new(Scratch::create(&self.layout.folder("tmp"))?);
        *scratch = Some(new.clone());
        Ok(new)
    }

    /// Removes everything that was written and not committed. For a process that is about to exit without
    /// dropping its values; what still writes then fails.
    pub fn abandon(&self) {
        let scratch = self.scratch.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(scratch) = &*scratch {
            scratch.remove();
        }
    }

    fn written(&self) -> MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
