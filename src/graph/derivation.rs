//! Derivations and their two identities.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Action, canonical};
use crate::digest::Digest;

/// Version of the canonical encoding below. It is part of every id and key: a change of encoding or of what an
/// action means makes new ones.
pub const ENCODING_SCHEMA: u32 = 1;

/// Known from text and lock alone: a hash of the action and the ids of the inputs. Names nodes of the graph,
/// logs, and the no-op memo.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DerivationId(pub Digest);

/// Known when the inputs are ready: a hash of the action and the digests of the input outputs. Names the record.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DerivationKey(pub Digest);

impl fmt::Display for DerivationId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

impl fmt::Display for DerivationKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

/// The name of one output of a derivation, from [`outputs`].
pub type OutputName = String;

/// The names of outputs. A package's unpack and a merge have tree and origin map apart (design section 6).
pub mod outputs {
    /// A blob: the file fetched.
    pub const FILE: &str = "file";
    /// An encoded image tree.
    pub const TREE: &str = "tree";
    /// An encoded origin map of [`TREE`].
    pub const ORIGINS: &str = "origins";
    /// An encoded tree of a package's control members: `control`, `md5sums`, `postinst`, ….
    pub const CONTROL: &str = "control";
    /// What an execution wrote to standard output and error, in the order it was written. Never an input.
    pub const LOG: &str = "log";
    /// A pack with the content of the files of the other outputs.
    pub const PACK: &str = "pack";
    /// The compressed layer.
    pub const LAYER: &str = "layer";
    /// JSON of [`super::super::LayerDescriptor`].
    pub const DESCRIPTOR: &str = "descriptor";
    /// The OCI image config.
    pub const CONFIG: &str = "config";
    /// The OCI image manifest.
    pub const MANIFEST: &str = "manifest";
    /// A JSON document: an SBOM, a statement, a report.
    pub const DOCUMENT: &str = "document";

    /// The exec tree of the further output `name` of an execution.
    pub fn further(name: &str) -> String {
        format!("{name}.tree")
    }

    /// Whether `name` is that of a further output.
    pub fn is_further(name: &str) -> bool {
        name.ends_with(".tree")
    }

    /// The tree and the origin map of layer `number` of a merge.
    pub fn slice(number: usize) -> [String; 2] {
        [format!("layer-{number}.tree"), format!("layer-{number}.origins")]
    }
}

/// What a derivation takes from another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Input {
    /// The other derivation.
    pub derivation: DerivationId,
    /// The outputs of it that are used, sorted. Packs are never named: they are found through records.
    pub outputs: Vec<OutputName>,
}

/// One node of the graph.
#[derive(Debug, Clone)]
pub struct Derivation {
    /// For people: `unpack libc6 2.36-9 amd64`. Not part of any identity.
    pub label: String,
    /// What it does, with all parameters that can change its outputs.
    pub action: Action,
    /// What it takes, in an order that the action gives meaning to.
    pub inputs: Vec<Input>,
}

impl Derivation {
    /// The derivation id: BLAKE3 of the RFC 8785 canonical JSON of
    /// `{"schema": ENCODING_SCHEMA, "action": …, "inputs": [{"derivation": hex, "outputs": […]}, …]}`, behind
    /// the prefix `hbuild derivation\n`.
    pub fn id(&self) -> DerivationId {
        #[derive(Serialize)]
        struct Encoded<'a> {
            schema: u32,
            action: &'a Action,
            inputs: &'a [Input],
        }
        let encoded = Encoded { schema: ENCODING_SCHEMA, action: &self.action, inputs: &self.inputs };
        DerivationId(hash(b"hbuild derivation\n", &encoded))
    }

    /// The key: the same encoding with, in place of each input's derivation, the digests of the outputs used,
    /// behind the prefix `hbuild key\n`. `resolved` holds one map for each input, in order. A fetch has a fixed
    /// output: its key holds that alone.
    pub fn key(&self, resolved: &[BTreeMap<OutputName, Digest>]) -> DerivationKey {
        #[derive(Serialize)]
        struct Encoded<'a> {
            schema: u32,
            action: &'a Action,
            inputs: &'a [BTreeMap<OutputName, Digest>],
        }
        let encoded = Encoded { schema: ENCODING_SCHEMA, action: &self.action, inputs: resolved };
        DerivationKey(hash(b"hbuild key\n", &encoded))
    }
}

fn hash(prefix: &[u8], value: &impl Serialize) -> Digest {
    let mut bytes = prefix.to_vec();
    canonical::append(value, &mut bytes);
    Digest::of(&bytes)
}
