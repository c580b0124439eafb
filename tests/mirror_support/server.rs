//! A server on the loopback device that answers as a test wants it to.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What a test sees of a request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Request {
    /// Path with query, decoded where it was percent-encoded.
    pub path: String,
    /// First byte of the range asked for.
    pub from: Option<usize>,
    /// The header `Authorization`.
    pub authorization: Option<String>,
}

/// How to answer.
#[derive(Debug, Clone)]
pub enum Answer {
    /// This file, by range where asked.
    File(Vec<u8>),
    /// This file, all of it whatever is asked.
    Whole(Vec<u8>),
    /// The first bytes of this file, then the connection ends.
    Cut(Vec<u8>, usize),
    /// The bytes asked for, said to be from another place.
    WrongRange(Vec<u8>),
    /// A status without content.
    Status(u16),
    /// A redirect.
    Redirect(String),
    /// Refused, with what is to be known first.
    Challenge(String),
    /// Zeros until the other side has enough.
    Endless,
    /// Nothing, ever.
    Silence,
    /// The head and the first bytes, then silence.
    Stall(Vec<u8>, usize),
}

type Respond = dyn Fn(&Request, usize) -> Answer + Send + Sync;

/// A running server; it ends with this value.
pub struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
    stopped: Arc<AtomicBool>,
}

impl Server {
    /// A server that answers with `respond`, which is given the request and its number from 0.
    pub fn start(respond: impl Fn(&Request, usize) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let stopped = Arc::new(AtomicBool::new(false));
        let respond: Arc<Respond> = Arc::new(respond);
        let (seen, stop) = (requests.clone(), stopped.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                let (respond, seen, stop) = (respond.clone(), seen.clone(), stop.clone());
                std::thread::spawn(move || serve(&stream, &*respond, &seen, &stop));
            }
        });
        Self { address, requests, stopped }
    }

    /// A server of these files: path to content. Everything else is 404.
    pub fn of_folder(folder: std::path::PathBuf) -> Self {
        Self::start(move |request, _| {
            match std::fs::read(folder.join(request.path.trim_start_matches('/'))) {
                Ok(bytes) => Answer::File(bytes),
                Err(_) => Answer::Status(404),
            }
        })
    }

    /// The URL of `path`, which begins with `/`.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Host and port.
    pub fn authority(&self) -> String {
        self.address.to_string()
    }

    /// The requests so far.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
    }
}

fn serve(stream: &TcpStream, respond: &Respond, seen: &Mutex<Vec<Request>>, stop: &AtomicBool) {
    let mut reader = BufReader::new(stream);
    while let Some(request) = read_request(&mut reader) {
        let number = {
            let mut seen = seen.lock().unwrap();
            seen.push(request.clone());
            seen.len() - 1
        };
        if !reply(stream, &request, respond(&request, number), stop) {
            let _ = stream.shutdown(std::net::Shutdown::Both);
            return;
        }
    }
}

fn read_request(reader: &mut impl BufRead) -> Option<Request> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
    let mut request = Request { path: decoded(line.split(' ').nth(1)?), ..Request::default() };
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok().filter(|length| *length > 0)?;
        let Some((name, value)) = header.trim().split_once(": ") else { return Some(request) };
        match &*name.to_ascii_lowercase() {
            "range" => {
                request.from =
                    value.strip_prefix("bytes=").and_then(|range| range.strip_suffix('-')?.parse().ok());
            }
            "authorization" => request.authorization = Some(value.to_owned()),
            _ => {}
        }
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

/// Answers; whether the connection may be used again.
fn reply(mut stream: &TcpStream, request: &Request, answer: Answer, stop: &AtomicBool) -> bool {
    let mut head = |status: &str, headers: &str| {
        stream.write_all(format!("HTTP/1.1 {status}\r\n{headers}\r\n").as_bytes()).is_ok()
    };
    let whole = |bytes: &[u8]| format!("Content-Length: {}\r\n", bytes.len());
    match answer {
        Answer::File(bytes) => match request.from {
            Some(from) if from >= bytes.len() => head("416 Range Not Satisfiable", "Content-Length: 0\r\n"),
            Some(from) => {
                let length = bytes.len();
                let headers = format!(
                    "Content-Range: bytes {from}-{}/{length}\r\nContent-Length: {}\r\n",
                    length - 1,
                    length - from
                );
                head("206 Partial Content", &headers) && stream.write_all(&bytes[from..]).is_ok()
            }
            None => head("200 OK", &whole(&bytes)) && stream.write_all(&bytes).is_ok(),
        },
        Answer::Whole(bytes) => head("200 OK", &whole(&bytes)) && stream.write_all(&bytes).is_ok(),
        Answer::Cut(bytes, length) => {
            head("200 OK", &whole(&bytes));
            let _ = stream.write_all(&bytes[..length]);
            false
        }
        Answer::WrongRange(bytes) => {
            let headers = format!("Content-Range: bytes 1-{}/{}\r\n", bytes.len() - 1, bytes.len());
            head("206 Partial Content", &format!("{headers}Content-Length: {}\r\n", bytes.len() - 1));
            stream.write_all(&bytes[1..]).is_ok()
        }
        Answer::Status(status) => head(&format!("{status} Status"), "Content-Length: 0\r\n"),
        Answer::Redirect(location) => {
            head("302 Found", &format!("Location: {location}\r\nContent-Length: 0\r\n"))
        }
        Answer::Challenge(challenge) => {
            let headers = format!("WWW-Authenticate: {challenge}\r\nContent-Length: 0\r\n");
            head("401 Unauthorized", &headers)
        }
        Answer::Endless => {
            head("200 OK", "Connection: close\r\n");
            while stream.write_all(&[0; 1 << 16]).is_ok() {}
            false
        }
        Answer::Silence => wait(stop),
        Answer::Stall(bytes, length) => {
            head("200 OK", &whole(&bytes));
            let _ = stream.write_all(&bytes[..length]);
            wait(stop)
        }
    }
}

fn wait(stop: &AtomicBool) -> bool {
    while !stop.load(Ordering::Relaxed) {
        std::thread::sleep(Duration::from_millis(20));
    }
    false
}
