//! Paths and globs of a recipe, and which of several is the most specific.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use globset::{GlobBuilder, GlobMatcher};

use super::{MergeError, usrmerge};
use crate::tree::TreePath;

/// How specific a match is. Greater is more specific: an exact path before a glob, then the longer text before
/// the first special character, then the longer glob, then the one that sorts first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Specificity {
    exact: bool,
    prefix: usize,
    length: usize,
    rank: std::cmp::Reverse<usize>,
}

impl Specificity {
    /// The same match, as what lies below the matched directory inherits it.
    pub fn inherited(self) -> Self {
        Self { exact: false, ..self }
    }
}

/// An absolute path or glob. `*` and `?` stop at slashes, `**` does not.
#[derive(Debug, Clone)]
pub struct Pattern {
    /// The exact path, for one without special characters.
    pub exact: Option<TreePath>,
    /// The text before the first special character, without the leading slash.
    prefix: Vec<u8>,
    length: usize,
    rank: usize,
    matcher: Matcher,
}

#[derive(Debug, Clone)]
enum Matcher {
    Exact,
    /// `prefix**`, all below a directory.
    Below,
    Glob(Box<GlobMatcher>),
}

impl Pattern {
    /// The pattern `text`, which begins with a slash; `merged` leads top folders into `/usr`. Among equals the
    /// lower `rank` wins.
    pub fn new(text: &str, merged: bool, rank: usize) -> Result<Self, MergeError> {
        let bad = |reason: String| MergeError::BadPattern { pattern: text.to_owned(), reason };
        let rest = text.strip_prefix('/').ok_or_else(|| bad("no leading slash".to_owned()))?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let special = rest.find(['*', '?', '[', '{', '\\']);
        let Some(special) = special else {
            let path = TreePath::new(rest.as_bytes()).map_err(|error| bad(error.to_string()))?;
            let path = if merged { usrmerge::canonical(&path).unwrap_or(path) } else { path };
            let prefix = path.as_bytes().to_vec();
            let length = prefix.len();
            return Ok(Self { exact: Some(path), prefix, length, rank, matcher: Matcher::Exact });
        };
        let top = rest[..special].split_once('/').and_then(|(top, _)| TreePath::new(top.as_bytes()).ok());
        let aliased = merged && top.is_some_and(|top| usrmerge::is_alias(&top));
        let rest = if aliased { format!("usr/{rest}") } else { rest.to_owned() };
        let prefix = rest.as_bytes()[..special + if aliased { 4 } else { 0 }].to_vec();
        let matcher = if prefix.last() == Some(&b'/') && &rest[prefix.len()..] == "**" {
            Matcher::Below
        } else {
            let glob = GlobBuilder::new(&rest).literal_separator(true).backslash_escape(true).build();
            Matcher::Glob(Box::new(glob.map_err(|error| bad(error.kind().to_string()))?.compile_matcher()))
        };
        Ok(Self { exact: None, prefix, length: rest.len(), rank, matcher })
    }

    /// Whether `path` matches.
    pub fn matches(&self, path: &TreePath) -> bool {
        let bytes = path.as_bytes();
        match &self.matcher {
            Matcher::Exact => bytes == self.prefix,
            Matcher::Below => bytes.len() > self.prefix.len() && bytes.starts_with(&self.prefix),
            Matcher::Glob(glob) => bytes.starts_with(&self.prefix) && glob.is_match(OsStr::from_bytes(bytes)),
        }
    }

    /// Whether the pattern is `X/**` and `path` is X.
    pub fn is_below(&self, path: &TreePath) -> bool {
        let Some((b'/', directory)) = self.prefix.split_last() else { return false };
        matches!(self.matcher, Matcher::Below) && path.as_bytes() == directory
    }

    /// How specific a match of it is.
    pub fn specificity(&self) -> Specificity {
        let (exact, prefix, length) = (self.exact.is_some(), self.prefix.len(), self.length);
        Specificity { exact, prefix, length, rank: std::cmp::Reverse(self.rank) }
    }
}

/// Several patterns of which any may match.
#[derive(Debug, Default)]
pub struct Patterns(Vec<Pattern>);

impl Patterns {
    /// The patterns `texts`; a missing leading slash is supplied where `relative`.
    pub fn new(texts: &[String], merged: bool, relative: bool) -> Result<Self, MergeError> {
        let one = |(rank, text): (usize, &String)| {
            if relative && !text.starts_with('/') {
                return Pattern::new(&format!("/{text}"), merged, rank);
            }
            Pattern::new(text, merged, rank)
        };
        texts.iter().enumerate().map(one).collect::<Result<_, _>>().map(Self)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one matches `path` or a directory above it.
    pub fn cover(&self, path: &TreePath) -> bool {
        let mut current = Some(path.clone());
        while let Some(path) = current {
            if self.0.iter().any(|pattern| pattern.matches(&path)) {
                return true;
            }
            current = path.parent();
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> TreePath {
        TreePath::new(text.as_bytes()).unwrap()
    }

    fn pattern(text: &str) -> Pattern {
        Pattern::new(text, true, 0).unwrap()
    }

    #[test]
    fn globs_stop_at_slashes_and_follow_the_merged_usr() {
        assert!(pattern("/usr/share/doc/**").matches(&path("usr/share/doc/a/b")));
        assert!(!pattern("/usr/share/doc/**").matches(&path("usr/share/doc")));
        assert!(pattern("/usr/share/doc/**").is_below(&path("usr/share/doc")));
        assert!(pattern("/usr/share/doc/**/copyright").matches(&path("usr/share/doc/a/b/copyright")));
        assert!(!pattern("/usr/*/doc").matches(&path("usr/a/b/doc")));
        assert!(pattern("/bin/*").matches(&path("usr/bin/sh")));
        assert!(pattern("/bin/sh").matches(&path("usr/bin/sh")));
        assert!(pattern("/usr/{bin,sbin}/[ab]?").matches(&path("usr/sbin/ax")));
        assert!(pattern("/**/*.pyc").matches(&path("usr/lib/x.pyc")));
        for bad in ["relative", "/a/../b", "/a/[", ""] {
            assert!(matches!(Pattern::new(bad, true, 0), Err(MergeError::BadPattern { .. })), "{bad}");
        }
    }

    #[test]
    fn the_more_specific_pattern_is_greater() {
        let order = [
            "/**",
            "/usr/**",
            "/usr/share/doc/**",
            "/usr/share/doc/**/copyright",
            "/usr/share/doc/libc6/*",
            "/usr/share/doc/libc6/copyright",
        ];
        for pair in order.windows(2) {
            assert!(pattern(pair[0]).specificity() < pattern(pair[1]).specificity(), "{pair:?}");
        }
        let exact = pattern("/usr/share").specificity();
        assert!(exact.inherited() < pattern("/usr/share/doc/**").specificity());
    }
}
