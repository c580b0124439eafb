//! The credentials that `docker login` and `podman login` keep: in files, or with a program that asks a key ring.
//!
//! Invariant: nothing of a credential is in an error, in a log or in the arguments of a program.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use crate::host::fetch::Credential;

/// What a file of credentials or the answer of a helper may have.
const MOST_BYTES: u64 = 1 << 20;
/// How long a helper may take; it may ask a person.
const PATIENCE: Duration = Duration::from_secs(120);

/// Where credentials are kept, in the order in which they are looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Logins {
    files: Vec<PathBuf>,
}

/// How a registry knows who asks.
#[derive(Clone, PartialEq, Eq)]
pub enum Login {
    /// User and password.
    Password(Credential),
    /// A token that gives tokens.
    Identity(String),
}

impl fmt::Debug for Login {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Login(…)")
    }
}

/// Why the credentials of a registry could not be had.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum LoginError {
    /// A file of credentials.
    #[error("`{}` is no file of credentials: {reason}", path.display())]
    #[diagnostic(
        code(hbuild::host::bad_logins),
        help(
            "`docker login` and `podman login` write it; log in again, or name another in `REGISTRY_AUTH_FILE`"
        )
    )]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong, without anything of its text.
        reason: String,
    },
    /// A helper.
    #[error("`{program}` gives no credential for {registry}: {reason}")]
    #[diagnostic(
        code(hbuild::host::credential_helper),
        help("run `echo {registry} | {program} get` to see what it says, or log in again")
    )]
    Helper {
        /// The program.
        program: String,
        /// Whose credential was asked for.
        registry: String,
        /// What came of it.
        reason: String,
    },
}

#[derive(Deserialize)]
struct LoginFile {
    #[serde(default)]
    auths: BTreeMap<String, Entry>,
    #[serde(default, rename = "credHelpers")]
    helpers: BTreeMap<String, String>,
    #[serde(default, rename = "credsStore")]
    store: Option<String>,
}

#[derive(Deserialize)]
struct Entry {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
    #[serde(rename = "identitytoken")]
    identity: Option<String>,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "Username")]
    username: String,
    #[serde(rename = "Secret")]
    secret: String,
}

impl Logins {
    /// The files that docker and podman would read with these variables: the one that `REGISTRY_AUTH_FILE` names
    /// and no other, or docker's of `DOCKER_CONFIG`, podman's, docker's of the home directory.
    pub fn from_variables<'a>(variable: impl Fn(&str) -> Option<&'a str>) -> Self {
        if let Some(file) = variable("REGISTRY_AUTH_FILE") {
            return Self { files: vec![file.into()] };
        }
        let below = |folder: &str, rest: &str| variable(folder).map(|folder| Path::new(folder).join(rest));
        let config = below("XDG_CONFIG_HOME", "containers/auth.json");
        let files = [
            below("DOCKER_CONFIG", "config.json"),
            below("XDG_RUNTIME_DIR", "containers/auth.json"),
            config.or_else(|| below("HOME", ".config/containers/auth.json")),
            below("HOME", ".docker/config.json"),
        ];
        Self { files: files.into_iter().flatten().collect() }
    }

    /// The login for `name`, a registry with a repository; `None` where nobody logged in.
    pub fn of(&self, name: &str) -> Result<Option<Login>, LoginError> {
        for path in &self.files {
            let Some(file) = read(path)? else { continue };
            if let Some(login) = file.login(name, path)? {
                return Ok(Some(login));
            }
        }
        Ok(None)
    }
}

fn read(path: &Path) -> Result<Option<LoginFile>, LoginError> {
    let bad = |reason: String| LoginError::File { path: path.to_owned(), reason };
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(bad(error.to_string())),
    };
    let mut bytes = Vec::new();
    file.take(MOST_BYTES).read_to_end(&mut bytes).map_err(|error| bad(error.to_string()))?;
    // What serde says may repeat a value: only the place is told.
    let place = |error: serde_json::Error| bad(format!("line {}, column {}", error.line(), error.column()));
    serde_json::from_slice(&bytes).map(Some).map_err(place)
}

impl LoginFile {
    fn login(&self, name: &str, path: &Path) -> Result<Option<Login>, LoginError> {
        let registry = name.split('/').next().unwrap_or(name);
        let helper = self.helpers.iter().find(|(key, _)| host_of(key) == registry).map(|(_, helper)| helper);
        if let Some(login) = helper.map(|helper| ask(helper, &asked_as(registry))).transpose()?.flatten() {
            return Ok(Some(login));
        }
        let entry = self.entry(name);
        if let Some(login) = entry.map(|entry| entry.login(path)).transpose()?.flatten() {
            return Ok(Some(login));
        }
        let store = self.store.as_ref().filter(|store| !store.is_empty());
        Ok(store.map(|store| ask(store, &asked_as(registry))).transpose()?.flatten())
    }

    /// The entry for `name` or for the nearest namespace above it: `quay.io/team/app`, `quay.io/team`, `quay.io`.
    fn entry(&self, name: &str) -> Option<&Entry> {
        let mut wanted = name;
        loop {
            let found = self.auths.iter().find(|(key, _)| match wanted.contains('/') {
                true => *key == wanted,
                false => host_of(key) == wanted,
            });
            if let Some((_, entry)) = found {
                return Some(entry);
            }
            wanted = wanted.rsplit_once('/')?.0;
        }
    }
}

impl Entry {
    fn login(&self, path: &Path) -> Result<Option<Login>, LoginError> {
        if let Some(token) = self.identity.as_ref().filter(|token| !token.is_empty()) {
            return Ok(Some(Login::Identity(token.clone())));
        }
        if let (Some(username), Some(password)) = (&self.username, &self.password) {
            let credential = Credential { username: username.clone(), password: password.clone() };
            return Ok(Some(Login::Password(credential)));
        }
        let Some(auth) = self.auth.as_ref().filter(|auth| !auth.is_empty()) else { return Ok(None) };
        let bad = || LoginError::File {
            path: path.to_owned(),
            reason: "an `auth` in it is not `user:password` in Base64".to_owned(),
        };
        let text = STANDARD.decode(auth.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let text = text.ok_or_else(bad)?;
        let (username, password) = text.split_once(':').ok_or_else(bad)?;
        let password = password.trim_end_matches('\0').to_owned();
        Ok(Some(Login::Password(Credential { username: username.to_owned(), password })))
    }
}

/// The registry that a key of `auths` is about; docker writes URLs, and Docker Hub by an old name.
fn host_of(key: &str) -> &str {
    let key = key.trim_start_matches("https://").trim_start_matches("http://");
    match key.split('/').next().unwrap_or(key) {
        "index.docker.io" | "registry-1.docker.io" => "docker.io",
        host => match key.strip_prefix(host) {
            // A namespace is not its whole registry.
            Some(rest) if !matches!(rest, "" | "/" | "/v1" | "/v1/" | "/v2" | "/v2/") => key,
            _ => host,
        },
    }
}

/// The name by which helpers know a registry.
fn asked_as(registry: &str) -> String {
    if registry == "docker.io" { "https://index.docker.io/v1/".to_owned() } else { registry.to_owned() }
}

/// What the helper `docker-credential-<name>` has for `registry` (the protocol of docker-credential-helpers).
fn ask(name: &str, registry: &str) -> Result<Option<Login>, LoginError> {
    let program = format!("docker-credential-{name}");
    let failed = |reason: String| LoginError::Helper {
        program: program.clone(),
        registry: registry.to_owned(),
        reason,
    };
    if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)) {
        return Err(failed("its name is none".to_owned()));
    }
    let mut command = Command::new(&program);
    command.arg("get").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(|error| failed(error.to_string()))?;
    let mut stdin = child.stdin.take().expect("it was asked for");
    let stdout = child.stdout.take().expect("it was asked for");
    // A helper that does not read is one that answers nonetheless.
    let _ = stdin.write_all(registry.as_bytes());
    drop(stdin);
    let reader = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        stdout.take(MOST_BYTES).read_to_end(&mut bytes).map(|_| bytes)
    });
    let end = Instant::now() + PATIENCE;
    while !reader.is_finished() && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(5));
    }
    if !reader.is_finished() {
        let _ = child.kill();
        let _ = child.wait();
        return Err(failed("it does not answer".to_owned()));
    }
    let status = child.wait().map_err(|error| failed(error.to_string()))?;
    let bytes = reader.join().ok().and_then(Result::ok).unwrap_or_default();
    if !status.success() {
        let none = String::from_utf8_lossy(&bytes).contains("credentials not found");
        return if none { Ok(None) } else { Err(failed(status.to_string())) };
    }
    let answer: Answer = serde_json::from_slice(&bytes)
        .map_err(|_| failed("its answer is not as the protocol has it".to_owned()))?;
    Ok(Some(match answer.username.as_str() {
        "<token>" => Login::Identity(answer.secret),
        _ => Login::Password(Credential { username: answer.username, password: answer.secret }),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logins(folder: &Path, text: &str) -> Logins {
        let file = folder.join("config.json");
        std::fs::write(&file, text).unwrap();
        let file = file.display().to_string();
        Logins::from_variables(|name| (name == "REGISTRY_AUTH_FILE").then_some(&*file))
    }

    fn user(login: Option<Login>) -> Option<String> {
        match login? {
            Login::Password(credential) => Some(format!("{}:{}", credential.username, credential.password)),
            Login::Identity(token) => Some(format!("token {token}")),
        }
    }

    #[test]
    fn the_nearest_entry_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let auth = |text: &str| STANDARD.encode(text);
        let text = format!(
            r#"{{"auths":{{"https://index.docker.io/v1/":{{"auth":"{}"}},"quay.io":{{"auth":"{}"}},
            "quay.io/team":{{"auth":"{}"}},"ghcr.io":{{"identitytoken":"t"}},"a.b:5000":{{"username":"u","password":"p"}},
            "empty.io":{{}}}},"unknown":[1]}}"#,
            auth("hub:1:2"),
            auth("quay:1"),
            auth("team:1")
        );
        let logins = logins(folder.path(), &text);
        for (name, found) in [
            ("docker.io/library/alpine", Some("hub:1:2")),
            ("quay.io/other/app", Some("quay:1")),
            ("quay.io/team/app", Some("team:1")),
            ("ghcr.io/x/y", Some("token t")),
            ("a.b:5000/x", Some("u:p")),
            ("a.b/x", None),
            ("empty.io/x", None),
        ] {
            assert_eq!(user(logins.of(name).unwrap()).as_deref(), found, "{name}");
        }
    }

    #[test]
    fn no_error_repeats_the_file() {
        let folder = tempfile::tempdir().unwrap();
        for text in [r#"{"auths":{"a.b":"hunter2"}}"#, r#"{"auths":{"a.b":{"auth":"hunter2!"}}}"#, "hunter2"]
        {
            let error = logins(folder.path(), text).of("a.b/c").unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        }
        let none = Logins::from_variables(|name| (name == "HOME").then_some("/nonexistent"));
        assert_eq!(none.of("a.b/c").unwrap(), None);
    }

    #[test]
    fn a_helper_that_is_not_there_is_named() {
        let folder = tempfile::tempdir().unwrap();
        for helper in ["hbuild-test-none", "../../bin/true"] {
            let text = format!(r#"{{"credHelpers":{{"a.b":"{helper}"}}}}"#);
            let error = logins(folder.path(), &text).of("a.b/c").unwrap_err();
            assert!(error.to_string().contains("docker-credential-"), "{error}");
        }
    }
}
