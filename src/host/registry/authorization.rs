//! What registries are told about who asks: tokens for a scope, or user and password, once they ask for them.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Mutex;

use ureq::http::Method;

use super::login::{Login, LoginError};
use super::token;
use crate::host::fetch::{Credential, Exchange, FetchError, Fetcher, Payload, Wanted, basic_authorization};
use crate::host::url::{HttpUrl, Url, encoded};

const MOST_ANSWER_BYTES: u64 = 1 << 20;

/// What is asked of a registry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scope {
    /// Registry and repository.
    pub name: String,
    /// Whether something is written there.
    pub push: bool,
    /// Other repositories of the registry that are read.
    pub also: Vec<String>,
}

/// `Authorization` by scope, where one was needed.
#[derive(Debug, Default)]
pub struct Authorizations {
    known: Mutex<BTreeMap<Scope, Secret>>,
}

#[derive(Clone)]
struct Secret(String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("…")
    }
}

/// Why a registry could not be told.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum AuthorizationError {
    /// The login.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Login(#[from] LoginError),
    /// Whoever gives tokens.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Fetch(#[from] FetchError),
    /// The registry asks for something that is not followed.
    #[error("the registry of {name} gives no token: {reason}")]
    #[diagnostic(
        code(hbuild::host::registry_token),
        help(
            "check the name, and log in with `docker login` or `podman login` where not everyone may do this"
        )
    )]
    Token {
        /// Registry and repository.
        name: String,
        /// Why.
        reason: String,
    },
}

impl Scope {
    /// Reading of a repository.
    pub fn pull(name: &str) -> Self {
        Self { name: name.to_owned(), push: false, also: Vec::new() }
    }

    fn scopes(&self) -> Vec<String> {
        let own = super::split(&self.name).1;
        let actions = if self.push { "pull,push" } else { "pull" };
        let also = self.also.iter().filter(|other| *other != own);
        [format!("repository:{own}:{actions}")]
            .into_iter()
            .chain(also.map(|other| format!("repository:{other}:pull")))
            .collect()
    }
}

impl Authorizations {
    /// The header for this scope, where it was needed before.
    pub fn known(&self, scope: &Scope) -> Option<String> {
        self.known.lock().expect("no holder panics").get(scope).map(|secret| secret.0.clone())
    }

    /// The header that answers `challenge`, with which `asked` refused.
    pub fn answer(
        &self,
        fetcher: &Fetcher,
        scope: &Scope,
        asked: &HttpUrl,
        challenge: &str,
    ) -> Result<String, AuthorizationError> {
        let refused = |reason: String| AuthorizationError::Token { name: scope.name.clone(), reason };
        let login = login(fetcher, scope)?;
        let header = if token::is_basic(challenge) {
            match login {
                Some(Login::Password(credential)) => {
                    basic_authorization(&credential.username, &credential.password)
                }
                _ => return Err(refused("it wants a user and a password".to_owned())),
            }
        } else {
            let realm = token::realm(challenge, &scope.scopes(), asked).map_err(refused)?;
            let answer = match login {
                Some(Login::Identity(identity)) => renewed(fetcher, scope, &realm, &identity)?,
                Some(Login::Password(credential)) => given(fetcher, scope, &realm, Some(&credential))?,
                None => given(fetcher, scope, &realm, None)?,
            };
            token::of_answer(&answer).map_err(refused)?
        };
        self.known.lock().expect("no holder panics").insert(scope.clone(), Secret(header.clone()));
        Ok(header)
    }
}

/// The login of `docker login`, else what hbuild's configuration has for the registry.
fn login(fetcher: &Fetcher, scope: &Scope) -> Result<Option<Login>, LoginError> {
    let options = fetcher.options();
    let configured = || options.credentials.get(super::split(&scope.name).0).cloned().map(Login::Password);
    Ok(options.logins.of(&scope.name)?.or_else(configured))
}

fn given(
    fetcher: &Fetcher,
    scope: &Scope,
    realm: &token::Realm,
    credential: Option<&Credential>,
) -> Result<Vec<u8>, FetchError> {
    let mut headers = vec![("accept".to_owned(), "application/json".to_owned())];
    headers.extend(credential.map(|credential| {
        ("authorization".to_owned(), basic_authorization(&credential.username, &credential.password))
    }));
    let wanted = Wanted {
        what: format!("the token for {}", scope.name),
        urls: vec![Url::Http(realm.url())],
        content: None,
        size: None,
        limit: MOST_ANSWER_BYTES,
        headers,
    };
    let mut answer = Vec::new();
    fetcher.fetch(&wanted, &mut answer, &|_, _| {})?;
    Ok(answer)
}

/// The answer to a token that gives tokens (OAuth 2.0, RFC 6749, 6).
fn renewed(
    fetcher: &Fetcher,
    scope: &Scope,
    realm: &token::Realm,
    identity: &str,
) -> Result<Vec<u8>, AuthorizationError> {
    let refused = |reason: String| AuthorizationError::Token { name: scope.name.clone(), reason };
    let form = format!(
        "grant_type=refresh_token&client_id=hbuild&service={}&scope={}&refresh_token={}",
        encoded(&realm.service),
        encoded(&realm.scopes.join(" ")),
        encoded(identity)
    );
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("accept", "application/json")];
    let exchange = Exchange {
        method: Method::POST,
        url: realm.base.clone(),
        headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
        follow: false,
        guarded: true,
    };
    let (response, _) = fetcher
        .exchange(exchange, Payload::Bytes(form.as_bytes()))
        .map_err(|failure| refused(failure.to_string()))?;
    if !response.status().is_success() {
        return Err(refused(format!("who gives one answers {}", response.status().as_u16())));
    }
    let mut answer = Vec::new();
    let reader = response.into_body().into_reader();
    reader.take(MOST_ANSWER_BYTES).read_to_end(&mut answer).map_err(|error| refused(error.to_string()))?;
    Ok(answer)
}
