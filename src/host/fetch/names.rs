//! Host names resolved once for each run. ureq asks for the addresses before every request, also where it then
//! uses a connection it has, and a lost datagram costs five seconds each time.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use ureq::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// The addresses of one host, once they are known. Whoever asks first holds the lock and looks them up.
type Answer = Arc<Mutex<Option<Vec<SocketAddr>>>>;

/// A resolver that remembers what it found; failures are asked again.
#[derive(Debug, Default)]
pub(super) struct Names {
    default: DefaultResolver,
    known: Mutex<BTreeMap<String, Answer>>,
}

impl Resolver for Names {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let scheme = uri.scheme_str().unwrap_or_default();
        let host = format!("{scheme}://{}", uri.authority().map_or("", |authority| authority.as_str()));
        let answer =
            self.known.lock().unwrap_or_else(PoisonError::into_inner).entry(host).or_default().clone();
        let mut answer = answer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = &*answer {
            let mut addresses = self.empty();
            found.iter().for_each(|address| addresses.push(*address));
            return Ok(addresses);
        }
        let found = self.default.resolve(uri, config, timeout)?;
        *answer = Some(found.to_vec());
        Ok(found)
    }
}
