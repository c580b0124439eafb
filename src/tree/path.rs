//! The path of a tree entry.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A path relative to the root of an image, as bytes: `usr/bin/env`. It has no leading or trailing slash, no
/// empty, `.` or `..` component and no NUL, and is never empty: the root itself has no entry name.
///
/// Paths order by their bytes, with `/` before every other byte, so that a directory's content follows it at
/// once and a parent always comes before its children.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct TreePath(Box<[u8]>);

/// Why bytes are not a path inside a tree.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// The path has no component at all.
    #[error("the path is empty")]
    Empty,
    /// The path begins with a slash.
    #[error("`{0}` is absolute")]
    Absolute(String),
    /// The path has a `..` component.
    #[error("`{0}` leaves the tree with `..`")]
    Parent(String),
    /// The path has an empty or `.` component, or a NUL byte.
    #[error("`{0}` is not a plain path")]
    Irregular(String),
}

impl TreePath {
    /// The path, when `bytes` already has the strict form described on the type.
    pub fn new(bytes: &[u8]) -> Result<Self, PathError> {
        let shown = || String::from_utf8_lossy(bytes).into_owned();
        if bytes.is_empty() {
            return Err(PathError::Empty);
        }
        if bytes[0] == b'/' {
            return Err(PathError::Absolute(shown()));
        }
        if bytes.contains(&0) {
            return Err(PathError::Irregular(shown()));
        }
        for component in bytes.split(|&byte| byte == b'/') {
            match component {
                b".." => return Err(PathError::Parent(shown())),
                b"" | b"." => return Err(PathError::Irregular(shown())),
                _ => {}
            }
        }
        Ok(Self(bytes.into()))
    }

    /// The path of an archive member: a leading `./` and trailing slashes are taken off first. `Ok(None)` is
    /// the root itself (`./` or `.`).
    pub fn from_archive(bytes: &[u8]) -> Result<Option<Self>, PathError> {
        let mut rest = bytes;
        while let Some(stripped) = rest.strip_prefix(b"./") {
            rest = stripped;
        }
        while let [head @ .., b'/'] = rest {
            if head.is_empty() {
                break;
            }
            rest = head;
        }
        match rest {
            b"" | b"." => Ok(None),
            _ => Self::new(rest).map(Some),
        }
    }

    /// The path of an absolute path in an image, `/etc/passwd`. `Ok(None)` is `/`.
    pub fn from_absolute(path: &str) -> Result<Option<Self>, PathError> {
        let rest = path.strip_prefix('/').ok_or_else(|| PathError::Irregular(path.to_owned()))?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.is_empty() { Ok(None) } else { Self::new(rest.as_bytes()).map(Some) }
    }

    /// The bytes, without a leading slash.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The directory that holds this path, or `None` where that is the root.
    pub fn parent(&self) -> Option<Self> {
        let at = self.0.iter().rposition(|&byte| byte == b'/')?;
        Some(Self(self.0[..at].into()))
    }

    /// The last component.
    pub fn file_name(&self) -> &[u8] {
        match self.0.iter().rposition(|&byte| byte == b'/') {
            Some(at) => &self.0[at + 1..],
            None => &self.0,
        }
    }

    /// The path of `name` inside this directory.
    pub fn join(&self, name: &[u8]) -> Result<Self, PathError> {
        Self::new(&[&self.0, b"/".as_slice(), name].concat())
    }

    /// Whether this path is `directory` itself or lies below it.
    pub fn is_within(&self, directory: &Self) -> bool {
        self.0.starts_with(&directory.0) && matches!(self.0.get(directory.0.len()), None | Some(b'/'))
    }

    /// The path without a leading slash, for reports: bytes that are not UTF-8 are percent-encoded, `%` included.
    pub fn text(&self) -> String {
        let mut text = String::with_capacity(self.0.len());
        for chunk in self.0.utf8_chunks() {
            text.push_str(&chunk.valid().replace('%', "%25"));
            for byte in chunk.invalid() {
                text.push_str(&format!("%{byte:02X}"));
            }
        }
        text
    }

    /// The path with a leading slash, for people; bytes that are not UTF-8 are replaced.
    pub fn absolute(&self) -> String {
        format!("/{}", String::from_utf8_lossy(&self.0))
    }
}

impl Ord for TreePath {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let slash_first = |byte: u8| if byte == b'/' { 0 } else { u16::from(byte) + 1 };
        match self.0.iter().zip(&other.0).find(|(own, theirs)| own != theirs) {
            Some((own, theirs)) => slash_first(*own).cmp(&slash_first(*theirs)),
            None => self.0.len().cmp(&other.0.len()),
        }
    }
}

impl PartialOrd for TreePath {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for TreePath {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.absolute())
    }
}

impl fmt::Debug for TreePath {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "TreePath({})", self.absolute())
    }
}

/// Text form for reports only: [`TreePath::text`].
impl Serialize for TreePath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text())
    }
}

impl<'de> Deserialize<'de> for TreePath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let mut bytes = Vec::with_capacity(text.len());
        let mut rest = text.as_bytes();
        while let Some((&byte, tail)) = rest.split_first() {
            rest = tail;
            if byte != b'%' {
                bytes.push(byte);
                continue;
            }
            let code = rest
                .get(..2)
                .and_then(|hex| std::str::from_utf8(hex).ok())
                .and_then(|hex| u8::from_str_radix(hex, 16).ok())
                .ok_or_else(|| serde::de::Error::custom("a `%` without two hexadecimal digits"))?;
            bytes.push(code);
            rest = &rest[2..];
        }
        Self::new(&bytes).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_paths_are_refused() {
        assert!(matches!(TreePath::new(b"/etc"), Err(PathError::Absolute(_))));
        assert!(matches!(TreePath::new(b"a/../b"), Err(PathError::Parent(_))));
        assert!(matches!(TreePath::new(b"a//b"), Err(PathError::Irregular(_))));
        assert!(matches!(TreePath::new(b"a\0b"), Err(PathError::Irregular(_))));
        assert_eq!(TreePath::from_archive(b"./"), Ok(None));
        assert!(TreePath::from_archive(b"./../x").is_err());
        assert!(TreePath::from_archive(b"//x").is_err());
        assert_eq!(TreePath::from_archive(b"./usr/bin/").unwrap().unwrap().as_bytes(), b"usr/bin");
    }

    #[test]
    fn children_follow_their_directory_at_once() {
        let mut paths = ["a-b", "a/c", "a", "a/b/x", "a/b"].map(|p| TreePath::new(p.as_bytes()).unwrap());
        paths.sort();
        assert_eq!(paths.map(|p| p.absolute()), ["/a", "/a/b", "/a/b/x", "/a/c", "/a-b"]);
    }

    #[test]
    fn text_form_round_trips_any_bytes() {
        let path = TreePath::new(b"a%\xff/\n").unwrap();
        let text = serde_json::to_string(&path).unwrap();
        assert_eq!(text, r#""a%25%FF/\n""#);
        assert_eq!(serde_json::from_str::<TreePath>(&text).unwrap(), path);
    }
}
