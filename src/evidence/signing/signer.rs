//! What signs.

use super::{Bundle, PublicKey, SigningError};
use crate::evidence::media;

/// Something that has a private key.
pub trait Signer {
    /// The public key that belongs to it.
    fn public_key(&self) -> &PublicKey;

    /// A signature (ECDSA-Sig-Value in DER) over the SHA-256 of these bytes: a DSSE pre-authentication encoding
    /// ([`super::pae`]), or a legacy payload of cosign.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SigningError>;
}

/// The bundle of an in-toto statement, as JSON. The signature is verified before it is used, so a signer that errs
/// leaves no trace.
pub fn sign_statement(signer: &dyn Signer, statement_json: &[u8]) -> Result<Vec<u8>, SigningError> {
    Ok(Bundle::sign(signer, media::IN_TOTO, statement_json)?.to_json())
}
