//! Finding every flipped bit, and getting rid of it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use rayon::prelude::*;

use super::blobs::linked_object;
use super::error::{IoContext, StoreError};
use super::layout::{self, list};
use super::write::Hashes;
use super::{ObjectRef, Record, Store};
use crate::digest::{Digest, Sha256};

/// Where lost bytes may be had again: mirrors, a bundle.
pub trait Refetch: Sync {
    /// The bytes with this SHA-256, or `None`. They are checked.
    fn refetch(&self, sha256: &Sha256) -> Option<Vec<u8>>;
}

/// What was looked at, and what is wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VerifyReport {
    /// Objects whose bytes were hashed.
    pub objects: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Records read.
    pub records: usize,
    /// What is wrong, sorted by path.
    pub damages: Vec<Damage>,
}

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Damage {
    /// Its file, below the store's folder.
    pub path: PathBuf,
    /// What is wrong.
    pub kind: DamageKind,
    /// What was done about it.
    pub outcome: Outcome,
}

/// What is wrong with a file of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DamageKind {
    /// An object's bytes are not those of its name.
    Object,
    /// A record's checksum or name is wrong.
    Record,
    /// A record names an object that is lost or damaged.
    LostOutput,
    /// A memo entry is damaged, or no name of a record that stands.
    Memo,
    /// The entry of a blob, or of what is derived from one, leads nowhere or to other bytes.
    Blob,
    /// A root's checksum or name is wrong.
    Root,
    /// An exec root is not what its tree says.
    ExecRoot,
    /// A file that is no part of a store.
    Stray,
}

/// What became of a damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// It is still there.
    Found,
    /// The right bytes are back.
    Restored,
    /// The file is gone; the next build makes it again.
    Removed,
}

/// The good objects, with their lengths.
type Good = BTreeMap<Digest, u64>;

impl Store {
    /// Looks at every bit of objects, records, memo, blobs, roots and exec roots, on all processors.
    pub fn verify(&self) -> Result<VerifyReport, StoreError> {
        let _shared = self.share(&AtomicBool::new(false))?;
        self.verify_and(false, None)
    }

    /// Like [`Store::verify`], and gets damaged objects back from `source` or drops them with all that leads to
    /// them. Waits for builds to end.
    pub fn repair(&self, source: Option<&dyn Refetch>) -> Result<VerifyReport, StoreError> {
        let _exclusive = self.exclude(&AtomicBool::new(false), true)?;
        self.verify_and(true, source)
    }

    fn verify_and(&self, repair: bool, source: Option<&dyn Refetch>) -> Result<VerifyReport, StoreError> {
        // Objects are listed last: what a build adds meanwhile is then never missed by a record listed before.
        let memo = self.layout.list("memo")?;
        let blobs = self.blob_links()?;
        let records = self.layout.list("records")?;
        let objects = self.layout.list("objects")?;
        let mut survey =
            Survey { store: self, repair, report: VerifyReport::default(), records: BTreeMap::new() };
        survey.read_records(records)?;
        let good = survey.objects(objects, source)?;
        survey.outputs(&good)?;
        survey.memo(memo)?;
        survey.blobs(blobs, &good)?;
        survey.roots()?;
        survey.exec_roots()?;
        survey.report.damages.sort();
        Ok(survey.report)
    }

    /// Every link of `blobs` and `derived`, with the SHA-256 that the object of a verbatim blob must have.
    pub(crate) fn blob_links(&self) -> Result<Vec<(PathBuf, Option<Sha256>)>, StoreError> {
        let blobs = self.layout.list("blobs")?.into_iter();
        let mut links: Vec<_> =
            blobs.map(|(name, path)| (path, Some(name.parse().unwrap_or(NONE)))).collect();
        for (_, folder) in list(&self.layout.folder("derived"))? {
            links.extend(list(&folder)?.into_iter().map(|(_, path)| (path, None)));
        }
        Ok(links)
    }
}

/// A SHA-256 that no bytes are known to have, for files whose name is none.
const NONE: Sha256 = Sha256([0; 32]);

struct Survey<'a> {
    store: &'a Store,
    repair: bool,
    report: VerifyReport,
    /// Readable records by file.
    records: BTreeMap<PathBuf, Record>,
}

impl Survey<'_> {
    fn damage(&mut self, path: &Path, kind: DamageKind) -> Result<(), StoreError> {
        let outcome = if self.repair {
            layout::remove(path)?;
            Outcome::Removed
        } else {
            Outcome::Found
        };
        self.note(path, kind, outcome);
        Ok(())
    }

    fn note(&mut self, path: &Path, kind: DamageKind, outcome: Outcome) {
        let path = path.strip_prefix(&self.store.layout.root).unwrap_or(path).to_owned();
        self.report.damages.push(Damage { path, kind, outcome });
    }

    fn read_records(&mut self, files: Vec<(String, PathBuf)>) -> Result<(), StoreError> {
        for (name, path) in files {
            let bytes = match fs::read(&path) {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(StoreError::io("read", &path, error)),
            };
            self.report.records += 1;
            let record = Record::decode(&bytes).filter(|record| {
                record.key.0.to_hex() == name && path == self.store.layout.record(&record.key)
            });
            match record {
                Some(record) => {
                    self.records.insert(path, record);
                }
                None => self.damage(&path, DamageKind::Record)?,
            }
        }
        Ok(())
    }

    /// Hashes all objects; returns the good ones.
    fn objects(
        &mut self,
        files: Vec<(String, PathBuf)>,
        source: Option<&dyn Refetch>,
    ) -> Result<Good, StoreError> {
        let hashed: Vec<_> = files
            .into_par_iter()
            .map(|(name, path)| {
                let hashed = hash(&path, false)?;
                Ok((name, path, hashed))
            })
            .collect::<Result<_, StoreError>>()?;
        let mut good = Good::new();
        for (name, path, (digest, _, size)) in hashed {
            let named = name.parse::<Digest>().ok().filter(|named| path == self.store.layout.object(named));
            self.report.objects += 1;
            self.report.bytes += size;
            match named {
                Some(named) if named == digest => {
                    good.insert(digest, size);
                }
                Some(named) => match self.restore(&named, &path, source)? {
                    Some(object) => {
                        good.insert(object.digest, object.size);
                        self.note(&path, DamageKind::Object, Outcome::Restored);
                    }
                    None => self.damage(&path, DamageKind::Object)?,
                },
                None => self.damage(&path, DamageKind::Stray)?,
            }
        }
        Ok(good)
    }

    /// The object `named` with bytes got again, in place of the damaged file; `None` where nobody has them.
    fn restore(
        &self,
        named: &Digest,
        path: &Path,
        source: Option<&dyn Refetch>,
    ) -> Result<Option<ObjectRef>, StoreError> {
        let Some(source) = source.filter(|_| self.repair) else { return Ok(None) };
        let of_record = |record: &Record| {
            let (name, _) = record.outputs.iter().find(|(_, object)| object.digest == *named)?;
            record.sha256.get(name).copied()
        };
        let Some(sha256) = self.records.values().find_map(of_record) else { return Ok(None) };
        let Some(bytes) = source.refetch(&sha256) else { return Ok(None) };
        if Digest::of(&bytes) != *named {
            return Ok(None);
        }
        layout::remove(path)?;
        let object = self.store.put(&bytes)?;
        self.store.settle_objects(std::iter::once(object.digest))?;
        Ok(Some(object))
    }

    /// Records whose objects are not all good.
    fn outputs(&mut self, good: &Good) -> Result<(), StoreError> {
        let whole = |record: &Record| {
            record.outputs.values().all(|object| good.get(&object.digest) == Some(&object.size))
                && record.references.iter().all(|pack| good.contains_key(pack))
        };
        let lost: Vec<PathBuf> =
            self.records.iter().filter(|(_, record)| !whole(record)).map(|(path, _)| path.clone()).collect();
        for path in lost {
            self.records.remove(&path);
            self.damage(&path, DamageKind::LostOutput)?;
        }
        Ok(())
    }

    fn memo(&mut self, links: Vec<(String, PathBuf)>) -> Result<(), StoreError> {
        for (name, path) in links {
            let Ok(bytes) = fs::read(&path) else { continue };
            let record = Record::decode(&bytes);
            let target = record.map(|record| self.store.layout.record(&record.key));
            let placed = name.parse::<Digest>().is_ok() && path == self.store.layout.sharded("memo", &name);
            if !placed || !target.is_some_and(|record| self.records.contains_key(&record)) {
                self.damage(&path, DamageKind::Memo)?;
            }
        }
        Ok(())
    }

    fn blobs(&mut self, links: Vec<(PathBuf, Option<Sha256>)>, good: &Good) -> Result<(), StoreError> {
        let store = self.store;
        let is_right = |(path, sha256): &(PathBuf, Option<Sha256>)| {
            let Some(digest) = linked_object(path).filter(|digest| good.contains_key(digest)) else {
                return Ok(false);
            };
            match sha256 {
                Some(sha256) if *path != store.layout.blob(sha256) => Ok(false),
                Some(sha256) => Ok(hash(&store.layout.object(&digest), true)?.1 == Some(*sha256)),
                None => Ok(true),
            }
        };
        let right: Vec<bool> = links.par_iter().map(is_right).collect::<Result<_, StoreError>>()?;
        for ((path, _), _) in links.iter().zip(right).filter(|(_, right)| !right) {
            self.damage(path, DamageKind::Blob)?;
        }
        Ok(())
    }

    fn roots(&mut self) -> Result<(), StoreError> {
        for (path, root) in self.store.roots()? {
            if root.is_none() {
                self.damage(&path, DamageKind::Root)?;
            }
        }
        Ok(())
    }

    fn exec_roots(&mut self) -> Result<(), StoreError> {
        for (name, digest, path) in self.store.list_exec_roots()? {
            let right = match digest {
                Some(digest) => self.store.check_exec_root(&name, &digest, &path)?,
                None => false,
            };
            if right {
                continue;
            }
            let mut outcome = Outcome::Found;
            if self.repair {
                self.store.remove_exec_root(&name)?;
                outcome = Outcome::Removed;
            }
            self.note(&path, DamageKind::ExecRoot, outcome);
        }
        Ok(())
    }
}

/// The digest of a file, its SHA-256 when asked for, and its length.
pub(super) fn hash(path: &Path, with_sha256: bool) -> Result<(Digest, Option<Sha256>, u64), StoreError> {
    let mut file = File::open(path).at("open", path)?;
    let mut block = vec![0; 256 * 1024];
    let (mut blake3, mut both, mut size) = (blake3::Hasher::new(), Hashes::default(), 0);
    loop {
        let count = file.read(&mut block).at("read", path)?;
        if count == 0 {
            break;
        }
        size += count as u64;
        if with_sha256 {
            both.update(&block[..count]);
        } else {
            blake3.update(&block[..count]);
        }
    }
    if with_sha256 {
        let (digest, sha256) = both.finish();
        return Ok((digest, Some(sha256), size));
    }
    Ok((Digest(*blake3.finalize().as_bytes()), None, size))
}
