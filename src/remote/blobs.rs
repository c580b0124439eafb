//! Blobs of a registry: whether they are there, had by digest, mounted from another repository, sent.

use std::io::{self, Read};

use sha2::Digest as _;
use ureq::http::Method;

use super::client::{Call, Once, Reply, Tries, is_transient, refused, retry_after};
use super::documents::digest_header;
use super::{RemoteError, Repository};
use crate::digest::Sha256;
use crate::host::fetch::{Failure, FetchError, Payload, Sink};
use crate::host::registry::{Part, RegistryError, fetch_part};
use crate::host::url::{HttpUrl, Url};
use crate::image::read::ReadError;

/// Blobs up to this length are sent in one request, and again from the start where that breaks off.
const SMALL: u64 = 1 << 20;

/// A blob that is to be sent.
pub(super) struct Outgoing<'a> {
    pub digest: Sha256,
    pub size: u64,
    /// A reader over it from the start.
    pub open: &'a (dyn Fn() -> Result<Box<dyn Read + Send + 'a>, ReadError> + Sync),
}

/// How a blob came to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    /// It was sent.
    Whole,
    /// The registry had it elsewhere.
    Mounted,
}

impl Repository {
    /// Whether the blob is there.
    pub(super) fn has_blob(&self, digest: Sha256, size: u64) -> Result<bool, RemoteError> {
        let call = self.call(Method::HEAD, &format!("blobs/{}", digest.to_oci()));
        let reply = self.send(&call)?;
        if let Some(found) = digest_header(&reply).filter(|found| *found != digest && reply.status == 200) {
            return Err(RemoteError::WrongDigest { what: call.what, found, expected: digest });
        }
        let length = reply.header("content-length").and_then(|text| text.parse::<u64>().ok());
        match (reply.status, length) {
            (200, Some(found)) if found != size => {
                Err(RemoteError::WrongSize { what: call.what, found, expected: size })
            }
            (200, _) => Ok(true),
            (404, _) => Ok(false),
            _ => Err(refused(&call.what, reply)),
        }
    }

    /// Fetches a blob into `sink`, which may hold the beginning of it.
    pub(super) fn fetch_blob(
        &self,
        digest: Sha256,
        size: u64,
        sink: &mut dyn Sink,
    ) -> Result<(), RemoteError> {
        let part = Part { name: self.name(), sha256: digest, size: Some(size), manifest: false };
        let client = &self.client;
        let fetched =
            fetch_part(&client.fetcher, &client.authorizations, &self.scope, part, sink, &|_, _| {});
        match fetched {
            Ok(_) => Ok(()),
            Err(RegistryError::Fetch(error)) => Err(of_fetch(error)),
            Err(RegistryError::Authorization(error)) => Err(error.into()),
            Err(error) => {
                Err(RemoteError::Answer { what: self.name().to_owned(), reason: error.to_string() })
            }
        }
    }

    /// Sends a blob, or has it mounted from one of the repositories `from`.
    pub(super) fn send_blob(&self, blob: &Outgoing<'_>, from: &[String]) -> Result<Sent, RemoteError> {
        for other in from.iter().filter(|other| **other != self.repository) {
            let (reply, call) = self.begin(blob, Some(other))?;
            if reply.status == 201 {
                return Ok(Sent::Mounted);
            }
            // The registry has begun an upload instead; it is let go, as nothing else says where the blob may be.
            if let Ok(location) = location(&call.url, &call.what, &reply) {
                self.abandon(&call, location);
            }
        }
        let mut tries = Tries::new(self);
        loop {
            let (reply, call) = self.begin(blob, None)?;
            if reply.status == 201 {
                return Ok(Sent::Whole);
            }
            let upload = Upload { repository: self, blob, call: &call };
            match upload.run(location(&call.url, &call.what, &reply)?, &mut tries) {
                Ok(()) => return Ok(Sent::Whole),
                Err(Once::Fatal(error)) => return Err(error),
                Err(Once::Again(reason)) => {
                    let what = call.what.clone();
                    tries.again(None, || RemoteError::Unreachable { what, reason })?;
                }
            }
        }
    }

    /// Asks for an upload, or for a mount.
    fn begin(&self, blob: &Outgoing<'_>, from: Option<&str>) -> Result<(Reply, Call<'static>), RemoteError> {
        let mut call = self.call(Method::POST, "blobs/uploads/");
        call.what = format!("{}@{}", self.name(), blob.digest.to_oci());
        if let Some(from) = from {
            call.url = call.url.with_parameter("mount", &blob.digest.to_oci()).with_parameter("from", from);
        }
        let reply = self.send(&call)?;
        match reply.status {
            201 | 202 => Ok((reply, call)),
            _ => Err(refused(&call.what, reply)),
        }
    }

    fn abandon(&self, call: &Call<'_>, url: HttpUrl) {
        let call =
            Call { method: Method::DELETE, url, headers: Vec::new(), body: &[], what: call.what.clone() };
        // An upload that stays is removed by the registry in time.
        let _ = self.once(&call, call.payload());
    }
}

/// One upload.
struct Upload<'a, 'b> {
    repository: &'a Repository,
    blob: &'a Outgoing<'b>,
    call: &'a Call<'a>,
}

impl Upload<'_, '_> {
    /// Sends the whole blob, what is left of it after each time the connection breaks off, and closes the upload.
    fn run(&self, mut place: HttpUrl, tries: &mut Tries<'_>) -> Result<(), Once> {
        if self.blob.size <= SMALL {
            let reply = self.part(Method::PUT, self.closing(&place), 0)?;
            return self.closed(reply);
        }
        let mut from = 0;
        loop {
            match self.part(Method::PATCH, place.clone(), from) {
                Ok(reply) if matches!(reply.status, 200..=204) => {
                    place = location(&place, &self.call.what, &reply).map_err(Once::Fatal)?;
                    let call = self.with(Method::PUT, self.closing(&place));
                    return self.closed(self.repository.once(&call, call.payload())?);
                }
                // It does not go on from there: a new upload, from the start.
                Ok(reply) if from > 0 => return Err(Once::Again(format!("it answers {}", reply.status))),
                Ok(reply) if !is_transient(reply.status) => {
                    return Err(Once::Fatal(refused(&self.call.what, reply)));
                }
                Ok(reply) => {
                    let after = retry_after(&reply.headers);
                    tries.again(after, || refused(&self.call.what, reply)).map_err(Once::Fatal)?;
                }
                Err(Once::Fatal(error)) => return Err(Once::Fatal(error)),
                Err(Once::Again(reason)) => {
                    let what = self.call.what.clone();
                    let gone = || RemoteError::Unreachable { what, reason };
                    tries.again(None, gone).map_err(Once::Fatal)?;
                }
            }
            let had = from;
            (place, from) = self.standing(&place)?;
            if from > had {
                tries.reset();
            }
        }
    }

    /// Where the upload goes on, and how many bytes of it the registry has.
    fn standing(&self, place: &HttpUrl) -> Result<(HttpUrl, u64), Once> {
        let reply = self.repository.send(&self.with(Method::GET, place.clone())).map_err(Once::Fatal)?;
        if !matches!(reply.status, 200..=204) {
            return Err(Once::Again(format!("its upload is gone: it answers {}", reply.status)));
        }
        let next = location(place, &self.call.what, &reply).unwrap_or_else(|_| place.clone());
        let range = reply.header("range").map(|text| text.trim_start_matches("bytes="));
        let last: Option<u64> = range.and_then(|range| range.split_once('-')?.1.trim().parse().ok());
        // `0-0` stands for nothing as well as for one byte.
        let from = last.filter(|last| *last > 0).map_or(0, |last| last + 1);
        if from > self.blob.size {
            return Err(Once::Again("it has more bytes than were sent".to_owned()));
        }
        Ok((next, from))
    }

    fn with(&self, method: Method, url: HttpUrl) -> Call<'static> {
        Call { method, url, headers: Vec::new(), body: &[], what: self.call.what.clone() }
    }

    fn closing(&self, place: &HttpUrl) -> HttpUrl {
        place.with_parameter("digest", &self.blob.digest.to_oci())
    }

    /// Sends what is behind the first `from` bytes.
    fn part(&self, method: Method, url: HttpUrl, from: u64) -> Result<Reply, Once> {
        let reader = (self.blob.open)().map_err(|error| Once::Fatal(error.into()))?;
        let mut reader = Checked::new(reader, self.blob);
        let failed = |reader: &Checked<'_>| {
            reader.wrong.then(|| {
                Once::Fatal(RemoteError::Read(ReadError::Blob { digest: self.blob.digest.to_oci() }))
            })
        };
        let skipped = io::copy(&mut (&mut reader).take(from), &mut io::sink());
        if skipped.ok() != Some(from) {
            return Err(failed(&reader).unwrap_or_else(|| Once::Again("the blob cannot be read".to_owned())));
        }
        let mut call = self.with(method, url);
        call.headers.push(("content-type".to_owned(), "application/octet-stream".to_owned()));
        if from > 0 {
            call.headers.push(("content-range".to_owned(), format!("{from}-{}", self.blob.size - 1)));
        }
        let answer = self.repository.once(&call, Payload::Reader(&mut reader, self.blob.size - from));
        match failed(&reader) {
            Some(error) => Err(error),
            None => answer,
        }
    }

    fn closed(&self, reply: Reply) -> Result<(), Once> {
        let (what, expected) = (self.call.what.clone(), self.blob.digest);
        if is_transient(reply.status) {
            return Err(Once::Again(format!("it answers {}", reply.status)));
        }
        if !matches!(reply.status, 200..=204) {
            return Err(Once::Fatal(refused(&what, reply)));
        }
        match digest_header(&reply).filter(|found| *found != expected) {
            Some(found) => Err(Once::Fatal(RemoteError::WrongDigest { what, found, expected })),
            None => Ok(()),
        }
    }
}

/// Where an upload goes on. Another server may take it, without what this registry knows us by.
fn location(asked: &HttpUrl, what: &str, reply: &Reply) -> Result<HttpUrl, RemoteError> {
    let bad = || RemoteError::Location { what: what.to_owned() };
    let text = reply.header("location").ok_or_else(bad)?;
    match asked.resolve(text) {
        Ok(Url::Http(url)) if url.secure() || !asked.secure() => Ok(url),
        _ => Err(bad()),
    }
}

/// A reader that gives an error where the bytes are not those of the digest.
struct Checked<'a> {
    reader: Box<dyn Read + Send + 'a>,
    hasher: sha2::Sha256,
    left: u64,
    digest: Sha256,
    wrong: bool,
}

impl<'a> Checked<'a> {
    fn new(reader: Box<dyn Read + Send + 'a>, blob: &Outgoing<'_>) -> Self {
        Self { reader, hasher: sha2::Sha256::new(), left: blob.size, digest: blob.digest, wrong: false }
    }
}

impl Read for Checked<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let most = out.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let count = self.reader.read(&mut out[..most])?;
        self.hasher.update(&out[..count]);
        self.left -= count as u64;
        // The last bytes are held back from the registry where the whole is not right.
        let ended = self.left == 0 && count > 0;
        let short = count == 0 && most > 0;
        if short || (ended && self.hasher.clone().finalize()[..] != self.digest.0) {
            self.wrong = true;
            return Err(io::Error::other("it is not what its digest says"));
        }
        Ok(count)
    }
}

/// What came of fetching a blob from its one registry.
fn of_fetch(error: FetchError) -> RemoteError {
    let (what, failures) = match error {
        FetchError::NotFound { what, .. } => return RemoteError::NotFound { what },
        FetchError::UnsafeRedirect { what, .. } => return RemoteError::UnsafeRedirect { what },
        FetchError::Cancelled { .. } => return RemoteError::Cancelled,
        FetchError::WrongBytes { what, failures }
        | FetchError::Truncated { what, failures }
        | FetchError::Unreachable { what, failures } => (what, failures),
        other => return other.into(),
    };
    match failures.into_iter().next().map(|entry| entry.failure) {
        Some(Failure::WrongSize { found, expected }) => RemoteError::WrongSize { what, found, expected },
        Some(Failure::WrongDigest { found, expected }) => RemoteError::WrongDigest { what, found, expected },
        Some(Failure::TooLarge { limit }) => RemoteError::TooLarge { what, limit },
        Some(Failure::Denied(_) | Failure::Challenge(_)) => {
            RemoteError::Denied { what, detail: String::new() }
        }
        Some(Failure::Redirect) => RemoteError::UnsafeRedirect { what },
        Some(failure) => RemoteError::Unreachable { what, reason: failure.to_string() },
        None => RemoteError::NotFound { what },
    }
}
