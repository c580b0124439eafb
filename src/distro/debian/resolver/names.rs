//! Names that a person may have meant.

use super::Universe;
use crate::distro::similar;

/// The names of packages nearest to `name`, best first.
pub(super) fn similar(universe: &Universe, name: &str) -> Vec<String> {
    let packages = universe
        .indexes
        .iter()
        .flat_map(|index| index.names().filter(|candidate| index.find(candidate).next().is_some()));
    similar::nearest(name, packages)
}
