//! One attempt at one URL: the request, its answer, the bytes.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::time::Instant;

use ureq::http::{Method, Response, StatusCode, header};
use ureq::{Body, Timeout};

use super::exchange::{Exchange, Payload};
use super::network::basic_authorization;
use super::{Failure, FetchError, Fetcher, Interruption, Transfer, Wanted};
use crate::host::url::{HttpUrl, Url};

/// Bytes read at once.
const CHUNK: usize = 1 << 16;

impl Fetcher {
    /// Brings the transfer to the end of the file, from where it stands.
    pub(super) fn attempt(&self, url: &Url, transfer: &mut Transfer<'_>) -> Result<(), Interruption> {
        if transfer.wanted.content.is_none() && transfer.received > 0 {
            transfer.clear()?;
        }
        if transfer.wanted.size.is_some_and(|size| size > 0 && size == transfer.received) {
            return Ok(());
        }
        match url {
            Url::File(path) => self.attempt_file(path, transfer),
            Url::Http(http) => {
                let (response, expected) = self.request(http, transfer)?;
                let reader = response.into_body().into_with_config().limit(u64::MAX).reader();
                self.copy(reader, transfer, expected)
            }
        }
    }

    fn attempt_file(&self, path: &Path, transfer: &mut Transfer<'_>) -> Result<(), Interruption> {
        let fail = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => Failure::NotFound,
            _ => Failure::File(error.to_string()),
        };
        let mut file = File::open(path).map_err(fail)?;
        let metadata = file.metadata().map_err(fail)?;
        if !metadata.is_file() {
            return Err(Failure::File("it is not a file".to_owned()).into());
        }
        if metadata.len() < transfer.received {
            transfer.clear()?;
        }
        file.seek(SeekFrom::Start(transfer.received)).map_err(fail)?;
        self.copy(file, transfer, None)
    }

    /// Asks for what is missing; gives the answer whose body continues the transfer, and the length that the
    /// file has by it.
    fn request(
        &self,
        url: &HttpUrl,
        transfer: &mut Transfer<'_>,
    ) -> Result<(Response<Body>, Option<u64>), Interruption> {
        if transfer.received > 0 {
            let response = self.send(url, transfer.wanted, Some(transfer.received))?;
            match response.status() {
                StatusCode::PARTIAL_CONTENT if continues(&response, transfer) => {
                    transfer.pieced = true;
                    let expected = response.body().content_length().map(|rest| transfer.received + rest);
                    return Ok((response, expected));
                }
                StatusCode::OK => {
                    transfer.clear()?;
                    return announced(response, transfer);
                }
                // An answer to a range that was not asked for, or none to this range: all of it, then.
                StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE => transfer.clear()?,
                _ => return Err(failure_of(&response, transfer.wanted).into()),
            }
        }
        let response = self.send(url, transfer.wanted, None)?;
        match response.status() {
            StatusCode::OK => announced(response, transfer),
            _ => Err(failure_of(&response, transfer.wanted).into()),
        }
    }

    fn send(
        &self,
        url: &HttpUrl,
        wanted: &Wanted,
        from: Option<u64>,
    ) -> Result<Response<Body>, Interruption> {
        let mut headers = wanted.headers.clone();
        headers.extend(from.map(|from| ("range".to_owned(), format!("bytes={from}-"))));
        if !headers.iter().any(|(name, _)| name == "authorization") {
            headers.extend(self.authorization(url).map(|value| ("authorization".to_owned(), value)));
        }
        let guarded = !wanted.headers.is_empty();
        let request = Exchange { method: Method::GET, url: url.clone(), headers, follow: true, guarded };
        Ok(self.exchange(request, Payload::Nothing)?.0)
    }

    /// What the URL or the configuration has for its server.
    fn authorization(&self, url: &HttpUrl) -> Option<String> {
        let configured = [url.authority(), url.host()]
            .into_iter()
            .find_map(|host| self.options.credentials.get(host))
            .map(|credential| (credential.username.clone(), credential.password.clone()));
        let (username, password) = url.credential().or(configured)?;
        Some(basic_authorization(&username, &password))
    }

    /// Takes everything from `reader`, which is to end when the file has `expected` bytes.
    fn copy(
        &self,
        mut reader: impl Read,
        transfer: &mut Transfer<'_>,
        expected: Option<u64>,
    ) -> Result<(), Interruption> {
        let expected = expected.or(transfer.wanted.size);
        let mut buffer = vec![0; CHUNK];
        let mut window = (Instant::now(), transfer.received);
        loop {
            if self.cancelled() {
                return Err(Interruption::Fatal(FetchError::Cancelled {
                    what: transfer.wanted.what.clone(),
                }));
            }
            match reader.read(&mut buffer) {
                Ok(0) => break,
                Ok(length) => transfer.take(&buffer[..length])?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(broken_off(error, transfer.received, expected).into()),
            }
            if window.0.elapsed() > self.options.idle_timeout {
                if transfer.received - window.1 < self.options.least_bytes {
                    return Err(Failure::TooSlow.into());
                }
                window = (Instant::now(), transfer.received);
            }
        }
        match expected {
            Some(expected) if transfer.received < expected => {
                let received = transfer.received;
                Err(Failure::Truncated { received, expected: Some(expected) }.into())
            }
            _ => Ok(()),
        }
    }
}

/// A whole answer, refused at once where the length it announces cannot be right.
fn announced(
    response: Response<Body>,
    transfer: &Transfer<'_>,
) -> Result<(Response<Body>, Option<u64>), Interruption> {
    let length = response.body().content_length();
    match (length, transfer.wanted.size) {
        (Some(found), Some(expected)) if found != expected => {
            Err(Failure::WrongSize { found, expected }.into())
        }
        (Some(found), None) if found > transfer.wanted.limit => {
            Err(Failure::TooLarge { limit: transfer.wanted.limit }.into())
        }
        _ => Ok((response, length)),
    }
}

/// Whether a partial answer begins where the transfer stands, in a file of the right length (RFC 9110, 14.4).
fn continues(response: &Response<Body>, transfer: &Transfer<'_>) -> bool {
    let parse = || {
        let range = response.headers().get(header::CONTENT_RANGE)?.to_str().ok()?;
        let (range, total) = range.strip_prefix("bytes ")?.split_once('/')?;
        let first: u64 = range.split_once('-')?.0.parse().ok()?;
        let total: Option<u64> = if total == "*" { None } else { Some(total.parse().ok()?) };
        Some((first, total))
    };
    let Some((first, total)) = parse() else { return false };
    let fits = total.is_none() || transfer.wanted.size.is_none() || total == transfer.wanted.size;
    first == transfer.received && fits
}

fn failure_of(response: &Response<Body>, wanted: &Wanted) -> Failure {
    match (response.status().as_u16(), challenge_of(response)) {
        (401, Some(challenge)) if !wanted.headers.is_empty() => Failure::Challenge(challenge),
        (404 | 410, _) => Failure::NotFound,
        (status @ (401 | 403 | 407), _) => Failure::Denied(status),
        (status, _) => Failure::Status(status),
    }
}

/// What a server wants to know first: the challenge for a token where it has several.
pub(crate) fn challenge_of(response: &Response<Body>) -> Option<String> {
    let all = response.headers().get_all(header::WWW_AUTHENTICATE).iter();
    let texts: Vec<&str> = all.filter_map(|value| value.to_str().ok()).collect();
    let bearer = |text: &&&str| text.get(..6).is_some_and(|word| word.eq_ignore_ascii_case("bearer"));
    texts.iter().find(bearer).or(texts.first()).map(|text| (*text).to_owned())
}

/// What an error of ureq says about the mirror. URLs never stand in it: they may hold a token.
pub(super) fn failure(error: ureq::Error) -> Failure {
    use ureq::Error;
    match error {
        Error::Timeout(Timeout::Connect | Timeout::Resolve) => {
            Failure::Unreachable("it does not answer".to_owned())
        }
        Error::Timeout(_) => Failure::Timeout,
        Error::HostNotFound => Failure::Unreachable("there is no such host".to_owned()),
        Error::ConnectionFailed => Failure::Unreachable("it does not answer".to_owned()),
        Error::ConnectProxyFailed(_) => Failure::Unreachable("the proxy refuses".to_owned()),
        Error::TooManyRedirects | Error::RedirectFailed | Error::BadUri(_) => Failure::Redirect,
        Error::Tls(reason) => Failure::Tls(reason.to_owned()),
        Error::Rustls(reason) => Failure::Tls(reason.to_string()),
        Error::Io(error) => match error.kind() {
            io::ErrorKind::InvalidData => Failure::Tls(error.to_string()),
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Failure::Timeout,
            io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe => Failure::Truncated { received: 0, expected: None },
            _ => Failure::Unreachable(error.to_string()),
        },
        Error::Protocol(reason) => Failure::Protocol(reason.to_string()),
        Error::LargeResponseHeader(..) => Failure::Protocol("its header is too large".to_owned()),
        other => Failure::Protocol(other.to_string()),
    }
}

/// What an error while reading the body says.
fn broken_off(error: io::Error, received: u64, expected: Option<u64>) -> Failure {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<ureq::Error>());
    match inner {
        Some(ureq::Error::Timeout(_)) => Failure::Timeout,
        _ if error.kind() == io::ErrorKind::TimedOut => Failure::Timeout,
        _ => Failure::Truncated { received, expected },
    }
}
