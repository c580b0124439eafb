//! The run attestation: when it was signed, as the signer says, and the sandboxes as applied.

use serde::Deserialize;

use super::super::policy::{RUN, Sandbox};
use super::{Case, Check, Findings, Problem, Timestamp, Vouched};
use crate::audit::verify::shown;
use crate::evidence::media;

/// Namespaces that every sandbox has.
const NAMESPACES: [&str; 7] = ["cgroup", "ipc", "mount", "network", "pid", "user", "uts"];

/// What of a run attestation counts here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Run {
    signed_on: String,
    #[serde(default)]
    builds: Vec<BuildRun>,
}

#[derive(Deserialize)]
struct BuildRun {
    derivation: String,
    sandbox: Applied,
}

#[derive(Deserialize)]
struct Applied {
    #[serde(default)]
    namespaces: Vec<String>,
    #[serde(default)]
    seccomp: String,
    #[serde(default)]
    missing: Vec<String>,
}

/// What of the provenance names the builds.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Provenance {
    build_definition: Definition,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Definition {
    #[serde(default)]
    internal_parameters: Parameters,
}

#[derive(Deserialize, Default)]
struct Parameters {
    #[serde(default)]
    builds: Vec<Build>,
}

#[derive(Deserialize, PartialEq, Eq, PartialOrd, Ord)]
struct Build {
    name: String,
    derivation: String,
}

/// When the holder of the key says that it signed.
pub(in crate::audit::verify) fn signing_time(statement: &Vouched) -> Option<Timestamp> {
    if statement.predicate_type != RUN {
        return None;
    }
    statement.predicate::<Run>().ok()?.signed_on.parse().ok()
}

pub(super) fn judge(case: &Case<'_>, findings: &mut Findings) {
    let Some(wanted) = &case.policy.sandbox else { return };
    let subject = &case.subject.label;
    let absent = |evidence: &str| Problem::NoEvidence {
        subject: subject.clone(),
        evidence: evidence.to_owned(),
        faults: Vec::new(),
    };
    // A provenance of another shape is a problem of its own, said where the provenance is judged.
    let provenances = case.of(media::PREDICATE_PROVENANCE);
    let provenances: Vec<Provenance> = provenances.filter_map(|one| one.predicate().ok()).collect();
    if provenances.is_empty() {
        let problem = absent("provenance that names what was built");
        return findings.fails(Check::Sandbox, Some(subject), problem);
    }
    let mut builds: Vec<Build> =
        provenances.into_iter().flat_map(|one| one.build_definition.internal_parameters.builds).collect();
    builds.sort();
    builds.dedup();
    if builds.is_empty() {
        let says = format!("{subject} is made of packages and sources alone: nothing was executed");
        return findings.holds(
            Check::Sandbox,
            Some(subject),
            says,
            "the provenance, which lists every build",
        );
    }
    let runs = case.predicates::<Run>(Check::Sandbox, RUN, "run attestation", findings);
    if runs.is_empty() {
        let problem = absent("run attestation that says how it was built");
        return findings.fails(Check::Sandbox, Some(subject), problem);
    }
    let judged = runs.iter().map(|(statement, run)| (statement, problems(subject, wanted, &builds, run)));
    let mut refused = None;
    for (statement, problems) in judged {
        if problems.is_empty() {
            let says = format!(
                "all {} builds of {subject} ran in sandboxes with every namespace and the filter of system calls",
                builds.len()
            );
            let ground = format!(
                "the run attestation {}: what that machine says of itself",
                case.signed_by(statement)
            );
            return findings.holds(Check::Sandbox, Some(subject), says, &ground);
        }
        refused.get_or_insert(problems);
    }
    for problem in refused.into_iter().flatten() {
        findings.fails(Check::Sandbox, Some(subject), problem);
    }
}

fn problems(subject: &str, wanted: &Sandbox, builds: &[Build], run: &Run) -> Vec<Problem> {
    let problem = |build: &str, field: &str, found: String, wanted: String| Problem::Sandbox {
        subject: subject.to_owned(),
        build: shown(build),
        field: field.to_owned(),
        found,
        wanted,
    };
    let mut problems = Vec::new();
    for build in builds {
        let Some(found) = run.builds.iter().find(|one| one.derivation == build.derivation) else {
            if !wanted.unrecorded {
                let nothing = "not known to the machine that signed".to_owned();
                problems.push(problem(&build.name, "execution", nothing, "a record of it".to_owned()));
            }
            continue;
        };
        let Applied { namespaces, seccomp, missing } = &found.sandbox;
        let shared: Vec<&str> =
            NAMESPACES.into_iter().filter(|kind| namespaces.iter().all(|found| found != kind)).collect();
        if !shared.is_empty() {
            let found = format!("shared: {}", shared.join(", "));
            problems.push(problem(&build.name, "namespaces", found, "all new".to_owned()));
        }
        if seccomp.is_empty() {
            problems.push(problem(&build.name, "seccomp", "none".to_owned(), "a filter".to_owned()));
        }
        for part in missing.iter().filter(|part| !wanted.may_miss.contains(part)) {
            let allowed = match wanted.may_miss.is_empty() {
                true => "nothing missing".to_owned(),
                false => format!("nothing missing but {}", wanted.may_miss.join(", ")),
            };
            problems.push(problem(&build.name, "missing", shown(part), allowed));
        }
    }
    problems
}
