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
use crate::image::layout::{Blob, Referrer, Subject, referrer_manifest};

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

fn bad(fault: &'static str) -> SigningError {
    SigningError::BadBundle { fault }
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
    /// Entries of transparency logs, of which hbuild writes and reads none. Parsers want the member.
    #[serde(default)]
    tlog_entries: Vec<serde_json::Value>,
}

#[derive(Serialize, Deserialize)]
struct HintJson {
    #[serde(default)]
    hint: String,
}

/// A DSSE envelope as JSON.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct EnvelopeJson {
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
        let document: BundleJson = json::parse(bytes)?;
        if document.media_type != BUNDLE {
            return Err(bad("its media type is another one"));
        }
        let key = document.verification_material.public_key.ok_or(bad("it names no public key"))?;
        let envelope = document.dsse_envelope.ok_or(bad("it has no DSSE envelope"))?;
        Self::opened(key.hint, envelope)
    }

    /// A DSSE envelope without a bundle around it, which says nothing of its key.
    pub(super) fn of_envelope(bytes: &[u8]) -> Result<Self, SigningError> {
        Self::opened(String::new(), json::parse(bytes)?)
    }

    fn opened(hint: String, envelope: EnvelopeJson) -> Result<Self, SigningError> {
        let [signature] = envelope.signatures.as_slice() else {
            return Err(bad("its envelope has not exactly one signature"));
        };
        let decoded = |text: &str| STANDARD.decode(text).map_err(|_| bad("its envelope is not base64"));
        Ok(Self {
            hint,
            payload: decoded(&envelope.payload)?,
            signature: decoded(&signature.sig)?,
            payload_type: envelope.payload_type,
        })
    }

    /// The envelope alone, as JSON.
    pub(super) fn to_envelope(&self) -> Vec<u8> {
        serde_json::to_vec(&self.envelope()).expect("envelopes hold strings")
    }

    /// The bundle as JSON without white space.
    pub fn to_json(&self) -> Vec<u8> {
        let document = BundleJson {
            media_type: BUNDLE.to_owned(),
            verification_material: MaterialJson {
                public_key: Some(HintJson { hint: self.hint.clone() }),
                tlog_entries: Vec::new(),
            },
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
    referrer_manifest(subject, BUNDLE, BUNDLE, Blob::of(&bundle), annotations)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::signing::PrivateKey;

    struct Own(PrivateKey, PublicKey);

    impl Signer for Own {
        fn public_key(&self) -> &PublicKey {
            &self.1
        }

        fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SigningError> {
            Ok(self.0.sign(message))
        }
    }

    fn own() -> Own {
        let key = PrivateKey::generate();
        let public = key.public_key();
        Own(key, public)
    }

    #[test]
    fn the_encoding_is_that_of_the_specification() {
        // The example of DSSE's protocol.
        let expected = b"DSSEv1 29 http://example.com/HelloWorld 11 hello world";
        assert_eq!(pae("http://example.com/HelloWorld", b"hello world"), expected);
    }

    #[test]
    fn a_bundle_is_what_was_signed_and_by_whom() {
        let (signer, other) = (own(), own());
        let bundle = Bundle::sign(&signer, "application/vnd.in-toto+json", b"{}").unwrap();
        assert_eq!(
            bundle.to_json(),
            Bundle::sign(&signer, "application/vnd.in-toto+json", b"{}").unwrap().to_json()
        );
        let read = Bundle::parse(&bundle.to_json()).unwrap();
        assert_eq!((&read, read.payload()), (&bundle, &b"{}"[..]));
        assert_eq!(read.hint(), signer.1.hint());
        read.verify(&signer.1).unwrap();
        assert!(matches!(read.verify(&other.1), Err(SigningError::WrongSignature { .. })));
        let altered = [
            Bundle { payload: b"{ }".to_vec(), ..read.clone() },
            Bundle { payload_type: "application/vnd.in-toto+jso".to_owned(), ..read.clone() },
            Bundle { signature: Vec::new(), ..read.clone() },
            Bundle { signature: [&read.signature[..], b"\0"].concat(), ..read.clone() },
        ];
        for bundle in altered {
            assert!(
                matches!(bundle.verify(&signer.1), Err(SigningError::WrongSignature { .. })),
                "{bundle:?}"
            );
        }
    }

    #[test]
    fn what_is_no_bundle_is_refused() {
        let bundle = String::from_utf8(Bundle::sign(&own(), "t", b"x").unwrap().to_json()).unwrap();
        let cases = [
            ("", ""),
            ("v0.3", "v0.2"),
            ("\"publicKey\"", "\"certificate\""),
            ("dsseEnvelope", "messageSignature"),
            ("\"signatures\":[", "\"signatures\":[{\"sig\":\"\"},"),
            ("\"payload\":\"", "\"payload\":\"*"),
            ("\"payload\":", "\"payload\":\"eA==\",\"payload\":"),
        ];
        for (number, (from, to)) in cases.into_iter().enumerate() {
            let read = Bundle::parse(bundle.replacen(from, to, 1).as_bytes());
            assert_eq!(read.is_ok(), number == 0, "{from} {read:?}");
        }
    }
}
