//! Which keys of a certificate may sign at a given moment: the policy over OpenPGP certificates.
//!
//! rPGP does the cryptography; what a self-signature grants, and what takes it away, is decided here. Only
//! signatures of the certificate over itself count: certifications by others, which Debian's certificates have
//! many of, are not looked at.

use pgp::composed::{Deserializable, SignedPublicKey, SignedPublicSubKey};
use pgp::packet::{PublicKey, RevocationCode, Signature, SignatureType, SubpacketData};
use pgp::ser::Serialize;
use pgp::types::{Fingerprint, KeyDetails, KeyId, KeyVersion, PublicParams, Tag};

use super::{KeyRefusal, KeyringError, strong_hash};
use crate::timestamp::Timestamp;

/// Shortest RSA modulus believed, in bytes: 2048 bits.
const MIN_RSA_BYTES: usize = 256;

/// A certificate of a repository's keyring.
#[derive(Debug, Clone)]
pub struct Certificate {
    /// The name it is reported by.
    pub name: String,
    key: SignedPublicKey,
}

/// A key of a certificate, primary or subkey.
#[derive(Debug, Clone, Copy)]
pub enum SigningKey<'a> {
    /// The primary key.
    Primary(&'a SignedPublicKey),
    /// A subkey.
    Subkey(&'a SignedPublicSubKey),
}

impl SigningKey<'_> {
    /// Its fingerprint.
    pub fn fingerprint(&self) -> Fingerprint {
        match self {
            Self::Primary(key) => key.primary_key.fingerprint(),
            Self::Subkey(key) => key.key.fingerprint(),
        }
    }

    fn key_id(&self) -> KeyId {
        match self {
            Self::Primary(key) => key.primary_key.legacy_key_id(),
            Self::Subkey(key) => key.key.legacy_key_id(),
        }
    }

    /// When it was made.
    pub fn created(&self) -> Timestamp {
        let created = match self {
            Self::Primary(key) => key.primary_key.created_at(),
            Self::Subkey(key) => key.key.created_at(),
        };
        Timestamp(created.as_secs().into())
    }

    /// Whether `signature` is this key's over `text`.
    pub fn verifies(&self, signature: &Signature, text: &[u8]) -> bool {
        match self {
            Self::Primary(key) => signature.verify(&key.primary_key, text).is_ok(),
            Self::Subkey(key) => signature.verify(&key.key, text).is_ok(),
        }
    }
}

impl Certificate {
    /// The certificates in `text`: one or more blocks of ASCII armour. `name` is what they are reported by.
    pub fn parse_all(name: &str, text: &str) -> Result<Vec<Self>, KeyringError> {
        let unreadable = || KeyringError::Unreadable { name: name.to_owned() };
        const BEGIN: &str = "-----BEGIN PGP PUBLIC KEY BLOCK-----";
        let mut certificates = Vec::new();
        for (start, _) in text.match_indices(BEGIN) {
            let block = &text[start..];
            let end = block[BEGIN.len()..].find(BEGIN).map_or(block.len(), |at| at + BEGIN.len());
            let (keys, _headers) =
                SignedPublicKey::from_string_many(&block[..end]).map_err(|_| unreadable())?;
            for key in keys {
                certificates.push(Self { name: name.to_owned(), key: key.map_err(|_| unreadable())? });
            }
        }
        if certificates.is_empty() { Err(unreadable()) } else { Ok(certificates) }
    }

    /// The key that `signature` says made it, if it is one of this certificate's.
    pub fn key_named_by(&self, signature: &Signature) -> Option<SigningKey<'_>> {
        let subkeys = self.key.public_subkeys.iter().map(SigningKey::Subkey);
        std::iter::once(SigningKey::Primary(&self.key)).chain(subkeys).find(|key| {
            let fingerprints = signature.issuer_fingerprint();
            if fingerprints.is_empty() {
                signature.issuer_key_id().contains(&&key.key_id())
            } else {
                fingerprints.contains(&&key.fingerprint())
            }
        })
    }

    /// Whether `key`, one of this certificate's, may sign at the moment `at`.
    pub fn permits(&self, key: SigningKey<'_>, at: Timestamp) -> Result<(), KeyRefusal> {
        let primary = &self.key.primary_key;
        if primary.version() != KeyVersion::V4 && primary.version() != KeyVersion::V6 {
            return Err(KeyRefusal::Weak);
        }
        let revocations = &self.key.details.revocation_signatures;
        let by_primary = |signature: &Signature| signature.verify_key(primary).is_ok();
        if revocations.iter().any(|signature| revokes(signature, at) && by_primary(signature)) {
            return Err(KeyRefusal::Revoked);
        }
        let grants = self.self_signatures(at);
        if grants.is_empty() {
            return Err(KeyRefusal::NotBound);
        }
        let lifetime = grants.iter().find(|signature| {
            signature.typ() != Some(SignatureType::Key) || signature.key_expiration_time().is_some()
        });
        if let Some(signature) = lifetime {
            expiry(primary.created_at().as_secs(), signature, at)?;
        }
        match key {
            SigningKey::Primary(_) => {
                let flags = grants.iter().find(|signature| has_key_flags(signature));
                if !flags.is_some_and(|signature| signature.key_flags().sign()) {
                    return Err(KeyRefusal::NotForSigning);
                }
                strong_key(primary.public_params())
            }
            SigningKey::Subkey(subkey) => permits_subkey(primary, subkey, at),
        }
    }

    /// The self-signatures over the primary key and its user ids that hold at `at`, newest first.
    fn self_signatures(&self, at: Timestamp) -> Vec<&Signature> {
        let primary = &self.key.primary_key;
        let details = &self.key.details;
        let direct = details.direct_signatures.iter().filter(|signature| {
            signature.typ() == Some(SignatureType::Key)
                && holds(signature, at)
                && signature.verify_key(primary).is_ok()
        });
        let mut found: Vec<&Signature> = direct.collect();
        for user in &details.users {
            let own = |signature: &&Signature| names_issuer(signature, primary);
            let verifies = |signature: &Signature| {
                signature.verify_certification(primary, Tag::UserId, &user.id).is_ok()
            };
            let newest_revocation = user
                .signatures
                .iter()
                .filter(own)
                .filter(|signature| signature.typ() == Some(SignatureType::CertRevocation))
                .filter(|signature| verifies(signature))
                .filter_map(created)
                .max();
            found.extend(user.signatures.iter().filter(own).filter(|signature| {
                signature.is_certification()
                    && holds(signature, at)
                    && created(signature) > newest_revocation
                    && verifies(signature)
            }));
        }
        found.sort_by_key(|signature| std::cmp::Reverse(created(signature)));
        found
    }
}

/// Whether `subkey` may sign at `at`, given that the primary key may certify it.
fn permits_subkey(primary: &PublicKey, subkey: &SignedPublicSubKey, at: Timestamp) -> Result<(), KeyRefusal> {
    let bound = |signature: &Signature| signature.verify_subkey_binding(primary, &subkey.key).is_ok();
    let of_kind = |kind| subkey.signatures.iter().filter(move |signature| signature.typ() == Some(kind));
    if of_kind(SignatureType::SubkeyRevocation).any(|signature| revokes(signature, at) && bound(signature)) {
        return Err(KeyRefusal::Revoked);
    }
    let binding = of_kind(SignatureType::SubkeyBinding)
        .filter(|signature| holds(signature, at) && bound(signature))
        .max_by_key(|signature| created(signature))
        .ok_or(KeyRefusal::NotBound)?;
    expiry(subkey.key.created_at().as_secs(), binding, at)?;
    if !binding.key_flags().sign() {
        return Err(KeyRefusal::NotForSigning);
    }
    let back = binding.embedded_signature().ok_or(KeyRefusal::NotBound)?;
    if !holds(back, at) || back.verify_primary_key_binding(&subkey.key, primary).is_err() {
        return Err(KeyRefusal::NotBound);
    }
    strong_key(subkey.key.public_params())
}

/// When a signature says it was made.
pub fn created(signature: &Signature) -> Option<Timestamp> {
    signature.created().map(|created| Timestamp(created.as_secs().into()))
}

/// Whether the signature, if it verifies, grants anything at `at`: made by then, not expired, of a strong hash,
/// with nothing critical in it that is not understood here.
pub fn holds(signature: &Signature, at: Timestamp) -> bool {
    let Some(made) = created(signature) else { return false };
    let lasts = signature.signature_expiration_time().map_or(0, |duration| duration.as_secs());
    let expired = lasts > 0 && made.plus(lasts.into()) <= at;
    made <= at && !expired && strong_hash(signature) && !has_unknown_critical(signature)
}

fn has_unknown_critical(signature: &Signature) -> bool {
    let hashed = signature.config().map(|config| config.hashed_subpackets.as_slice()).unwrap_or_default();
    hashed.iter().any(|subpacket| {
        let unknown = matches!(
            subpacket.data,
            SubpacketData::Other(..) | SubpacketData::Experimental(..) | SubpacketData::Notation(_)
        );
        subpacket.is_critical && unknown
    })
}

fn has_key_flags(signature: &Signature) -> bool {
    let hashed = signature.config().map(|config| config.hashed_subpackets.as_slice()).unwrap_or_default();
    hashed.iter().any(|subpacket| matches!(subpacket.data, SubpacketData::KeyFlags(_)))
}

/// Whether a revocation, if it verifies, counts at `at`. A key that was only retired or superseded was good
/// before; of any other it cannot be said since when it was not.
fn revokes(signature: &Signature, at: Timestamp) -> bool {
    let soft = matches!(
        signature.revocation_reason_code(),
        Some(RevocationCode::KeySuperseded | RevocationCode::KeyRetired)
    );
    !soft || created(signature).is_none_or(|made| made <= at)
}

fn expiry(key_created: u32, signature: &Signature, at: Timestamp) -> Result<(), KeyRefusal> {
    let lasts = signature.key_expiration_time().map_or(0, |duration| duration.as_secs());
    let end = Timestamp(key_created.into()).plus(lasts.into());
    if lasts > 0 && end <= at { Err(KeyRefusal::Expired { end }) } else { Ok(()) }
}

fn names_issuer(signature: &Signature, key: &impl KeyDetails) -> bool {
    signature.issuer_fingerprint().contains(&&key.fingerprint())
        || signature.issuer_key_id().contains(&&key.legacy_key_id())
}

/// Refuses algorithms that are broken or not for signing, and short RSA keys.
fn strong_key(params: &PublicParams) -> Result<(), KeyRefusal> {
    match params {
        // Two length octets and the modulus, then two and an exponent of up to four.
        PublicParams::RSA(rsa) if rsa.write_len() > MIN_RSA_BYTES + 4 => Ok(()),
        PublicParams::ECDSA(_)
        | PublicParams::EdDSALegacy(_)
        | PublicParams::Ed25519(_)
        | PublicParams::Ed448(_) => Ok(()),
        _ => Err(KeyRefusal::Weak),
    }
}
