//! Names that a person may have meant.

use super::Universe;
use crate::distro::similar;

/// The names nearest to `name`, best first: of packages, or where a prefix such as `so:` is asked for, of what is
/// provided with it.
pub(super) fn similar(universe: &Universe, name: &str) -> Vec<String> {
    let prefix = |name: &str| name.find(':').map(|end| name[..end].to_owned());
    let wanted = prefix(name);
    let names = universe.parts.iter().flat_map(|part| part.index.names());
    similar::nearest(name, names.filter(|candidate| prefix(candidate) == wanted))
}
