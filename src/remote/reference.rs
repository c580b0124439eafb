//! References to images in registries, as commands take them.

use std::fmt;

use hbuild_lang::{is_registry, is_repository};

use super::RemoteError;
use crate::digest::Sha256;

/// `registry/repository[:tag][@sha256:…]`. Nothing is added to what is written but Docker's `library/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Host, with a port where it has one.
    pub registry: String,
    /// The repository there.
    pub repository: String,
    /// The tag.
    pub tag: Option<String>,
    /// The digest.
    pub digest: Option<Sha256>,
}

impl Reference {
    /// The reference in `text`, with or without `docker://`.
    pub fn parse(text: &str) -> Result<Self, RemoteError> {
        let bad = |why: &'static str| RemoteError::Reference { text: text.to_owned(), why };
        let rest = text.strip_prefix("docker://").unwrap_or(text);
        let (named, digest) = match rest.split_once('@') {
            Some((named, digest)) => {
                let hex = digest.strip_prefix("sha256:").and_then(|hex| hex.parse().ok());
                (named, Some(hex.ok_or_else(|| bad("its digest is no SHA-256"))?))
            }
            None => (rest, None),
        };
        let last = named.rfind('/').map_or(0, |at| at + 1);
        let (name, tag) = match named[last..].find(':') {
            Some(at) if last > 0 => (&named[..last + at], Some(&named[last + at + 1..])),
            _ => (named, None),
        };
        if tag.is_some_and(|tag| !is_tag(tag)) {
            return Err(bad("its tag is none"));
        }
        let (registry, repository) = name.split_once('/').ok_or_else(|| bad("it names no registry"))?;
        if !is_registry(registry) {
            return Err(bad("it names no registry"));
        }
        if !is_repository(repository) {
            return Err(bad("it names no repository that a registry can have"));
        }
        let official = registry == "docker.io" && !repository.contains('/');
        Ok(Self {
            registry: registry.to_owned(),
            repository: if official { format!("library/{repository}") } else { repository.to_owned() },
            tag: tag.map(str::to_owned),
            digest,
        })
    }

    /// Whether `text` can only be meant as a reference: it says so, or begins with a host.
    pub fn is_meant(text: &str) -> bool {
        text.starts_with("docker://") || text.split_once('/').is_some_and(|(host, _)| is_registry(host))
    }

    /// Registry and repository.
    pub fn name(&self) -> String {
        format!("{}/{}", self.registry, self.repository)
    }

    /// The last part of the repository's name.
    pub fn image_name(&self) -> &str {
        self.repository.rsplit('/').next().unwrap_or(&self.repository)
    }
}

/// Whether `text` can be a tag.
pub(super) fn is_tag(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && !text.starts_with(['.', '-'])
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

impl fmt::Display for Reference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.registry, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(out, ":{tag}")?;
        }
        self.digest.map_or(Ok(()), |digest| write!(out, "@{}", digest.to_oci()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts() {
        let digest = format!("sha256:{}", "0a".repeat(32));
        for text in ["ghcr.io/a/b", "localhost:5000/a:1.0", "127.0.0.1:1/a/b/c:x"] {
            assert_eq!(Reference::parse(text).unwrap().to_string(), text);
            let whole = format!("{text}@{digest}");
            let parsed = Reference::parse(&format!("docker://{whole}")).unwrap();
            assert_eq!(parsed.to_string(), whole);
            assert!(parsed.digest.is_some() && Reference::is_meant(text));
        }
        assert_eq!(Reference::parse("docker.io/alpine:3").unwrap().to_string(), "docker.io/library/alpine:3");
        assert_eq!(Reference::parse("localhost:5000/team/app").unwrap().image_name(), "app");
        for text in
            ["alpine", "a/b", "ghcr.io/A", "ghcr.io/a:", "ghcr.io/a:.x", "ghcr.io/a@sha256:1", "a.b:x/c"]
        {
            assert!(Reference::parse(text).is_err(), "{text}");
        }
        for text in ["out/hello", "./a.b/c", "../x", "/a.b/c", "hello.oci.tar", "out/a:1"] {
            assert!(!Reference::is_meant(text), "{text}");
        }
    }
}
