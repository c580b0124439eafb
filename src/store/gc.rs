//! Collecting what nothing needs: from the roots to records, from records to objects.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, SystemTime};

use super::blobs::linked_object;
use super::error::{IoContext, StoreError};
use super::layout::{self, list};
use super::roots::is_needed;
use super::scratch::remove_stale;
use super::{Record, Store};
use crate::digest::{Digest, Sha256};
use crate::graph::DerivationKey;

/// A download that was cut off is kept this long.
const KEEP_PARTIAL: Duration = Duration::from_secs(7 * 24 * 3600);
/// So is the log of a derivation that gave nothing.
const KEEP_LOG: Duration = Duration::from_secs(30 * 24 * 3600);

/// What is to be collected.
#[derive(Debug, Clone, Copy, Default)]
pub struct GcOptions {
    /// Bytes that the objects may have. Without it, everything that no root leads to is removed. With it, the
    /// least recently used is removed until the rest fits: first what no root leads to, then what rooted things
    /// were made from; what roots name is never removed.
    pub max_size: Option<u64>,
    /// Whether to wait for builds that use the store.
    pub wait: bool,
    /// Whether only to say what would be removed.
    pub dry_run: bool,
}

/// What was collected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GcReport {
    /// Records removed.
    pub records: usize,
    /// Objects removed.
    pub objects: usize,
    /// Exec roots removed. Their bytes are not counted.
    pub exec_roots: usize,
    /// Bytes of the objects removed.
    pub freed: u64,
    /// Bytes of the objects kept.
    pub kept: u64,
}

/// How much something is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Need {
    /// A root names it.
    Rooted,
    /// Something rooted was made from it; or a verbatim blob, or derived from one.
    Useful,
    /// Nothing leads to it.
    Unreached,
}

/// A file that keeps objects.
struct Keeper {
    path: PathBuf,
    need: Need,
    used: SystemTime,
    objects: Vec<Digest>,
}

impl Store {
    /// Collects. [`StoreError::InUse`] when a build uses the store and `options` say not to wait;
    /// [`StoreError::DamagedRoot`], and nothing is removed, when a root cannot be read.
    pub fn gc(&self, options: &GcOptions, cancel: &AtomicBool) -> Result<GcReport, StoreError> {
        let _exclusive = self.exclude(cancel, options.wait)?;
        let mut records = Vec::new();
        let mut blobs = Vec::new();
        for (path, root) in self.roots()? {
            let root = root.ok_or(StoreError::DamagedRoot { path: path.clone() })?;
            if is_needed(&root.path) {
                records.extend(root.records);
                blobs.extend(root.blobs);
            } else if !options.dry_run {
                layout::remove(&path)?;
            }
        }
        let mut keepers = self.records_by_need(records)?;
        keepers.extend(self.blobs_by_need(&blobs)?);
        let sizes = self.object_sizes()?;
        let (kept, removed) = choose(keepers, &sizes, options.max_size);
        self.sweep(&kept, &removed, &sizes, options.dry_run)
    }

    /// Every record with how much it is needed. Its time of use is the latest of all records made from it.
    fn records_by_need(&self, rooted: Vec<DerivationKey>) -> Result<Vec<Keeper>, StoreError> {
        let mut found: BTreeMap<DerivationKey, (Record, PathBuf, SystemTime)> = BTreeMap::new();
        let mut unreadable = Vec::new();
        for (_, path) in self.layout.list("records")? {
            let used = modified(&path);
            let record = fs::read(&path).ok().and_then(|bytes| Record::decode(&bytes));
            match record.filter(|record| path == self.layout.record(&record.key)) {
                Some(record) => drop(found.insert(record.key, (record, path, used))),
                None => unreadable.push(Keeper { path, need: Need::Unreached, used, objects: Vec::new() }),
            }
        }
        let mut needs: BTreeMap<DerivationKey, (Need, SystemTime)> = BTreeMap::new();
        let starts = rooted.into_iter().map(|key| (key, Need::Rooted));
        let mut open: Vec<(DerivationKey, Need, SystemTime)> = starts
            .chain(found.keys().map(|key| (*key, Need::Unreached)))
            .map(|(key, need)| (key, need, SystemTime::UNIX_EPOCH))
            .collect();
        while let Some((key, need, used)) = open.pop() {
            let Some((record, _, own)) = found.get(&key) else { continue };
            let used = used.max(*own);
            let known = needs.entry(key).or_insert((Need::Unreached, SystemTime::UNIX_EPOCH));
            if known.0 <= need && known.1 >= used {
                continue;
            }
            *known = (known.0.min(need), known.1.max(used));
            let (need, used) = (known.0.max(Need::Useful), known.1);
            open.extend(record.inputs.iter().map(|input| (*input, need, used)));
        }
        let keeper = |(key, (record, path, own)): (DerivationKey, (Record, PathBuf, SystemTime))| {
            let (need, used) = needs.get(&key).copied().unwrap_or((Need::Unreached, own));
            let outputs = record.outputs.values().map(|object| object.digest);
            Keeper { path, need, used, objects: outputs.chain(record.references.iter().copied()).collect() }
        };
        Ok(found.into_iter().map(keeper).chain(unreadable).collect())
    }

    /// Every entry of a blob or of what is derived from one.
    fn blobs_by_need(&self, rooted: &[Sha256]) -> Result<Vec<Keeper>, StoreError> {
        let rooted: BTreeSet<&Sha256> = rooted.iter().collect();
        let keeper = |(path, sha256): (PathBuf, Option<Sha256>)| {
            let object = linked_object(&path);
            let used = object.map_or(SystemTime::UNIX_EPOCH, |digest| modified(&self.layout.object(&digest)));
            let named = sha256.is_some_and(|sha256| rooted.contains(&sha256));
            let need = match object {
                None => Need::Unreached,
                Some(_) if named => Need::Rooted,
                Some(_) => Need::Useful,
            };
            Keeper { path, need, used, objects: object.into_iter().collect() }
        };
        Ok(self.blob_links()?.into_iter().map(keeper).collect())
    }

    fn object_sizes(&self) -> Result<BTreeMap<Digest, u64>, StoreError> {
        let mut sizes = BTreeMap::new();
        for (name, path) in self.layout.list("objects")? {
            let Ok(digest) = name.parse() else { continue };
            sizes.insert(digest, fs::symlink_metadata(&path).at("read", &path)?.len());
        }
        Ok(sizes)
    }

    fn sweep(
        &self,
        kept: &[Keeper],
        removed: &[Keeper],
        sizes: &BTreeMap<Digest, u64>,
        dry_run: bool,
    ) -> Result<GcReport, StoreError> {
        let needed: BTreeSet<&Digest> = kept.iter().flat_map(|keeper| &keeper.objects).collect();
        let mut report = GcReport::default();
        let records = self.layout.folder("records");
        report.records = removed.iter().filter(|keeper| keeper.path.starts_with(&records)).count();
        if !dry_run {
            self.sweep_memo(kept)?;
            for keeper in removed {
                layout::remove(&keeper.path)?;
            }
            self.sweep_leftovers()?;
        }
        report.exec_roots = self.sweep_exec_roots(&needed, dry_run)?;
        for (digest, size) in sizes {
            if needed.contains(digest) {
                report.kept += size;
                continue;
            }
            report.objects += 1;
            report.freed += size;
            if !dry_run {
                layout::remove(&self.layout.object(digest))?;
            }
        }
        Ok(report)
    }

    /// Removes memo entries whose record is not kept, old logs of derivations that are in no memo, and old notes of
    /// what commands used.
    fn sweep_memo(&self, kept: &[Keeper]) -> Result<(), StoreError> {
        let kept: BTreeSet<&Path> = kept.iter().map(|keeper| keeper.path.as_path()).collect();
        for (_, path) in self.layout.list("memo")? {
            let record = fs::read(&path).ok().and_then(|bytes| Record::decode(&bytes));
            let record = record.map(|record| self.layout.record(&record.key));
            if !record.is_some_and(|record| kept.contains(record.as_path())) {
                layout::remove(&path)?;
            }
        }
        for (name, path) in self.layout.list("logs")? {
            let known = name.len() == 64 && name.is_ascii() && {
                fs::symlink_metadata(self.layout.sharded("memo", &name)).is_ok()
            };
            if !known && is_older(&path, KEEP_LOG) {
                layout::remove(&path)?;
            }
        }
        for (_, path) in self.layout.list("usage")? {
            if is_older(&path, KEEP_LOG) {
                layout::remove(&path)?;
            }
        }
        Ok(())
    }

    /// Removes exec roots of trees that nothing needs, and those of an earlier start of the machine; says how many.
    fn sweep_exec_roots(&self, needed: &BTreeSet<&Digest>, dry_run: bool) -> Result<usize, StoreError> {
        let mut removed = 0;
        for (name, digest, _) in self.list_exec_roots()? {
            if digest.is_some_and(|digest| needed.contains(&digest)) && self.is_exec_root(&name) {
                continue;
            }
            removed += 1;
            if !dry_run {
                self.remove_exec_root(&name)?;
            }
        }
        Ok(removed)
    }

    /// Removes what dead processes left: no other is alive here while the store is held alone.
    fn sweep_leftovers(&self) -> Result<(), StoreError> {
        for (_, path) in list(&self.layout.folder("locks"))? {
            layout::remove(&path)?;
        }
        for (_, path) in list(&self.layout.folder("failed"))? {
            layout::remove(&path)?;
        }
        for (_, path) in list(&self.layout.folder("partial"))? {
            if is_older(&path, KEEP_PARTIAL) {
                layout::remove(&path)?;
            }
        }
        remove_stale(&self.layout.folder("tmp"));
        Ok(())
    }
}

/// Splits `keepers` into those that stay and those that go.
fn choose(
    mut keepers: Vec<Keeper>,
    sizes: &BTreeMap<Digest, u64>,
    max_size: Option<u64>,
) -> (Vec<Keeper>, Vec<Keeper>) {
    let Some(max_size) = max_size else {
        return keepers.into_iter().partition(|keeper| keeper.need < Need::Unreached);
    };
    keepers.sort_by(|a, b| (a.need, b.used, &a.path).cmp(&(b.need, a.used, &b.path)));
    let mut counted = BTreeSet::new();
    let mut total = 0u64;
    let mut full = false;
    keepers.into_iter().partition(|keeper| {
        let new: BTreeSet<Digest> =
            keeper.objects.iter().filter(|digest| !counted.contains(*digest)).copied().collect();
        let size: u64 = new.iter().filter_map(|digest| sizes.get(digest)).sum();
        // Once something has to go, so has all that was used less recently.
        full = full || (keeper.need > Need::Rooted && total.saturating_add(size) > max_size);
        let stays = keeper.need == Need::Rooted || !full;
        if stays {
            total = total.saturating_add(size);
            counted.extend(new);
        }
        stays
    })
}

fn modified(path: &Path) -> SystemTime {
    fs::symlink_metadata(path).and_then(|metadata| metadata.modified()).unwrap_or(SystemTime::UNIX_EPOCH)
}

fn is_older(path: &Path, age: Duration) -> bool {
    SystemTime::now().duration_since(modified(path)).is_ok_and(|past| past > age)
}
