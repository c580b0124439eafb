//! Fetching: the bytes of one file from the first of several mirrors that has them whole.
//!
//! Receives URLs and what is known of the file; writes into a [`Sink`] while hashing. A transfer that breaks
//! off is continued, from the same mirror or another one. Never believes a mirror: where the digest is known,
//! only bytes of that digest are a success; where it is not, the caller has a signature to check.

mod attempt;
mod exchange;
mod failure;
mod names;
mod network;
mod sink;

use std::collections::BTreeSet;
use std::io;
use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use sha2::Digest as _;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::unversioned::transport::DefaultConnector;

pub(crate) use attempt::challenge_of;
pub use exchange::{Exchange, Payload};
pub use failure::{Failure, FetchError, MirrorFailure};
pub(super) use network::basic_authorization;
pub use network::{Credential, FetchOptions, Proxies};
pub use sink::Sink;

use super::url::Url;
use crate::digest::Sha256;
use crate::distro::alpine::archive::Identity;
use names::Names;

/// A file to be fetched.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// What it is, for messages: `hello_2.10-3_amd64.deb`.
    pub what: String,
    /// Where it may be had, in order.
    pub urls: Vec<Url>,
    /// What it must be, where that is known.
    pub content: Option<Content>,
    /// Its length in bytes, where known.
    pub size: Option<u64>,
    /// Most bytes taken where the length is not known.
    pub limit: u64,
    /// Headers of the request. With any, a server is never left for one without TLS, and says what it wants to know
    /// first as [`Failure::Challenge`].
    pub headers: Vec<(String, String)>,
}

/// What a file must be.
#[derive(Debug, Clone)]
pub enum Content {
    /// Bytes with this SHA-256.
    Sha256(Sha256),
    /// A package of Alpine. Nothing was given to it yet.
    Apk(Identity),
}

/// A file that was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// SHA-256 of its bytes.
    pub sha256: Sha256,
    /// Their number.
    pub size: u64,
    /// Where the last of them came from.
    pub url: Url,
}

/// Told how many bytes are there, and how many there will be.
pub type Progress<'a> = &'a (dyn Fn(u64, Option<u64>) + Sync);

/// Fetches files, several at once, over connections that are kept.
#[derive(Debug)]
pub struct Fetcher {
    agent: ureq::Agent,
    options: FetchOptions,
    /// Hosts that could not be reached: asked last from then on.
    unreachable: Mutex<BTreeSet<String>>,
}

/// What is in the sink.
struct Transfer<'a> {
    wanted: &'a Wanted,
    sink: &'a mut dyn Sink,
    hasher: sha2::Sha256,
    /// Of a package of Alpine: whether it is the one.
    identity: Option<Identity>,
    received: u64,
    /// Whether not all of it came in one piece from one mirror.
    pieced: bool,
    progress: Progress<'a>,
}

/// How one attempt ended, other than well.
enum Interruption {
    /// The mirror's fault.
    Mirror(Failure),
    /// Nothing that another mirror could help.
    Fatal(FetchError),
}

impl From<Failure> for Interruption {
    fn from(failure: Failure) -> Self {
        Self::Mirror(failure)
    }
}

impl Fetcher {
    /// A fetcher that goes by `options`.
    pub fn new(options: FetchOptions) -> Result<Self, FetchError> {
        let roots = match &options.authorities {
            None => RootCerts::PlatformVerifier,
            Some(pem) => {
                let certificates: Vec<Certificate<'static>> = parse_pem(pem)
                    .filter_map(|item| match item {
                        Ok(PemItem::Certificate(certificate)) => Some(certificate),
                        _ => None,
                    })
                    .collect();
                if certificates.is_empty() {
                    return Err(FetchError::Authorities);
                }
                RootCerts::new_with_certs(&certificates)
            }
        };
        let agent = ureq::Agent::config_builder()
            .proxy(None)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("hbuild/", env!("CARGO_PKG_VERSION")))
            .tls_config(TlsConfig::builder().root_certs(roots).build())
            .max_idle_connections(32)
            .max_idle_connections_per_host(16)
            .timeout_resolve(Some(options.connect_timeout))
            .timeout_connect(Some(options.connect_timeout))
            .timeout_send_request(Some(options.idle_timeout))
            .timeout_recv_response(Some(options.idle_timeout))
            .timeout_per_read(Some(options.idle_timeout))
            .timeout_per_write(Some(options.idle_timeout))
            .build();
        let agent = ureq::Agent::with_parts(agent, DefaultConnector::default(), Names::default());
        Ok(Self { agent, options, unreachable: Mutex::new(BTreeSet::new()) })
    }

    /// What it goes by.
    pub fn options(&self) -> &FetchOptions {
        &self.options
    }

    /// Fetches `wanted` into `sink`, which may hold the beginning of it. On an error the sink holds what was
    /// had so far, which a later call may continue, or nothing.
    pub fn fetch(
        &self,
        wanted: &Wanted,
        sink: &mut dyn Sink,
        progress: Progress<'_>,
    ) -> Result<Fetched, FetchError> {
        let mut transfer = Transfer::begin(wanted, sink, progress)?;
        let mut candidates: Vec<(Url, Option<Failure>)> =
            self.in_order(&wanted.urls).into_iter().map(|url| (url, None)).collect();
        for round in 0..self.options.rounds {
            if round > 0 {
                self.wait(wanted, self.options.backoff * 2_u32.saturating_pow(round - 1))?;
            }
            for (url, last) in &mut candidates {
                if last.as_ref().is_some_and(|failure| !failure.transient()) {
                    continue;
                }
                match self.ask(url, &mut transfer) {
                    Ok(fetched) => return Ok(fetched),
                    Err(Interruption::Fatal(error)) => return Err(error),
                    Err(Interruption::Mirror(failure)) => {
                        tracing::debug!(%url, %failure, "mirror failed");
                        self.remember(url, &failure);
                        *last = Some(failure);
                    }
                }
            }
            if !candidates.iter().any(|(_, last)| last.as_ref().is_some_and(Failure::transient)) {
                break;
            }
        }
        let failures = candidates
            .into_iter()
            .filter_map(|(url, last)| Some(MirrorFailure { url, failure: last? }))
            .collect();
        Err(FetchError::of(&wanted.what, failures))
    }

    /// Asks one URL, once more from the start where pieces of several did not make the right file.
    fn ask(&self, url: &Url, transfer: &mut Transfer<'_>) -> Result<Fetched, Interruption> {
        let outcome = self.attempt(url, transfer).and_then(|()| transfer.finish(url));
        match outcome {
            Err(Interruption::Mirror(failure)) if failure.wrong_bytes() && transfer.pieced => {
                transfer.clear()?;
                let outcome = self.attempt(url, transfer).and_then(|()| transfer.finish(url));
                if matches!(&outcome, Err(Interruption::Mirror(failure)) if failure.wrong_bytes()) {
                    transfer.clear()?;
                }
                outcome
            }
            Err(Interruption::Mirror(failure)) if failure.wrong_bytes() => {
                transfer.clear()?;
                Err(failure.into())
            }
            other => other,
        }
    }

    /// The URLs, those of hosts that could not be reached before last.
    fn in_order(&self, urls: &[Url]) -> Vec<Url> {
        let unreachable = self.unreachable.lock().expect("no holder panics");
        let mut urls = urls.to_vec();
        urls.sort_by_key(|url| matches!(url, Url::Http(http) if unreachable.contains(http.authority())));
        urls
    }

    fn remember(&self, url: &Url, failure: &Failure) {
        if let (Url::Http(http), Failure::Unreachable(_)) = (url, failure) {
            self.unreachable.lock().expect("no holder panics").insert(http.authority().to_owned());
        }
    }

    fn cancelled(&self) -> bool {
        self.options.cancelled.load(Ordering::Relaxed)
    }

    fn wait(&self, wanted: &Wanted, duration: Duration) -> Result<(), FetchError> {
        let end = Instant::now() + duration;
        loop {
            if self.cancelled() {
                return Err(FetchError::Cancelled { what: wanted.what.clone() });
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            std::thread::sleep(left.min(Duration::from_millis(50)));
        }
    }
}

/// What holds the bytes of a package of Alpine against its checksum.
fn identity(wanted: &Wanted) -> Option<Identity> {
    match &wanted.content {
        Some(Content::Apk(identity)) => Some(identity.clone()),
        Some(Content::Sha256(_)) | None => None,
    }
}

impl<'a> Transfer<'a> {
    fn begin(wanted: &'a Wanted, sink: &'a mut dyn Sink, progress: Progress<'a>) -> Result<Self, FetchError> {
        let mut hasher = sha2::Sha256::new();
        let mut identity = identity(wanted);
        let (mut received, mut other) = (0, false);
        let keep = |source| FetchError::Sink { what: wanted.what.clone(), source };
        sink.present(&mut |bytes| {
            hasher.update(bytes);
            other |= identity.as_mut().is_some_and(|identity| !other && identity.update(bytes).is_err());
            received += bytes.len() as u64;
        })
        .map_err(keep)?;
        let mut transfer = Self { wanted, sink, hasher, identity, received, pieced: received > 0, progress };
        let too_long = received > wanted.size.unwrap_or(wanted.limit);
        if received > 0 && (wanted.content.is_none() || too_long || other) {
            transfer.sink.clear().map_err(keep)?;
            transfer.reset();
        }
        Ok(transfer)
    }

    fn reset(&mut self) {
        self.hasher = sha2::Sha256::new();
        self.identity = identity(self.wanted);
        self.received = 0;
        self.pieced = false;
    }

    fn clear(&mut self) -> Result<(), Interruption> {
        self.reset();
        self.sink.clear().map_err(|source| self.cannot_keep(source))
    }

    fn cannot_keep(&self, source: io::Error) -> Interruption {
        Interruption::Fatal(FetchError::Sink { what: self.wanted.what.clone(), source })
    }

    /// Takes the next bytes of the file.
    fn take(&mut self, bytes: &[u8]) -> Result<(), Interruption> {
        let length = self.received + bytes.len() as u64;
        match self.wanted.size {
            Some(expected) if length > expected => {
                return Err(Failure::WrongSize { found: length, expected }.into());
            }
            None if length > self.wanted.limit => {
                return Err(Failure::TooLarge { limit: self.wanted.limit }.into());
            }
            _ => {}
        }
        if let Some(identity) = &mut self.identity {
            identity.update(bytes).map_err(|problem| Failure::WrongPackage(problem.to_string()))?;
        }
        self.sink.write_all(bytes).map_err(|source| self.cannot_keep(source))?;
        self.hasher.update(bytes);
        self.received = length;
        (self.progress)(length, self.wanted.size);
        Ok(())
    }

    /// Checks the whole.
    fn finish(&mut self, url: &Url) -> Result<Fetched, Interruption> {
        if let Some(expected) = self.wanted.size.filter(|size| *size != self.received) {
            return Err(Failure::WrongSize { found: self.received, expected }.into());
        }
        let found = Sha256(self.hasher.clone().finalize().into());
        match (&self.wanted.content, self.identity.take()) {
            (Some(Content::Sha256(expected)), _) if *expected != found => {
                let expected = *expected;
                return Err(Failure::WrongDigest { found, expected }.into());
            }
            (_, Some(identity)) => {
                identity.finish().map_err(|problem| Failure::WrongPackage(problem.to_string()))?;
            }
            _ => {}
        }
        self.sink.flush().map_err(|source| self.cannot_keep(source))?;
        Ok(Fetched { sha256: found, size: self.received, url: url.clone() })
    }
}
