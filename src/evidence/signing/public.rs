//! Public keys.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use p256::ecdsa::VerifyingKey;
use p256::ecdsa::signature::Verifier;
use pkcs8::{DecodePublicKey, EncodePublicKey, LineEnding};

use super::SigningError;
use crate::digest::Sha256;

/// A public key: ECDSA on the curve P-256.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PublicKey {
    /// Its SubjectPublicKeyInfo, uncompressed: one key has one encoding.
    der: Vec<u8>,
    key: VerifyingKey,
}

impl PublicKey {
    /// The key of a PEM file `PUBLIC KEY` (SubjectPublicKeyInfo, RFC 5280), as cosign and openssl write it.
    pub fn from_pem(pem: &str) -> Result<Self, SigningError> {
        let key = VerifyingKey::from_public_key_pem(pem.trim()).map_err(|_| SigningError::BadPublicKey)?;
        Ok(Self::of(key))
    }

    pub(super) fn of(key: VerifyingKey) -> Self {
        let der = key.to_public_key_der().expect("a point of the curve has an encoding");
        Self { der: der.into_vec(), key }
    }

    /// The PEM file of the key.
    pub fn to_pem(&self) -> String {
        self.key.to_public_key_pem(LineEnding::LF).expect("a point of the curve has an encoding")
    }

    /// What a bundle says of the key that signed it: base64 of the SHA-256 of the SubjectPublicKeyInfo, as cosign
    /// writes it.
    pub fn hint(&self) -> String {
        STANDARD.encode(Sha256::of(&self.der).0)
    }

    /// SHA-256 of the SubjectPublicKeyInfo, hexadecimal.
    pub fn fingerprint(&self) -> String {
        Sha256::of(&self.der).to_string()
    }

    /// Fails unless `signature`, an ECDSA-Sig-Value in DER, is one of this key over `message`.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), SigningError> {
        let wrong = || SigningError::WrongSignature { key: self.fingerprint() };
        let signature = p256::ecdsa::Signature::from_der(signature).map_err(|_| wrong())?;
        self.key.verify(message, &signature).map_err(|_| wrong())
    }
}
