//! Release files: what a suite says about itself and the digests of its indexes.
//!
//! Receives the text that a signature covers ([`super::signature`]), never the file around it.

use crate::digest::Sha256;
use crate::timestamp::{ParseDateError, Timestamp};

use super::deb822::{Deb822Error, Paragraph, paragraphs};

/// A parsed Release file. Only SHA-256 sums are read; MD5 and SHA-1 sums count for nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// `Suite`: `stable`, `oldstable-security`. Changes when a new release comes out.
    pub suite: Option<String>,
    /// `Codename`: `bookworm`, `bookworm-security`. Never changes. The suite where it has none.
    pub codename: String,
    /// `Date`: when the index was made.
    pub date: Timestamp,
    /// `Valid-Until`: from when it must not be believed any more.
    pub valid_until: Option<Timestamp>,
    /// `Architectures`, in order.
    pub architectures: Vec<String>,
    /// `Components`, in order; with the prefix that the security archive writes (`updates/main`).
    pub components: Vec<String>,
    /// Whether files can be had by their digest.
    pub acquire_by_hash: bool,
    /// Whether packages for all architectures stand in the index of each architecture, so that `binary-all`
    /// adds nothing.
    pub all_in_each: bool,
    /// The files, sorted by path.
    files: Vec<ReleaseFile>,
}

/// A file that a Release file lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseFile {
    /// Path below the suite's folder.
    pub path: String,
    /// Length in bytes.
    pub size: u64,
    /// SHA-256 of its bytes.
    pub sha256: Sha256,
}

/// Why a text is not a Release file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReleaseError {
    /// Not of the form of deb822.
    #[error("{0}")]
    Syntax(#[from] Deb822Error),
    /// Not one paragraph.
    #[error("it has {0} paragraphs where there must be one")]
    Paragraphs(usize),
    /// A field is missing.
    #[error("the field `{0}` is missing")]
    Missing(&'static str),
    /// A date is none.
    #[error("the field `{field}` is no date")]
    Date {
        /// The field.
        field: &'static str,
        /// Why.
        source: ParseDateError,
    },
    /// A line of the field `SHA256`.
    #[error("`{0}` in the field `SHA256` is not `<digest> <size> <path>`")]
    File(String),
    /// One path with two digests.
    #[error("`{0}` stands twice in the field `SHA256`, with different digests")]
    Twice(String),
}

impl Release {
    /// The Release file that `text` is.
    pub fn parse(text: &str) -> Result<Self, ReleaseError> {
        let found = paragraphs(text)?;
        let [paragraph] = found.as_slice() else { return Err(ReleaseError::Paragraphs(found.len())) };
        let words = |name| paragraph.words(name).map(str::to_owned).collect();
        let codename = paragraph.get("Codename").or_else(|| paragraph.get("Suite"));
        let date = date(paragraph, "Date")?.ok_or(ReleaseError::Missing("Date"))?;
        Ok(Self {
            suite: paragraph.get("Suite").map(str::to_owned),
            codename: codename.ok_or(ReleaseError::Missing("Codename"))?.to_owned(),
            date,
            valid_until: self::date(paragraph, "Valid-Until")?,
            architectures: words("Architectures"),
            components: words("Components"),
            acquire_by_hash: paragraph.get("Acquire-By-Hash").is_some_and(|value| value == "yes"),
            all_in_each: paragraph.words("No-Support-for-Architecture-all").any(|word| word == "Packages"),
            files: files(paragraph.get("SHA256").ok_or(ReleaseError::Missing("SHA256"))?)?,
        })
    }

    /// The listed file at `path`.
    pub fn file(&self, path: &str) -> Option<&ReleaseFile> {
        let found = self.files.binary_search_by(|file| file.path.as_str().cmp(path));
        found.ok().map(|index| &self.files[index])
    }

    /// Whether the suite lists `component`, whose prefix (`updates/` on the security archive) does not count.
    pub fn has_component(&self, component: &str) -> bool {
        let last = |name: &'_ str| name.rsplit('/').next().unwrap_or_default().to_owned();
        self.components.iter().any(|listed| listed == component || last(listed) == component)
    }

    /// The architectures whose indexes hold the packages for `arch`: itself, and `all` where the suite keeps
    /// those apart.
    pub fn index_architectures<'a>(&self, arch: &'a str) -> Vec<&'a str> {
        let apart = !self.all_in_each && self.architectures.iter().any(|listed| listed == "all");
        if apart && arch != "all" { vec![arch, "all"] } else { vec![arch] }
    }
}

fn date(paragraph: &Paragraph<'_>, field: &'static str) -> Result<Option<Timestamp>, ReleaseError> {
    let parsed = paragraph.get(field).map(Timestamp::parse_release_date);
    parsed.transpose().map_err(|source| ReleaseError::Date { field, source })
}

fn files(field: &str) -> Result<Vec<ReleaseFile>, ReleaseError> {
    let mut files = Vec::with_capacity(field.len() / 100);
    for line in field.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let parse = || {
            let mut words = line.split_ascii_whitespace();
            let (sha256, size, path) = (words.next()?, words.next()?, words.next()?);
            let inside = !path.starts_with('/') && !path.split('/').any(|part| part == "..");
            if words.next().is_some() || !inside {
                return None;
            }
            let path = path.to_owned();
            Some(ReleaseFile { path, size: size.parse().ok()?, sha256: sha256.parse().ok()? })
        };
        files.push(parse().ok_or_else(|| ReleaseError::File(line.to_owned()))?);
    }
    files.sort_by(|one, other| one.path.cmp(&other.path));
    files.dedup();
    match files.windows(2).find(|pair| pair[0].path == pair[1].path) {
        Some(pair) => Err(ReleaseError::Twice(pair[0].path.clone())),
        None => Ok(files),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "Suite: oldstable-security\nCodename: bookworm-security\n\
        Date: Sat, 21 Nov 2026 00:53:02 UTC\nValid-Until: Sat, 28 Nov 2026 00:53:02 UTC\n\
        Acquire-By-Hash: yes\nArchitectures: all amd64 arm64\nComponents: updates/main updates/contrib\nSHA256:\n \
        31ef244373544bb17818b58e6f698d4026086a51b789a66543e5a373985da425   136444 main/binary-all/Packages.xz\n \
        eb517821ea447f4a108a390e79b9b3c9115289ca8c142d0a38ffddef38ccefcc  2523192 main/binary-amd64/Packages\n";

    #[test]
    fn what_a_security_suite_says() {
        let release = Release::parse(TEXT).unwrap();
        assert_eq!(release.codename, "bookworm-security");
        assert_eq!(release.date.to_string(), "2026-11-21T00:53:02Z");
        assert_eq!(release.valid_until.unwrap().to_string(), "2026-11-28T00:53:02Z");
        assert!(
            release.acquire_by_hash && release.has_component("main") && !release.has_component("updates")
        );
        assert_eq!(release.index_architectures("amd64"), ["amd64", "all"]);
        assert_eq!(release.file("main/binary-amd64/Packages").unwrap().size, 2_523_192);
        assert_eq!(release.file("main/binary-amd64/Packages.xz"), None);
        let together = format!("No-Support-for-Architecture-all: Packages\n{TEXT}");
        assert_eq!(Release::parse(&together).unwrap().index_architectures("amd64"), ["amd64"]);
    }

    #[test]
    fn what_is_refused() {
        let error = |text: &str| Release::parse(text).unwrap_err();
        assert_eq!(error(""), ReleaseError::Paragraphs(0));
        assert_eq!(error(&format!("{TEXT}\nDate: x\n")), ReleaseError::Paragraphs(2));
        assert_eq!(
            error(&TEXT.replace("Codename", "Name").replace("Suite", "Sweet")),
            ReleaseError::Missing("Codename")
        );
        assert!(matches!(error(&TEXT.replace("UTC", "CET")), ReleaseError::Date { field: "Date", .. }));
        for (from, to) in [("136444", "x"), ("main/binary-all", "../main"), ("31ef", "31e")] {
            assert!(matches!(error(&TEXT.replace(from, to)), ReleaseError::File(_)));
        }
        let twice = format!("{TEXT} {} 7 main/binary-amd64/Packages\n", "0".repeat(64));
        assert_eq!(error(&twice), ReleaseError::Twice("main/binary-amd64/Packages".to_owned()));
    }
}
