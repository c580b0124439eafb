//! DSSE envelopes in sigstore bundles.
//!
//! The envelope is that of <https://github.com/secure-systems-lab/dsse/blob/master/protocol.md>, the bundle that of
//! sigstore's `bundle.v0.3`: a public key by hint, the envelope with one signature, and no transparency log.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::{PublicKey, Signer, SigningError};
use crate::evidence::json;
use crate::evidence::media::PREDICATE_TYPE_ANNOTATION;
use crate::image::layout::{Referrer, Subject, referrer_manifest};

/// The media type of a bundle; also the artifact type of its referrer.
pub const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";

const CONTENT_ANNOTATION: &str = "dev.sigstore.bundle.content";
const BUNDLE_PREDICATE_ANNOTATION: &str = "dev.sigstore.bundle.predicateType";
/// The annotation of a referrer that names the key its bundle is signed with, as [`PublicKey::fingerprint`].
const KEY_ANNOTATION: &str = "io.hbuild.signing-key";

/// The bytes that DSSE signs: type and payload with their lengths.
pub fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut bytes = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    bytes.extend_from_slice(payload);
    bytes
}

/// A payload with one signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    hint: String,
    payload_type: String,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct BundleJson {
    media_type: String,
    verification_material: MaterialJson,
    dsse_envelope: Option<EnvelopeJson>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct MaterialJson {
    public_key: Option<HintJson>,
}

#[derive(Serialize, Deserialize)]
struct HintJson {
    #[serde(default)]
    hint: String,
}

/// A DSSE envelope as JSON.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EnvelopeJson {
    payload: String,
    payload_type: String,
    signatures: Vec<SignatureJson>,
}

#[derive(Serialize, Deserialize)]
struct SignatureJson {
    sig: String,
}

impl Bundle {
    /// `payload`, signed. The signature is verified before it is used.
    pub fn sign(signer: &dyn Signer, payload_type: &str, payload: &[u8]) -> Result<Self, SigningError> {
        let key = signer.public_key();
        let message = pae(payload_type, payload);
        let signature = signer.sign(&message)?;
        key.verify(&message, &signature)?;
        Ok(Self {
            hint: key.hint(),
            payload_type: payload_type.to_owned(),
            payload: payload.to_vec(),
            signature,
        })
    }

    /// The bundle that these bytes are. Nothing is verified.
    pub fn parse(bytes: &[u8]) -> Result<Self, SigningError> {
        let bad = |fault| SigningError::BadBundle { fault };
        let document: BundleJson = json::parse(bytes)?;
        if document.media_type != BUNDLE {
            return Err(bad("its media type is another one"));
        }
        let key = document.verification_material.public_key.ok_or(bad("it names no public key"))?;
        let envelope = document.dsse_envelope.ok_or(bad("it has no DSSE envelope"))?;
        let [signature] = envelope.signatures.as_slice() else {
            return Err(bad("its envelope has not exactly one signature"));
        };
        let decoded = |text: &str| STANDARD.decode(text).map_err(|_| bad("its envelope is not base64"));
        Ok(Self {
            hint: key.hint,
            payload: decoded(&envelope.payload)?,
            signature: decoded(&signature.sig)?,
            payload_type: envelope.payload_type,
        })
    }

    /// The bundle as JSON without white space.
    pub fn to_json(&self) -> Vec<u8> {
        let document = BundleJson {
            media_type: BUNDLE.to_owned(),
            verification_material: MaterialJson { public_key: Some(HintJson { hint: self.hint.clone() }) },
            dsse_envelope: Some(self.envelope()),
        };
        serde_json::to_vec(&document).expect("bundles hold strings")
    }

    fn envelope(&self) -> EnvelopeJson {
        EnvelopeJson {
            payload: STANDARD.encode(&self.payload),
            payload_type: self.payload_type.clone(),
            signatures: vec![SignatureJson { sig: STANDARD.encode(&self.signature) }],
        }
    }

    /// Which key is meant, as whoever signed says: [`PublicKey::hint`] of it, or anything.
    pub fn hint(&self) -> &str {
        &self.hint
    }

    /// The type of the payload; `application/vnd.in-toto+json` for statements.
    pub fn payload_type(&self) -> &str {
        &self.payload_type
    }

    /// What is signed.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// Fails unless `key` made the signature, over this payload of this type.
    pub fn verify(&self, key: &PublicKey) -> Result<(), SigningError> {
        key.verify(&pae(&self.payload_type, &self.payload), &self.signature)
    }
}

/// The artifact that attaches a bundle to `subject`, in the form that cosign 3 writes and finds. `key` is the one that
/// signed it: with the predicate type it says which bundle a newer one takes the place of.
pub fn bundle_referrer(subject: Subject, predicate_type: &str, key: &PublicKey, bundle: Vec<u8>) -> Referrer {
    let annotations = BTreeMap::from([
        (CONTENT_ANNOTATION.to_owned(), "dsse-envelope".to_owned()),
        (BUNDLE_PREDICATE_ANNOTATION.to_owned(), predicate_type.to_owned()),
        (PREDICATE_TYPE_ANNOTATION.to_owned(), predicate_type.to_owned()),
        (KEY_ANNOTATION.to_owned(), key.fingerprint()),
    ]);
    referrer_manifest(subject, BUNDLE, BUNDLE, bundle, annotations)
}
