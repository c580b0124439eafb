//! How the network is reached: proxies, credentials, timeouts.
//!
//! Invariant: no `Debug` of these types shows a user name or a password.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use serde::Deserialize;

use crate::host::registry::Logins;
use crate::host::settings::SettingsError;
use crate::host::url::HttpUrl;

/// User name and password for a server.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Credential {
    /// User name.
    pub username: String,
    /// Password.
    pub password: String,
}

impl fmt::Debug for Credential {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Credential(…)")
    }
}

/// How files are fetched.
#[derive(Debug, Clone)]
pub struct FetchOptions {
    /// PEM text of the authorities that `https:` servers are checked against; the system's where `None`.
    pub authorities: Option<Vec<u8>>,
    /// Proxies.
    pub proxies: Proxies,
    /// Credentials by host, or by host and port.
    pub credentials: BTreeMap<String, Credential>,
    /// Where credentials of registries are kept.
    pub logins: Logins,
    /// Rounds over the mirrors that may still give an answer.
    pub rounds: u32,
    /// Wait between the first two rounds; doubled for each one more.
    pub backoff: Duration,
    /// Longest wait for a connection.
    pub connect_timeout: Duration,
    /// Longest silence of a server.
    pub idle_timeout: Duration,
    /// A server that gives fewer bytes than this within `idle_timeout` is too slow.
    pub least_bytes: u64,
    /// Set when everything is to stop.
    pub cancelled: Arc<AtomicBool>,
}

impl Default for FetchOptions {
    fn default() -> Self {
        Self {
            authorities: None,
            proxies: Proxies::default(),
            credentials: BTreeMap::new(),
            logins: Logins::default(),
            rounds: 4,
            backoff: Duration::from_millis(300),
            connect_timeout: Duration::from_secs(15),
            idle_timeout: Duration::from_secs(30),
            least_bytes: 4096,
            cancelled: Arc::new(AtomicBool::new(false)),
        }
    }
}

/// Proxies by scheme, and the hosts that need none.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Proxies {
    http: Option<ureq::Proxy>,
    https: Option<ureq::Proxy>,
    direct: Vec<String>,
}

impl Proxies {
    /// The proxies that `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy`, in lower or upper case, name.
    pub fn from_variables<'a>(variable: impl Fn(&str) -> Option<&'a str>) -> Result<Self, SettingsError> {
        let either = |name: &str| {
            let upper = name.to_uppercase();
            let found = variable(name).map(|value| (name.to_owned(), value));
            found.or_else(|| variable(&upper).map(|value| (upper, value)))
        };
        let proxy = |name: &str| {
            let Some((name, value)) = either(name).or_else(|| either("all_proxy")) else { return Ok(None) };
            let proxy = ureq::Proxy::new(value).map_err(|_| SettingsError::Proxy { variable: name })?;
            Ok(Some(proxy))
        };
        let listed = either("no_proxy").map_or("", |(_, value)| value);
        let words = listed.split([',', ' ']).filter(|word| !word.is_empty());
        Ok(Self {
            http: proxy("http_proxy")?,
            https: proxy("https_proxy")?,
            direct: words.map(str::to_ascii_lowercase).collect(),
        })
    }

    /// The proxy for `url`, if it needs one.
    pub(super) fn of(&self, url: &HttpUrl) -> Option<&ureq::Proxy> {
        let host = url.host();
        let direct = self.direct.iter().any(|rule| {
            let domain = rule.trim_start_matches('*').trim_start_matches('.');
            let below = host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
            rule == "*" || rule == url.authority() || (!domain.is_empty() && below)
        });
        let proxy = if url.secure() { self.https.as_ref() } else { self.http.as_ref() };
        proxy.filter(|_| !direct)
    }
}

impl fmt::Debug for Proxies {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |proxy: &Option<ureq::Proxy>| proxy.as_ref().map(|proxy| proxy.host().to_owned());
        write!(out, "Proxies({:?}, {:?}, except {:?})", shown(&self.http), shown(&self.https), self.direct)
    }
}

/// The value of an `Authorization` header for `credential` (RFC 7617).
pub(in crate::host) fn basic_authorization(username: &str, password: &str) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut header = "Basic ".to_owned();
    for chunk in format!("{username}:{password}").as_bytes().chunks(3) {
        let word = (0..3).fold(0_u32, |word, at| word << 8 | u32::from(*chunk.get(at).unwrap_or(&0)));
        for place in 0..4 {
            let digit = ALPHABET[(word >> (18 - 6 * place) & 63) as usize];
            header.push(if place <= chunk.len() { digit.into() } else { '=' });
        }
    }
    header
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::url::Url;

    #[test]
    fn authorization() {
        // The example of RFC 7617, and the other two lengths of the last group.
        assert_eq!(basic_authorization("Aladdin", "open sesame"), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert_eq!(basic_authorization("a", "b"), "Basic YTpi");
        assert_eq!(basic_authorization("a", "bc"), "Basic YTpiYw==");
        assert_eq!(basic_authorization("a", "bcd"), "Basic YTpiY2Q=");
    }

    #[test]
    fn which_proxy() {
        let variables = BTreeMap::from([
            ("http_proxy", "http://u:hidden@one:3128"),
            ("ALL_PROXY", "socks5://two:1080"),
            ("NO_PROXY", "localhost,.internal, *.corp,direct:8080"),
        ]);
        let proxies = Proxies::from_variables(|name| variables.get(name).copied()).unwrap();
        let host = |url: &str| match url.parse().unwrap() {
            Url::Http(url) => proxies.of(&url).map(|proxy| proxy.host().to_owned()),
            Url::File(_) => None,
        };
        assert_eq!(host("http://x/").as_deref(), Some("one"));
        assert_eq!(host("https://x/").as_deref(), Some("two"));
        assert_eq!(host("http://direct/").as_deref(), Some("one"));
        assert_eq!(host("http://notcorp/").as_deref(), Some("one"));
        for direct in ["http://localhost:1/", "http://a.internal/", "http://b.corp/", "http://direct:8080/"] {
            assert_eq!(host(direct), None, "{direct}");
        }
        assert!(!format!("{proxies:?}").contains("hidden"));
    }
}
