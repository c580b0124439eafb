//! A registry on the loopback device, in memory, that does otherwise where a test says so.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use hbuild::digest::Sha256;

/// A request as it came.
#[derive(Debug, Clone, Default)]
pub struct Request {
    pub method: String,
    /// Path with query, percent-decoded.
    pub path: String,
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
    /// How many requests came before.
    pub number: usize,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    pub fn is(&self, method: &str, part: &str) -> bool {
        self.method == method && self.path.contains(part)
    }
}

/// An answer.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// What is announced instead of the body's own length.
    pub length: Option<u64>,
    /// Zeros without announcement until the other side has enough.
    pub endless: bool,
}

pub fn answer(status: u16) -> Answer {
    Answer { status, ..Answer::default() }
}

impl Answer {
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }
}

/// What a test has the registry do.
pub enum Twist {
    /// What it should.
    Plain,
    /// This instead.
    Answer(Answer),
    /// Of the body only so many bytes are read and kept; then the connection ends.
    Cut(usize),
}

type Twisted = dyn Fn(&Request) -> Twist + Send + Sync;

#[derive(Default)]
struct State {
    /// Manifests by tag and digest, blobs by digest, uploads by number.
    manifests: BTreeMap<String, (String, Vec<u8>)>,
    blobs: BTreeMap<String, Vec<u8>>,
    uploads: BTreeMap<String, Vec<u8>>,
    requests: Vec<Request>,
}

/// A running registry; it ends with this value.
pub struct Registry {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    stopped: Arc<AtomicBool>,
}

impl Registry {
    pub fn start(twist: impl Fn(&Request) -> Twist + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (state, stopped) = (Arc::new(Mutex::new(State::default())), Arc::new(AtomicBool::new(false)));
        let twist: Arc<Twisted> = Arc::new(twist);
        let (shared, stop) = (state.clone(), stopped.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                let (twist, state) = (twist.clone(), shared.clone());
                std::thread::spawn(move || serve(&stream, &*twist, &state));
            }
        });
        Self { address, state, stopped }
    }

    pub fn authority(&self) -> String {
        self.address.to_string()
    }

    /// A repository there.
    pub fn name(&self) -> String {
        format!("{}/team/app", self.address)
    }

    pub fn requests(&self) -> Vec<Request> {
        self.state.lock().unwrap().requests.clone()
    }

    pub fn count(&self, method: &str, part: &str) -> usize {
        self.requests().iter().filter(|request| request.is(method, part)).count()
    }

    /// Keeps all of a layout as if it had been pushed; the digest of the first index or manifest in it.
    pub fn fill(&self, layout: &std::path::Path) {
        let mut state = self.state.lock().unwrap();
        for (name, bytes) in super::support::workspace::files(&layout.join("blobs/sha256")) {
            let digest = format!("sha256:{name}");
            let document = serde_json::from_slice::<serde_json::Value>(&bytes).unwrap_or_default();
            if let Some(kind) = document["mediaType"].as_str().filter(|_| document["schemaVersion"] == 2) {
                state.manifests.insert(digest, (kind.to_owned(), bytes));
            } else {
                state.blobs.insert(digest, bytes);
            }
        }
        let index: serde_json::Value =
            serde_json::from_slice(&std::fs::read(layout.join("index.json")).unwrap()).unwrap();
        for entry in index["manifests"].as_array().unwrap() {
            let name = entry["annotations"]["org.opencontainers.image.ref.name"].as_str().unwrap();
            let digest = entry["digest"].as_str().unwrap();
            if let Some(found) = state.manifests.get(digest).cloned() {
                state.manifests.insert(name.to_owned(), found);
            }
        }
    }

    /// Names under which a manifest is there.
    pub fn tags(&self) -> Vec<String> {
        let state = self.state.lock().unwrap();
        state.manifests.keys().filter(|key| !key.starts_with("sha256:")).cloned().collect()
    }

    pub fn blobs(&self) -> usize {
        self.state.lock().unwrap().blobs.len()
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
    }
}

fn serve(stream: &TcpStream, twist: &Twisted, state: &Mutex<State>) {
    let mut reader = BufReader::new(stream);
    while let Some(mut request) = head(&mut reader) {
        request.number = state.lock().unwrap().requests.len();
        let length: usize = request.header("content-length").map_or(0, |text| text.parse().unwrap());
        let twisted = twist(&request);
        let read = if let Twist::Cut(most) = twisted { most.min(length) } else { length };
        request.body = vec![0; read];
        if reader.read_exact(&mut request.body).is_err() {
            return;
        }
        state.lock().unwrap().requests.push(Request { body: Vec::new(), ..request.clone() });
        let answer = match twisted {
            Twist::Answer(answer) => answer,
            Twist::Plain => plain(&request, &mut state.lock().unwrap()),
            Twist::Cut(_) => {
                plain(&request, &mut state.lock().unwrap());
                let _ = stream.shutdown(std::net::Shutdown::Both);
                return;
            }
        };
        if !reply(stream, &request, answer) {
            let _ = stream.shutdown(std::net::Shutdown::Both);
            return;
        }
    }
}

fn head(reader: &mut impl BufRead) -> Option<Request> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
    let mut words = line.split(' ');
    let mut request = Request { method: words.next()?.to_owned(), ..Request::default() };
    request.path = decoded(words.next()?);
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok().filter(|length| *length > 0)?;
        let Some((name, value)) = header.trim().split_once(": ") else { return Some(request) };
        request.headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
}

fn decoded(path: &str) -> String {
    let mut parts = path.split('%');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        text.push(u8::from_str_radix(&part[..2], 16).unwrap().into());
        text.push_str(&part[2..]);
    }
    text
}

/// What a registry without the referrers API answers.
fn plain(request: &Request, state: &mut State) -> Answer {
    let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
    let last = path.rsplit('/').next().unwrap_or_default().to_owned();
    let digest = query.split_once("digest=").map(|(_, digest)| digest.split('&').next().unwrap().to_owned());
    let at = |number: &str| format!("/v2/team/app/blobs/uploads/{number}");
    match request.method.as_str() {
        "GET" | "HEAD" if path.contains("/manifests/") => match state.manifests.get(&last) {
            Some((kind, bytes)) => answer(200)
                .with("Content-Type", kind)
                .with("Docker-Content-Digest", Sha256::of(bytes).to_oci())
                .body(bytes.clone()),
            None => answer(404),
        },
        "PUT" if path.contains("/manifests/") => {
            let kind = request.header("content-type").unwrap().to_owned();
            let digest = Sha256::of(&request.body).to_oci();
            state.manifests.insert(digest.clone(), (kind.clone(), request.body.clone()));
            state.manifests.insert(last, (kind, request.body.clone()));
            answer(201).with("Docker-Content-Digest", digest)
        }
        "GET" if path.contains("/uploads/") => match state.uploads.get(&last) {
            Some(bytes) => answer(204)
                .with("Location", at(&last))
                .with("Range", format!("0-{}", bytes.len().saturating_sub(1))),
            None => answer(404),
        },
        "POST" => {
            let number = state.requests.len().to_string();
            state.uploads.insert(number.clone(), Vec::new());
            answer(202).with("Location", at(&number))
        }
        "PATCH" => {
            state.uploads.entry(last.clone()).or_default().extend(&request.body);
            answer(202).with("Location", at(&last))
        }
        "PUT" => {
            let mut bytes = state.uploads.remove(&last).unwrap_or_default();
            bytes.extend(&request.body);
            let found = Sha256::of(&bytes).to_oci();
            if Some(&found) != digest.as_ref() {
                return answer(400).body(r#"{"errors":[{"code":"DIGEST_INVALID","message":"no"}]}"#);
            }
            state.blobs.insert(found.clone(), bytes);
            answer(201).with("Docker-Content-Digest", found)
        }
        "GET" | "HEAD" if path.contains("/blobs/") => match state.blobs.get(&last) {
            Some(bytes) => {
                let range = request.header("range").and_then(|range| range.strip_prefix("bytes="));
                let from: usize = range.map_or(0, |range| range.trim_end_matches('-').parse().unwrap());
                let total = bytes.len();
                let part = bytes[from..].to_vec();
                let status = if range.is_some() { 206 } else { 200 };
                answer(status).with("Content-Range", format!("bytes {from}-{}/{total}", total - 1)).body(part)
            }
            None => answer(404),
        },
        _ => answer(404),
    }
}

/// Answers; whether the connection may be used again.
fn reply(mut stream: &TcpStream, request: &Request, answer: Answer) -> bool {
    let mut head = format!("HTTP/1.1 {} Status\r\n", answer.status);
    for (name, value) in &answer.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if answer.endless {
        let _ = stream.write_all(format!("{head}Connection: close\r\n\r\n").as_bytes());
        while stream.write_all(&[b' '; 1 << 16]).is_ok() {}
        return false;
    }
    let length = answer.length.unwrap_or(answer.body.len() as u64);
    if answer.status != 204 {
        head.push_str(&format!("Content-Length: {length}\r\n"));
    }
    if stream.write_all(format!("{head}\r\n").as_bytes()).is_err() {
        return false;
    }
    let sent = request.method == "HEAD" || stream.write_all(&answer.body).is_ok();
    sent && length == answer.body.len() as u64
}
