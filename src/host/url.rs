//! URLs that files are fetched from: `http:`, `https:` and `file:`.
//!
//! Invariant: neither `Display` nor `Debug` shows a user name, a password or a query, so that no message and
//! no log can hold a credential that stood in a URL.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Where a file may be had.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Url {
    /// A file of this host.
    File(PathBuf),
    /// A file of a server.
    Http(HttpUrl),
}

/// A URL of a server.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct HttpUrl {
    secure: bool,
    /// `user:password` as the URL has it, percent-encoded.
    user_info: Option<String>,
    authority: String,
    /// Begins with `/`; with the query.
    path: String,
}

/// Why a text is not such a URL. The text itself is not repeated: it may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseUrlError {
    /// Another scheme, or none.
    #[error("it does not begin with `http://`, `https://` or `file:/`")]
    Scheme,
    /// No host.
    #[error("it has no valid host name")]
    Host,
    /// Blanks, control characters, or bytes beyond ASCII.
    #[error("it has characters that a URL cannot have")]
    Characters,
}

impl Url {
    /// The URL of `path` below this one. `path` is plain: characters that a URL cannot have are encoded, and
    /// `+` too, which some servers read as a blank.
    pub fn join(&self, path: &str) -> Self {
        match self {
            Self::File(folder) => Self::File(folder.join(path)),
            Self::Http(url) => {
                let mut joined = url.clone();
                joined.path.truncate(joined.path.trim_end_matches('/').len());
                joined.path.push('/');
                for byte in path.bytes() {
                    match byte {
                        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' | b':' => {
                            joined.path.push(byte.into());
                        }
                        _ => joined.path.push_str(&format!("%{byte:02x}")),
                    }
                }
                Self::Http(joined)
            }
        }
    }

    /// The last part of its path.
    pub fn file_name(&self) -> &str {
        match self {
            Self::File(path) => path.file_name().and_then(|name| name.to_str()).unwrap_or_default(),
            Self::Http(url) => {
                let path = url.path.split('?').next().unwrap_or_default();
                path.trim_end_matches('/').rsplit('/').next().unwrap_or_default()
            }
        }
    }

    /// Whether it holds a user name or password.
    pub fn has_credential(&self) -> bool {
        matches!(self, Self::Http(HttpUrl { user_info: Some(_), .. }))
    }

    /// The file, if it is one of this host.
    pub fn as_file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Http(_) => None,
        }
    }
}

impl HttpUrl {
    /// Whether it is `https:`.
    pub fn secure(&self) -> bool {
        self.secure
    }

    /// Host and port as the URL names them.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Host without port.
    pub fn host(&self) -> &str {
        split_port(&self.authority).0
    }

    /// User name and password, decoded, if the URL holds them. Never for messages.
    pub fn credential(&self) -> Option<(String, String)> {
        let (user, password) =
            self.user_info.as_ref()?.split_once(':').unwrap_or((self.user_info.as_ref()?, ""));
        Some((percent_decode(user)?, percent_decode(password)?))
    }

    /// The URL of `path` below this one, as [`Url::join`].
    pub fn below(&self, path: &str) -> Self {
        match Url::Http(self.clone()).join(path) {
            Url::Http(url) => url,
            Url::File(_) => unreachable!("joining keeps the kind"),
        }
    }

    /// Whether both name the same server, asked in the same way.
    pub fn same_server(&self, other: &Self) -> bool {
        self.secure == other.secure && self.authority == other.authority
    }

    /// What `location`, as a server answered it, means seen from here (RFC 3986, 5.2, without `..`).
    pub fn resolve(&self, location: &str) -> Result<Url, ParseUrlError> {
        let scheme = location.find(':').is_some_and(|colon| !location[..colon].contains(['/', '?', '#']));
        let base = || format!("{}://{}", self.scheme(), self.authority);
        if scheme {
            location.parse()
        } else if location.starts_with("//") {
            format!("{}:{location}", self.scheme()).parse()
        } else if location.starts_with('/') {
            (base() + location).parse()
        } else {
            let path = self.path.split('?').next().unwrap_or_default();
            let folder = &path[..path.rfind('/').map_or(0, |at| at + 1)];
            format!("{}{folder}{location}", base()).parse()
        }
    }

    /// This URL with one more parameter in its query; `value` is encoded.
    pub fn with_parameter(&self, name: &str, value: &str) -> Self {
        let mark = if self.path.contains('?') { '&' } else { '?' };
        Self { path: format!("{}{mark}{name}={}", self.path, encoded(value)), ..self.clone() }
    }

    /// The whole URL for a request, without user name and password.
    pub fn request_url(&self) -> String {
        format!("{}://{}{}", self.scheme(), self.authority, self.path)
    }

    fn scheme(&self) -> &'static str {
        if self.secure { "https" } else { "http" }
    }
}

impl FromStr for Url {
    type Err = ParseUrlError;

    fn from_str(text: &str) -> Result<Self, ParseUrlError> {
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(ParseUrlError::Characters);
        }
        if let Some(rest) = strip_scheme(text, "file:") {
            let path = rest.strip_prefix("//localhost").or_else(|| rest.strip_prefix("//")).unwrap_or(rest);
            if !path.starts_with('/') {
                return Err(ParseUrlError::Scheme);
            }
            let path = percent_decode(path).ok_or(ParseUrlError::Characters)?;
            return Ok(Self::File(path.into()));
        }
        let (secure, rest) = match (strip_scheme(text, "http://"), strip_scheme(text, "https://")) {
            (Some(rest), _) => (false, rest),
            (_, Some(rest)) => (true, rest),
            _ => return Err(ParseUrlError::Scheme),
        };
        let rest = rest.split('#').next().unwrap_or_default();
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let (user_info, authority) = match authority.rsplit_once('@') {
            Some((user_info, authority)) => (Some(user_info.to_owned()), authority),
            None => (None, authority),
        };
        let (host, port) = split_port(authority);
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._[]:".contains(&byte);
        if host.is_empty() || !host.bytes().all(plain) || !port.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(ParseUrlError::Host);
        }
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        Ok(Self::Http(HttpUrl { secure, user_info, authority: authority.to_ascii_lowercase(), path }))
    }
}

fn strip_scheme<'a>(text: &'a str, scheme: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(scheme.len())?;
    start.eq_ignore_ascii_case(scheme).then_some(rest)
}

/// Host and port of an authority, whose IPv6 address stands in brackets.
fn split_port(authority: &str) -> (&str, &str) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port),
        _ => (authority, ""),
    }
}

/// `text` with everything but letters, digits and `-._~` percent-encoded.
pub(crate) fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(byte.into()),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
        out
    })
}

fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digit = |byte: Option<u8>| byte.and_then(|byte| (byte as char).to_digit(16));
            bytes.push((digit(rest.next())? * 16 + digit(rest.next())?) as u8);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

impl fmt::Display for Url {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(out, "file:{}", path.display()),
            Self::Http(url) => {
                let (path, query) =
                    url.path.split_once('?').map_or((&*url.path, ""), |(path, _)| (path, "?…"));
                write!(out, "{}://{}{path}{query}", url.scheme(), url.authority)
            }
        }
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "`{self}`")
    }
}

impl fmt::Debug for HttpUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "`{}`", Url::Http(self.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parsing_and_joining() {
        let base: Url = "HTTP://Mirror.Example:8080/debian/".parse().unwrap();
        let joined = base.join("pool/main/g/g++/g++_1%2_amd64.deb");
        assert_eq!(
            joined.to_string(),
            "http://mirror.example:8080/debian/pool/main/g/g%2b%2b/g%2b%2b_1%252_amd64.deb"
        );
        assert_eq!(joined.file_name(), "g%2b%2b_1%252_amd64.deb");
        let Url::Http(http) = &joined else { panic!("http") };
        assert_eq!(
            (http.host(), http.authority(), http.secure()),
            ("mirror.example", "mirror.example:8080", false)
        );
        for text in ["file:/srv/a%20b", "file:///srv/a%20b", "file://localhost/srv/a%20b"] {
            assert_eq!(text.parse(), Ok(Url::File("/srv/a b".into())));
        }
        assert_eq!("https://h".parse::<Url>().unwrap().join("x").to_string(), "https://h/x");
        assert_eq!("http://[::1]:80/x".parse::<Url>().unwrap().to_string(), "http://[::1]:80/x");
        for (text, error) in [
            ("ftp://h/x", ParseUrlError::Scheme),
            ("/srv", ParseUrlError::Scheme),
            ("file:srv", ParseUrlError::Scheme),
            ("http:///x", ParseUrlError::Host),
            ("http://h:x/", ParseUrlError::Host),
            ("http://h/ x", ParseUrlError::Characters),
        ] {
            assert_eq!(text.parse::<Url>(), Err(error), "{text}");
        }
    }

    #[test]
    fn locations() {
        let Url::Http(base) = "https://h:5/a/b?c=d".parse().unwrap() else { panic!("http") };
        for (location, whole) in [
            ("/x?y=z", "https://h:5/x?y=z"),
            ("x", "https://h:5/a/x"),
            ("//other/x", "https://other/x"),
            ("http://other/x", "http://other/x"),
        ] {
            let Ok(Url::Http(url)) = base.resolve(location) else { panic!("{location}") };
            assert_eq!(url.request_url(), whole);
        }
        assert_eq!(base.resolve("file:///etc/passwd"), Ok(Url::File("/etc/passwd".into())));
        assert_eq!(base.resolve("gopher://h/"), Err(ParseUrlError::Scheme));
        assert_eq!(base.with_parameter("e", "f:g").request_url(), "https://h:5/a/b?c=d&e=f%3Ag");
    }

    #[test]
    fn no_credential_is_shown() {
        let url: Url = "https://us%40er:se%3Acret@host/x?token=hidden".parse().unwrap();
        assert!(url.has_credential());
        let Url::Http(http) = &url else { panic!("http") };
        assert_eq!(http.credential(), Some(("us@er".to_owned(), "se:cret".to_owned())));
        assert_eq!(http.request_url(), "https://host/x?token=hidden");
        for shown in [url.to_string(), format!("{url:?}"), format!("{http:?}")] {
            assert!(
                !shown.contains("cret") && !shown.contains("hidden") && !shown.contains("user"),
                "{shown}"
            );
        }
    }
}
