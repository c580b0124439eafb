//! One request and its answer, redirects followed by hand: where they lead is looked at before anyone is asked there.

use std::io::Read;
use std::time::Duration;

use ureq::http::{Method, Request, Response, header};
use ureq::{Body, SendBody};

use super::attempt::failure;
use super::{Failure, Fetcher};
use crate::host::url::{HttpUrl, Url};

/// More redirects than anyone needs.
const MOST_REDIRECTS: usize = 10;
/// How long a server may take to answer to what was sent to it.
const MOST_DIGESTION: Duration = Duration::from_secs(300);

/// A request.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// Its method.
    pub method: Method,
    /// Whom it asks.
    pub url: HttpUrl,
    /// Its headers. `authorization` goes to this server alone, never to one that a redirect names.
    pub headers: Vec<(String, String)>,
    /// Whether redirects are followed.
    pub follow: bool,
    /// Whether a server asked by `https:` is never left for one without.
    pub guarded: bool,
}

/// What is sent with a request.
pub enum Payload<'a> {
    /// Nothing.
    Nothing,
    /// These bytes.
    Bytes(&'a [u8]),
    /// As many bytes of a reader.
    Reader(&'a mut dyn Read, u64),
}

impl Fetcher {
    /// The answer to a request, whatever its status, and who gave it.
    pub fn exchange(
        &self,
        mut request: Exchange,
        mut payload: Payload<'_>,
    ) -> Result<(Response<Body>, HttpUrl), Failure> {
        for _ in 0..=MOST_REDIRECTS {
            let response = self.once(&request, &mut payload)?;
            let redirect = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
            if !redirect || !request.follow {
                return Ok((response, request.url));
            }
            let location = response.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
            let next = request.url.resolve(location.ok_or(Failure::Redirect)?);
            let Ok(Url::Http(next)) = next else { return Err(Failure::UnsafeRedirect) };
            if request.guarded && request.url.secure() && !next.secure() {
                return Err(Failure::UnsafeRedirect);
            }
            if !next.same_server(&request.url) {
                request.headers.retain(|(name, _)| name != "authorization");
            }
            request.url = next;
        }
        Err(Failure::Redirect)
    }

    fn once(&self, request: &Exchange, payload: &mut Payload<'_>) -> Result<Response<Body>, Failure> {
        let mut built = Request::builder().method(&request.method).uri(request.url.request_url());
        for (name, value) in &request.headers {
            built = built.header(name, value);
        }
        let proxy = self.options.proxies.of(&request.url).cloned();
        let (reader, length): (&mut dyn Read, u64) = match payload {
            Payload::Nothing => {
                let built = built.body(()).map_err(|_| Failure::Redirect)?;
                let built = self.agent.configure_request(built).proxy(proxy).build();
                return self.agent.run(built).map_err(failure);
            }
            Payload::Bytes(bytes) => {
                let length = bytes.len() as u64;
                (bytes, length)
            }
            Payload::Reader(reader, length) => (&mut **reader, *length),
        };
        let built = built.header(header::CONTENT_LENGTH, length).body(SendBody::from_reader(reader));
        let built = self.agent.configure_request(built.map_err(|_| Failure::Redirect)?).proxy(proxy);
        // Who takes something large may have to move it before the answer.
        let patience = Some(self.options.idle_timeout.max(MOST_DIGESTION));
        let built = built.timeout_recv_response(patience).timeout_per_read(patience).build();
        self.agent.run(built).map_err(failure)
    }
}
