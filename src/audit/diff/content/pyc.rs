//! Compiled Python: what its header says of its source (PEP 552).

use super::compare_bytes;
use crate::audit::diff::report::{Cause, Part};
use crate::timestamp::Timestamp;

const HEADER: usize = 16;

/// Says in `part` in what both differ.
pub fn compare_pyc(part: &mut Part, left: &[u8], right: &[u8]) {
    let word = |bytes: &[u8], at: usize| {
        bytes.get(at..at + 4).map_or(0, |word| u32::from_le_bytes([word[0], word[1], word[2], word[3]]))
    };
    let magic = |bytes: &[u8]| Some((word(bytes, 0) & 0xffff).to_string());
    part.field("version of the format", magic(left), magic(right));
    let flags = (word(left, 4), word(right, 4));
    part.field("flags", Some(flags.0.to_string()), Some(flags.1.to_string()));
    if flags == (0, 0) && word(left, 8) != word(right, 8) {
        let time = |bytes: &[u8]| Timestamp(i64::from(word(bytes, 8))).to_string();
        part.field("time of the source", Some(time(left)), Some(time(right)));
        part.cause(Cause::Time { left: time(left), right: time(right) });
        part.field("size of the source", Some(word(left, 12).to_string()), Some(word(right, 12).to_string()));
    } else if flags.0 == flags.1 && left.get(8..HEADER) != right.get(8..HEADER) {
        let hash = |bytes: &[u8]| Some(format!("{:08x}{:08x}", word(bytes, 12), word(bytes, 8)));
        part.field("hash of the source", hash(left), hash(right));
    }
    let (left, right) = (left.get(HEADER..).unwrap_or_default(), right.get(HEADER..).unwrap_or_default());
    if left != right {
        let mut code = Part::new("code", "bytes", crate::audit::diff::report::Change::Changed);
        compare_bytes(&mut code, left, right);
        part.parts.push(code);
    }
}
