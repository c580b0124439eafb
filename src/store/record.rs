//! Records: what a key gave.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::ObjectRef;
use crate::digest::{Digest, Sha256};
use crate::graph::{DerivationKey, OutputName};

/// The outputs that a key gave. The first record of a key stands for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Record {
    /// The key.
    pub key: DerivationKey,
    /// The label of the derivation that was executed, for people.
    pub label: String,
    /// The outputs.
    pub outputs: BTreeMap<OutputName, ObjectRef>,
    /// Keys of the records of the inputs, sorted: what is kept so that a changed recipe rebuilds only what it
    /// changed.
    #[serde(default)]
    pub inputs: Vec<DerivationKey>,
    /// Packs needed to read the contents of the trees among the outputs, sorted.
    #[serde(default)]
    pub references: Vec<Digest>,
    /// SHA-256 of outputs, where it is known.
    #[serde(default)]
    pub sha256: BTreeMap<OutputName, Sha256>,
    /// Warnings of the action, for people and evidence.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// How it was executed, where it was a command in a sandbox.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution: Option<Execution>,
}

/// How a command was executed: the run, not the definition. Nothing of it can change an output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Execution {
    /// The execution platform: `linux/amd64`.
    pub platform: String,
    /// The sandbox as it was applied.
    pub sandbox: Applied,
    /// What `$JOBS` said.
    pub jobs: usize,
    /// What it used.
    pub usage: Usage,
    /// SHA-256 of the log, where there is one.
    pub log: Option<Sha256>,
}

/// A sandbox as the kernel was made to apply it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Applied {
    /// Kinds of new namespaces, sorted: `cgroup`, `ipc`, `mount`, `network`, `pid`, `user`, `uts`.
    pub namespaces: Vec<String>,
    /// `uid:gid` inside.
    pub user: String,
    /// What is mounted where, in order: `/ root, overlay read-only`, `/build tmpfs`, ….
    pub mounts: Vec<String>,
    /// BLAKE3 of the seccomp programs, hexadecimal.
    pub seccomp: String,
    /// The ABI of Landlock that was applied.
    pub landlock: Option<u32>,
    /// Whether addresses are laid out the same way in each run.
    pub fixed_addresses: bool,
    /// Limits, each with what holds it: `memory` → `4294967296 by cgroup`.
    pub limits: BTreeMap<String, String>,
    /// Best-effort parts that could not be had here, sorted.
    pub missing: Vec<String>,
    /// Kernel release.
    pub kernel: String,
}

/// What an execution used.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Usage {
    /// From start to end, in milliseconds.
    pub wall_ms: u64,
    /// Processor time of all processes, in milliseconds.
    pub cpu_ms: u64,
    /// Largest resident set of one process, in bytes.
    pub peak_memory: u64,
}

impl Record {
    /// The digests of all outputs by name, as they enter the keys of dependents.
    pub fn digests(&self) -> BTreeMap<OutputName, Digest> {
        self.outputs.iter().map(|(name, object)| (name.clone(), object.digest)).collect()
    }

    /// The bytes of the record's file.
    pub fn encode(&self) -> Vec<u8> {
        seal("record", self)
    }

    /// The record that [`Record::encode`] wrote; `None` when a bit of it is wrong or its schema is another.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        unseal("record", bytes)
    }
}

/// The bytes of a checked file: the line `hbuild <kind> 1 <BLAKE3 of the rest>`, then JSON.
pub(crate) fn seal(kind: &str, value: &impl Serialize) -> Vec<u8> {
    let mut json = serde_json::to_vec(value).expect("records serialise to JSON");
    json.push(b'\n');
    let mut bytes = format!("hbuild {kind} 1 {}\n", Digest::of(&json)).into_bytes();
    bytes.append(&mut json);
    bytes
}

/// The value that [`seal`] wrote, or `None`.
pub(crate) fn unseal<T: DeserializeOwned>(kind: &str, bytes: &[u8]) -> Option<T> {
    let rest = bytes.strip_prefix(b"hbuild ")?.strip_prefix(kind.as_bytes())?.strip_prefix(b" 1 ")?;
    let (hex, rest) = rest.split_at_checked(64)?;
    let json = rest.strip_prefix(b"\n")?;
    let stated: Digest = std::str::from_utf8(hex).ok()?.parse().ok()?;
    if Digest::of(json) != stated {
        return None;
    }
    serde_json::from_slice(json).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flipped_bit_makes_a_record_unreadable() {
        let record = Record {
            key: DerivationKey(Digest::of(b"key")),
            label: "unpack libc6 2.36-9 amd64".into(),
            outputs: BTreeMap::from([("tree".to_owned(), ObjectRef::of(b"x"))]),
            inputs: vec![DerivationKey(Digest::of(b"input"))],
            references: vec![Digest::of(b"pack")],
            sha256: BTreeMap::from([("tree".to_owned(), Sha256::of(b"x"))]),
            warnings: vec!["a warning".into()],
            execution: None,
        };
        let bytes = record.encode();
        assert_eq!(Record::decode(&bytes), Some(record));
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut flipped = bytes.clone();
                flipped[at] ^= 1 << bit;
                assert_eq!(Record::decode(&flipped), None, "byte {at}, bit {bit}");
            }
            assert_eq!(Record::decode(&bytes[..at]), None);
        }
    }
}
