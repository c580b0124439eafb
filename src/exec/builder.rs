//! What the scheduler asks of the code that performs an action.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::sync::Arc;

use super::Variation;
use crate::digest::Sha256;
use crate::graph::{Derivation, DerivationId, OutputName};
use crate::store::Execution;
pub use crate::store::ObjectRef;
use crate::tree::{ContentError, ContentSink, Contents, OriginMap, Tree};

/// Performs one kind of action. Stateless: everything comes through the context.
pub trait Builder: Sync {
    /// Makes the outputs of `derivation`. On an error nothing of what was written is kept.
    fn build(&self, derivation: &Derivation, context: &dyn BuildContext) -> Result<BuildOutputs, BuildError>;
}

/// The outputs made: name to the object in the store.
pub type BuildOutputs = BTreeMap<OutputName, ObjectRef>;

/// What a builder may touch: its inputs, the contents they lead to, and new objects.
pub trait BuildContext: Sync {
    /// The object behind output `output` of input number `input`.
    fn input(&self, input: usize, output: &str) -> Result<ObjectRef, ContentError>;

    /// The SHA-256 of that object, where it was noted when it was made.
    fn input_sha256(&self, _input: usize, _output: &str) -> Option<Sha256> {
        None
    }

    /// A reader over an object.
    fn open(&self, object: ObjectRef) -> Result<Box<dyn Read + Send + '_>, ContentError>;

    /// The bytes of an object.
    fn bytes(&self, object: ObjectRef) -> Result<Vec<u8>, ContentError> {
        let mut bytes = Vec::with_capacity(object.size as usize);
        self.open(object)?.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// The decoded tree of an input; decoded once in a run.
    fn tree(&self, input: usize, output: &str) -> Result<Arc<Tree>, ContentError>;

    /// The decoded origin map of an input.
    fn origins(&self, input: usize, output: &str) -> Result<Arc<OriginMap>, ContentError>;

    /// The contents of all files of all input trees.
    fn contents(&self) -> &dyn Contents;

    /// Keeps `bytes` as an object.
    fn put(&self, bytes: &[u8]) -> Result<ObjectRef, ContentError>;

    /// Keeps a tree, and remembers it decoded.
    fn put_tree(&self, tree: Tree) -> Result<ObjectRef, ContentError>;

    /// Keeps an origin map, and remembers it decoded.
    fn put_origins(&self, origins: OriginMap) -> Result<ObjectRef, ContentError>;

    /// A new object written piece by piece; dropped unfinished, nothing is left of it.
    fn create(&self) -> Result<Box<dyn ObjectWriter + '_>, ContentError>;

    /// A new pack. Its object is named as output `pack`.
    fn create_pack(&self) -> Result<Box<dyn PackSink + '_>, ContentError>;

    /// Reports `done` of `total` bytes to whoever watches.
    fn progress(&self, done: u64, total: Option<u64>);

    /// A warning for people and the evidence, such as a script whose effects are not known.
    fn warn(&self, warning: String);

    /// Whether the build is being stopped; long work asks now and then and gives up with
    /// [`BuildError::Cancelled`].
    fn cancelled(&self) -> bool;

    /// How many threads this action may use besides its own, at this moment.
    fn spare_threads(&self) -> usize;

    /// How many processes a command may have that compute at one time, at least 1: what `$JOBS` says.
    fn jobs(&self) -> usize {
        self.spare_threads() + 1
    }

    /// The derivation.
    fn id(&self) -> DerivationId;

    /// The circumstances under which a command is executed.
    fn variation(&self) -> Variation;

    /// Keeps `bytes` as the derivation's log, whether it succeeds or fails. None are no log.
    fn keep_log(&self, bytes: &[u8]) -> Result<(), ContentError>;

    /// Notes the SHA-256 of an output in the record.
    fn keep_sha256(&self, _object: ObjectRef, _sha256: Sha256) {}

    /// Keeps in the record how a command was executed.
    fn keep_execution(&self, execution: Execution);
}

/// An object being written.
pub trait ObjectWriter: Write + Send {
    /// Closes it; returns the object and the SHA-256 of its bytes.
    fn finish(self: Box<Self>) -> Result<(ObjectRef, Sha256), ContentError>;
}

/// A pack being written.
pub trait PackSink: ContentSink + Send {
    /// Closes it.
    fn finish(self: Box<Self>) -> Result<ObjectRef, ContentError>;
}

/// Why an action failed.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The action itself: an archive is bad, trees conflict, the policy is broken. A diagnostic with code and
    /// help.
    #[error(transparent)]
    Action(Box<dyn miette::Diagnostic + Send + Sync>),
    /// A file is in no place where it could be; others may be there. A diagnostic likewise.
    #[error(transparent)]
    Absent(Box<dyn miette::Diagnostic + Send + Sync>),
    /// Store or inputs failed.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// The build was stopped.
    #[error("stopped")]
    Cancelled,
}

impl BuildError {
    /// The error of an action.
    pub fn action(error: impl miette::Diagnostic + Send + Sync + 'static) -> Self {
        Self::Action(Box::new(error))
    }
}
