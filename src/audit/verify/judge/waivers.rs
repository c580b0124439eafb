//! The waivers that the policy report lists.

use super::super::policy::Wanted;
use super::{Case, Check, Findings, Problem};
use crate::audit::verify::shown;
use crate::evidence::media;
use crate::image::policy::PolicyReport;

pub(super) fn judge(case: &Case<'_>, findings: &mut Findings) {
    let Some(allowed) = &case.policy.waivers else { return };
    let subject = &case.subject.label;
    let all =
        case.predicates::<PolicyReport>(Check::Waivers, media::PREDICATE_POLICY, "policy report", findings);
    if all.is_empty() {
        if case.of(media::PREDICATE_POLICY).next().is_none() && !wanted_anyway(case) {
            let (subject_text, evidence) = (subject.clone(), "policy report".to_owned());
            let problem = Problem::NoEvidence { subject: subject_text, evidence, faults: Vec::new() };
            findings.fails(Check::Waivers, Some(subject), problem);
        }
        return;
    }
    let (mut waived, mut refused) = (0, 0);
    for (_, report) in &all {
        for waiver in &report.waived {
            waived += 1;
            if allowed.contains(&waiver.finding.rule) {
                continue;
            }
            refused += 1;
            let place = waiver.finding.place();
            let place = if place.is_empty() { place } else { format!(" for {}", shown(&place)) };
            let problem = Problem::Waiver {
                subject: subject.clone(),
                rule: shown(&waiver.finding.rule),
                place,
                because: shown(&waiver.because),
            };
            findings.fails(Check::Waivers, Some(subject), problem);
        }
    }
    if refused == 0 {
        let says = match waived {
            0 => format!("{subject} holds to every rule without a waiver"),
            count => format!("{subject} has {count} waived breaks, all of rules that you allow to be waived"),
        };
        let ground = format!("the policy report {}", case.signed_by(all[0].0));
        findings.holds(Check::Waivers, Some(subject), says, &ground);
    }
}

/// Whether its absence is said already.
fn wanted_anyway(case: &Case<'_>) -> bool {
    let holds = |wanted: &Wanted| wanted.predicate_types.iter().any(|kind| kind == media::PREDICATE_POLICY);
    case.policy.image_evidence().iter().any(holds)
}
