//! Why something could not be signed, or is not signed.

use crate::digest::Sha256;
use crate::evidence::json::JsonError;
use crate::image::read::ReadError;

/// Why something could not be signed, or is not signed.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum SigningError {
    /// Not PEM, or of another kind or curve.
    #[error("this is no public key for ECDSA on the curve P-256")]
    #[diagnostic(
        code(hbuild::signing::bad_public_key),
        help(
            "give the `.pub` file that `hbuild keygen` wrote; `openssl pkey -in KEY -pubout` writes it again"
        )
    )]
    BadPublicKey,
    /// The key did not make the signature.
    #[error("the signature is not one of the key {key} over these bytes")]
    #[diagnostic(
        code(hbuild::signing::wrong_signature),
        help("another key signed it, or what was signed was altered since: do not trust it")
    )]
    WrongSignature {
        /// The key's fingerprint.
        key: String,
    },
    /// A bundle that is none, or of a kind that is not read.
    #[error("this is no signed statement in a sigstore bundle: {fault}")]
    #[diagnostic(
        code(hbuild::signing::bad_bundle),
        help(
            "hbuild reads bundles of version 0.3 with one DSSE envelope and one signature, as it and cosign 3 write"
        )
    )]
    BadBundle {
        /// What is wrong.
        fault: &'static str,
    },
    /// A bundle whose JSON is refused.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Json(#[from] JsonError),
    /// Evidence of another image.
    #[error("the statement {predicate_type} among the evidence of sha256:{digest} is not about it")]
    #[diagnostic(
        code(hbuild::signing::other_subject),
        help("nothing was signed: take image and evidence together from where they were built")
    )]
    OtherSubject {
        /// Of the statement.
        predicate_type: String,
        /// Of the manifest or index.
        digest: Sha256,
    },
    /// The image or its evidence cannot be read.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Read(#[from] ReadError),
    /// What holds the key did not sign.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Signer(Box<dyn miette::Diagnostic + Send + Sync>),
}
