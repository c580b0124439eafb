//! Which evidence is there: the signature, by enough builders, and every kind that is wanted.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::super::policy::{SIGNATURE, SUMMARY};
use super::{Case, Check, Fault, Findings, Problem};

/// What of a verification summary counts here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    verification_result: String,
    #[serde(default)]
    policy: SummaryPolicy,
}

#[derive(Deserialize, Default)]
struct SummaryPolicy {
    #[serde(default)]
    uri: String,
}

/// What SLSA writes where everything was right.
const PASSED: &str = "PASSED";

pub(super) fn judge(case: &Case<'_>, mut faults: Vec<(String, Fault)>, findings: &mut Findings) {
    let subject = case.subject.label.clone();
    signature(case, &mut faults, findings);
    let wanted = match case.subject.is_index {
        true => case.policy.index_evidence.clone(),
        false => case.policy.image_evidence(),
    };
    let mut there = BTreeMap::new();
    for evidence in wanted {
        let found = evidence.predicate_types.iter().find_map(|kind| case.of(kind).next());
        match found {
            Some(statement) => {
                let by = &case.keys[statement.key].name;
                there.entry(by.clone()).or_insert_with(Vec::new).push(evidence.name);
            }
            None => {
                let of_kind = |kind: &String| evidence.predicate_types.contains(kind);
                let problem = Problem::NoEvidence {
                    subject: subject.clone(),
                    evidence: named(&evidence.name),
                    faults: take(&mut faults, of_kind),
                };
                findings.fails(Check::Evidence, Some(&subject), problem);
            }
        }
    }
    for (key, names) in there {
        let names: Vec<String> = names.iter().map(|name| named(name)).collect();
        let says = format!("{subject} has {} signed by `{key}`", names.join(", "));
        let ground = "the key's signature over each statement, which names the manifest by its digest; \
                      that what is stated is true is the word of the key's holder";
        findings.holds(Check::Evidence, Some(&subject), says, ground);
    }
    summaries(case, findings);
}

/// A kind of evidence for people.
fn named(name: &str) -> String {
    match name {
        "sbom" => "SBOM",
        "spdx" => "SPDX document",
        "cyclonedx" => "CycloneDX document",
        "policy" => "policy report",
        "elf" => "ELF report",
        "run" => "run attestation",
        "test-result" => "test result",
        "verification-summary" => "verification summary",
        other => other,
    }
    .to_owned()
}

fn signature(case: &Case<'_>, faults: &mut Vec<(String, Fault)>, findings: &mut Findings) {
    let subject = &case.subject.label;
    let mut signers: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for statement in case.of(SIGNATURE) {
        let key = &case.keys[statement.key];
        signers.entry(key.signer()).or_default().insert(&key.name);
    }
    let wanted = case.policy.threshold;
    if signers.len() >= wanted.0 as usize {
        let by: Vec<String> = signers
            .values()
            .map(|keys| keys.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(" and "))
            .collect();
        let says = match wanted.0 {
            1 => format!("{subject} is signed by {}", by.join(", ")),
            wanted => {
                format!("{subject} is signed by {} builders of {wanted} wanted: {}", by.len(), by.join(", "))
            }
        };
        let ground = "ECDSA P-256 over a statement that names the digest, by keys that you trust";
        findings.holds(Check::Signature, Some(subject), says, ground);
        return;
    }
    // What is filed as a signature says why it is none; where nothing is, the rest does.
    let mut why = take(faults, |kind| kind == SIGNATURE);
    if why.is_empty() {
        why = take(faults, |_| true);
    }
    let faults = why;
    let subject_text = subject.clone();
    let problem = match signers.len() {
        0 => Problem::NotSigned { subject: subject_text, trusted: case.keys.len(), faults },
        found => Problem::TooFew { subject: subject_text, found, wanted, faults },
    };
    findings.fails(Check::Signature, Some(subject), problem);
}

/// The faults of the kinds that `wanted` says, which are said once.
fn take(faults: &mut Vec<(String, Fault)>, wanted: impl Fn(&String) -> bool) -> Vec<Fault> {
    let (taken, left) = std::mem::take(faults).into_iter().partition(|(kind, _)| wanted(kind));
    *faults = left;
    let taken: Vec<(String, Fault)> = taken;
    let mut said = BTreeSet::new();
    taken.into_iter().map(|(_, fault)| fault).filter(|fault| said.insert(fault.to_string())).collect()
}

/// What trusted rebuilders found: one that found a difference is not outvoted.
fn summaries(case: &Case<'_>, findings: &mut Findings) {
    let subject = &case.subject.label;
    let found = case.predicates::<Summary>(Check::Rebuild, SUMMARY, "verification summary", findings);
    for (statement, summary) in found {
        let rebuilder = case.keys[statement.key].name.clone();
        match summary.verification_result == PASSED {
            true => {
                let policy = crate::audit::verify::shown(&summary.policy.uri);
                let says = format!("{subject} was rebuilt, says `{rebuilder}`: {PASSED} by {policy}");
                let ground = "the word of that key's holder; `hbuild reproduce` finds it out yourself";
                findings.holds(Check::Rebuild, Some(subject), says, ground);
            }
            false => findings.fails(
                Check::Rebuild,
                Some(subject),
                Problem::Rebuild {
                    subject: subject.clone(),
                    rebuilder,
                    result: crate::audit::verify::shown(&summary.verification_result),
                },
            ),
        }
    }
}
