//! Between URIs and paths.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use lsp_types::Uri;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};

/// What stands in the path of a URI as it is.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The path of a `file:` URI; of another one, such as `untitled:`, a name that no file has.
pub fn path_of(uri: &Uri) -> PathBuf {
    let text = uri.as_str();
    let rest = text.strip_prefix("file://").map(|rest| match rest.find('/') {
        Some(slash) => &rest[slash..],
        None => rest,
    });
    match rest {
        Some(path) => {
            let bytes: Vec<u8> = percent_decode_str(path).collect();
            normal(&PathBuf::from(OsString::from_vec(bytes)))
        }
        None => PathBuf::from(text.replace('/', "%2F")),
    }
}

/// The `file:` URI of a path.
pub fn uri_of(path: &Path) -> Uri {
    let encoded = percent_encode(path.as_os_str().as_bytes(), PLAIN);
    let text = format!("file://{encoded}");
    Uri::from_str(&text).unwrap_or_else(|_| Uri::from_str("file:///").expect("a URI"))
}

/// The path without `.`, `..` and doubled slashes; links are left as they are.
fn normal(path: &Path) -> PathBuf {
    let mut found = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::CurDir => {}
            std::path::Component::ParentDir => {
                found.pop();
            }
            part => found.push(part),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_uris() {
        for path in ["/a/b.hb", "/with space/ü.hb", "/100%/#a?b.hb"] {
            let uri = uri_of(Path::new(path));
            assert_eq!(path_of(&uri), Path::new(path), "{}", uri.as_str());
        }
        let foreign = Uri::from_str("file://localhost/a/./c/../b%2Ehb").unwrap();
        assert_eq!(path_of(&foreign), Path::new("/a/b.hb"));
        let untitled = Uri::from_str("untitled:Untitled-1").unwrap();
        assert_eq!(path_of(&untitled), Path::new("untitled:Untitled-1"));
    }
}
