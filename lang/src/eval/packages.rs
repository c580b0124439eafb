//! The packages of an image or of a build's root: each in the grammar of its distro, no two pins for one.

use std::collections::BTreeMap;

use super::take::Fields;
use crate::check::package::{self, Request};
use crate::modules::Site;
use crate::recipe::{Family, Located};

/// The packages of the image, without duplicates.
pub fn take(fields: &mut Fields<'_, '_>, family: Family) -> Vec<Located<String>> {
    let packages = fields.texts("packages");
    requested(fields, family, &[&packages]);
    located(fields, packages)
}

/// Checks packages of one root, in as many lists as there are.
pub fn requested(fields: &mut Fields<'_, '_>, family: Family, lists: &[&[(String, Site)]]) {
    let mut pins: BTreeMap<String, (String, Site)> = BTreeMap::new();
    for (text, site) in lists.iter().copied().flatten() {
        match package::parse(text, family) {
            Ok(Request { name, pin: Some(pin) }) => pinned(fields, name, pin, *site, &mut pins),
            Ok(_) => {}
            Err(problem) => {
                fields.machine.error(problem.code, *site, problem.message).help(&*problem.help);
                fields.failed = true;
            }
        }
    }
}

/// The exclusions, without duplicates.
pub fn exclude(fields: &mut Fields<'_, '_>, family: Family) -> Vec<Located<String>> {
    let exclude = fields.texts("exclude");
    for (text, site) in &exclude {
        if let Some(problem) = package::name_problem(text, family) {
            fields.machine.error(problem.code, *site, problem.message).help(&*problem.help);
            fields.failed = true;
        }
    }
    located(fields, exclude)
}

fn pinned(
    fields: &mut Fields<'_, '_>,
    name: &str,
    pin: &str,
    site: Site,
    pins: &mut BTreeMap<String, (String, Site)>,
) {
    match pins.get(name) {
        Some((other, first)) if other != pin => {
            let message = format!("the package `{name}` has two pins, `{other}` and `{pin}`");
            let first = *first;
            fields
                .machine
                .error("hbuild::lang::two_pins", site, message)
                .related(first, "the first one")
                .help("keep one of them");
            fields.failed = true;
        }
        Some(_) => {}
        None => {
            pins.insert(name.to_owned(), (pin.to_owned(), site));
        }
    }
}

/// The texts with their places, without duplicates.
pub fn located(fields: &Fields<'_, '_>, texts: Vec<(String, Site)>) -> Vec<Located<String>> {
    let mut found: Vec<Located<String>> = Vec::new();
    for (value, site) in texts {
        if !found.iter().any(|known| known.value == value) {
            found.push(Located { value, place: fields.machine.program.place(site) });
        }
    }
    found
}
