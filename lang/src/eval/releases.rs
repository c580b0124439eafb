//! The intrinsic behind `std/debian` and `std/alpine`: a distro's own repositories as values.

use std::rc::Rc;

use super::machine::{Eval, Machine, Stop};
use super::value::{Kind, Value};
use crate::modules::{Site, releases};

/// `distro-repositories(distro, family, which)` of `std/debian` and `std/alpine`.
pub fn repositories(machine: &mut Machine<'_>, arguments: [Option<Value>; 3], site: Site) -> Eval<Value> {
    let [distro, family, which] = arguments;
    let distro = distro.ok_or(Stop)?;
    let Kind::Distro(found) = &distro.kind else {
        return machine.wrong_type(distro.site, "a distro", &distro);
    };
    if let Some(Kind::Family(family)) = family.map(|family| family.kind)
        && family != found.family
    {
        let message = format!("{found} has no repository of {family}");
        let help = "choose with `match distro { alpine => …, debian => … }`";
        return machine.stop("hbuild::lang::wrong_distro", distro.site, message, help);
    }
    let repositories = match which.and_then(|which| which.interpolated()).as_deref() {
        Some("main") => releases::main(found),
        _ => releases::all(found),
    };
    if repositories.is_empty() {
        releases::report_unknown(machine.reports, found.family, &found.release, distro.site);
        return Err(Stop);
    }
    let values = repositories
        .into_iter()
        .map(|repository| Value { kind: Kind::Repository(Rc::new(repository)), site })
        .collect();
    Ok(Value::list(values, site))
}
