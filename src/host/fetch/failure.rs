//! Why a file could not be had: what each mirror said, and the one error made of it.

use std::fmt;
use std::io;

use crate::digest::Sha256;
use crate::host::url::Url;

/// What one mirror said, last time it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MirrorFailure {
    /// The URL asked.
    pub url: Url,
    /// What came of it.
    pub failure: Failure,
}

/// Why one attempt failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// It has no such file.
    NotFound,
    /// It does not let us.
    Denied(u16),
    /// It wants to know who asks: the `WWW-Authenticate` header.
    Challenge(String),
    /// Another answer.
    Status(u16),
    /// No connection.
    Unreachable(String),
    /// TLS, or its certificate.
    Tls(String),
    /// Silent for too long.
    Timeout,
    /// Slower than is worth waiting for.
    TooSlow,
    /// The connection ended within the file.
    Truncated {
        /// Bytes had.
        received: u64,
        /// Bytes it announced, or that are known.
        expected: Option<u64>,
    },
    /// Another length than is known.
    WrongSize {
        /// The length it has.
        found: u64,
        /// The length it should have.
        expected: u64,
    },
    /// More than the limit.
    TooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// Other bytes than asked for.
    WrongDigest {
        /// What they are.
        found: Sha256,
        /// What they should be.
        expected: Sha256,
    },
    /// Not the package asked for, and why.
    WrongPackage(String),
    /// Too many redirects, or one to nowhere.
    Redirect,
    /// A redirect to a file, or away from TLS.
    UnsafeRedirect,
    /// An answer that is not HTTP.
    Protocol(String),
    /// A file of this host.
    File(String),
}

impl Failure {
    /// Whether it is a file, and another one than was asked for.
    pub fn wrong_bytes(&self) -> bool {
        matches!(self, Self::WrongDigest { .. } | Self::WrongSize { .. } | Self::WrongPackage(_))
    }

    /// Whether asking again may help.
    pub fn transient(&self) -> bool {
        match self {
            Self::Status(status) => matches!(status, 408 | 425 | 429 | 500..=599),
            Self::Unreachable(_) | Self::Timeout | Self::TooSlow | Self::Truncated { .. } => true,
            Self::Protocol(_) => true,
            _ => false,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound => write!(out, "it has no such file (404)"),
            Self::Denied(status) => write!(out, "it refuses access ({status})"),
            Self::Challenge(_) => write!(out, "it refuses access (401)"),
            Self::Status(status) => write!(out, "it answers {status}"),
            Self::Unreachable(reason) => write!(out, "no connection: {reason}"),
            Self::Tls(reason) => write!(out, "no secure connection: {reason}"),
            Self::Timeout => write!(out, "it gave no answer in time"),
            Self::TooSlow => write!(out, "it is too slow"),
            Self::Truncated { received, expected: Some(expected) } => {
                write!(out, "the transfer broke off after {received} of {expected} bytes")
            }
            Self::Truncated { received, expected: None } => {
                write!(out, "the transfer broke off after {received} bytes")
            }
            Self::WrongSize { found, expected } => {
                write!(out, "its file has {found} bytes where {expected} are expected")
            }
            Self::TooLarge { limit } => write!(out, "its file has more than {limit} bytes"),
            Self::WrongDigest { found, expected } => {
                write!(out, "its file has SHA-256 {found} where {expected} is expected")
            }
            Self::WrongPackage(reason) => write!(out, "its file is another package: {reason}"),
            Self::Redirect => write!(out, "its redirect leads nowhere"),
            Self::UnsafeRedirect => write!(out, "its redirect leads to a place without TLS, or to no server"),
            Self::Protocol(reason) => write!(out, "its answer is no valid HTTP: {reason}"),
            Self::File(reason) => write!(out, "{reason}"),
        }
    }
}

/// Why a file could not be had. All but `Cancelled` and `Sink` mean that an input is missing (exit status 3).
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum FetchError {
    /// There is no mirror to ask.
    #[error("no mirror is known for {what}")]
    #[diagnostic(
        code(hbuild::host::no_mirror),
        help("name one in the configuration file, or give the repository a `url` in the recipe")
    )]
    NoMirror {
        /// What was to be fetched.
        what: String,
    },
    /// No mirror has it.
    #[error("{what} is not to be found{}", each(.failures))]
    #[diagnostic(
        code(hbuild::host::not_found),
        help(
            "the file may have left the archive since the lock was written: name a mirror that still has it, or run `hbuild lock --update`"
        )
    )]
    NotFound {
        /// What was to be fetched.
        what: String,
        /// What each mirror said.
        failures: Vec<MirrorFailure>,
    },
    /// A mirror gave other bytes.
    #[error("{what} is not what was asked for{}", each(.failures))]
    #[diagnostic(
        code(hbuild::host::wrong_bytes),
        help(
            "the mirror is damaged, out of step, or someone changes files on the way: try another mirror, or try again later"
        )
    )]
    WrongBytes {
        /// What was to be fetched.
        what: String,
        /// What each mirror said.
        failures: Vec<MirrorFailure>,
    },
    /// Every transfer broke off.
    #[error("{what} could not be fetched whole{}", each(.failures))]
    #[diagnostic(
        code(hbuild::host::truncated),
        help("run the command again: it goes on where the transfer broke off; or name another mirror")
    )]
    Truncated {
        /// What was to be fetched.
        what: String,
        /// What each mirror said.
        failures: Vec<MirrorFailure>,
    },
    /// A server sends where nothing is fetched from.
    #[error("{what} could not be fetched{}", each(.failures))]
    #[diagnostic(
        code(hbuild::host::unsafe_redirect),
        help("the server is set up wrongly, or someone means harm: ask another one")
    )]
    UnsafeRedirect {
        /// What was to be fetched.
        what: String,
        /// What each mirror said.
        failures: Vec<MirrorFailure>,
    },
    /// Any other failure.
    #[error("{what} could not be fetched{}", each(.failures))]
    #[diagnostic(
        code(hbuild::host::unreachable),
        help(
            "check the network and the proxy (`http_proxy`, `https_proxy`), or name a mirror within reach (`HBUILD_DEBIAN_MIRROR`, `HBUILD_ALPINE_MIRROR`)"
        )
    )]
    Unreachable {
        /// What was to be fetched.
        what: String,
        /// What each mirror said.
        failures: Vec<MirrorFailure>,
    },
    /// The bytes could not be kept.
    #[error("{what} was fetched but cannot be kept")]
    #[diagnostic(
        code(hbuild::host::cannot_keep),
        help("check that there is space left and that the folder may be written")
    )]
    Sink {
        /// What was to be fetched.
        what: String,
        /// What the system says.
        source: io::Error,
    },
    /// The user stopped it.
    #[error("the fetch of {what} was stopped")]
    #[diagnostic(
        code(hbuild::host::cancelled),
        help("run the command again: it goes on where it was stopped")
    )]
    Cancelled {
        /// What was to be fetched.
        what: String,
    },
    /// The authorities' file.
    #[error("the file of certificate authorities holds no certificate in PEM form")]
    #[diagnostic(
        code(hbuild::host::bad_ca_file),
        help("give `--ca-file` a file with `-----BEGIN CERTIFICATE-----` blocks")
    )]
    Authorities,
}

fn each(failures: &[MirrorFailure]) -> String {
    failures.iter().map(|entry| format!("\n  {}: {}", entry.url, entry.failure)).collect()
}

impl FetchError {
    /// The error that these answers make together: the most telling of them names it.
    pub(super) fn of(what: &str, failures: Vec<MirrorFailure>) -> Self {
        let what = what.to_owned();
        let any = |test: fn(&Failure) -> bool| failures.iter().any(|entry| test(&entry.failure));
        let wrong = |failure: &Failure| failure.wrong_bytes() || matches!(failure, Failure::TooLarge { .. });
        if failures.is_empty() {
            Self::NoMirror { what }
        } else if any(wrong) {
            Self::WrongBytes { what, failures }
        } else if any(|failure| matches!(failure, Failure::Truncated { .. })) {
            Self::Truncated { what, failures }
        } else if failures.iter().all(|entry| entry.failure == Failure::NotFound) {
            Self::NotFound { what, failures }
        } else if any(|failure| matches!(failure, Failure::UnsafeRedirect)) {
            Self::UnsafeRedirect { what, failures }
        } else {
            Self::Unreachable { what, failures }
        }
    }

    /// Whether it means that no mirror has such a file.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }
}
