//! What the evidence says, held against the policy.

mod licences;
mod presence;
mod provenance;
mod run;
mod waivers;

use serde::de::DeserializeOwned;

use super::evidence::Vouched;
use super::policy::{KeyTime, Policy};
use super::report::{Check, Findings};
use super::walk::Subject;
use super::{Fault, Problem, TrustedKey};
use crate::timestamp::Timestamp;

pub(super) use provenance::builder_of;
pub(super) use run::signing_time;

/// A subject with the statements that count for it.
pub(super) struct Case<'a> {
    pub subject: &'a Subject,
    pub statements: Vec<&'a Vouched>,
    pub keys: &'a [TrustedKey],
    pub policy: &'a Policy,
    pub now: Timestamp,
}

/// Judges one subject; `faults` are of the bundles that do not count, each with what it says it is.
pub(super) fn judge(case: &Case<'_>, faults: Vec<(String, Fault)>, findings: &mut Findings) {
    presence::judge(case, faults, findings);
    if case.subject.is_index {
        return;
    }
    provenance::judge(case, findings);
    provenance::source(case, findings);
    waivers::judge(case, findings);
    licences::judge(case, findings);
    run::judge(case, findings);
    age(case, findings);
}

impl<'a> Case<'a> {
    /// The statements of a predicate type.
    pub fn of(&self, predicate_type: &str) -> impl Iterator<Item = &'a Vouched> {
        self.statements.iter().copied().filter(move |one| one.predicate_type == predicate_type)
    }

    /// The predicates of a type with their keys' names. One of another shape is a problem.
    pub fn predicates<P: DeserializeOwned>(
        &self,
        check: Check,
        predicate_type: &str,
        evidence: &str,
        findings: &mut Findings,
    ) -> Vec<(&'a Vouched, P)> {
        let mut found = Vec::new();
        for statement in self.of(predicate_type) {
            match statement.predicate() {
                Ok(predicate) => found.push((statement, predicate)),
                Err(error) => findings.fails(
                    check,
                    Some(&self.subject.label),
                    Problem::Strange {
                        subject: self.subject.label.clone(),
                        evidence: evidence.to_owned(),
                        reason: error.to_string(),
                    },
                ),
            }
        }
        found
    }

    /// Where a claim comes from: `signed by release`.
    pub fn signed_by(&self, statement: &Vouched) -> String {
        format!("signed by the key `{}`", self.keys[statement.key].name)
    }
}

const DAY: i64 = 86_400;

fn age(case: &Case<'_>, findings: &mut Findings) {
    let Some(most) = case.policy.most_days else { return };
    let subject = &case.subject.label;
    let no_age = |found: String| Problem::NoAge { subject: subject.clone(), found };
    let stated = case.subject.created.as_deref();
    let problem = match stated.map(str::parse::<Timestamp>) {
        None => no_age("missing".to_owned()),
        Some(Err(_)) => no_age(format!("`{}`", super::shown(stated.unwrap_or_default()))),
        Some(Ok(created)) if created > case.now.plus(DAY) => no_age(format!("{created}, in the future")),
        Some(Ok(created)) => {
            let days = (case.now.0 - created.0).max(0) / DAY;
            if days <= i64::from(most) {
                let says = format!("{subject} was created {created}, {days} days ago; {most} are allowed");
                let ground = "the image's config, which its digest covers, and this machine's clock; hbuild writes \
                              the date of the newest signed index there, not that of the build";
                findings.holds(Check::Age, Some(subject), says, ground);
                return;
            }
            Problem::TooOld { subject: subject.clone(), created, days, most }
        }
    };
    findings.fails(Check::Age, Some(subject), problem);
}

/// Why a statement does not count for the time of its key; `asserted` is when that key's holder says it signed.
pub(super) fn in_time(
    key: &TrustedKey,
    policy: &Policy,
    now: Timestamp,
    asserted: &[Timestamp],
) -> Option<Fault> {
    let at_now = key.usable(now).err()?;
    // A revoked key may be in anyone's hands, who would state any date.
    if policy.time == KeyTime::Verification || key.revoked.is_some() {
        return Some(at_now);
    }
    // A date in the future is none.
    let believed = asserted.iter().filter(|moment| **moment <= now);
    match believed.into_iter().any(|moment| key.usable(*moment).is_ok()) {
        true => None,
        false => Some(at_now),
    }
}
