//! A [`BuildContext`] wholly in memory: for tests, and for looking at a builder's outputs without a store.

use std::collections::BTreeMap;
use std::io::{Cursor, Read, Write};
use std::sync::{Arc, Mutex, MutexGuard};

use super::{BuildContext, ObjectRef, ObjectWriter, PackSink, Variation};
use crate::digest::{Digest, Sha256};
use crate::graph::{DerivationId, OutputName};
use crate::store::Execution;
use crate::tree::{ContentError, ContentSink, Contents, OriginMap, Tree};

/// Objects, file contents and warnings of builds in memory. What one build puts, a later one in the same
/// context finds.
#[derive(Debug, Default)]
pub struct MemoryContext {
    /// The outputs that the inputs name, one map for each input in order.
    pub inputs: Vec<BTreeMap<OutputName, ObjectRef>>,
    objects: MemoryStore,
    contents: MemoryStore,
    warnings: Mutex<Vec<String>>,
    log: Mutex<Option<Vec<u8>>>,
    execution: Mutex<Option<Execution>>,
}

impl MemoryContext {
    /// The warnings given so far.
    pub fn warnings(&self) -> Vec<String> {
        self.warnings.lock().expect("no holder panics").clone()
    }

    /// The log kept last.
    pub fn log(&self) -> Option<Vec<u8>> {
        self.log.lock().expect("no holder panics").clone()
    }

    /// How the last command was executed.
    pub fn execution(&self) -> Option<Execution> {
        self.execution.lock().expect("no holder panics").clone()
    }

    /// Keeps a file content as if a pack in reach held it; returns its digest.
    pub fn keep_content(&self, bytes: &[u8]) -> Digest {
        self.contents.insert(bytes.to_vec())
    }

    /// The decoded tree `object`.
    pub fn decode_tree(&self, object: ObjectRef) -> Result<Tree, ContentError> {
        Tree::decode(&self.bytes(object)?).map_err(|_| ContentError::Damaged(object.digest))
    }

    /// The decoded origin map `object`.
    pub fn decode_origins(&self, object: ObjectRef) -> Result<OriginMap, ContentError> {
        OriginMap::decode(&self.bytes(object)?).map_err(|_| ContentError::Damaged(object.digest))
    }

    fn put_vec(&self, bytes: Vec<u8>) -> ObjectRef {
        let size = bytes.len() as u64;
        ObjectRef { digest: self.objects.insert(bytes), size }
    }
}

impl BuildContext for MemoryContext {
    fn input(&self, input: usize, output: &str) -> Result<ObjectRef, ContentError> {
        let found = self.inputs.get(input).and_then(|outputs| outputs.get(output));
        found.copied().ok_or(ContentError::Missing(Digest::of(output.as_bytes())))
    }

    fn open(&self, object: ObjectRef) -> Result<Box<dyn Read + Send + '_>, ContentError> {
        self.objects.open(&object.digest)
    }

    fn tree(&self, input: usize, output: &str) -> Result<Arc<Tree>, ContentError> {
        self.decode_tree(self.input(input, output)?).map(Arc::new)
    }

    fn origins(&self, input: usize, output: &str) -> Result<Arc<OriginMap>, ContentError> {
        self.decode_origins(self.input(input, output)?).map(Arc::new)
    }

    fn contents(&self) -> &dyn Contents {
        &self.contents
    }

    fn put(&self, bytes: &[u8]) -> Result<ObjectRef, ContentError> {
        Ok(self.put_vec(bytes.to_vec()))
    }

    fn put_tree(&self, tree: Tree) -> Result<ObjectRef, ContentError> {
        Ok(self.put_vec(tree.encode()))
    }

    fn put_origins(&self, origins: OriginMap) -> Result<ObjectRef, ContentError> {
        Ok(self.put_vec(origins.encode()))
    }

    fn create(&self) -> Result<Box<dyn ObjectWriter + '_>, ContentError> {
        Ok(Box::new(MemoryWriter { context: self, bytes: Vec::new() }))
    }

    fn create_pack(&self) -> Result<Box<dyn PackSink + '_>, ContentError> {
        Ok(Box::new(MemoryPack { context: self, kept: BTreeMap::new() }))
    }

    fn progress(&self, _done: u64, _total: Option<u64>) {}

    fn warn(&self, warning: String) {
        self.warnings.lock().expect("no holder panics").push(warning);
    }

    fn cancelled(&self) -> bool {
        false
    }

    fn spare_threads(&self) -> usize {
        0
    }

    fn id(&self) -> DerivationId {
        DerivationId(Digest::of(b"in memory"))
    }

    fn variation(&self) -> Variation {
        Variation::None
    }

    fn keep_log(&self, bytes: &[u8]) -> Result<(), ContentError> {
        *self.log.lock().expect("no holder panics") = (!bytes.is_empty()).then(|| bytes.to_vec());
        Ok(())
    }

    fn keep_execution(&self, execution: Execution) {
        *self.execution.lock().expect("no holder panics") = Some(execution);
    }
}

/// Bytes by digest behind a lock.
#[derive(Debug, Default)]
struct MemoryStore {
    blobs: Mutex<BTreeMap<Digest, Arc<[u8]>>>,
}

impl MemoryStore {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<Digest, Arc<[u8]>>> {
        self.blobs.lock().expect("no holder panics")
    }

    fn insert(&self, bytes: Vec<u8>) -> Digest {
        let digest = Digest::of(&bytes);
        self.lock().insert(digest, bytes.into());
        digest
    }
}

impl Contents for MemoryStore {
    fn open(&self, digest: &Digest) -> Result<Box<dyn Read + Send + '_>, ContentError> {
        let bytes = self.lock().get(digest).cloned().ok_or(ContentError::Missing(*digest))?;
        Ok(Box::new(Cursor::new(bytes)))
    }
}

struct MemoryWriter<'a> {
    context: &'a MemoryContext,
    bytes: Vec<u8>,
}

impl Write for MemoryWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.bytes.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl ObjectWriter for MemoryWriter<'_> {
    fn finish(self: Box<Self>) -> Result<(ObjectRef, Sha256), ContentError> {
        let sha256 = Sha256::of(&self.bytes);
        Ok((self.context.put_vec(self.bytes), sha256))
    }
}

struct MemoryPack<'a> {
    context: &'a MemoryContext,
    kept: BTreeMap<Digest, Vec<u8>>,
}

impl ContentSink for MemoryPack<'_> {
    fn keep(&mut self, content: &mut dyn Read) -> Result<(Digest, u64), ContentError> {
        let mut bytes = Vec::new();
        content.read_to_end(&mut bytes)?;
        let (digest, size) = (Digest::of(&bytes), bytes.len() as u64);
        self.kept.insert(digest, bytes);
        Ok((digest, size))
    }
}

impl PackSink for MemoryPack<'_> {
    fn finish(self: Box<Self>) -> Result<ObjectRef, ContentError> {
        let mut whole = Vec::new();
        for bytes in self.kept.into_values() {
            whole.extend_from_slice(&bytes);
            self.context.contents.insert(bytes);
        }
        Ok(self.context.put_vec(whole))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finished_pack_is_in_reach_and_a_dropped_one_is_not() {
        let context = MemoryContext::default();
        let mut pack = context.create_pack().unwrap();
        let digest = pack.keep_bytes(b"kept").unwrap();
        assert!(context.contents().read(&digest).is_err());
        pack.finish().unwrap();
        assert_eq!(context.contents().read(&digest).unwrap(), b"kept");
        context.create_pack().unwrap().keep_bytes(b"lost").unwrap();
        assert!(context.contents().read(&Digest::of(b"lost")).is_err());
    }

    #[test]
    fn an_object_is_found_through_the_input_that_names_it() {
        let mut context = MemoryContext::default();
        let mut writer = context.create().unwrap();
        writer.write_all(b"bytes").unwrap();
        let (object, sha256) = writer.finish().unwrap();
        assert_eq!(sha256, Sha256::of(b"bytes"));
        context.inputs.push(BTreeMap::from([("file".to_owned(), object)]));
        assert_eq!(context.bytes(context.input(0, "file").unwrap()).unwrap(), b"bytes");
        assert!(context.input(0, "tree").is_err());
    }
}
