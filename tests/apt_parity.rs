//! The resolver against apt itself: set by set, what would be installed into an empty root.
//!
//! Needs apt-get, the Debian archive keyring and a mirror (`../shared/peers/mirror.sh`, else `HBUILD_DEBIAN_MIRROR`).
//! `HBUILD_PARITY_MORE=1` takes the longer list of sets, `HBUILD_PARITY_RANDOM=N` adds N sets drawn from the index
//! (`HBUILD_PARITY_SEED` draws others), `HBUILD_PARITY_ONLY=TEXT` keeps the sets that hold the text.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use hbuild::distro::debian::index::Index;
use hbuild::distro::debian::relation::PackageRequest;
use hbuild::distro::debian::resolver::{Request, Universe, resolve};
use hbuild::distro::debian::version;

const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// A private apt state over the three suites of a release, with an empty dpkg status.
struct Apt {
    folder: PathBuf,
    universe: Universe,
}

/// The mirror that this machine may use, without a slash at the end.
fn mirror() -> Option<String> {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/peers/mirror.sh");
    let printed = Command::new(shared).output().ok().filter(|output| output.status.success());
    let printed = printed.and_then(|output| String::from_utf8(output.stdout).ok());
    let mirror = printed.or_else(|| std::env::var("HBUILD_DEBIAN_MIRROR").ok())?;
    let mirror = mirror.trim().trim_end_matches('/').to_owned();
    mirror.ends_with("/debian").then_some(mirror)
}

fn write_state(folder: &Path, mirror: &str, suite: &str, architectures: &str) {
    for name in [
        "etc/apt/apt.conf.d",
        "etc/apt/preferences.d",
        "etc/apt/sources.list.d",
        "etc/apt/trusted.gpg.d",
        "var/lib/apt/lists/partial",
        "var/lib/dpkg",
        "var/cache/apt/archives/partial",
    ] {
        fs::create_dir_all(folder.join(name)).unwrap();
    }
    fs::write(folder.join("var/lib/dpkg/status"), "").unwrap();
    let source = |url: &str, suites: &str| {
        format!("Types: deb\nURIs: {url}\nSuites: {suites}\nComponents: main\nSigned-By: {KEYRING}\n")
    };
    let sources = source(mirror, &format!("{suite} {suite}-updates"))
        + "\n"
        + &source(&format!("{mirror}-security"), &format!("{suite}-security"));
    fs::write(folder.join("etc/apt/sources.list.d/suite.sources"), sources).unwrap();
    let root = folder.display();
    let configuration = format!(
        "Dir \"{root}\";\nDir::State::status \"{root}/var/lib/dpkg/status\";\nDir::Etc \"etc/apt\";\nDir::Bin::Methods \
         \"/usr/lib/apt/methods\";\nAPT::Architecture \"amd64\";\nAPT::Architectures \
         {{ {architectures} }};\nAPT::Install-Recommends \"false\";\nAcquire::Languages \
         \"none\";\nAPT::Sandbox::User \"root\";\n"
    );
    fs::write(folder.join("apt.conf"), configuration).unwrap();
}

fn apt_get(folder: &Path) -> Command {
    let mut command = Command::new("apt-get");
    command
        .env("APT_CONFIG", folder.join("apt.conf"))
        .env("LC_ALL", "C.UTF-8")
        .stdin(std::process::Stdio::null());
    command
}

impl Apt {
    /// The state for a suite, or why there is none.
    fn new(suite: &str, architectures: &[&str]) -> Result<Self, String> {
        let mirror = mirror().ok_or("no Debian mirror is known")?;
        if !Path::new(KEYRING).exists() || Command::new("apt-get").arg("--version").output().is_err() {
            return Err("no apt-get, or no Debian archive keyring".to_owned());
        }
        let folder =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("apt-{suite}-{}", architectures.join("-")));
        let done = folder.join("updated");
        if !done.exists() {
            let quoted: Vec<_> = architectures.iter().map(|it| format!("\"{it}\";")).collect();
            write_state(&folder, &mirror, suite, &quoted.join(" "));
            let update =
                apt_get(&folder).args(["-o", "APT::Update::Error-Mode=any", "update"]).output().unwrap();
            if !update.status.success() {
                return Err(format!("apt-get update: {}", String::from_utf8_lossy(&update.stderr)));
            }
            fs::write(done, "").unwrap();
        }
        let mut indexes = Vec::new();
        for name in [suite.to_owned(), format!("{suite}-updates"), format!("{suite}-security")] {
            for architecture in architectures {
                indexes.push(Arc::new(list(&folder, &name, architecture)));
            }
        }
        let foreign: Vec<_> = architectures[1..].iter().map(|it| (*it).to_owned()).collect();
        Ok(Self { folder, universe: Universe::new(architectures[0], &foreign, indexes) })
    }

    /// What apt would fetch, as `name_version_arch.deb path size`; none where it refuses.
    fn install(&self, packages: &[String]) -> Option<BTreeSet<String>> {
        let output = apt_get(&self.folder)
            .args(["--print-uris", "-y", "install", "--no-install-recommends"])
            .args(packages)
            .output()
            .unwrap();
        output.status.success().then_some(())?;
        let text = String::from_utf8(output.stdout).unwrap();
        let lines = text.lines().filter_map(|line| line.strip_prefix('\''));
        Some(
            lines
                .map(|line| {
                    let mut words = line.split_ascii_whitespace();
                    let (uri, name, size) =
                        (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
                    let path = &uri[uri.find("/pool/").unwrap() + 1..uri.len() - 1];
                    format!("{name} {path} {size}")
                })
                .collect(),
        )
    }

    /// What hbuild would take, in the same words.
    fn resolve(&self, packages: &[String]) -> Result<BTreeSet<String>, String> {
        let packages = packages.iter().map(|it| it.parse::<PackageRequest>().unwrap()).collect();
        let resolution = resolve(&self.universe, &Request { packages, ..Request::default() })
            .map_err(|it| it.to_string())?;
        let line = |selected: &hbuild::distro::debian::resolver::Selected| {
            let stanza = self.universe.indexes()[selected.index].stanza(selected.stanza);
            let version = stanza.version().replace(':', "%3a");
            let path = stanza.filename().unwrap().replace('~', "%7e").replace('+', "%2b");
            let name = format!("{}_{version}_{}.deb", stanza.package(), stanza.architecture());
            format!("{name} {} {}", path, stanza.size().unwrap())
        };
        Ok(resolution.packages.iter().map(line).collect())
    }

    /// A set with `@new` and `@old` replaced.
    fn expand(&self, set: &str) -> Vec<String> {
        let expand_one = |word: &str| {
            let Some((target, which)) = word.split_once("=@") else { return word.to_owned() };
            let name = target.split(':').next().unwrap();
            let mut versions: Vec<&str> = Vec::new();
            for index in self.universe.indexes() {
                versions.extend(index.find(name).map(|it| index.stanza(it).version()));
            }
            versions.sort_by(|left, right| version::compare(left, right));
            let version = if which == "old" { versions.first() } else { versions.last() };
            format!("{target}={}", version.unwrap())
        };
        set.split_ascii_whitespace().map(expand_one).collect()
    }
}

fn list(folder: &Path, suite: &str, architecture: &str) -> Index {
    let lists = folder.join("var/lib/apt/lists");
    let ending = format!("_dists_{suite}_main_binary-{architecture}_Packages");
    let file = fs::read_dir(lists).unwrap().map(|entry| entry.unwrap().path());
    match file.into_iter().find(|path| path.to_str().unwrap().ends_with(&ending)) {
        Some(path) => Index::parse(fs::read(path).unwrap()).unwrap(),
        // apt keeps no file for an empty index.
        None => Index::parse(Vec::new()).unwrap(),
    }
}

/// The sets of one setup.
fn sets(setup: &str) -> Vec<String> {
    let mut current = "";
    let mut found = Vec::new();
    for line in include_str!("apt_parity/sets.txt").lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[') {
            current = name.trim_end_matches(']');
        } else if current == setup && !line.is_empty() && !line.starts_with('#') {
            found.push(line.to_owned());
        }
    }
    found
}

/// Sets of one to four packages drawn from the first index, the same each time.
fn drawn(apt: &Apt, count: usize) -> Vec<String> {
    let mut state = std::env::var("HBUILD_PARITY_SEED").ok().and_then(|it| it.parse().ok()).unwrap_or(1_u64);
    let mut next = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let indexes = apt.universe.indexes();
    let names: Vec<Vec<&str>> =
        indexes.iter().map(|index| index.stanzas().map(|stanza| stanza.package()).collect()).collect();
    let foreign = names.len() == 6;
    (0..count)
        .map(|_| {
            let size = 1 + next(8) / 2;
            let draw = |_| {
                let which = usize::from(foreign) * next(2);
                let name = names[which][next(names[which].len())];
                format!("{name}{}", if which == 1 { ":arm64" } else { "" })
            };
            (0..size).map(draw).collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(" ")
        })
        .collect()
}

/// How one set differs, or nothing.
fn difference(apt: &Apt, set: &str) -> Option<String> {
    let packages = apt.expand(set);
    let expected = apt.install(&packages);
    let found = apt.resolve(&packages);
    match (expected, found) {
        (None, Err(_)) => None,
        (None, Ok(found)) => Some(format!("{set}: apt refuses, hbuild takes {} packages", found.len())),
        (Some(expected), Err(error)) => {
            Some(format!("{set}: apt takes {} packages, hbuild says: {error}", expected.len()))
        }
        (Some(expected), Ok(found)) if expected == found => None,
        (Some(expected), Ok(found)) => {
            let only_apt: Vec<_> = expected.difference(&found).map(String::as_str).collect();
            let only_hbuild: Vec<_> = found.difference(&expected).map(String::as_str).collect();
            Some(format!("{set}: only apt {only_apt:#?}, only hbuild {only_hbuild:#?}"))
        }
    }
}

fn compare(setup: &str, suite: &str, architectures: &[&str], at_least: usize) {
    let apt = match Apt::new(suite, architectures) {
        Ok(apt) => apt,
        Err(reason) => return support::skip(&format!("apt parity on {setup}: {reason}")),
    };
    let mut sets = sets(setup);
    if std::env::var_os("HBUILD_PARITY_MORE").is_some() {
        sets.extend(self::sets(&format!("{setup} more")));
    }
    assert!(sets.len() >= at_least);
    if let Some(count) = std::env::var("HBUILD_PARITY_RANDOM").ok().and_then(|it| it.parse().ok()) {
        sets.extend(drawn(&apt, count));
    }
    if let Ok(only) = std::env::var("HBUILD_PARITY_ONLY") {
        sets.retain(|set| set.contains(&only));
    }
    let next = AtomicUsize::new(0);
    let differences = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(set) = sets.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Some(text) = difference(&apt, set) {
                        eprintln!("DIFFERS {text}");
                        differences.lock().unwrap().push(text);
                    }
                }
            });
        }
    });
    let differences = differences.into_inner().unwrap();
    eprintln!("{setup}: {} of {} sets as apt", sets.len() - differences.len(), sets.len());
    assert!(differences.is_empty(), "{} sets differ", differences.len());
}

#[test]
fn trixie_as_apt() {
    compare("trixie", "trixie", &["amd64"], 100);
}

#[test]
fn trixie_with_foreign_packages_as_apt() {
    compare("trixie arm64", "trixie", &["amd64", "arm64"], 15);
}

#[test]
fn bookworm_as_apt() {
    compare("bookworm", "bookworm", &["amd64"], 20);
}
