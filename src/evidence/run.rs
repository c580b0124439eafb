//! The run attestation: how one machine came to an image, made when the image is signed. What is deterministic stands in
//! the provenance, and nothing of this page does (`docs/src/run-v1.md`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::media;
use super::provenance::ProvenanceV1;
use super::statement::sha256;
use super::{ResourceDescriptor, STATEMENT_TYPE, Statement, Subject};
use crate::digest::{Digest, Sha256};
use crate::graph::{Action, Derivation, DerivationId, Fetch, FixedOutput};
use crate::store::{Applied, Store, Usage};
use crate::timestamp::Timestamp;

/// The predicate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunV1 {
    /// The program that made this statement.
    pub hbuild: ProgramV1,
    /// When, RFC 3339.
    pub signed_on: String,
    /// Where.
    pub host: HostV1,
    /// Every build that something in the image was made with, in the order of the provenance.
    pub builds: Vec<BuildRunV1>,
    /// Inputs that this machine fetched, in the order of the provenance.
    pub fetched: Vec<FetchedV1>,
    /// Outputs that were taken from elsewhere instead of being made: ids of their derivations.
    pub substituted: Vec<Digest>,
    /// Builds and inputs of which this machine's store knows nothing, by name.
    pub unknown: Vec<String>,
}

/// `hbuild`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgramV1 {
    /// Its version.
    pub version: String,
    /// `sha256` of the executable file.
    pub digest: BTreeMap<String, String>,
}

/// `host`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostV1 {
    /// Its name.
    pub name: String,
    /// The kernel's name and release: `Linux 6.1.0-18-amd64`.
    pub kernel: String,
    /// `x86_64`, `aarch64`.
    pub machine: String,
    /// Processors that this process may use.
    pub processors: usize,
}

/// One of `builds`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BuildRunV1 {
    /// The build's name.
    pub name: String,
    /// The id of its derivation, as the provenance has it.
    pub derivation: Digest,
    /// When its command began, RFC 3339; absent where the file system does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_on: Option<String>,
    /// When its outputs were kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_on: Option<String>,
    /// The execution platform.
    pub platform: String,
    /// What `$JOBS` said.
    pub jobs: usize,
    /// The sandbox as it was applied: `docs/src/build-record.md`.
    pub sandbox: Applied,
    /// What the command used.
    pub usage: Usage,
    /// SHA-256 of its log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<Sha256>,
}

/// One of `fetched`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FetchedV1 {
    /// The name of the resolved dependency.
    pub name: String,
    /// Its digest.
    pub digest: BTreeMap<String, String>,
    /// When, RFC 3339; absent where the file system does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<String>,
}

/// What is the same for all images of one run.
#[derive(Debug, Clone)]
pub struct RunFacts<'a> {
    /// SHA-256 of the executable.
    pub program: Sha256,
    /// The present moment.
    pub now: Timestamp,
    /// This machine.
    pub host: HostV1,
    /// The store that the image was built with, where there is one.
    pub store: Option<&'a Store>,
}

impl RunFacts<'_> {
    /// The run attestation about the image of `provenance`, a provenance statement; `None` where that is of another
    /// build type.
    pub fn about(&self, provenance: &[u8]) -> Option<Statement<RunV1>> {
        let provenance: Statement<ProvenanceV1> = serde_json::from_slice(provenance).ok()?;
        let definition = &provenance.predicate.build_definition;
        if definition.build_type != media::BUILD_TYPE {
            return None;
        }
        let mut run = RunV1 {
            hbuild: ProgramV1 { version: env!("CARGO_PKG_VERSION").to_owned(), digest: sha256(self.program) },
            signed_on: self.now.to_string(),
            host: self.host.clone(),
            builds: Vec::new(),
            fetched: Vec::new(),
            substituted: Vec::new(),
            unknown: Vec::new(),
        };
        for build in &definition.internal_parameters.builds {
            match self.build(&build.name, build.derivation) {
                Some(build) => run.builds.push(build),
                None => run.unknown.push(build.name.clone()),
            }
        }
        for dependency in &definition.resolved_dependencies {
            self.input(dependency, &mut run);
        }
        Some(self.statement(provenance.subject, run))
    }

    fn statement(&self, subject: Vec<Subject>, predicate: RunV1) -> Statement<RunV1> {
        Statement {
            kind: STATEMENT_TYPE.to_owned(),
            subject,
            predicate_type: media::PREDICATE_RUN.to_owned(),
            predicate,
        }
    }

    fn build(&self, name: &str, derivation: Digest) -> Option<BuildRunV1> {
        let store = self.store?;
        let id = DerivationId(derivation);
        let execution = store.recall(&id)?.execution?;
        let finished = store.made_at(&id);
        let started = finished.map(|end| end.plus(-((execution.usage.wall_ms / 1000) as i64)));
        Some(BuildRunV1 {
            name: name.to_owned(),
            derivation,
            started_on: started.map(|moment| moment.to_string()),
            finished_on: finished.map(|moment| moment.to_string()),
            platform: execution.platform,
            jobs: execution.jobs,
            sandbox: execution.sandbox,
            usage: execution.usage,
            log: execution.log,
        })
    }

    /// Notes what the store knows of an input. Recipe files and what stands in an index are not fetched by themselves.
    fn input(&self, dependency: &ResourceDescriptor, run: &mut RunV1) {
        let kind = dependency.text(super::annotation::KIND);
        // The fetch of an Alpine package is known by more than stands in the provenance.
        let fetched = matches!(kind, Some("package" | "source"))
            && dependency.text(super::annotation::CHECKSUM).is_none();
        let Some(digest) = dependency.sha256().filter(|_| fetched) else { return };
        let name = dependency.name.clone().unwrap_or_else(|| format!("sha256:{digest}"));
        let id = fetch_of(digest);
        match self.store.filter(|store| store.has_made(&id)) {
            Some(store) => run.fetched.push(FetchedV1 {
                name,
                digest: sha256(digest),
                on: store.made_at(&id).map(|moment| moment.to_string()),
            }),
            None => run.unknown.push(name),
        }
    }
}

/// The id of the derivation that fetches the file with this digest.
fn fetch_of(digest: Sha256) -> DerivationId {
    let fetch = Fetch { content: FixedOutput::Sha256(digest), locations: Vec::new(), size: None };
    Derivation { label: String::new(), action: Action::Fetch(fetch), inputs: Vec::new() }.id()
}
