//! apk's order of versions: `{digits}{.digits}…{letter}{_suffix{digits}}…{-r digits}`.
//!
//! Receives version texts as they stand in an index. The order is that of apk 2.14, malformed texts included: two
//! versions are compared part by part as far as both can be read. So it is no total order over all texts, and nothing
//! may sort by it alone.

use std::cmp::Ordering;

/// The order of two versions.
pub fn compare(left: &str, right: &str) -> Ordering {
    compare_parts(left, right, false)
}

/// As [`compare`], but what only one of them has is not looked at: `1.2.3-r4` equals `1.2`.
pub fn compare_fuzzily(left: &str, right: &str) -> Ordering {
    compare_parts(left, right, true)
}

/// Whether apk accepts a text as a version.
pub fn is_valid(version: &str) -> bool {
    let mut reader = Reader::new(version);
    while !matches!(reader.next, Part::End | Part::Invalid) {
        reader.take();
    }
    reader.next == Part::End
}

/// What the next part of a version is; the later ones may only stand after the earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Invalid,
    /// A number after a dot: its leading zeros count first, then, from the last of them on, the number.
    NumberOrZeros,
    Number,
    Letter,
    Suffix,
    SuffixNumber,
    Revision,
    End,
}

/// The longest number that apk reads.
const MAX_DIGITS: usize = 17;

/// Suffixes that precede the version without them, then those that follow it.
const SUFFIXES: [(&[u8], i64); 9] = [
    (b"alpha", -4),
    (b"beta", -3),
    (b"pre", -2),
    (b"rc", -1),
    (b"cvs", 0),
    (b"svn", 1),
    (b"git", 2),
    (b"hg", 3),
    (b"p", 4),
];

/// Reads a version part by part.
#[derive(Clone)]
struct Reader<'a> {
    rest: &'a [u8],
    next: Part,
}

impl<'a> Reader<'a> {
    fn new(version: &'a str) -> Self {
        Self { rest: version.as_bytes(), next: Part::Number }
    }

    /// The value of the next part, which is consumed with what separates it from the part after.
    fn take(&mut self) -> i64 {
        if self.rest.is_empty() {
            self.next = Part::End;
            return 0;
        }
        let digits = |rest: &[u8]| rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (length, value) = match self.next {
            Part::NumberOrZeros if self.rest[0] == b'0' => {
                let zeros = self.rest.iter().take_while(|byte| **byte == b'0').count() - 1;
                self.rest = &self.rest[zeros..];
                self.next = Part::Number;
                return i64::try_from(zeros).map_or(i64::MIN, |zeros| -zeros);
            }
            Part::NumberOrZeros | Part::Number | Part::SuffixNumber | Part::Revision => {
                let length = digits(self.rest);
                if length > MAX_DIGITS {
                    return self.refuse();
                }
                let add = |value, digit: &u8| value * 10 + i64::from(digit - b'0');
                (length, self.rest[..length].iter().fold(0, add))
            }
            Part::Letter => (1, i64::from(self.rest[0])),
            Part::Suffix => match SUFFIXES.iter().find(|(suffix, _)| self.rest.starts_with(suffix)) {
                Some((suffix, value)) => (suffix.len(), *value),
                None => return self.refuse(),
            },
            Part::Invalid | Part::End => return self.refuse(),
        };
        self.rest = &self.rest[length..];
        self.separate();
        value
    }

    fn refuse(&mut self) -> i64 {
        self.next = Part::Invalid;
        -1
    }

    /// Finds what follows the part just read, and consumes the separator.
    fn separate(&mut self) {
        let after = self.next;
        let Some(first) = self.rest.first() else {
            self.next = Part::End;
            return;
        };
        let (part, separator) = match first {
            b'a'..=b'z' if matches!(after, Part::Number | Part::NumberOrZeros) => (Part::Letter, 0),
            b'0'..=b'9' if after == Part::Letter => (Part::Number, 0),
            b'0'..=b'9' if after == Part::Suffix => (Part::SuffixNumber, 0),
            b'.' => (Part::NumberOrZeros, 1),
            b'_' => (Part::Suffix, 1),
            b'-' if self.rest.get(1) == Some(&b'r') => (Part::Revision, 2),
            _ => (Part::Invalid, 1),
        };
        self.rest = &self.rest[separator..];
        let may_go_back = matches!(
            (after, part),
            (Part::Number, Part::NumberOrZeros)
                | (Part::SuffixNumber, Part::Suffix)
                | (Part::Letter, Part::Number)
        );
        self.next = if part < after && !may_go_back { Part::Invalid } else { part };
    }
}

fn compare_parts(left: &str, right: &str, fuzzily: bool) -> Ordering {
    let (mut left, mut right) = (Reader::new(left), Reader::new(right));
    let (mut left_value, mut right_value) = (0, 0);
    while left.next == right.next
        && !matches!(left.next, Part::End | Part::Invalid)
        && left_value == right_value
    {
        left_value = left.take();
        right_value = right.take();
    }
    let values = left_value.cmp(&right_value);
    if values != Ordering::Equal || left.next == right.next || fuzzily {
        return values;
    }
    // The shorter one is the earlier one, unless what the longer one has is a suffix such as `_rc`.
    if left.next == Part::Suffix && left.clone().take() < 0 {
        return Ordering::Less;
    }
    if right.next == Part::Suffix && right.clone().take() < 0 {
        return Ordering::Greater;
    }
    right.next.cmp(&left.next)
}

#[cfg(test)]
mod tests;
