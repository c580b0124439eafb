//! Why a piece of evidence does not count.

use crate::evidence::json::JsonError;
use crate::evidence::signing::SigningError;
use crate::timestamp::Timestamp;

/// Why a bundle among the referrers does not count. Anyone may attach something to an image in a registry, so this
/// alone is no failure: it becomes one where what is wanted is then missing.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum Fault {
    /// No bundle, or one that is refused.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Bundle(#[from] SigningError),
    /// What was signed is no JSON, or not to be trusted to read the same everywhere.
    #[error("what was signed is no statement")]
    #[diagnostic(
        code(hbuild::verify::bad_statement),
        help("a statement is one JSON document that every reader reads in the same way")
    )]
    Statement(#[source] JsonError),
    /// Not an in-toto statement.
    #[error("what was signed is of the type `{found}`, not an in-toto statement")]
    #[diagnostic(
        code(hbuild::verify::other_payload),
        help("a signature over anything else says nothing about an image")
    )]
    Payload {
        /// The payload's or the statement's type.
        found: String,
    },
    /// A key that is not trusted.
    #[error("it is signed by a key that is not trusted (hint `{hint}`)")]
    #[diagnostic(
        code(hbuild::verify::unknown_key),
        help("give its public key with `--key` or in the policy, if you have it from somebody you trust")
    )]
    UnknownKey {
        /// What the bundle says of the key.
        hint: String,
    },
    /// A trusted key is named, and did not make the signature.
    #[error("it names the key `{key}`, which did not sign these bytes")]
    #[diagnostic(
        code(hbuild::verify::wrong_signature),
        help("it was altered after it was signed, or never signed by that key")
    )]
    WrongSignature {
        /// The key's name.
        key: String,
    },
    /// A key that was revoked.
    #[error("it is signed with the key `{key}`, which is revoked: {reason}")]
    #[diagnostic(
        code(hbuild::verify::revoked_key),
        help(
            "whoever has the key can sign anything and state any date: have the image signed with another key"
        )
    )]
    Revoked {
        /// The key's name.
        key: String,
        /// The policy's reason.
        reason: String,
    },
    /// A key after its time.
    #[error("it is signed with the key `{key}`, which is valid until {until}; it is held against {moment}")]
    #[diagnostic(
        code(hbuild::verify::expired_key),
        help(
            "have the image signed with a newer key; `time = \"asserted\"` under `[signatures]` believes the signer's own date"
        )
    )]
    Expired {
        /// The key's name.
        key: String,
        /// End of its time.
        until: Timestamp,
        /// What it is held against.
        moment: Timestamp,
    },
    /// A key before its time.
    #[error("it is signed with the key `{key}`, which is valid from {from}; it is held against {moment}")]
    #[diagnostic(code(hbuild::verify::key_not_yet_valid), help("check this machine's clock and the policy"))]
    NotYet {
        /// The key's name.
        key: String,
        /// Begin of its time.
        from: Timestamp,
        /// What it is held against.
        moment: Timestamp,
    },
    /// A statement about nothing that has a digest.
    #[error("none of its subjects has a SHA-256 digest")]
    #[diagnostic(
        code(hbuild::verify::no_subject_digest),
        help("a statement about a name may be about any image of that name: it says nothing about this one")
    )]
    NoDigest,
    /// A statement about another image.
    #[error("it is about another image: sha256:{found}")]
    #[diagnostic(
        code(hbuild::verify::other_subject),
        help("evidence of one image attached to another is worth nothing: sign this image's own")
    )]
    OtherSubject {
        /// Digest of the first subject that has one.
        found: String,
    },
    /// A referrer that the layout lists for another image.
    #[error("the artifact's own subject is {found}, not the image that it is listed for")]
    #[diagnostic(
        code(hbuild::verify::misplaced_referrer),
        help("the list of referrers was altered: copy the image again with its referrers")
    )]
    Misplaced {
        /// Its subject.
        found: String,
    },
    /// A key that speaks for another builder.
    #[error("the key `{key}` signs for the builder `{builder}`, and the provenance says `{found}`")]
    #[diagnostic(
        code(hbuild::verify::other_builder),
        help("a builder's key vouches for that builder alone: the policy's `builder` of the key says which")
    )]
    OtherBuilder {
        /// The key's name.
        key: String,
        /// The builder that it signs for.
        builder: String,
        /// The provenance's builder id.
        found: String,
    },
}
