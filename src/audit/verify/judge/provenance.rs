//! Builder id, build type and recipe of the provenance, and the repository that the image names.

use serde::Deserialize;

use super::super::policy::Globs;
use super::{Case, Check, Findings, Problem};
use crate::audit::verify::shown;
use crate::evidence::media;

/// What of a provenance counts here, whatever made it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Provenance {
    build_definition: Definition,
    run_details: RunDetails,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Definition {
    build_type: String,
    #[serde(default)]
    external_parameters: serde_json::Value,
}

#[derive(Deserialize)]
struct RunDetails {
    builder: Builder,
}

#[derive(Deserialize)]
struct Builder {
    id: String,
}

/// The manifest annotation that names the repository of the sources.
const SOURCE: &str = "org.opencontainers.image.source";

/// The builder id that a provenance states.
pub(in crate::audit::verify) fn builder_of(statement: &super::Vouched) -> Option<String> {
    let provenance: Provenance = statement.predicate().ok()?;
    Some(provenance.run_details.builder.id)
}

pub(super) fn judge(case: &Case<'_>, findings: &mut Findings) {
    let subject = &case.subject.label;
    let all =
        case.predicates::<Provenance>(Check::Provenance, media::PREDICATE_PROVENANCE, "provenance", findings);
    let mut refusals = Vec::new();
    for (statement, provenance) in all {
        let problems = refused(case, &provenance);
        if !problems.is_empty() {
            refusals.push(problems);
            continue;
        }
        let recipe = recipe(&provenance).map(|path| format!(", from the recipe {path}")).unwrap_or_default();
        let says = format!(
            "{subject} was built by {}{recipe}, build type {}",
            shown(&provenance.run_details.builder.id),
            shown(&provenance.build_definition.build_type)
        );
        let ground = format!(
            "the provenance {}: the word of the key's holder, until somebody rebuilds it",
            case.signed_by(statement)
        );
        findings.holds(Check::Provenance, Some(subject), says, &ground);
        return;
    }
    // Where no provenance is allowed, the first is as good as any to say why.
    for problem in refusals.into_iter().next().into_iter().flatten() {
        findings.fails(Check::Provenance, Some(subject), problem);
    }
}

fn recipe(provenance: &Provenance) -> Option<String> {
    let path = provenance.build_definition.external_parameters.get("recipe")?.get("path")?;
    path.as_str().map(shown)
}

fn refused(case: &Case<'_>, provenance: &Provenance) -> Vec<Problem> {
    let policy = case.policy;
    let mut problems = Vec::new();
    let mut hold = |field: &'static str, allowed: &Option<Globs>, found: Option<&str>| {
        let Some(allowed) = allowed else { return };
        if !found.is_some_and(|found| allowed.matches(found)) {
            problems.push(Problem::Provenance {
                subject: case.subject.label.clone(),
                field,
                found: found.map_or_else(|| "none".to_owned(), shown),
                allowed: allowed.texts.clone(),
            });
        }
    };
    hold("builder", &policy.builders, Some(&provenance.run_details.builder.id));
    hold("build type", &policy.build_types, Some(&provenance.build_definition.build_type));
    hold("recipe", &policy.recipes, recipe(provenance).as_deref());
    problems
}

/// The repository that the manifest names.
pub(super) fn source(case: &Case<'_>, findings: &mut Findings) {
    let Some(allowed) = &case.policy.sources else { return };
    let subject = &case.subject.label;
    let found = case.subject.annotations.get(SOURCE);
    match found.filter(|found| allowed.matches(found)) {
        Some(found) => {
            let says = format!("{subject} names {} as the repository of its sources", shown(found));
            let ground = "the annotation of the manifest, which its digest covers: the recipe states it";
            findings.holds(Check::Source, Some(subject), says, ground);
        }
        None => findings.fails(
            Check::Source,
            Some(subject),
            Problem::Provenance {
                subject: subject.clone(),
                field: "source",
                found: found.map_or_else(|| "none".to_owned(), |found| shown(found)),
                allowed: allowed.texts.clone(),
            },
        ),
    }
}
