//! What an auditor wants of an image: a policy, by default the least that makes it one that somebody vouches for.

mod file;

use globset::GlobSet;
use serde::Serialize;

use super::TrustedKey;
use crate::evidence::media;

pub use file::PolicyError;

/// SLSA's summary of a rebuild.
pub use crate::audit::reproduction::SUMMARY_PREDICATE as SUMMARY;
/// The run attestation.
pub use media::PREDICATE_RUN as RUN;
/// The predicate type of a signature of an image, as cosign 3 writes and wants it.
pub use media::PREDICATE_SIGNATURE as SIGNATURE;

/// Kinds of evidence by the short names that a policy may use.
pub const KINDS: &[(&str, &str)] = &[
    ("cyclonedx", media::PREDICATE_CYCLONEDX),
    ("elf", media::PREDICATE_ELF),
    ("origins", media::PREDICATE_ORIGINS),
    ("policy", media::PREDICATE_POLICY),
    ("provenance", media::PREDICATE_PROVENANCE),
    ("run", RUN),
    ("spdx", media::PREDICATE_SPDX),
    ("test-result", media::PREDICATE_TEST_RESULT),
    ("verification-summary", SUMMARY),
];

/// A policy.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// SHA-256 of the file; none of the default.
    pub digest: Option<crate::digest::Sha256>,
    /// Keys.
    pub keys: Vec<TrustedKey>,
    /// How many builders have to sign.
    pub threshold: Threshold,
    /// What times of keys are held against.
    pub time: KeyTime,
    /// Evidence that each image has to have.
    pub image_evidence: Option<Vec<Wanted>>,
    /// Evidence that an index has to have.
    pub index_evidence: Vec<Wanted>,
    /// Builder ids of the provenance.
    pub builders: Option<Globs>,
    /// Build types of the provenance.
    pub build_types: Option<Globs>,
    /// Paths of recipes.
    pub recipes: Option<Globs>,
    /// Repositories: `org.opencontainers.image.source`.
    pub sources: Option<Globs>,
    /// Rules that may be waived.
    pub waivers: Option<Vec<String>>,
    /// Licences.
    pub licences: Option<Licences>,
    /// Days since the image's `created`.
    pub most_days: Option<u32>,
    /// What the run attestation has to say of the sandbox.
    pub sandbox: Option<Sandbox>,
}

/// A number of builders, at least one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Threshold(pub u32);

impl Default for Threshold {
    fn default() -> Self {
        Self(1)
    }
}

impl Threshold {
    /// `1 builder`, `2 builders`.
    pub(super) fn builders(self) -> String {
        format!("{} builder{}", self.0, if self.0 == 1 { "" } else { "s" })
    }
}

/// What the time of a key is held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyTime {
    /// The moment of verification.
    #[default]
    Verification,
    /// The end of the signing run, as the holder of the key states it in the run attestation.
    Asserted,
}

/// A kind of evidence that has to be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// What the policy calls it.
    pub name: String,
    /// The predicate types; one of them is enough.
    pub predicate_types: Vec<String>,
}

/// What any of several globs matches.
#[derive(Debug, Clone)]
pub struct Globs {
    /// As the policy has them.
    pub texts: Vec<String>,
    set: GlobSet,
}

impl Globs {
    /// Whether one of them matches.
    pub fn matches(&self, text: &str) -> bool {
        self.set.is_match(text)
    }
}

/// What is wanted of licences.
#[derive(Debug, Clone)]
pub struct Licences {
    /// Those that are allowed; all where it is absent.
    pub allow: Option<Globs>,
    /// Those that are refused, even if allowed.
    pub deny: Option<Globs>,
    /// Whether packages pass whose licence is not known.
    pub unknown: bool,
}

/// What is wanted of the sandboxes as applied, besides all namespaces and the filter of system calls.
#[derive(Debug, Clone, Default)]
pub struct Sandbox {
    /// Best-effort parts that may be missing.
    pub may_miss: Vec<String>,
    /// Whether builds pass that the machine which signed has no record of.
    pub unrecorded: bool,
}

/// The best-effort parts, as build records name them where they could not be had.
pub(super) const BEST_EFFORT: &[&str] =
    &["Landlock", "fixed addresses", "memory limit of a cgroup", "overlay of the root"];

impl Wanted {
    /// The kind that a policy calls `name`: a short name, `sbom`, or a predicate type.
    pub fn named(name: &str) -> Option<Self> {
        let types: Vec<&str> = match name {
            "sbom" => vec![media::PREDICATE_SPDX, media::PREDICATE_CYCLONEDX],
            _ if name.contains("://") => vec![name],
            _ => KINDS.iter().filter(|(short, _)| *short == name).map(|(_, long)| *long).collect(),
        };
        let predicate_types: Vec<String> = types.into_iter().map(str::to_owned).collect();
        (!predicate_types.is_empty()).then(|| Self { name: name.to_owned(), predicate_types })
    }
}

impl Policy {
    /// What each image has to have: what the policy wants, else provenance and an SBOM.
    pub(super) fn image_evidence(&self) -> Vec<Wanted> {
        match &self.image_evidence {
            Some(wanted) => wanted.clone(),
            None => ["provenance", "sbom"].into_iter().filter_map(Wanted::named).collect(),
        }
    }
}
