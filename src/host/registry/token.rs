//! Tokens of registries: what a challenge asks for, and what the answer gives.

use serde::Deserialize;

use super::is_loopback;
use crate::host::url::{HttpUrl, Url};

/// Who gives tokens, and what for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Realm {
    /// Who.
    pub base: HttpUrl,
    /// What the registry calls itself.
    pub service: String,
    /// What for.
    pub scopes: Vec<String>,
}

impl Realm {
    /// What is asked with GET.
    pub(super) fn url(&self) -> HttpUrl {
        let url = match self.service.is_empty() {
            true => self.base.clone(),
            false => self.base.with_parameter("service", &self.service),
        };
        self.scopes.iter().fold(url, |url, scope| url.with_parameter("scope", scope))
    }
}

/// Whether a challenge wants user and password.
pub(super) fn is_basic(challenge: &str) -> bool {
    challenge.trim().split(' ').next().is_some_and(|scheme| scheme.eq_ignore_ascii_case("basic"))
}

/// Who gives a token for `scopes`, by the `WWW-Authenticate` header of the registry at `asked`.
pub(super) fn realm(challenge: &str, scopes: &[String], asked: &HttpUrl) -> Result<Realm, String> {
    let (scheme, rest) = challenge.trim().split_once(' ').unwrap_or((challenge, ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err("it wants to know who asks in a way that hbuild does not know".to_owned());
    }
    let parameters = parameters(rest);
    let get = |name: &str| parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let realm = get("realm").ok_or("it does not say who gives one")?;
    let url: Url = realm.parse().map_err(|_| "it names no URL that gives one")?;
    let Url::Http(base) = url else { return Err("it names a file as what gives one".to_owned()) };
    let here = is_loopback(asked.authority());
    let allowed = base.secure() || (here && is_loopback(base.authority()));
    if !allowed {
        return Err("who gives one is not asked by `https:`".to_owned());
    }
    Ok(Realm { base, service: get("service").unwrap_or_default().to_owned(), scopes: scopes.to_vec() })
}

/// `key="value"` pairs with commas between them (RFC 9110, 11.2).
fn parameters(mut rest: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    while let Some((key, after)) = rest.split_once('=') {
        let key = key.trim_matches([' ', ',', '\t']).to_ascii_lowercase();
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => after.split_once(',').unwrap_or((after, "")),
        };
        found.push((key, value.to_owned()));
        rest = after;
    }
    found
}

#[derive(Deserialize)]
struct Answer {
    token: Option<String>,
    access_token: Option<String>,
}

/// The `Authorization` header that the answer gives.
pub(super) fn of_answer(bytes: &[u8]) -> Result<String, String> {
    let answer: Answer = serde_json::from_slice(bytes).map_err(|_| "the answer is no JSON".to_owned())?;
    let token = answer.token.or(answer.access_token).ok_or("there is none in the answer")?;
    let plain = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
    if plain { Ok(format!("Bearer {token}")) } else { Err("what the answer gives is none".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(challenge: &str, asked: &str) -> Result<String, String> {
        let Url::Http(asked) = asked.parse().unwrap() else { unreachable!() };
        let scopes = ["repository:library/alpine:pull".to_owned()];
        Ok(realm(challenge, &scopes, &asked)?.url().request_url())
    }

    #[test]
    fn realms() {
        let hub = r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="x:y,z""#;
        assert_eq!(
            ask(hub, "https://registry-1.docker.io/").unwrap(),
            "https://auth.docker.io/token?service=registry.docker.io&scope=repository%3Alibrary%2Falpine%3Apull"
        );
        assert!(ask("Basic realm=\"x\"", "https://a.b/").is_err());
        assert!(ask("Bearer realm=\"http://a.b/token\"", "https://a.b/").is_err());
        assert!(ask("Bearer realm=\"http://127.0.0.1/token\"", "https://a.b/").is_err());
        assert!(ask("Bearer realm=\"http://127.0.0.1:1/token\"", "http://localhost:2/").is_ok());
        assert!(ask("Bearer realm=\"file:/etc/passwd\"", "http://localhost:2/").is_err());
        assert!(ask("Bearer", "https://a.b/").is_err());
    }

    #[test]
    fn answers() {
        assert_eq!(of_answer(br#"{"token":"abc","expires_in":1}"#).unwrap(), "Bearer abc");
        assert_eq!(of_answer(br#"{"access_token":"abc"}"#).unwrap(), "Bearer abc");
        assert!(of_answer(b"{\"token\":\"a\\r\\nX: y\"}").is_err());
        assert!(of_answer(b"{}").is_err());
    }
}
