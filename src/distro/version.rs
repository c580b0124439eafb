//! The order of versions, by distribution.

use std::cmp::Ordering;

use hbuild_lang::recipe::Family;

/// The order in which the distribution's own tool has two versions.
pub fn compare(family: Family, left: &str, right: &str) -> Ordering {
    match family {
        Family::Alpine => super::alpine::version::compare(left, right),
        Family::Debian => super::debian::version::compare(left, right),
    }
}
