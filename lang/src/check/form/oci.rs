//! References to images in registries: `docker.io/library/alpine@sha256:…`. Nothing is added to what is written: no
//! default registry, no `library/`, no `latest`.

use super::{Problem, problem};

/// A reference in its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OciReference<'a> {
    /// Registry and repository: `docker.io/library/alpine`.
    pub name: &'a str,
    /// A tag before the digest, for people.
    pub tag: Option<&'a str>,
    /// The 64 digits behind `@sha256:`.
    pub digest: &'a str,
}

/// The parts of a reference; `None` where it is none.
pub fn oci_reference(text: &str) -> Option<OciReference<'_>> {
    let (named, digest) = text.split_once("@sha256:")?;
    let last = named.rfind('/').map_or(0, |at| at + 1);
    let (name, tag) = match named[last..].find(':') {
        Some(at) => (&named[..last + at], Some(&named[last + at + 1..])),
        None => (named, None),
    };
    Some(OciReference { name, tag, digest })
}

/// What is wrong with a reference, if anything is.
pub fn problem_of(text: &str) -> Option<Problem> {
    let wrong =
        |why: &str, help: &'static str| problem("hbuild::lang::bad_oci", format!("`{text}` {why}"), help);
    let whole = "write registry, repository and digest: `docker.io/library/alpine@sha256:…`";
    let Some(reference) = oci_reference(text) else {
        let help = "write the digest behind the name, `…@sha256:…`; `skopeo inspect docker://…` prints it";
        return match text.contains('@') {
            true => wrong("has no SHA-256 digest behind its `@`", help),
            false => wrong("has no digest, and a tag can mean something else tomorrow", help),
        };
    };
    if super::text::sha256(reference.digest).is_some() {
        return wrong("has no digest of 64 lower-case hexadecimal digits", whole);
    }
    if reference.tag.is_some_and(|tag| super::text::tag(tag).is_some()) {
        return wrong("has something else than a tag before its digest", "leave the tag out");
    }
    let Some((registry, repository)) = reference.name.split_once('/') else {
        return wrong("names no registry", whole);
    };
    if !is_registry(registry) {
        let help = "Docker's short names are not filled in: write `docker.io/…`, for official images \
                    `docker.io/library/…`";
        return wrong("names no registry", help);
    }
    if !is_repository(repository) {
        let help =
            "a repository has lower-case letters and digits, with `.`, `_` or `-` between them, and `/`";
        return wrong("names no repository that a registry can have", help);
    }
    if registry == "docker.io" && !repository.contains('/') {
        return wrong("names no repository of Docker Hub", "official images are in `docker.io/library/…`");
    }
    None
}

/// A host that has a dot or a port, or is this one.
pub fn is_registry(text: &str) -> bool {
    let (host, port) = text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port)));
    let named = !host.is_empty()
        && host.split('.').all(|label| {
            !label.is_empty()
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        });
    let numbered = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
    named && numbered && (host.contains('.') || port.is_some() || host == "localhost")
}

/// The name of a repository within a registry.
pub fn is_repository(text: &str) -> bool {
    text.split('/').all(is_component)
}

/// A component of a repository's name, as the OCI distribution specification has it.
fn is_component(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let between = |run: &str| matches!(run, "." | "_" | "__") || run.bytes().all(|byte| byte == b'-');
    let mut runs = text.split(|letter: char| letter.is_ascii() && plain(letter as u8));
    let (first, last) = (runs.next(), text.bytes().last());
    first == Some("")
        && last.is_some_and(plain)
        && text.split(|letter: char| letter.is_ascii() && plain(letter as u8)).all(between)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    #[test]
    fn parts() {
        let text = format!("localhost:5000/a/b:1.0@sha256:{DIGEST}");
        let parts = oci_reference(&text).unwrap();
        assert_eq!((parts.name, parts.tag, parts.digest), ("localhost:5000/a/b", Some("1.0"), DIGEST));
        let text = format!("ghcr.io/o/app@sha256:{DIGEST}");
        assert_eq!(oci_reference(&text).unwrap().tag, None);
    }

    #[test]
    fn what_is_a_reference() {
        for name in
            ["docker.io/library/alpine", "localhost/x", "127.0.0.1:1/x__y/z-.w".trim_end_matches(".w")]
        {
            let text = format!("{name}@sha256:{DIGEST}");
            assert_eq!(problem_of(&text).is_none(), !name.ends_with('-'), "{name}");
        }
        let digest = &format!("@sha256:{DIGEST}");
        for wrong in
            ["alpine", "library/alpine", "docker.io/alpine", "ghcr.io/Upper/x", "ghcr.io/a//b", "a.b/x:"]
        {
            assert!(problem_of(&format!("{wrong}{digest}")).is_some(), "{wrong}");
        }
        for wrong in ["ghcr.io/a/b:1", "ghcr.io/a/b", "ghcr.io/a/b@sha512:00", "ghcr.io/a/b@sha256:00", ""] {
            assert!(problem_of(wrong).is_some(), "{wrong}");
        }
    }
}
