//! Where the files of a repository may be had, in the order they are asked.
//!
//! A mirror is configuration, never identity: whatever it gives is believed only by digest or signature. The
//! order is: flag or environment, configuration file, the host's own apt sources or apk repositories, the repository's own URL or
//! primary mirror, and for Debian the snapshot archive at the date of the signed index.

use std::collections::BTreeMap;

use super::url::{ParseUrlError, Url};
use crate::distro::alpine::repository::PRIMARY_MIRROR;
use crate::timestamp::Timestamp;

/// Base URLs by repository name.
pub type RepositoryMirrors = BTreeMap<String, Vec<Url>>;

/// The primary mirror of each distribution's own repositories.
const PRIMARY: [(&str, &str); 3] = [
    ("debian", "http://ftp.debian.org/debian"),
    ("debian-security", "http://security.debian.org/debian-security"),
    ("alpine", PRIMARY_MIRROR),
];

/// Archive of every state that Debian's repositories ever had.
const SNAPSHOTS: &str = "http://snapshot.debian.org/archive";

/// Base URLs by where they come from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sources {
    /// From flag and environment.
    pub given: RepositoryMirrors,
    /// From the configuration file.
    pub configured: RepositoryMirrors,
    /// From the host's apt sources and apk repositories.
    pub host: RepositoryMirrors,
    /// Whether what stands further back in the order is asked too. If not, the first of the places above that
    /// names a mirror is the last.
    pub fallback: bool,
}

/// The mirrors of every repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirrors {
    sources: Sources,
}

impl Mirrors {
    /// Mirrors from these places.
    pub fn new(sources: Sources) -> Self {
        Self { sources }
    }

    /// Whether what stands further back in the order is asked, too.
    pub fn fallback(&self) -> bool {
        self.sources.fallback
    }

    /// The base URLs of `repository`, in order, each once. `own` is the URL of one that the recipe brings;
    /// `date` is the moment of the signed index, where it is known.
    pub fn bases(
        &self,
        repository: &str,
        own: Option<&str>,
        date: Option<Timestamp>,
    ) -> Result<Vec<Url>, ParseUrlError> {
        let Sources { given, configured, host, fallback } = &self.sources;
        let mut bases: Vec<Url> = Vec::new();
        for place in [given, configured, host] {
            for url in place.get(repository).into_iter().flatten() {
                if !bases.contains(url) {
                    bases.push(url.clone());
                }
            }
            if !bases.is_empty() && !fallback {
                return Ok(bases);
            }
        }
        let primary = PRIMARY.iter().find(|(name, _)| *name == repository).map(|(_, url)| *url);
        let mut last: Vec<Url> = Vec::new();
        match own {
            Some(own) => last.push(own.parse()?),
            None => last.extend(primary.and_then(|url| url.parse().ok())),
        }
        if let (None, Some(date), "debian" | "debian-security") = (own, date, repository) {
            last.extend(format!("{SNAPSHOTS}/{repository}/{}", date.to_snapshot()).parse::<Url>().ok());
        }
        bases.extend(last.into_iter().filter(|url| !bases.contains(url)).collect::<Vec<_>>());
        Ok(bases)
    }

    /// The URLs of `path` below each of [`Mirrors::bases`].
    pub fn urls(
        &self,
        repository: &str,
        own: Option<&str>,
        path: &str,
        date: Option<Timestamp>,
    ) -> Result<Vec<Url>, ParseUrlError> {
        Ok(self.bases(repository, own, date)?.iter().map(|base| base.join(path)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mirrors(urls: &[&str]) -> RepositoryMirrors {
        BTreeMap::from([("debian".to_owned(), urls.iter().map(|url| url.parse().unwrap()).collect())])
    }

    fn shown(mirrors: &Mirrors, repository: &str, own: Option<&str>, date: Option<&str>) -> Vec<String> {
        let date = date.map(|date| date.parse().unwrap());
        mirrors.bases(repository, own, date).unwrap().iter().map(Url::to_string).collect()
    }

    #[test]
    fn the_order() {
        let sources = Sources {
            given: mirrors(&["http://flag/debian", "file:/srv/debian"]),
            configured: mirrors(&["http://conf/debian", "http://flag/debian"]),
            host: mirrors(&["http://apt/debian", "http://ftp.debian.org/debian"]),
            fallback: true,
        };
        let all = Mirrors::new(sources.clone());
        assert_eq!(
            shown(&all, "debian", None, Some("2026-01-10T10:12:52Z")),
            [
                "http://flag/debian",
                "file:/srv/debian",
                "http://conf/debian",
                "http://apt/debian",
                "http://ftp.debian.org/debian",
                "http://snapshot.debian.org/archive/debian/20260110T101252Z",
            ]
        );
        let only = Mirrors::new(Sources { fallback: false, ..sources });
        assert_eq!(shown(&only, "debian", None, None), ["http://flag/debian", "file:/srv/debian"]);
        assert_eq!(
            shown(&only, "debian-security", None, None),
            ["http://security.debian.org/debian-security"]
        );
        assert_eq!(
            shown(&all, "alpine", None, Some("2026-01-10T10:12:52Z")),
            ["https://dl-cdn.alpinelinux.org/alpine"]
        );
        assert_eq!(
            shown(&all, "own", Some("https://own/apt"), Some("2026-01-10T10:12:52Z")),
            ["https://own/apt"]
        );
        assert_eq!(shown(&all, "unknown", None, None), [""; 0]);
    }
}
