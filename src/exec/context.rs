//! What a builder sees of a run: its inputs, new objects in the store, and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read, Write};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::contents::{InputContents, PackCache, Stoppable, stopped};
use super::decoded::Decoded;
use super::{BuildContext, Event, ObjectRef, ObjectWriter, Observer, Options, PackSink, Subject, Variation};
use crate::digest::{Digest, Sha256};
use crate::graph::{Derivation, DerivationId, outputs};
use crate::store::{Execution, ObjectFile, PackWriter, Record, Store};
use crate::tree::{ContentError, ContentSink, Contents, OriginMap, Tree};

/// What all executions of a run share.
pub(super) struct Shared<'a> {
    pub store: &'a Store,
    pub observer: &'a dyn Observer,
    pub jobs: usize,
    pub variation: Variation,
    /// Whether logs are kept: not of what is executed besides the one time that counts.
    pub keeps_logs: bool,
    /// What `$JOBS` said the first time, of commands that are executed again.
    pub first_jobs: BTreeMap<DerivationId, usize>,
    /// Set when the run is being stopped, for whatever reason.
    pub stop: AtomicBool,
    /// Actions under way that compute.
    pub computing: AtomicUsize,
    /// Derivations whose log is kept already, so that their failure is no log of its own.
    pub logged: Mutex<BTreeSet<DerivationId>>,
    pub decoded: Decoded,
    pub packs: PackCache,
}

impl<'a> Shared<'a> {
    /// For executions that do not count: of which neither record nor log is kept.
    pub fn beside(
        store: &'a Store,
        observer: &'a dyn Observer,
        options: &Options,
        variation: Variation,
    ) -> Self {
        Self {
            store,
            observer,
            jobs: options.jobs.max(1),
            variation,
            keeps_logs: false,
            first_jobs: BTreeMap::new(),
            stop: AtomicBool::new(false),
            computing: AtomicUsize::new(0),
            logged: Mutex::default(),
            decoded: Default::default(),
            packs: Default::default(),
        }
    }
}

/// One execution.
pub(super) struct Context<'a> {
    shared: &'a Shared<'a>,
    subject: Subject<'a>,
    derivation: &'a Derivation,
    inputs: &'a [Arc<Record>],
    contents: InputContents<'a>,
    notes: Mutex<Notes>,
}

/// What an execution leaves for its record.
#[derive(Debug, Default)]
pub(super) struct Notes {
    pub warnings: Vec<String>,
    pub sha256: BTreeMap<Digest, Sha256>,
    pub execution: Option<Execution>,
}

impl<'a> Context<'a> {
    pub fn new(
        shared: &'a Shared<'a>,
        subject: Subject<'a>,
        derivation: &'a Derivation,
        inputs: &'a [Arc<Record>],
    ) -> Self {
        let contents = InputContents {
            store: shared.store,
            cache: &shared.packs,
            stop: &shared.stop,
            packs: packs_of(inputs),
            opened: OnceLock::new(),
        };
        Self { shared, subject, derivation, inputs, contents, notes: Mutex::default() }
    }

    /// What the execution left for its record.
    pub fn into_notes(self) -> Notes {
        self.notes.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn notes(&self) -> std::sync::MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The packs that hold the contents of all trees among the outputs of `records`, sorted.
pub(super) fn packs_of(records: &[Arc<Record>]) -> Vec<Digest> {
    let mut packs = BTreeSet::new();
    for record in records {
        packs.extend(record.references.iter().copied());
        packs.extend(record.outputs.get(outputs::PACK).map(|pack| pack.digest));
    }
    packs.into_iter().collect()
}

impl BuildContext for Context<'_> {
    fn input(&self, input: usize, output: &str) -> Result<ObjectRef, ContentError> {
        // Only what the derivation declares is in its key.
        let declared = self.derivation.inputs.get(input);
        let declared = declared.is_some_and(|input| input.outputs.iter().any(|name| name == output));
        let record = self.inputs.get(input).filter(|_| declared);
        record.and_then(|record| record.outputs.get(output)).copied().ok_or_else(|| {
            let undeclared = UndeclaredInput { input, output: output.to_owned() };
            io::Error::new(io::ErrorKind::NotFound, undeclared).into()
        })
    }

    fn input_sha256(&self, input: usize, output: &str) -> Option<Sha256> {
        self.inputs.get(input)?.sha256.get(output).copied()
    }

    fn keep_sha256(&self, object: ObjectRef, sha256: Sha256) {
        self.notes().sha256.insert(object.digest, sha256);
    }

    fn open(&self, object: ObjectRef) -> Result<Box<dyn Read + Send + '_>, ContentError> {
        let inner = self.shared.store.reader(&object)?;
        Ok(Box::new(Stoppable { inner, stop: &self.shared.stop }))
    }

    fn bytes(&self, object: ObjectRef) -> Result<Vec<u8>, ContentError> {
        Ok(self.shared.store.read(&object)?)
    }

    fn tree(&self, input: usize, output: &str) -> Result<Arc<Tree>, ContentError> {
        let object = self.input(input, output)?;
        let damaged = |_| ContentError::Damaged(object.digest);
        let decode = || Tree::decode(&self.bytes(object)?).map_err(damaged);
        self.shared.decoded.trees.get(object.digest, decode)
    }

    fn origins(&self, input: usize, output: &str) -> Result<Arc<OriginMap>, ContentError> {
        let object = self.input(input, output)?;
        let damaged = |_| ContentError::Damaged(object.digest);
        let decode = || OriginMap::decode(&self.bytes(object)?).map_err(damaged);
        self.shared.decoded.origins.get(object.digest, decode)
    }

    fn contents(&self) -> &dyn Contents {
        &self.contents
    }

    fn put(&self, bytes: &[u8]) -> Result<ObjectRef, ContentError> {
        if self.cancelled() {
            return Err(stopped().into());
        }
        Ok(self.shared.store.put(bytes)?)
    }

    fn put_tree(&self, tree: Tree) -> Result<ObjectRef, ContentError> {
        let object = self.put(&tree.encode())?;
        self.shared.decoded.trees.insert(object.digest, tree);
        Ok(object)
    }

    fn put_origins(&self, origins: OriginMap) -> Result<ObjectRef, ContentError> {
        let object = self.put(&origins.encode())?;
        self.shared.decoded.origins.insert(object.digest, origins);
        Ok(object)
    }

    fn create(&self) -> Result<Box<dyn ObjectWriter + '_>, ContentError> {
        let file = self.shared.store.create()?;
        Ok(Box::new(ObservedFile { file, stop: &self.shared.stop, notes: &self.notes }))
    }

    fn create_pack(&self) -> Result<Box<dyn PackSink + '_>, ContentError> {
        let pack = self.shared.store.create_pack()?;
        Ok(Box::new(StoppablePack { pack, stop: &self.shared.stop }))
    }

    fn progress(&self, done: u64, total: Option<u64>) {
        self.shared.observer.event(Event::Progress { subject: self.subject, done, total });
    }

    fn warn(&self, warning: String) {
        self.shared.observer.event(Event::Warning { subject: self.subject, message: &warning });
        self.notes().warnings.push(warning);
    }

    fn cancelled(&self) -> bool {
        self.shared.stop.load(Ordering::Relaxed)
    }

    fn spare_threads(&self) -> usize {
        self.shared.jobs.saturating_sub(self.shared.computing.load(Ordering::Relaxed).max(1))
    }

    fn jobs(&self) -> usize {
        match (self.shared.variation, self.shared.first_jobs.get(&self.subject.id)) {
            (Variation::None, _) => self.spare_threads() + 1,
            (Variation::Other, Some(1)) => 2,
            (Variation::Other, _) => 1,
        }
    }

    fn id(&self) -> DerivationId {
        self.subject.id
    }

    fn variation(&self) -> Variation {
        self.shared.variation
    }

    fn keep_log(&self, bytes: &[u8]) -> Result<(), ContentError> {
        if !self.shared.keeps_logs {
            return Ok(());
        }
        self.shared.store.write_log(&self.subject.id, bytes)?;
        let mut logged = self.shared.logged.lock().unwrap_or_else(PoisonError::into_inner);
        logged.insert(self.subject.id);
        Ok(())
    }

    fn keep_execution(&self, execution: Execution) {
        self.notes().execution = Some(execution);
    }
}

/// A builder asked for an output that its derivation does not name.
#[derive(Debug, thiserror::Error)]
#[error("input {input} has no output `{output}`, or the derivation does not name it")]
struct UndeclaredInput {
    input: usize,
    output: String,
}

/// An object file that notes its SHA-256 and fails once the run is being stopped.
struct ObservedFile<'a> {
    file: ObjectFile<'a>,
    stop: &'a AtomicBool,
    notes: &'a Mutex<Notes>,
}

impl Write for ObservedFile<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(stopped());
        }
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl ObjectWriter for ObservedFile<'_> {
    fn finish(self: Box<Self>) -> Result<(ObjectRef, Sha256), ContentError> {
        let (object, sha256) = self.file.finish()?;
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).sha256.insert(object.digest, sha256);
        Ok((object, sha256))
    }
}

/// A pack that fails once the run is being stopped.
struct StoppablePack<'a> {
    pack: PackWriter<'a>,
    stop: &'a AtomicBool,
}

impl ContentSink for StoppablePack<'_> {
    fn keep(&mut self, content: &mut dyn Read) -> Result<(Digest, u64), ContentError> {
        self.pack.keep(&mut Stoppable { inner: content, stop: self.stop })
    }

    fn keep_bytes(&mut self, bytes: &[u8]) -> Result<Digest, ContentError> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(stopped().into());
        }
        self.pack.keep_bytes(bytes)
    }
}

impl PackSink for StoppablePack<'_> {
    fn finish(self: Box<Self>) -> Result<ObjectRef, ContentError> {
        Ok(self.pack.finish()?)
    }
}
