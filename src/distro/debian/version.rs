//! Debian's order of versions: `[epoch:]upstream[-revision]`, Debian Policy 5.6.12.
//!
//! Receives version texts as they stand in an index. Never judges whether a text is a well-formed version: the
//! order is total over all texts, as dpkg's is over those it reads.

use std::cmp::Ordering;

/// The order of two versions: epochs as numbers, then upstream versions, then revisions. A missing epoch or
/// revision is `0`. `Equal` is possible for different texts (`1.0` and `0:1.0-0`).
pub fn compare(left: &str, right: &str) -> Ordering {
    let (left_epoch, left_upstream, left_revision) = split(left.as_bytes());
    let (right_epoch, right_upstream, right_revision) = split(right.as_bytes());
    compare_part(left_epoch, right_epoch)
        .then_with(|| compare_part(left_upstream, right_upstream))
        .then_with(|| compare_part(left_revision, right_revision))
}

/// Epoch (before the first colon), upstream version, revision (after the last hyphen).
fn split(version: &[u8]) -> (&[u8], &[u8], &[u8]) {
    let (epoch, rest) = match memchr::memchr(b':', version) {
        Some(colon) => (&version[..colon], &version[colon + 1..]),
        None => (&version[..0], version),
    };
    match memchr::memrchr(b'-', rest) {
        Some(hyphen) => (epoch, &rest[..hyphen], &rest[hyphen + 1..]),
        None => (epoch, rest, &rest[..0]),
    }
}

/// Alternates between runs of other characters and numbers, from the left.
fn compare_part(mut left: &[u8], mut right: &[u8]) -> Ordering {
    loop {
        let order = compare_text(&mut left, &mut right).then_with(|| compare_number(&mut left, &mut right));
        if order != Ordering::Equal || (left.is_empty() && right.is_empty()) {
            return order;
        }
    }
}

/// Consumes what precedes the next digit on both sides and compares it by character weight; the end of a side,
/// or a digit, weighs 0.
fn compare_text(left: &mut &[u8], right: &mut &[u8]) -> Ordering {
    let not_digit = |side: &[u8]| side.first().is_some_and(|byte| !byte.is_ascii_digit());
    while not_digit(left) || not_digit(right) {
        let order = weight(left.first()).cmp(&weight(right.first()));
        if order != Ordering::Equal {
            return order;
        }
        *left = left.get(1..).unwrap_or_default();
        *right = right.get(1..).unwrap_or_default();
    }
    Ordering::Equal
}

/// `~` sorts before the end, letters before everything else.
fn weight(byte: Option<&u8>) -> i32 {
    match byte {
        None | Some(b'0'..=b'9') => 0,
        Some(b'~') => -1,
        Some(byte) if byte.is_ascii_alphabetic() => i32::from(*byte),
        Some(byte) => i32::from(*byte) + 256,
    }
}

/// Consumes a number of any length on both sides and compares it.
fn compare_number(left: &mut &[u8], right: &mut &[u8]) -> Ordering {
    let left = take_number(left);
    let right = take_number(right);
    left.len().cmp(&right.len()).then_with(|| left.cmp(right))
}

/// The digits at the front without leading zeros; they are consumed.
fn take_number<'a>(side: &mut &'a [u8]) -> &'a [u8] {
    let length = side.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = side.split_at(length);
    *side = rest;
    let zeros = digits.iter().take_while(|byte| **byte == b'0').count();
    &digits[zeros..]
}

#[cfg(test)]
mod tests;
