//! The releases of the distros that the edition knows, with their own repositories and the keys that sign them.

use super::{Reports, Site, standard};
use crate::recipe::{Distro, Family, Repository, RepositoryKey};

/// A Debian release.
struct Debian {
    release: &'static str,
    codename: &'static str,
    archive_keys: &'static [&'static str],
    security_keys: &'static [&'static str],
}

/// Keys as `debian-archive-keyring` 2025.1 has them. Each release is signed by its own keys and by those of its
/// neighbours, so that it still verifies when the oldest of them has expired.
const DEBIAN: &[Debian] = &[
    Debian {
        release: "12",
        codename: "bookworm",
        archive_keys: &[
            "debian-archive-bookworm-automatic.asc",
            "debian-archive-bookworm-stable.asc",
            "debian-archive-trixie-automatic.asc",
        ],
        security_keys: &[
            "debian-archive-bookworm-security-automatic.asc",
            "debian-archive-trixie-security-automatic.asc",
        ],
    },
    Debian {
        release: "13",
        codename: "trixie",
        archive_keys: &[
            "debian-archive-trixie-automatic.asc",
            "debian-archive-trixie-stable.asc",
            "debian-archive-bookworm-automatic.asc",
        ],
        security_keys: &[
            "debian-archive-trixie-security-automatic.asc",
            "debian-archive-bookworm-security-automatic.asc",
        ],
    },
    Debian {
        release: "14",
        codename: "forky",
        archive_keys: &["debian-archive-trixie-automatic.asc", "debian-archive-bookworm-automatic.asc"],
        security_keys: &[
            "debian-archive-trixie-security-automatic.asc",
            "debian-archive-bookworm-security-automatic.asc",
        ],
    },
];

/// Alpine's branches, `v` left out; all are signed by the same keys.
const ALPINE: &[&str] = &["3.19", "3.20", "3.21", "3.22", "3.23", "3.24"];

const ALPINE_KEYS: &[&str] = &[
    "alpine-devel@lists.alpinelinux.org-4a6a0840.rsa.pub",
    "alpine-devel@lists.alpinelinux.org-5243ef4b.rsa.pub",
    "alpine-devel@lists.alpinelinux.org-5261cecb.rsa.pub",
    "alpine-devel@lists.alpinelinux.org-6165ee59.rsa.pub",
    "alpine-devel@lists.alpinelinux.org-61666e3f.rsa.pub",
];

/// The releases of a distro, oldest first.
pub fn known(family: Family) -> Vec<&'static str> {
    match family {
        Family::Alpine => ALPINE.to_vec(),
        Family::Debian => DEBIAN.iter().map(|debian| debian.release).collect(),
    }
}

/// Whether the edition knows the release.
pub fn is_known(family: Family, release: &str) -> bool {
    known(family).contains(&release)
}

/// Reports a release that the edition does not know.
pub fn report_unknown(reports: &mut Reports, family: Family, release: &str, site: Site) {
    let message = format!("this hbuild knows no {family} `{release}`");
    reports
        .error("hbuild::lang::unknown_release", site, message)
        .meant(release, known(family), "releases")
        .otherwise("another one needs `repositories` of the recipe's own, with their keys");
}

/// Every repository of every release that the edition knows.
pub fn every() -> Vec<Repository> {
    let distros = [Family::Alpine, Family::Debian].into_iter().flat_map(|family| {
        known(family).into_iter().map(move |release| Distro { family, release: release.to_owned() })
    });
    distros.flat_map(|distro| all(&distro)).collect()
}

/// All of a distro's own repositories.
pub fn all(distro: &Distro) -> Vec<Repository> {
    match distro.family {
        Family::Alpine => alpine(&distro.release, &["main", "community"]),
        Family::Debian => debian(&distro.release),
    }
}

/// The repository that changes least: Debian's main suite, Alpine's main.
pub fn main(distro: &Distro) -> Vec<Repository> {
    match distro.family {
        Family::Alpine => alpine(&distro.release, &["main"]),
        Family::Debian => debian(&distro.release).into_iter().take(1).collect(),
    }
}

fn debian(release: &str) -> Vec<Repository> {
    let Some(found) = DEBIAN.iter().find(|debian| debian.release == release) else { return Vec::new() };
    let suite = |name: &str, suite: String, keys: &[&str]| Repository {
        name: name.to_owned(),
        url: None,
        suite,
        components: vec!["main".to_owned()],
        keys: keys_of(keys),
        tag: None,
    };
    vec![
        suite("debian", found.codename.to_owned(), found.archive_keys),
        suite("debian", format!("{}-updates", found.codename), found.archive_keys),
        suite("debian-security", format!("{}-security", found.codename), found.security_keys),
    ]
}

fn alpine(release: &str, components: &[&str]) -> Vec<Repository> {
    let repository = |component: &&str| Repository {
        name: "alpine".to_owned(),
        url: None,
        suite: format!("v{release}"),
        components: vec![(*component).to_owned()],
        keys: keys_of(ALPINE_KEYS),
        tag: None,
    };
    components.iter().map(repository).collect()
}

fn keys_of(names: &[&str]) -> Vec<RepositoryKey> {
    names
        .iter()
        .filter_map(|name| Some(RepositoryKey { name: (*name).to_owned(), text: standard::key(name)? }))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_release_has_repositories_with_keys() {
        for family in [Family::Debian, Family::Alpine] {
            for release in known(family) {
                let distro = Distro { family, release: release.to_owned() };
                let repositories = all(&distro);
                assert!(repositories.len() >= 2);
                assert!(repositories.iter().all(|repository| repository.keys.len() >= 2), "{distro}");
                assert_eq!(main(&distro), repositories[..1]);
            }
        }
    }

    #[test]
    fn debian_has_three_suites() {
        let suites: Vec<String> = debian("12").into_iter().map(|repository| repository.suite).collect();
        assert_eq!(suites, ["bookworm", "bookworm-updates", "bookworm-security"]);
    }
}
