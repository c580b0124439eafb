//! Tags by version: `tag.semver`.

use std::collections::BTreeSet;

use super::machine::{Eval, Machine, Stop};
use super::value::{Kind, Value};
use super::version::Version;
use crate::modules::Site;
use crate::recipe::Flavor;

/// `semver-tags(release, among, distro, flavor)`: each prefix of the release's version that no higher version of
/// `among` has, shortest last. A version before a release (`9.0-rc1`) is lower than every release here.
pub fn semver(machine: &mut Machine<'_>, arguments: [Option<Value>; 4], site: Site) -> Eval<Value> {
    let [release, among, distro, flavor] = arguments;
    let release = release.ok_or(Stop)?;
    let version = version_of(machine, &release)?;
    let suffix = suffix(machine, distro.as_ref(), flavor.as_ref())?;
    let others = versions(machine, &among.ok_or(Stop)?, distro.as_ref())?;
    let ranked = |version: Version| (!version.is_prerelease(), version);
    let (version, others) = (ranked(version), others.into_iter().map(ranked).collect::<Vec<_>>());
    let mut tags = Vec::new();
    for parts in (1..=version.1.parts()).rev() {
        machine.steps(others.len(), site)?;
        let prefix = version.1.prefix(parts);
        let highest = others.iter().filter(|(_, other)| other.prefix(parts) == prefix).max();
        if highest.is_none_or(|highest| *highest <= version) {
            tags.push(Value::text(&format!("{prefix}{suffix}"), release.site));
        }
    }
    let mut seen = BTreeSet::new();
    tags.retain(|tag| seen.insert(tag.interpolated()));
    Ok(Value::list(tags, site))
}

fn suffix(machine: &mut Machine<'_>, distro: Option<&Value>, flavor: Option<&Value>) -> Eval<String> {
    let mut suffix = String::new();
    match distro.map(|value| (&value.kind, value)) {
        None | Some((Kind::None, _)) => {}
        Some((Kind::Distro(distro), _)) => suffix.push_str(&format!("-{distro}")),
        Some((_, other)) => return machine.wrong_type(other.site, "a distro", other),
    }
    match flavor.map(|value| (&value.kind, value)) {
        None | Some((Kind::None | Kind::Flavor(Flavor::Runtime), _)) => {}
        Some((Kind::Flavor(flavor), _)) => suffix.push_str(&format!("-{flavor}")),
        Some((_, other)) => return machine.wrong_type(other.site, "a flavor", other),
    }
    Ok(suffix)
}

/// The version of a row, or the version itself.
fn version_of(machine: &mut Machine<'_>, value: &Value) -> Eval<Version> {
    let found = match &value.kind {
        Kind::Map(map) => map.get("version"),
        _ => Some(value),
    };
    match found.map(|found| &found.kind) {
        Some(Kind::Version(version)) => Ok(version.clone()),
        Some(Kind::Invalid) => Err(Stop),
        _ => {
            let help = "write `version = version(\"8.8.2\")` in the row";
            machine.stop(
                "hbuild::lang::wrong_type",
                value.site,
                "a version, or a row with one, is wanted",
                help,
            )
        }
    }
}

/// The versions among which the highest is looked for: those that exist on the distro.
fn versions(machine: &mut Machine<'_>, among: &Value, distro: Option<&Value>) -> Eval<Vec<Version>> {
    let rows: Vec<Value> = match &among.kind {
        Kind::List(list) => list.to_vec(),
        Kind::Map(map) => map.entries.iter().map(|entry| entry.value.clone()).collect(),
        _ => return machine.wrong_type(among.site, "a table or a list of versions", among),
    };
    machine.steps(rows.len(), among.site)?;
    let mut found = Vec::new();
    for row in &rows {
        if exists_on(row, distro) {
            found.push(version_of(machine, row)?);
        }
    }
    Ok(found)
}

fn exists_on(row: &Value, distro: Option<&Value>) -> bool {
    let Kind::Map(map) = &row.kind else { return true };
    let (Some(distros), Some(distro)) = (map.get("distros"), distro) else { return true };
    match (&distros.kind, &distro.kind) {
        (Kind::List(list), Kind::Distro(_)) => list.iter().any(|known| known.equals(distro) == Some(true)),
        _ => true,
    }
}
