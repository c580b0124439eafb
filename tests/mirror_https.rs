//! `https:` and proxies: against `openssl s_server`, and a proxy that the test is itself.

mod mirror_support;
mod support;

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use hbuild::digest::Sha256;
use hbuild::host::fetch::{Content, Failure, FetchError, FetchOptions, Fetcher, Proxies, Wanted};
use mirror_support::server::{Answer, Server};

/// A TLS server that gives out the files of a folder; it ends with this value.
struct TlsServer {
    child: Child,
    port: u16,
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn start(folder: &Path) -> Option<TlsServer> {
    let made = Command::new("openssl")
        .current_dir(folder)
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "cert.pem"])
        .args(["-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .stderr(Stdio::null())
        .status();
    if !made.is_ok_and(|status| status.success()) {
        return None;
    }
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let child = Command::new("openssl")
        .current_dir(folder)
        .args(["s_server", "-quiet", "-WWW", "-cert", "cert.pem", "-key", "key.pem", "-accept"])
        .arg(format!("127.0.0.1:{port}"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    for _ in 0..100 {
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Some(TlsServer { child, port })
}

fn wanted(url: &str) -> Wanted {
    Wanted {
        what: "the file".to_owned(),
        urls: vec![url.parse().unwrap()],
        content: Some(Content::Sha256(Sha256::of(b"content"))),
        size: None,
        limit: 1 << 20,
        headers: Vec::new(),
    }
}

fn fetch(options: FetchOptions, url: &str) -> Result<Vec<u8>, FetchError> {
    let mut bytes = Vec::new();
    let options = FetchOptions { rounds: 1, ..options };
    Fetcher::new(options)?.fetch(&wanted(url), &mut bytes, &|_, _| {})?;
    Ok(bytes)
}

#[test]
fn certificates_are_checked() {
    if !support::loopback() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "content").unwrap();
    let Some(server) = start(folder.path()) else {
        return support::skip("openssl is not installed");
    };
    let url = format!("https://localhost:{}/file", server.port);
    let pem = std::fs::read(folder.path().join("cert.pem")).unwrap();
    let trusting = FetchOptions { authorities: Some(pem), ..FetchOptions::default() };
    assert_eq!(fetch(trusting.clone(), &url).unwrap(), b"content");
    let other_name = format!("https://127.0.0.1:{}/file", server.port);
    for (options, url) in [(FetchOptions::default(), &url), (trusting, &other_name)] {
        let error = fetch(options, url).unwrap_err();
        let FetchError::Unreachable { failures, .. } = &error else { panic!("{error:?}") };
        assert!(matches!(failures[0].failure, Failure::Tls(_)), "{error}");
    }
    let nonsense = FetchOptions { authorities: Some(b"no certificate".to_vec()), ..FetchOptions::default() };
    assert!(matches!(fetch(nonsense, &url), Err(FetchError::Authorities)));
}

/// A proxy that understands `CONNECT` and lets one connection through; gives its address.
fn proxy(target: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(client.try_clone().unwrap());
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            reader.read_line(&mut head).unwrap();
        }
        // Credentials of the proxy's URL, and the host that the proxy is to find.
        assert!(head.starts_with("CONNECT mirror.invalid:80 ") && head.contains("dTpw"), "{head}");
        client.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").unwrap();
        let mut server = TcpStream::connect(target).unwrap();
        let mut back = (server.try_clone().unwrap(), client.try_clone().unwrap());
        std::thread::spawn(move || std::io::copy(&mut back.0, &mut back.1));
        let _ = std::io::copy(&mut reader, &mut server);
    });
    address.to_string()
}

#[test]
fn a_proxy_is_used_for_hosts_it_is_for() {
    if !support::loopback() {
        return;
    }
    let server = Server::start(|_, _| Answer::File(b"content".to_vec()));
    let through = format!("http://u:p@{}", proxy(server.authority()));
    let variables = |name: &str| match name {
        "http_proxy" => Some(through.as_str()),
        "no_proxy" => Some("127.0.0.1"),
        _ => None,
    };
    let proxies = Proxies::from_variables(variables).unwrap();
    let options = FetchOptions { proxies, ..FetchOptions::default() };
    assert_eq!(fetch(options.clone(), "http://mirror.invalid/file").unwrap(), b"content");
    assert_eq!(fetch(options.clone(), &server.url("/file")).unwrap(), b"content");
    let error = fetch(options, "http://mirror.invalid/file").unwrap_err();
    assert!(!format!("{error} {error:?}").contains("u:p"), "{error}");
}
