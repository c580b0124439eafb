//! The run attestation: when it was signed, as the signer says, and the sandbox as applied.

use super::super::policy::RUN;
use super::{Case, Check, Findings, Problem, Timestamp, Vouched};

/// When the holder of the key says that it signed.
pub(in crate::audit::verify) fn signing_time(statement: &Vouched) -> Option<Timestamp> {
    if statement.predicate_type != RUN {
        return None;
    }
    let predicate: serde_json::Value = statement.predicate().ok()?;
    predicate.get("signed")?.as_str()?.parse().ok()
}

pub(super) fn judge(case: &Case<'_>, findings: &mut Findings) {
    if case.policy.sandbox.is_none() {
        return;
    }
    let subject = &case.subject.label;
    if case.of(RUN).next().is_none() {
        let evidence = "run attestation to judge the sandbox by".to_owned();
        let problem = Problem::NoEvidence { subject: subject.clone(), evidence, faults: Vec::new() };
        findings.fails(Check::Sandbox, Some(subject), problem);
    }
}
