//! Requests to one registry: authorised where it asks for it, tried again where that may help.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde::Deserialize;
use ureq::Body;
use ureq::http::{HeaderMap, Method, Response};

use super::{Reference, RemoteError};
use crate::host::fetch::{Exchange, Failure, FetchOptions, Fetcher, Payload, challenge_of};
use crate::host::registry::{Authorizations, Scope, base_url};
use crate::host::url::HttpUrl;

/// Tries of one request.
const TRIES: u32 = 6;
/// The longest wait that a registry may ask for between two of them.
const MOST_WAIT: Duration = Duration::from_secs(60);
/// What of an error's text is shown.
const MOST_DETAIL: usize = 200;

/// Registries, reached with these options.
pub struct Client {
    pub(super) fetcher: Fetcher,
    pub(super) authorizations: Authorizations,
}

/// What is wanted of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// To read.
    Read,
    /// To write, and to read from these repositories of the same registry.
    Write(Vec<String>),
}

/// One repository of a registry.
#[derive(Clone)]
pub struct Repository {
    pub(super) client: Arc<Client>,
    pub(super) base: HttpUrl,
    pub(super) scope: Scope,
    pub(super) repository: String,
}

/// A request whose body, if it has one, is at hand.
pub(super) struct Call<'a> {
    pub method: Method,
    pub url: HttpUrl,
    pub headers: Vec<(String, String)>,
    pub body: &'a [u8],
    /// What it is about, for messages.
    pub what: String,
}

impl Call<'_> {
    /// What is sent with it: an empty body is one where the method has bodies.
    pub fn payload(&self) -> Payload<'_> {
        match self.method {
            Method::GET | Method::HEAD | Method::DELETE => Payload::Nothing,
            _ => Payload::Bytes(self.body),
        }
    }
}

/// An answer.
pub(super) struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Body,
    /// What the registry wants to know first.
    challenge: Option<String>,
}

impl Client {
    /// A client that goes by `options`.
    pub fn new(options: FetchOptions) -> Result<Arc<Self>, RemoteError> {
        Ok(Arc::new(Self { fetcher: Fetcher::new(options)?, authorizations: Authorizations::default() }))
    }

    /// The repository that `reference` names.
    pub fn repository(self: &Arc<Self>, reference: &Reference, access: Access) -> Repository {
        let (push, also) = match access {
            Access::Read => (false, Vec::new()),
            Access::Write(also) => (true, also),
        };
        Repository {
            client: self.clone(),
            base: base_url(&reference.registry),
            scope: Scope { name: reference.name(), push, also },
            repository: reference.repository.clone(),
        }
    }
}

impl Repository {
    /// Registry and repository.
    pub fn name(&self) -> &str {
        &self.scope.name
    }

    /// A URL of this repository: `manifests/latest`.
    pub(super) fn url(&self, path: &str) -> HttpUrl {
        self.base.below(&format!("v2/{}/{path}", self.repository))
    }

    /// A call for `path` below this repository.
    pub(super) fn call(&self, method: Method, path: &str) -> Call<'static> {
        let what = format!("{}/{path}", self.name());
        Call { method, url: self.url(path), headers: Vec::new(), body: &[], what }
    }

    /// The answer to a call, whatever its status, but for those that another try may better.
    pub(super) fn send(&self, call: &Call<'_>) -> Result<Reply, RemoteError> {
        let mut tries = Tries::new(self);
        loop {
            match self.once(call, call.payload()) {
                Ok(reply) if is_transient(reply.status) => {
                    let after = retry_after(&reply.headers);
                    tries.again(after, || refused(&call.what, reply))?;
                }
                Ok(reply) => return Ok(reply),
                Err(Once::Again(reason)) => {
                    tries.again(None, || RemoteError::Unreachable { what: call.what.clone(), reason })?;
                }
                Err(Once::Fatal(error)) => return Err(error),
            }
        }
    }

    /// Sends `payload` once. A refusal that asks who this is gets its answer, and is `Again` where the payload is
    /// spent.
    pub(super) fn once(&self, call: &Call<'_>, payload: Payload<'_>) -> Result<Reply, Once> {
        self.stop()?;
        let spent = matches!(payload, Payload::Reader(..));
        let reply = self.request(call, payload)?;
        let asks = reply.status == 401 && call.url.same_server(&self.base);
        let Some(challenge) = reply.challenge.clone().filter(|_| asks) else { return Ok(reply) };
        let client = &self.client;
        let answer = client.authorizations.answer(&client.fetcher, &self.scope, &self.base, &challenge);
        answer.map_err(|error| Once::Fatal(error.into()))?;
        if spent {
            return Err(Once::Again("it asked who this is".to_owned()));
        }
        self.request(call, call.payload())
    }

    fn request(&self, call: &Call<'_>, payload: Payload<'_>) -> Result<Reply, Once> {
        let mut headers = call.headers.clone();
        if call.url.same_server(&self.base) {
            let known = self.client.authorizations.known(&self.scope);
            headers.extend(known.map(|header| ("authorization".to_owned(), header)));
        }
        let exchange = Exchange {
            follow: matches!(call.method, Method::GET | Method::HEAD),
            method: call.method.clone(),
            url: call.url.clone(),
            headers,
            guarded: true,
        };
        match self.client.fetcher.exchange(exchange, payload) {
            Ok((response, _)) => Ok(Reply::new(response)),
            Err(Failure::UnsafeRedirect | Failure::Redirect) => {
                Err(Once::Fatal(RemoteError::UnsafeRedirect { what: call.what.clone() }))
            }
            Err(failure) if failure.transient() => Err(Once::Again(failure.to_string())),
            Err(failure) => {
                let reason = failure.to_string();
                Err(Once::Fatal(RemoteError::Unreachable { what: call.what.clone(), reason }))
            }
        }
    }

    fn stop(&self) -> Result<(), Once> {
        match self.cancelled() {
            true => Err(Once::Fatal(RemoteError::Cancelled)),
            false => Ok(()),
        }
    }

    /// Whether everything is to stop.
    pub(super) fn cancelled(&self) -> bool {
        self.client.fetcher.options().cancelled.load(Ordering::Relaxed)
    }

    /// Waits, unless everything is to stop.
    pub(super) fn wait(&self, duration: Duration) -> Result<(), RemoteError> {
        let end = Instant::now() + duration;
        while Instant::now() < end {
            if self.cancelled() {
                return Err(RemoteError::Cancelled);
            }
            std::thread::sleep((end - Instant::now()).min(Duration::from_millis(50)));
        }
        Ok(())
    }
}

/// How one try ended without an answer to use.
pub(super) enum Once {
    /// Another may end better.
    Again(String),
    /// None would.
    Fatal(RemoteError),
}

impl Reply {
    fn new(response: Response<Body>) -> Self {
        let challenge = challenge_of(&response);
        let (parts, body) = response.into_parts();
        Self { status: parts.status.as_u16(), headers: parts.headers, body, challenge }
    }

    /// A header's text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body, which has `limit` bytes at most.
    pub fn bytes(self, what: &str, limit: u64) -> Result<Vec<u8>, RemoteError> {
        let too_large = || RemoteError::TooLarge { what: what.to_owned(), limit };
        if self.body.content_length().is_some_and(|length| length > limit) {
            return Err(too_large());
        }
        let mut bytes = Vec::new();
        let reader = self.body.into_with_config().limit(u64::MAX).reader();
        let read = reader.take(limit + 1).read_to_end(&mut bytes);
        read.map_err(|error| RemoteError::Unreachable { what: what.to_owned(), reason: error.to_string() })?;
        if bytes.len() as u64 > limit { Err(too_large()) } else { Ok(bytes) }
    }
}

/// The tries of one thing, and the waits between them.
pub(super) struct Tries<'a> {
    repository: &'a Repository,
    made: u32,
}

impl<'a> Tries<'a> {
    pub fn new(repository: &'a Repository) -> Self {
        Self { repository, made: 0 }
    }

    /// Begins anew: something was reached.
    pub fn reset(&mut self) {
        self.made = 0;
    }

    /// Waits before the next try, as long as the registry asks for; `error` where there were enough.
    pub fn again(
        &mut self,
        after: Option<Duration>,
        error: impl FnOnce() -> RemoteError,
    ) -> Result<(), RemoteError> {
        self.made += 1;
        if self.made >= TRIES {
            return Err(error());
        }
        let backoff = self.repository.client.fetcher.options().backoff * 2_u32.pow(self.made - 1);
        self.repository.wait(after.unwrap_or(backoff).min(MOST_WAIT))
    }
}

/// Whether another try may end better.
pub(super) fn is_transient(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500..=599)
}

/// How long the registry asks to wait (RFC 9110, 10.2.3; dates are not followed).
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds: u64 = headers.get("retry-after")?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// The error of an answer that refuses.
pub(super) fn refused(what: &str, reply: Reply) -> RemoteError {
    let (what, status) = (what.to_owned(), reply.status);
    let detail = detail(reply);
    match status {
        401 | 403 => RemoteError::Denied { what, detail },
        404 => RemoteError::NotFound { what },
        _ => RemoteError::Refused { what, status, detail },
    }
}

#[derive(Deserialize)]
struct Errors {
    errors: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    code: String,
    #[serde(default)]
    message: String,
}

/// What the registry says about its refusal, without what a terminal would follow.
fn detail(reply: Reply) -> String {
    let bytes = reply.bytes("", 1 << 16).unwrap_or_default();
    let Ok(Errors { errors }) = serde_json::from_slice(&bytes) else { return String::new() };
    let Some(first) = errors.first() else { return String::new() };
    let text = format!(": {} {}", first.code, first.message);
    let plain = |letter: &char| letter.is_alphanumeric() || letter.is_ascii_graphic() || *letter == ' ';
    text.chars().filter(plain).take(MOST_DETAIL).collect::<String>().trim_end().to_owned()
}
