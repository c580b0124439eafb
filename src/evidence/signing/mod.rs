//! Signatures over statements: ECDSA P-256 over SHA-256, DSSE, and the sigstore bundle, version 0.3.
//!
//! Receives statements as bytes and something that signs; returns the documents that are attached to an image. It
//! starts no process, reads no file and asks nobody: where a private key is, is the caller's affair ([`Signer`]).

mod bundle;
mod error;
mod legacy;
mod private;
mod public;
mod signer;
mod target;

pub use bundle::{BUNDLE, Bundle, bundle_referrer, pae};
pub use error::SigningError;
pub use private::{KeyFault, PrivateKey};
pub use public::PublicKey;
pub use signer::{Signer, sign_statement};
pub use target::{Target, ToSign, targets};
