//! The licences that the SBOM states.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use spdx::{Expression, LicenseReq, ParseMode};

use super::super::policy::Licences;
use super::{Case, Check, Findings, Problem};
use crate::audit::verify::shown;
use crate::evidence::media;

/// A package with the licence that it states, if it does.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Package {
    name: String,
    licence: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spdx {
    #[serde(default)]
    packages: Vec<SpdxPackage>,
    #[serde(default)]
    relationships: Vec<SpdxRelationship>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SpdxPackage {
    #[serde(rename = "SPDXID")]
    id: String,
    name: String,
    #[serde(default)]
    version_info: Option<String>,
    #[serde(default)]
    license_concluded: Option<String>,
    #[serde(default)]
    license_declared: Option<String>,
    #[serde(default)]
    primary_package_purpose: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SpdxRelationship {
    spdx_element_id: String,
    relationship_type: String,
    related_spdx_element: String,
}

#[derive(Deserialize)]
struct CycloneDx {
    #[serde(default)]
    components: Vec<Component>,
}

#[derive(Deserialize)]
struct Component {
    #[serde(rename = "type")]
    kind: String,
    name: String,
    #[serde(default)]
    version: Option<String>,
    #[serde(default)]
    licenses: Vec<Choice>,
    #[serde(default)]
    components: Vec<Component>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    expression: Option<String>,
    #[serde(default)]
    license: Option<Named>,
}

#[derive(Deserialize)]
struct Named {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    name: Option<String>,
}

pub(super) fn judge(case: &Case<'_>, findings: &mut Findings) {
    let Some(licences) = &case.policy.licences else { return };
    let subject = &case.subject.label;
    let mut packages = BTreeSet::new();
    let mut ground = None;
    for (statement, document) in
        case.predicates::<Spdx>(Check::Licences, media::PREDICATE_SPDX, "SPDX document", findings)
    {
        ground = Some(format!("the SPDX document {}", case.signed_by(statement)));
        packages.extend(spdx_packages(document));
    }
    // Both formats state the same; SPDX has more of it.
    if ground.is_none() {
        let kind = media::PREDICATE_CYCLONEDX;
        for (statement, document) in
            case.predicates::<CycloneDx>(Check::Licences, kind, "CycloneDX document", findings)
        {
            ground = Some(format!("the CycloneDX document {}", case.signed_by(statement)));
            components(document.components, &mut packages);
        }
    }
    let Some(ground) = ground else {
        // Without an SBOM of a known kind nothing is known of licences.
        let (subject_text, evidence) = (subject.clone(), "SBOM to judge licences by".to_owned());
        let problem = Problem::NoEvidence { subject: subject_text, evidence, faults: Vec::new() };
        return findings.fails(Check::Licences, Some(subject), problem);
    };
    verdict(licences, packages, subject, &ground, findings);
}

fn verdict(
    licences: &Licences,
    packages: BTreeSet<Package>,
    subject: &str,
    ground: &str,
    findings: &mut Findings,
) {
    let (mut fine, mut broken, mut unknown) = (0, 0, Vec::new());
    for package in packages {
        let Some(stated) = package.licence else {
            unknown.push(package.name);
            continue;
        };
        match refused(licences, &stated) {
            None => unknown.push(package.name),
            Some(refused) if refused.is_empty() => fine += 1,
            Some(refused) => {
                broken += 1;
                let problem = Problem::Licence {
                    subject: subject.to_owned(),
                    package: package.name,
                    expression: shown(&stated),
                    refused,
                };
                findings.fails(Check::Licences, Some(subject), problem);
            }
        }
    }
    if !unknown.is_empty() && !licences.unknown {
        broken += 1;
        let problem =
            Problem::UnknownLicence { subject: subject.to_owned(), packages: std::mem::take(&mut unknown) };
        findings.fails(Check::Licences, Some(subject), problem);
    }
    if broken == 0 {
        let says = format!("{subject} has {fine} packages under licences that you allow");
        findings.holds(Check::Licences, Some(subject), says, &format!("{ground}; what packages declare"));
    }
    if !unknown.is_empty() {
        let what = format!("the licences of {} packages of {subject}", unknown.len());
        findings.unchecked(
            what,
            "they state none in a form that can be judged; `unknown = \"refuse\"` refuses them",
        );
    }
}

/// The licences for which an expression is refused, none where it is allowed; `None` where it is no expression.
fn refused(licences: &Licences, stated: &str) -> Option<Vec<String>> {
    let mode = ParseMode { allow_deprecated: true, allow_unknown: true, ..ParseMode::STRICT };
    let expression = Expression::parse_mode(stated, mode).ok()?;
    match expression.evaluate_with_failures(|one| allowed(licences, one)) {
        Ok(()) => Some(Vec::new()),
        Err(failures) => {
            let names: BTreeSet<String> = failures.iter().map(|one| shown(&one.req.to_string())).collect();
            Some(names.into_iter().map(|name| format!("`{name}`")).collect())
        }
    }
}

/// Whether a choice may take this licence. One with an exception is named with it or without.
fn allowed(licences: &Licences, one: &LicenseReq) -> bool {
    let names = [one.to_string(), one.license.to_string()];
    let among = |globs: &super::super::policy::Globs| names.iter().any(|name| globs.matches(name));
    licences.allow.as_ref().is_none_or(among) && !licences.deny.as_ref().is_some_and(among)
}

fn full_name(name: &str, version: Option<&str>) -> String {
    shown(&[Some(name), version].into_iter().flatten().collect::<Vec<_>>().join(" "))
}

/// The packages in the image: neither what they were made from, nor what built them, nor the image itself.
fn spdx_packages(document: Spdx) -> Vec<Package> {
    let mut outside = BTreeSet::new();
    let mut contained = BTreeSet::new();
    for relationship in &document.relationships {
        match relationship.relationship_type.as_str() {
            "GENERATED_FROM" => outside.insert(&relationship.related_spdx_element),
            "PATCH_APPLIED" | "BUILD_TOOL_OF" => outside.insert(&relationship.spdx_element_id),
            "CONTAINS" => contained.insert(&relationship.related_spdx_element),
            _ => continue,
        };
    }
    let inside = |package: &&SpdxPackage| {
        let purpose = package.primary_package_purpose.as_deref();
        let is_part = !matches!(purpose, Some("SOURCE" | "OPERATING_SYSTEM" | "CONTAINER"));
        is_part && (contained.contains(&package.id) || !outside.contains(&package.id))
    };
    let stated = |text: &Option<String>| {
        text.clone().filter(|text| !matches!(text.as_str(), "NOASSERTION" | "NONE" | ""))
    };
    let package = |package: &SpdxPackage| Package {
        name: full_name(&package.name, package.version_info.as_deref()),
        licence: stated(&package.license_concluded).or_else(|| stated(&package.license_declared)),
    };
    document.packages.iter().filter(inside).map(package).collect()
}

fn components(all: Vec<Component>, packages: &mut BTreeSet<Package>) {
    let mut pending = all;
    while let Some(component) = pending.pop() {
        pending.extend(component.components);
        if matches!(component.kind.as_str(), "operating-system" | "container" | "file") {
            continue;
        }
        let texts = component.licenses.into_iter().filter_map(|choice| {
            let named = |named: Named| named.id.or_else(|| named.name.as_deref().map(reference));
            choice.expression.map(|text| format!("({text})")).or_else(|| choice.license.and_then(named))
        });
        let texts: BTreeMap<String, ()> = texts.map(|text| (text, ())).collect();
        let texts: Vec<String> = texts.into_keys().collect();
        packages.insert(Package {
            name: full_name(&component.name, component.version.as_deref()),
            licence: (!texts.is_empty()).then(|| texts.join(" AND ")),
        });
    }
}

/// A licence's name as SPDX refers to what is not on its list.
fn reference(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-') { c } else { '-' };
    format!("LicenseRef-{}", name.chars().map(plain).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::verify::policy::Policy;

    fn licences(text: &str) -> Licences {
        let none = |_: &str| Err(std::io::Error::other("no files"));
        let policy = Policy::parse("p.toml", &format!("schema = 1\n[licences]\n{text}"), &none).unwrap();
        policy.licences.unwrap()
    }

    #[test]
    fn a_choice_needs_one_that_is_allowed() {
        let allow = licences("allow = [\"MIT\", \"GPL-*\"]\ndeny = [\"GPL-3.0-only\"]");
        let refused = |text: &str| refused(&allow, text).map(|names| names.join(" "));
        assert_eq!(refused("MIT"), Some(String::new()));
        assert_eq!(refused("GPL-2.0-or-later WITH Bison-exception-2.2 OR Zlib"), Some(String::new()));
        assert_eq!(refused("MIT AND Zlib"), Some("`Zlib`".to_owned()));
        assert_eq!(refused("GPL-3.0-only"), Some("`GPL-3.0-only`".to_owned()));
        assert_eq!(refused("MIT AND (Zlib OR GPL-2.0-only)"), Some(String::new()));
        assert_eq!(refused("LicenseRef-public-domain"), Some("`LicenseRef-public-domain`".to_owned()));
        assert_eq!(refused("see the file"), None);
    }

    #[test]
    fn what_is_denied_is_denied_with_exceptions_too() {
        let deny = licences("deny = [\"GPL-3.0-or-later\"]");
        assert!(!refused(&deny, "GPL-3.0-or-later WITH GCC-exception-3.1").unwrap().is_empty());
        assert!(refused(&deny, "Apache-2.0").unwrap().is_empty());
    }
}
