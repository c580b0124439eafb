//! The result: one page for a person ([`std::fmt::Display`], in `page`), one document for programs.

use serde::Serialize;

use super::Problem;
use super::policy::KeyTime;
use crate::timestamp::Timestamp;

/// What was found. It serialises to the document of `hbuild verify --json` (`docs/src/verify.md`).
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Verification {
    /// 1.
    pub schema: u32,
    /// The image as it was asked for.
    pub image: String,
    /// Its digest, `sha256:…`; absent where not even that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Whether everything that was checked holds.
    pub holds: bool,
    /// The moment it was judged at.
    #[serde(serialize_with = "text")]
    pub time: Timestamp,
    /// What it was judged by.
    pub policy: PolicyUsed,
    /// The keys that are trusted.
    pub keys: Vec<KeyUsed>,
    /// What is signed for itself: the index and each platform's manifest.
    pub subjects: Vec<SubjectReport>,
    /// What was checked, in order.
    pub claims: Vec<Claim>,
    /// What was not.
    pub not_checked: Vec<NotChecked>,
    /// What does not hold, as errors.
    #[serde(skip)]
    pub problems: Vec<Problem>,
}

/// The policy.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct PolicyUsed {
    /// SHA-256 of the file; absent where none was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<crate::digest::Sha256>,
    /// How many builders have to sign.
    pub builders: u32,
    /// What times of keys are held against.
    pub time: KeyTime,
}

/// A trusted key.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct KeyUsed {
    /// Its name.
    pub name: String,
    /// SHA-256 of its SubjectPublicKeyInfo.
    pub fingerprint: String,
    /// The builder that it signs for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub builder: Option<String>,
    /// Whether it counts at the moment of verification; else why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unusable: Option<String>,
}

/// A subject with its evidence.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct SubjectReport {
    /// `index`, or the platform.
    pub name: String,
    /// `sha256:…`.
    pub digest: String,
    /// Its bundles, and documents that are not signed.
    pub evidence: Vec<EvidenceReport>,
}

/// One referrer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct EvidenceReport {
    /// Digest of the artifact manifest.
    pub artifact: String,
    /// Predicate type, or the type of a document that is no statement.
    pub kind: String,
    /// What it is worth.
    pub state: EvidenceState,
    /// The key that signed it, by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Code of why it does not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Why it does not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// What a referrer is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EvidenceState {
    /// Signed by a trusted key, about this subject.
    Counted,
    /// A bundle that does not count.
    Disregarded,
    /// A document without signature whose bytes a counted bundle has signed.
    SameAsSigned,
    /// A document that nobody signed.
    Unsigned,
}

/// Something that was checked.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Claim {
    /// What was checked.
    pub check: Check,
    /// Which subject, by name; absent where it is all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Whether it holds.
    pub holds: bool,
    /// What holds or does not, for people.
    pub says: String,
    /// What that rests on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rests_on: Option<String>,
    /// The error's code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

/// The kinds of checks, in the order of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Check {
    /// Documents and blobs.
    Integrity,
    /// Layers unpacked.
    DiffIds,
    /// Signature statements.
    Signature,
    /// Kinds of evidence that are there.
    Evidence,
    /// What the provenance says.
    Provenance,
    /// `org.opencontainers.image.source`.
    Source,
    /// Waivers of the recipe.
    Waivers,
    /// Licences of the packages.
    Licences,
    /// The image's `created`.
    Age,
    /// The sandbox as applied.
    Sandbox,
    /// What rebuilders found.
    Rebuild,
}

/// Something that was not checked.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct NotChecked {
    /// What.
    pub what: String,
    /// Why, and how it can be.
    pub why: String,
}

/// Claims and problems as they are found.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub claims: Vec<Claim>,
    pub not_checked: Vec<NotChecked>,
    pub problems: Vec<Problem>,
}

impl Findings {
    /// Something holds.
    pub fn holds(&mut self, check: Check, subject: Option<&str>, says: String, rests_on: &str) {
        let (subject, rests_on) = (subject.map(str::to_owned), Some(rests_on.to_owned()));
        self.claims.push(Claim { check, subject, holds: true, says, rests_on, code: None });
    }

    /// Something does not.
    pub fn fails(&mut self, check: Check, subject: Option<&str>, problem: Problem) {
        use miette::Diagnostic;
        self.claims.push(Claim {
            check,
            subject: subject.map(str::to_owned),
            holds: false,
            says: with_causes(&problem),
            rests_on: None,
            code: problem.code().map(|code| code.to_string()),
        });
        self.problems.push(problem);
    }

    /// Something was not looked at.
    pub fn unchecked(&mut self, what: impl Into<String>, why: impl Into<String>) {
        self.not_checked.push(NotChecked { what: what.into(), why: why.into() });
    }
}

/// An error with what caused it, in one line.
pub(super) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

fn text<S: serde::Serializer>(value: &impl std::fmt::Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}
