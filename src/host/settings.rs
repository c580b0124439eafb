//! The configuration: environment, hbuild's configuration file and the network flags of the command line,
//! read once into [`Settings`].
//!
//! The file is `$XDG_CONFIG_HOME/hbuild/config.toml` (`~/.config` where that is not set); `docs/src/lock.md`
//! describes it. Nothing in it can reach an output: it says only where bytes come from, and how much builds may use.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::fetch::{Credential, FetchOptions, Proxies};
use super::limits::BuildLimits;
use super::mirror::{Mirrors, RepositoryMirrors, Sources};
use super::registry::Logins;
use super::url::{ParseUrlError, Url};

/// The variables and places of the host that settings come from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Environment {
    /// Environment variables.
    pub variables: BTreeMap<String, String>,
    /// apt's configuration folder, `/etc/apt`, where the host's own mirrors are to be taken.
    pub apt: Option<PathBuf>,
    /// apk's, `/etc/apk`, likewise.
    pub apk: Option<PathBuf>,
}

/// What the command line says about the network; empty where it says nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NetworkFlags {
    /// Mirrors by repository name, in order.
    pub mirrors: BTreeMap<String, Vec<String>>,
    /// PEM file of the authorities that `https:` servers are checked against, instead of the system's.
    pub ca_file: Option<PathBuf>,
}

/// What the network needs to be used, and what builds may use.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Mirrors of each repository.
    pub mirrors: Mirrors,
    /// How files are fetched.
    pub fetch: FetchOptions,
    /// Limits of builds in sandboxes.
    pub build: BuildLimits,
}

/// Why the settings cannot be used. Values are not repeated where they may hold a password.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum SettingsError {
    /// A file cannot be read.
    #[error("cannot read {what} `{path}`")]
    #[diagnostic(
        code(hbuild::host::settings_unreadable),
        help("check that the file is there and may be read")
    )]
    Unreadable {
        /// What it is.
        what: &'static str,
        /// Its path.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The configuration file.
    #[error("the configuration file `{path}` is not valid: {message}")]
    #[diagnostic(
        code(hbuild::host::bad_configuration),
        help("the manual's page on the lock lists every key; take the one named here out or correct it")
    )]
    Configuration {
        /// Its path.
        path: PathBuf,
        /// What is wrong and where, without the text of the line.
        message: String,
    },
    /// A URL in a flag, a variable or the configuration.
    #[error("{place}: entry {number} is not a usable URL: {source}")]
    #[diagnostic(
        code(hbuild::host::bad_url),
        help("give `http://…`, `https://…` or `file:/…`, several separated by blanks or commas")
    )]
    Url {
        /// Which flag, variable or key.
        place: String,
        /// Which entry of the list, from 1.
        number: usize,
        /// Why.
        source: ParseUrlError,
    },
    /// A proxy variable.
    #[error("the proxy in `{variable}` is not a usable URL")]
    #[diagnostic(
        code(hbuild::host::bad_proxy),
        help("give `http://host:port` or `socks5://host:port`, or unset the variable")
    )]
    Proxy {
        /// Which variable.
        variable: String,
    },
}

/// hbuild's configuration file.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Configuration {
    ca_file: Option<PathBuf>,
    #[serde(default)]
    mirrors: BTreeMap<String, Vec<String>>,
    mirror_fallback: Option<bool>,
    #[serde(default)]
    credentials: BTreeMap<String, Credential>,
    #[serde(default)]
    build: BuildLimits,
}

impl Environment {
    /// The environment of this process.
    pub fn of_process() -> Self {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Self {
            variables: std::env::vars_os().filter_map(text).collect(),
            apt: Some("/etc/apt".into()),
            apk: Some("/etc/apk".into()),
        }
    }

    /// The variable's value, if it is set and not empty.
    fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    fn configuration_file(&self) -> Option<PathBuf> {
        let folder = match (self.get("XDG_CONFIG_HOME"), self.get("HOME")) {
            (Some(folder), _) if folder.starts_with('/') => PathBuf::from(folder),
            (_, Some(home)) => Path::new(home).join(".config"),
            _ => return None,
        };
        Some(folder.join("hbuild").join("config.toml"))
    }
}

impl Settings {
    /// The settings that flags, environment, configuration file and the host's own mirrors give together.
    pub fn load(environment: &Environment, flags: &NetworkFlags) -> Result<Self, SettingsError> {
        let configuration = read_configuration(environment)?;
        let mut sources = Sources {
            fallback: match environment.get("HBUILD_MIRROR_FALLBACK") {
                Some(value) => !matches!(value, "0" | "no" | "off" | "false"),
                None => configuration.mirror_fallback.unwrap_or(true),
            },
            host: environment.apt.as_deref().map(apt_mirrors).unwrap_or_default(),
            ..Sources::default()
        };
        sources
            .host
            .extend(environment.apk.as_deref().map(|folder| ("alpine".to_owned(), apk_mirrors(folder))));
        for repository in ["debian", "debian-security", "alpine", "oci"] {
            let variable = format!("HBUILD_{}_MIRROR", repository.to_uppercase().replace('-', "_"));
            let listed = environment.get(&variable).unwrap_or_default();
            let words = listed.split([' ', '\t', '\n', ',']).filter(|word| !word.is_empty());
            let urls = parse_urls(&format!("the variable `{variable}`"), words)?;
            sources.given.insert(repository.to_owned(), urls);
        }
        for (repository, urls) in &flags.mirrors {
            let words = urls.iter().flat_map(|list| list.split([' ', ','])).filter(|word| !word.is_empty());
            let mut urls = parse_urls(&format!("the flag for the mirror of `{repository}`"), words)?;
            let given = sources.given.entry(repository.clone()).or_default();
            urls.append(given);
            *given = urls;
        }
        for (repository, urls) in &configuration.mirrors {
            let place = format!("the key `mirrors.{repository}` of the configuration file");
            let urls = parse_urls(&place, urls.iter().map(String::as_str))?;
            sources.configured.insert(repository.clone(), urls);
        }
        let ca_file = flags
            .ca_file
            .clone()
            .or_else(|| environment.get("HBUILD_CA_FILE").map(PathBuf::from))
            .or(configuration.ca_file);
        let fetch = FetchOptions {
            authorities: ca_file.map(|path| read("the authorities' file", path)).transpose()?,
            proxies: Proxies::from_variables(|name| environment.get(name))?,
            credentials: configuration.credentials,
            logins: Logins::from_variables(|name| environment.get(name)),
            ..FetchOptions::default()
        };
        Ok(Self { mirrors: Mirrors::new(sources), fetch, build: configuration.build })
    }
}

fn read(what: &'static str, path: PathBuf) -> Result<Vec<u8>, SettingsError> {
    std::fs::read(&path).map_err(|source| SettingsError::Unreadable { what, path, source })
}

fn read_configuration(environment: &Environment) -> Result<Configuration, SettingsError> {
    let Some(path) = environment.configuration_file() else { return Ok(Configuration::default()) };
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Configuration::default()),
        Err(source) => {
            return Err(SettingsError::Unreadable { what: "the configuration file", path, source });
        }
    };
    toml::from_slice(&bytes).map_err(|error| {
        let line = error.span().map_or(1, |span| {
            1 + bytes[..span.start.min(bytes.len())].iter().filter(|byte| **byte == b'\n').count()
        });
        SettingsError::Configuration { path, message: format!("line {line}: {}", error.message()) }
    })
}

fn parse_urls<'a>(place: &str, words: impl Iterator<Item = &'a str>) -> Result<Vec<Url>, SettingsError> {
    let parse = |(index, word): (usize, &str)| {
        word.parse::<Url>().map_err(|source| SettingsError::Url {
            place: place.to_owned(),
            number: index + 1,
            source,
        })
    };
    words.enumerate().map(parse).collect()
}

/// The distribution's mirrors that the apt configuration in `folder` names.
fn apt_mirrors(folder: &Path) -> RepositoryMirrors {
    let mut urls = Vec::new();
    let mut add = |path: &Path| {
        let Ok(text) = std::fs::read_to_string(path) else { return };
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("list") => urls.extend(super::apt_sources::one_line(&text)),
            Some("sources") => urls.extend(super::apt_sources::deb822(&text)),
            _ => {}
        }
    };
    add(&folder.join("sources.list"));
    sorted(&folder.join("sources.list.d")).iter().for_each(|path| add(path));
    let mut mirrors = RepositoryMirrors::new();
    for url in urls {
        mirrors.entry(url.file_name().to_owned()).or_default().push(url);
    }
    mirrors
}

/// The distribution's mirrors that the apk configuration in `folder` names.
fn apk_mirrors(folder: &Path) -> Vec<Url> {
    let mut files = vec![folder.join("repositories")];
    files.extend(
        sorted(&folder.join("repositories.d"))
            .into_iter()
            .filter(|path| path.extension().is_some_and(|extension| extension == "list")),
    );
    let texts = files.iter().filter_map(|path| std::fs::read_to_string(path).ok());
    texts.flat_map(|text| super::apk_sources::mirrors(&text)).collect()
}

/// What is in a folder, by name; nothing where there is none.
fn sorted(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    files.sort();
    files
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
