//! Versions of the things recipes build, compared number by number.

use std::cmp::Ordering;
use std::fmt;
use std::rc::Rc;

/// A version as the recipe wrote it, such as `3.10` or `1.2.0-rc1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    text: Rc<str>,
}

impl Version {
    /// The version, or `None` where the text is not one: it begins with a digit and holds letters, digits and
    /// `. + - _ ~` alone, 128 of them at most.
    pub fn new(text: &str) -> Option<Version> {
        let valid = text.starts_with(|first: char| first.is_ascii_digit())
            && text.len() <= 128
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".+-_~".contains(&byte));
        valid.then(|| Version { text: text.into() })
    }

    /// As written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The first `count` parts between dots, or all where there are fewer.
    pub fn prefix(&self, count: usize) -> Version {
        let end = self.text.match_indices('.').nth(count.max(1) - 1).map_or(self.text.len(), |(at, _)| at);
        Version { text: self.text[..end].into() }
    }

    /// How many parts stand between dots.
    pub fn parts(&self) -> usize {
        self.text.split('.').count()
    }

    /// The part at `index` as a number; `None` where it does not begin with a digit or is too great.
    pub fn number(&self, index: usize) -> Option<i64> {
        let part = self.text.split('.').nth(index)?;
        let digits = part.len() - part.trim_start_matches(|digit: char| digit.is_ascii_digit()).len();
        part[..digits].parse().ok()
    }

    /// Whether it comes before a release: `3.15.0a1`, `9.0-rc1`.
    pub fn is_prerelease(&self) -> bool {
        const WORDS: [&str; 8] = ["alpha", "beta", "dev", "nightly", "pre", "preview", "rc", "snapshot"];
        let mut runs = self.runs().peekable();
        while let Some(run) = runs.next() {
            let is = |word: &&str| run.eq_ignore_ascii_case(word);
            let numbered = runs.peek().is_some_and(|next| next.as_bytes()[0].is_ascii_digit());
            if WORDS.iter().any(is) || (["a", "b"].iter().any(is) && numbered) {
                return true;
            }
        }
        false
    }

    /// Runs of digits and runs of letters, without what stands between them.
    fn runs(&self) -> impl Iterator<Item = &str> {
        let text: &str = &self.text;
        let mut at = 0;
        std::iter::from_fn(move || {
            let rest = &text[at..];
            let start = at + rest.find(|letter: char| letter.is_ascii_alphanumeric())?;
            let digit = text.as_bytes()[start].is_ascii_digit();
            let length = text[start..]
                .find(|letter: char| !letter.is_ascii_alphanumeric() || letter.is_ascii_digit() != digit)
                .unwrap_or(text.len() - start);
            at = start + length;
            Some(&text[start..at])
        })
    }
}

impl Ord for Version {
    /// Numbers by value, letters by the alphabet; a version with letters where the other ends comes before it
    /// (`1.0-rc1` before `1.0`), one with a number after it. Texts decide between equals (`1.0`, `1-0`).
    fn cmp(&self, other: &Version) -> Ordering {
        let (mut left, mut right) = (self.runs(), other.runs());
        loop {
            let order = match (left.next(), right.next()) {
                (None, None) => return self.text.cmp(&other.text),
                (None, Some(run)) => end_against(run),
                (Some(run), None) => end_against(run).reverse(),
                (Some(one), Some(two)) => compare_runs(one, two),
            };
            if order.is_ne() {
                return order;
            }
        }
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Version) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

fn end_against(run: &str) -> Ordering {
    if run.as_bytes()[0].is_ascii_digit() { Ordering::Less } else { Ordering::Greater }
}

fn compare_runs(left: &str, right: &str) -> Ordering {
    match (left.as_bytes()[0].is_ascii_digit(), right.as_bytes()[0].is_ascii_digit()) {
        (true, true) => {
            let (left, right) = (left.trim_start_matches('0'), right.trim_start_matches('0'));
            left.len().cmp(&right.len()).then_with(|| left.cmp(right))
        }
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        (false, false) => left.cmp(right),
    }
}

impl fmt::Display for Version {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        Version::new(text).unwrap()
    }

    #[test]
    fn numbers_are_compared_by_value() {
        let ascending = ["1.0-alpha", "1.0-rc1", "1.0-rc2", "1.0", "1.0.1", "1.2", "1.10", "2", "10", "10.0"];
        for pair in ascending.windows(2) {
            assert!(version(pair[0]) < version(pair[1]), "{pair:?}");
        }
    }

    #[test]
    fn parts_and_prefixes() {
        let three = version("3.10.4");
        assert_eq!(three.prefix(2).as_str(), "3.10");
        assert_eq!(three.prefix(9).as_str(), "3.10.4");
        assert_eq!(three.number(1), Some(10));
        assert_eq!(three.number(3), None);
        assert_eq!(version("3.13t").number(1), Some(13));
        let before = ["3.15.0a1", "9.0-rc1", "1.0.0-beta.2", "2.0-SNAPSHOT", "1.0b3"];
        assert!(before.iter().all(|text| version(text).is_prerelease()));
        let releases = ["3.14.0", "1.1.1m", "2024b", "9.6p1", "3.13t"];
        assert!(!releases.iter().any(|text| version(text).is_prerelease()));
        assert!(Version::new("v1").is_none() && Version::new("").is_none() && Version::new("1 2").is_none());
    }
}
