//! The base URLs of the host's own apt sources, sources.list(5): one-line and deb822 form.
//!
//! Receives texts, gives URLs back. Only the URLs of the distribution's own archives are taken: never keys,
//! credentials, entries with `trusted=yes`, or third-party repositories, which are known by another key, by
//! lacking the component `main`, or by their path. What cannot be read is passed over: a mirror fewer is no
//! error.

use super::url::Url;
use crate::distro::debian::deb822::{Paragraph, paragraphs};

/// The URLs of enabled `deb` entries of a one-line file, in order.
pub fn one_line(text: &str) -> Vec<Url> {
    text.lines().filter_map(one_line_entry).collect()
}

fn one_line_entry(line: &str) -> Option<Url> {
    let line = line.split('#').next().unwrap_or_default().trim();
    let rest = line.strip_prefix("deb").filter(|rest| rest.starts_with([' ', '\t']))?.trim_start();
    let (options, rest) = match rest.strip_prefix('[') {
        Some(options) => options.split_once(']')?,
        None => ("", rest),
    };
    let foreign = |(name, value): (&str, &str)| match &*name.to_ascii_lowercase() {
        "trusted" => value.eq_ignore_ascii_case("yes"),
        "signed-by" => !value.split(',').all(own_key),
        _ => false,
    };
    if options.split_ascii_whitespace().filter_map(|option| option.split_once('=')).any(foreign) {
        return None;
    }
    let mut words = rest.split_ascii_whitespace();
    let url = words.next()?;
    words.skip(1).any(|component| component == "main").then(|| own_archive(url))?
}

/// The URLs of enabled `deb` entries of a `.sources` file, in order.
pub fn deb822(text: &str) -> Vec<Url> {
    let entries = paragraphs(text).unwrap_or_default();
    let usable = |entry: &&Paragraph<'_>| {
        let is = |field, value: &str| entry.words(field).any(|word| word.eq_ignore_ascii_case(value));
        let own = entry.words("Signed-By").all(own_key);
        is("Types", "deb") && is("Components", "main") && own && !is("Enabled", "no") && !is("Trusted", "yes")
    };
    entries.iter().filter(usable).flat_map(|entry| entry.words("URIs")).filter_map(own_archive).collect()
}

/// Whether a `Signed-By` is a keyring file of the distribution.
fn own_key(file: &str) -> bool {
    file.strip_prefix("/usr/share/keyrings/").is_some_and(|name| name.starts_with("debian-archive-"))
}

/// The URL where it may be the distribution's own: its path ends in the archive's name, and it holds no
/// credential.
fn own_archive(text: &str) -> Option<Url> {
    let url: Url = text.parse().ok()?;
    (!url.has_credential() && matches!(url.file_name(), "debian" | "debian-security")).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(urls: Vec<Url>) -> Vec<String> {
        urls.iter().map(Url::to_string).collect()
    }

    #[test]
    fn one_line_form() {
        let text = "# deb http://comment.example/debian a main\n\
            deb http://one.example/debian bookworm main # note\n\
            deb-src http://source.example/debian bookworm main\n\
            \tdeb\t[arch=amd64 signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://two.example/debian-security/ bookworm-security main\n\
            deb [trusted=yes] http://trusted.example/debian x main\n\
            deb http://user:password@secret.example/debian x main\n\
            deb https://third.example/apt stable main\n\
            deb https://other.example/linux/debian bookworm stable\n\
            deb [signed-by=/etc/apt/keyrings/x.asc] https://other.example/debian bookworm main\n\
            deb mirror+file:/etc/apt/mirrors.list x main\n\
            deb cdrom:[Debian]/ x main\n\
            deb [broken http://broken.example/debian\n";
        assert_eq!(
            shown(one_line(text)),
            ["http://one.example/debian", "http://two.example/debian-security/"]
        );
    }

    #[test]
    fn deb822_form() {
        let text = "Types: deb deb-src\nURIs: http://one.example/debian\n  https://two.example/debian/\nSuites: a\nComponents: main\n\n\
            Enabled: no\nTypes: deb\nComponents: main\nURIs: http://off.example/debian\n\n\
            Types: deb\nComponents: main\nURIs: http://trusted.example/debian\nTrusted: yes\n\n\
            Types: deb-src\nURIs: http://source.example/debian\n\n\
            Types: deb\nComponents: main\nURIs: http://k.example/debian\nSigned-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n\n\
            Types: deb\nComponents: contrib main\nURIs: file:/srv/debian-security https://third.example/apt\n";
        assert_eq!(
            shown(deb822(text)),
            ["http://one.example/debian", "https://two.example/debian/", "file:/srv/debian-security"]
        );
        assert_eq!(deb822("broken"), []);
    }
}
