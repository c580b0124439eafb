//! From bundles to statements that a trusted key vouches for.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::walk::Artifact;
use super::{Fault, Problem, TrustedKey};
use crate::digest::Sha256;
use crate::evidence::signing::Bundle;
use crate::evidence::{STATEMENT_TYPE, json, media};
use crate::image::read::ImageFiles;

/// Bundles hold SBOMs and lists of every file.
const MOST_BUNDLE_BYTES: u64 = 64 << 20;
/// in-toto's statements before version 1 say the same of subject and predicate type.
const STATEMENT_V0: &str = "https://in-toto.io/Statement/v0.1";

/// A statement about a subject, signed by a trusted key.
#[derive(Debug)]
pub(super) struct Vouched {
    /// Digest of the artifact manifest that attaches it.
    pub artifact: Sha256,
    /// Which of the trusted keys signed it.
    pub key: usize,
    pub predicate_type: String,
    /// The statement as it was signed.
    pub statement: Vec<u8>,
}

/// What became of a bundle.
#[derive(Debug)]
pub(super) struct Examined {
    pub artifact: Sha256,
    /// The type that it is filed under, or its own where it was read.
    pub kind: String,
    pub outcome: Result<Vouched, Fault>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Header {
    #[serde(rename = "_type")]
    kind: String,
    subject: Vec<Named>,
    predicate_type: String,
    #[serde(default, rename = "predicate")]
    _predicate: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Named {
    #[serde(default)]
    digest: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Body<P> {
    predicate: P,
}

impl Vouched {
    /// Whether the statement is, or states as its predicate, the document of this digest and length.
    pub fn holds_document(&self, digest: Sha256, size: u64) -> bool {
        const PREDICATE: &[u8] = b"\"predicate\":";
        if self.statement.len() as u64 == size {
            return Sha256::of(&self.statement) == digest;
        }
        // `{…,"predicate":DOCUMENT}`, as `hbuild sign` wraps a document that is no statement.
        let Some(inner) = self.statement.strip_suffix(b"}") else { return false };
        let begin = usize::try_from(size).ok().and_then(|size| inner.len().checked_sub(size));
        begin
            .is_some_and(|begin| inner[..begin].ends_with(PREDICATE) && Sha256::of(&inner[begin..]) == digest)
    }

    /// Its predicate.
    pub fn predicate<P: for<'de> Deserialize<'de>>(&self) -> Result<P, serde_json::Error> {
        // That no member stands twice was checked before the signature was.
        serde_json::from_slice::<Body<P>>(&self.statement).map(|body| body.predicate)
    }
}

/// Examines the bundle of `artifact`, which is to be about `subject`. Its blob being damaged is a problem; anything
/// else is why it does not count.
pub(super) fn examine(
    files: &dyn ImageFiles,
    artifact: &mut Artifact,
    subject: Sha256,
    keys: &[TrustedKey],
) -> Result<Examined, Problem> {
    let bytes = artifact.document.read(files, MOST_BUNDLE_BYTES)?;
    let examined = |kind: String, outcome| Examined { artifact: artifact.manifest, kind, outcome };
    if let Some(fault) = artifact.fault.take() {
        return Ok(examined(artifact.kind.clone(), Err(fault)));
    }
    Ok(match vouched(&bytes, artifact.manifest, subject, keys) {
        Ok(vouched) => examined(vouched.predicate_type.clone(), Ok(vouched)),
        Err(fault) => examined(artifact.kind.clone(), Err(fault)),
    })
}

fn vouched(bytes: &[u8], artifact: Sha256, subject: Sha256, keys: &[TrustedKey]) -> Result<Vouched, Fault> {
    let bundle = Bundle::parse(bytes)?;
    if bundle.payload_type() != media::IN_TOTO {
        return Err(Fault::Payload { found: super::shown(bundle.payload_type()) });
    }
    let key = signed_by(&bundle, keys)?;
    let header: Header = json::parse(bundle.payload()).map_err(Fault::Statement)?;
    if header.kind != STATEMENT_TYPE && header.kind != STATEMENT_V0 {
        return Err(Fault::Payload { found: super::shown(&header.kind) });
    }
    let digests: Vec<&String> =
        header.subject.iter().filter_map(|named| named.digest.get("sha256")).collect();
    match digests.first() {
        None => Err(Fault::NoDigest),
        Some(first) if !digests.contains(&&subject.to_string()) => {
            Err(Fault::OtherSubject { found: super::shown(first) })
        }
        Some(_) => Ok(Vouched {
            artifact,
            key,
            predicate_type: header.predicate_type,
            statement: bundle.payload().to_vec(),
        }),
    }
}

/// Which of `keys` made the signature.
fn signed_by(bundle: &Bundle, keys: &[TrustedKey]) -> Result<usize, Fault> {
    // What a bundle says of its key is a hint and no more.
    if let Some(key) = keys.iter().position(|key| bundle.verify(&key.key).is_ok()) {
        return Ok(key);
    }
    match keys.iter().find(|key| key.key.hint() == bundle.hint()) {
        Some(key) => Err(Fault::WrongSignature { key: key.name.clone() }),
        None => Err(Fault::UnknownKey { hint: super::shown(bundle.hint()) }),
    }
}
