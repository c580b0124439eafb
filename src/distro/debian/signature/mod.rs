//! OpenPGP signatures on InRelease files: verification against a repository's keyring, with hbuild's policy.
//!
//! Receives the file's bytes, the keyring and the moment to judge by; gives back the text that the signatures
//! cover. Never reads the clock, the user's keyring or trust of others. The measure is gpgv; where hbuild is
//! stricter (hashes, text around the message, expired and revoked keys) it refuses what gpgv accepts, never
//! the other way.

mod certificate;
mod cleartext;

use std::io::Read;

use pgp::armor::Dearmor;
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{Packet, PacketParser, Signature, SignatureType};

pub use certificate::Certificate;
pub use cleartext::{Cleartext, CleartextError};

use crate::timestamp::Timestamp;
use certificate::{created, holds};

/// Most signatures looked at in one message.
const MAX_SIGNATURES: usize = 32;
/// Largest block of signatures, in bytes.
const MAX_SIGNATURE_BYTES: u64 = 1 << 18;
/// How far the clock of whoever signs may be ahead, and how much later than an index's `Date` it may be signed.
const MAX_AHEAD_SECONDS: i64 = 24 * 3600;

/// A text whose signature holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// What the signatures cover.
    pub text: String,
    /// Fingerprints of the keys whose signatures hold, upper-case hexadecimal, sorted.
    pub signed_by: Vec<String>,
}

/// The certificates that may sign a repository.
#[derive(Debug, Clone, Default)]
pub struct Keyring {
    certificates: Vec<Certificate>,
}

/// Why a text is not a keyring.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
pub enum KeyringError {
    /// Not ASCII-armoured OpenPGP certificates.
    #[error("the key `{name}` is not an ASCII-armoured OpenPGP certificate")]
    #[diagnostic(
        code(hbuild::debian::bad_key),
        help(
            "take the key file in the form `gpg --armor --export` writes; it begins with `-----BEGIN PGP PUBLIC KEY BLOCK-----`"
        )
    )]
    Unreadable {
        /// What it is reported by.
        name: String,
    },
}

/// Why no signature of a message holds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// Not a signed message.
    #[error("it is not signed: {0}")]
    NotSigned(CleartextError),
    /// The signatures cannot be read.
    #[error("its signature cannot be read")]
    Unreadable,
    /// A key of the keyring made the signature, but not over this text.
    #[error("the signature by {fingerprint} is not over this text: it was changed after signing")]
    Tampered {
        /// The key.
        fingerprint: String,
    },
    /// Signatures by keys of the keyring, each refused.
    #[error("no signature holds: {}", list(.0))]
    Refused(Vec<RefusedSignature>),
    /// Only signatures by keys that are not in the keyring.
    #[error("it is signed by {}, none of which is in the repository's keyring", .0.join(", "))]
    OtherKey(Vec<String>),
}

/// A signature by a key of the keyring that does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedSignature {
    /// Fingerprint of the key.
    pub fingerprint: String,
    /// Why.
    pub refusal: KeyRefusal,
}

/// Why a signature by a known key does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyRefusal {
    /// The key has expired.
    #[error("the key expired on {end}")]
    Expired {
        /// When.
        end: Timestamp,
    },
    /// The key is revoked.
    #[error("the key is revoked")]
    Revoked,
    /// No self-signature by a strong hash binds the key.
    #[error("the key has no valid self-signature")]
    NotBound,
    /// The key is not for signing.
    #[error("the key is not for signing")]
    NotForSigning,
    /// The key's kind or length.
    #[error("the key is too weak")]
    Weak,
    /// SHA-1 and the like.
    #[error("the signature's hash is weaker than SHA-256")]
    WeakHash,
    /// The message's header does not announce the hash, so that gpgv does not compute it.
    #[error("the signature's hash is not announced in the message's header")]
    HashNotAnnounced,
    /// The signature has expired, or holds something critical that is not understood.
    #[error("the signature is expired, or has conditions that hbuild does not know")]
    Conditions,
    /// Made in the future, or before its key.
    #[error("the signature was made at {made}, which cannot be")]
    Time {
        /// When it says it was made.
        made: Timestamp,
    },
}

/// What signatures are over.
struct Signed<'a> {
    bytes: Vec<u8>,
    hashes: &'a [&'a str],
}

fn list(refused: &[RefusedSignature]) -> String {
    let one = |entry: &RefusedSignature| format!("{} ({})", entry.fingerprint, entry.refusal);
    refused.iter().map(one).collect::<Vec<_>>().join(", ")
}

impl Keyring {
    /// The keyring of these certificates: the name each is reported by, and its ASCII armour.
    pub fn parse<'a>(keys: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, KeyringError> {
        let mut certificates = Vec::new();
        for (name, text) in keys {
            certificates.extend(Certificate::parse_all(name, text)?);
        }
        Ok(Self { certificates })
    }

    /// The text of `message`, signed in the cleartext framework, if at `at` a signature by a key of this
    /// keyring holds. Signatures by other keys count for nothing; one by a key of the keyring that does not
    /// match the text is an error even beside another that does.
    pub fn verify(&self, message: &[u8], at: Timestamp) -> Result<Verified, SignatureError> {
        let cleartext = Cleartext::parse(message).map_err(SignatureError::NotSigned)?;
        let signed = Signed { bytes: cleartext.signed_bytes(), hashes: &cleartext.hashes };
        let mut good = Vec::new();
        let mut refused = Vec::new();
        let mut unknown = Vec::new();
        for signature in read_signatures(cleartext.signatures)? {
            let Some((fingerprint, verdict)) = self.judge(&signature, &signed, at) else {
                unknown.push(issuer(&signature));
                continue;
            };
            match verdict {
                Ok(true) => good.push(fingerprint),
                Ok(false) => return Err(SignatureError::Tampered { fingerprint }),
                Err(refusal) => refused.push(RefusedSignature { fingerprint, refusal }),
            }
        }
        if !good.is_empty() {
            good.sort();
            good.dedup();
            Ok(Verified { text: cleartext.text, signed_by: good })
        } else if !refused.is_empty() {
            Err(SignatureError::Refused(refused))
        } else {
            Err(SignatureError::OtherKey(unknown))
        }
    }

    /// The key of this keyring that made `signature`, and whether it is over `text`, or why it does not count.
    /// None where no key is named by it.
    fn judge(
        &self,
        signature: &Signature,
        signed: &Signed<'_>,
        at: Timestamp,
    ) -> Option<(String, Result<bool, KeyRefusal>)> {
        let named = |certificate| -> Option<_> {
            Some((certificate, Certificate::key_named_by(certificate, signature)?))
        };
        let (certificate, key) = self.certificates.iter().find_map(named)?;
        let verdict = || {
            let of_text = matches!(signature.typ(), Some(SignatureType::Text | SignatureType::Binary));
            if !of_text {
                return Err(KeyRefusal::Conditions);
            }
            if !strong_hash(signature) {
                return Err(KeyRefusal::WeakHash);
            }
            let hash = signature.hash_alg().map(|hash| hash.to_string()).unwrap_or_default();
            if !signed.hashes.contains(&hash.as_str()) {
                return Err(KeyRefusal::HashNotAnnounced);
            }
            let made = created(signature).ok_or(KeyRefusal::Conditions)?;
            if made > at.plus(MAX_AHEAD_SECONDS) || made < key.created() {
                return Err(KeyRefusal::Time { made });
            }
            if !holds(signature, at.max(made)) {
                return Err(KeyRefusal::Conditions);
            }
            certificate.permits(key, at.max(made))?;
            Ok(key.verifies(signature, &signed.bytes))
        };
        Some((format!("{:X}", key.fingerprint()), verdict()))
    }
}

/// Whether the signature's hash is one of the SHA-2 and SHA-3 family with at least 256 bits.
fn strong_hash(signature: &Signature) -> bool {
    use HashAlgorithm::{Sha3_256, Sha3_512, Sha256, Sha384, Sha512};
    matches!(signature.hash_alg(), Some(Sha256 | Sha384 | Sha512 | Sha3_256 | Sha3_512))
}

/// Fingerprint or key id that the signature says it is by.
fn issuer(signature: &Signature) -> String {
    if let Some(fingerprint) = signature.issuer_fingerprint().first() {
        return format!("{fingerprint:X}");
    }
    let id = signature.issuer_key_id().first().map(|id| id.to_string().to_uppercase());
    id.unwrap_or_else(|| "an unnamed key".to_owned())
}

/// The signatures in the armour; packets of versions that rPGP does not know are passed over, as OpenPGP asks.
fn read_signatures(armor: &str) -> Result<Vec<Signature>, SignatureError> {
    let limited = Dearmor::new(armor.as_bytes()).take(MAX_SIGNATURE_BYTES);
    let mut signatures = Vec::new();
    for packet in PacketParser::new(std::io::BufReader::new(limited)) {
        match packet {
            Ok(Packet::Signature(signature)) if signatures.len() < MAX_SIGNATURES => {
                signatures.push(signature);
            }
            Ok(Packet::Signature(_)) => return Err(SignatureError::Unreadable),
            Ok(_) => return Err(SignatureError::Unreadable),
            Err(pgp::errors::Error::Unsupported { .. }) => {}
            Err(_) => return Err(SignatureError::Unreadable),
        }
    }
    if signatures.is_empty() { Err(SignatureError::Unreadable) } else { Ok(signatures) }
}
