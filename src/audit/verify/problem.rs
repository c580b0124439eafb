//! What an image can fail by.

use super::Fault;
use super::policy::Threshold;
use crate::digest::Sha256;
use crate::evidence::json::JsonError;
use crate::image::read::{NotPlain, ReadError};
use crate::timestamp::Timestamp;

/// One thing that does not hold. `what` and `subject` say of which part of the image.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum Problem {
    /// A blob that cannot be had.
    #[error("{what} is missing: sha256:{digest}")]
    #[diagnostic(
        code(hbuild::verify::missing_blob),
        help("the copy of the image is not whole: copy or pull it again, with its referrers")
    )]
    Missing {
        /// Which part.
        what: String,
        /// Its digest.
        digest: Sha256,
    },
    /// Reading failed.
    #[error("{what} cannot be read: sha256:{digest}")]
    #[diagnostic(
        code(hbuild::verify::unreadable_blob),
        help("the disk or the registry failed, not the image: try again")
    )]
    Unreadable {
        /// Which part.
        what: String,
        /// Its digest.
        digest: Sha256,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// What gives the files failed.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Read(#[from] ReadError),
    /// A blob that is no plain file.
    #[error("{what} leads elsewhere: `{path}` is {reason}")]
    #[diagnostic(
        code(hbuild::verify::not_plain),
        help("an image holds plain files in plain folders only; what a link leads to is no part of it")
    )]
    NotPlain {
        /// Which part.
        what: String,
        /// The file in the layout.
        path: String,
        /// What it is.
        reason: NotPlain,
    },
    /// A digest that is none.
    #[error("{what} is named by `{digest}`, which is no SHA-256 digest")]
    #[diagnostic(
        code(hbuild::verify::bad_digest),
        help(
            "blobs are named by `sha256:` and 64 lower-case hexadecimal digits: whoever wrote this wants it read elsewhere"
        )
    )]
    Digest {
        /// Which part.
        what: String,
        /// The digest as written.
        digest: String,
    },
    /// Fewer bytes than stated.
    #[error("{what} ends after {found} of {size} bytes: sha256:{digest}")]
    #[diagnostic(
        code(hbuild::verify::truncated_blob),
        help("the copy of the image is not whole: copy or pull it again")
    )]
    Truncated {
        /// Which part.
        what: String,
        /// Its digest.
        digest: Sha256,
        /// Bytes stated.
        size: u64,
        /// Bytes found.
        found: u64,
    },
    /// More bytes than stated.
    #[error("{what} goes on after its {size} bytes: sha256:{digest}")]
    #[diagnostic(
        code(hbuild::verify::longer_blob),
        help("the file is not the blob that the image names; nothing behind the stated length was read")
    )]
    Longer {
        /// Which part.
        what: String,
        /// Its digest.
        digest: Sha256,
        /// Bytes stated.
        size: u64,
    },
    /// Other bytes than the digest says.
    #[error("{what} was altered: its bytes have the digest sha256:{found}, not sha256:{digest}")]
    #[diagnostic(
        code(hbuild::verify::altered_blob),
        help("do not use this copy of the image: get it again, and ask where this one came from")
    )]
    Altered {
        /// Which part.
        what: String,
        /// The digest that names it.
        digest: Sha256,
        /// The digest it has.
        found: Sha256,
    },
    /// A document too large to be one.
    #[error("{what} is said to have {size} bytes, more than the {most} that such a document may have")]
    #[diagnostic(
        code(hbuild::verify::oversize_document),
        help("no tool writes such a document, and registries refuse it: it is made to exhaust its readers")
    )]
    Oversize {
        /// Which part.
        what: String,
        /// Bytes stated.
        size: u64,
        /// Bytes allowed.
        most: u64,
    },
    /// One digest, two lengths.
    #[error("{what} is said to have {size} bytes, and elsewhere in the image {other}: sha256:{digest}")]
    #[diagnostic(
        code(hbuild::verify::two_lengths),
        help("no tool writes that: the manifests of this image contradict each other")
    )]
    TwoLengths {
        /// Which part.
        what: String,
        /// Its digest.
        digest: Sha256,
        /// Bytes stated here.
        size: u64,
        /// Bytes stated elsewhere.
        other: u64,
    },
    /// JSON that is refused, or of another shape.
    #[error("{what} is not a document of the OCI image specification")]
    #[diagnostic(
        code(hbuild::verify::bad_document),
        help("readers would differ in what this image is: do not use it")
    )]
    Document {
        /// Which part.
        what: String,
        /// What is wrong.
        #[source]
        source: JsonError,
    },
    /// A manifest and an index in one.
    #[error("{what} can be read both as an index and as a manifest, or as another kind than it is named by")]
    #[diagnostic(
        code(hbuild::verify::two_kinds),
        help("readers would differ in what this image is: do not use it")
    )]
    TwoKinds {
        /// Which part.
        what: String,
    },
    /// Indexes in indexes.
    #[error("{what} is an index below {most} others")]
    #[diagnostic(
        code(hbuild::verify::nested_indexes),
        help("an image is an index of manifests, at most inside a few others")
    )]
    Nested {
        /// Which part.
        what: String,
        /// How many are followed.
        most: usize,
    },
    /// More parts than an image has.
    #[error("{what} has {found} entries, more than the {most} that are followed")]
    #[diagnostic(
        code(hbuild::verify::too_many_parts),
        help("no image has so many: it is made to exhaust its readers")
    )]
    TooMany {
        /// Which part.
        what: String,
        /// How many.
        found: usize,
        /// How many are followed.
        most: usize,
    },
    /// Config and manifest disagree about the layers.
    #[error("the config of {subject} has {diff_ids} diff IDs for {layers} layers")]
    #[diagnostic(
        code(hbuild::verify::other_layers),
        help("config and manifest are not of one image: one of them was swapped")
    )]
    OtherLayers {
        /// Which image.
        subject: String,
        /// Diff IDs of the config.
        diff_ids: usize,
        /// Layers of the manifest.
        layers: usize,
    },
    /// A layer unpacks to something else.
    #[error("{what} does not unpack to {diff_id}, as the config says: it is {found}")]
    #[diagnostic(
        code(hbuild::verify::wrong_diff_id),
        help("what a container would see is not what the config is about: do not use the image")
    )]
    DiffId {
        /// Which layer.
        what: String,
        /// The config's diff ID.
        diff_id: String,
        /// The diff ID it has, or why it has none.
        found: String,
    },
    /// No platform of the index is the one asked for.
    #[error("the index has no image for {arch}")]
    #[diagnostic(code(hbuild::verify::no_platform), help("it has: {}", there.join(", ")))]
    NoPlatform {
        /// What was asked for.
        arch: String,
        /// What there is.
        there: Vec<String>,
    },
    /// No trusted signature statement.
    #[error("{subject} is not signed by {}", if *trusted == 1 { "the trusted key" } else { "any trusted key" })]
    #[diagnostic(
        code(hbuild::verify::not_signed),
        help(
            "an attestation about an image is no signature of it: a statement of the type {} is wanted",
            super::SIGNATURE
        )
    )]
    NotSigned {
        /// What.
        subject: String,
        /// How many keys are trusted.
        trusted: usize,
        /// Why what is there does not count.
        #[related]
        faults: Vec<Fault>,
    },
    /// Fewer builders than the policy wants.
    #[error("{subject} is signed by {found} of the {} that the policy wants", wanted.builders())]
    #[diagnostic(
        code(hbuild::verify::too_few_builders),
        help("have it built and signed by another builder; several keys of one builder count once")
    )]
    TooFew {
        /// What.
        subject: String,
        /// How many there are.
        found: usize,
        /// How many there should be.
        wanted: Threshold,
        /// Why others do not count.
        #[related]
        faults: Vec<Fault>,
    },
    /// A kind of evidence that is not there.
    #[error("{subject} has no {evidence} that a trusted key signed")]
    #[diagnostic(
        code(hbuild::verify::missing_evidence),
        help("sign the image with its evidence (`hbuild sign`), or copy its referrers along with it")
    )]
    NoEvidence {
        /// What.
        subject: String,
        /// Its kind.
        evidence: String,
        /// Why what is there does not count.
        #[related]
        faults: Vec<Fault>,
    },
    /// A signed document that is of another shape.
    #[error("the {evidence} of {subject} cannot be followed: {reason}")]
    #[diagnostic(
        code(hbuild::verify::strange_evidence),
        help("it is signed by a key that you trust: ask its holder what made it")
    )]
    Strange {
        /// What.
        subject: String,
        /// Its kind.
        evidence: String,
        /// What is wrong.
        reason: String,
    },
    /// Another builder id, build type, recipe or source.
    #[error("the {field} of {subject} is `{found}`, which the policy does not allow")]
    #[diagnostic(code(hbuild::verify::other_provenance), help("the policy allows: {}", allowed.join(", ")))]
    Provenance {
        /// What.
        subject: String,
        /// `builder`, `build type`, `recipe` or `source`.
        field: &'static str,
        /// What it is.
        found: String,
        /// What it may be.
        allowed: Vec<String>,
    },
    /// A waiver that the policy does not allow.
    #[error("{subject} waives the rule `{rule}`{place}, which the policy does not allow: {because}")]
    #[diagnostic(
        code(hbuild::verify::waiver),
        help("allow the rule under `[waivers]`, or use an image that holds to it")
    )]
    Waiver {
        /// What.
        subject: String,
        /// The rule.
        rule: String,
        /// ` for /usr/bin/ping`, or nothing.
        place: String,
        /// The recipe's reason.
        because: String,
    },
    /// A licence that the policy does not allow.
    #[error("{package} of {subject} is under `{expression}`, and the policy refuses {}", refused.join(", "))]
    #[diagnostic(
        code(hbuild::verify::licence),
        help("allow the licence under `[licences]`, or use an image without the package")
    )]
    Licence {
        /// What.
        subject: String,
        /// The package with its version.
        package: String,
        /// Its licence.
        expression: String,
        /// The licences of it that are refused.
        refused: Vec<String>,
    },
    /// Packages that state no licence.
    #[error("{} packages of {subject} state no licence that can be judged: {}", packages.len(), some(packages))]
    #[diagnostic(
        code(hbuild::verify::unknown_licence),
        help("`unknown = \"allow\"` under `[licences]` lets them pass")
    )]
    UnknownLicence {
        /// What.
        subject: String,
        /// The packages.
        packages: Vec<String>,
    },
    /// Older than the policy wants.
    #[error("{subject} was created {created}, {days} days ago; the policy allows {most}")]
    #[diagnostic(
        code(hbuild::verify::too_old),
        help("use a newer image: this one lacks what was mended since")
    )]
    TooOld {
        /// What.
        subject: String,
        /// Its `created`.
        created: Timestamp,
        /// Days since then.
        days: i64,
        /// Days allowed.
        most: u32,
    },
    /// No usable `created`.
    #[error("the age of {subject} cannot be judged: its `created` is {found}")]
    #[diagnostic(
        code(hbuild::verify::no_age),
        help("check this machine's clock; hbuild writes the date of the newest signed index there")
    )]
    NoAge {
        /// What.
        subject: String,
        /// What is there instead.
        found: String,
    },
    /// The sandbox was another.
    #[error("the sandbox of the build `{build}` of {subject}: {field} is {found}; the policy wants {wanted}")]
    #[diagnostic(
        code(hbuild::verify::sandbox),
        help("build on a machine that can apply it (`hbuild doctor`), or with `--strict`")
    )]
    Sandbox {
        /// What.
        subject: String,
        /// The build.
        build: String,
        /// The field of the run attestation.
        field: String,
        /// What it says.
        found: String,
        /// What it should say.
        wanted: String,
    },
    /// A trusted rebuilder found a difference.
    #[error("{subject} was rebuilt by {rebuilder} with the result `{result}`")]
    #[diagnostic(
        code(hbuild::verify::rebuild_failed),
        help("the bits are not those that its recipe gives; `hbuild reproduce` shows where they differ")
    )]
    Rebuild {
        /// What.
        subject: String,
        /// The key that says so.
        rebuilder: String,
        /// What it says.
        result: String,
    },
}

impl Problem {
    /// Whether nothing is wrong with the image as far as is known: something of it could not be had.
    pub fn is_absence(&self) -> bool {
        matches!(self, Self::Missing { .. } | Self::Unreadable { .. } | Self::Read(_))
    }
}

/// The first few of `names`.
fn some(names: &[String]) -> String {
    const SHOWN: usize = 5;
    let more = names.len().saturating_sub(SHOWN);
    let shown = names.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    if more == 0 { shown } else { format!("{shown} and {more} more") }
}
