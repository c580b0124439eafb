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
                    let path = &uri[uri.rfind("/pool/").unwrap() + 1..uri.len() - 1];
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
    let seed = std::env::var("HBUILD_PARITY_SEED").ok().and_then(|it| it.parse().ok());
    let mut next = random(seed.unwrap_or(1));
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

/// A made-up archive in a folder of its own: few names, many relations, so that choices clash.
fn made_up(seed: u64) -> Result<Apt, String> {
    let mut next = random(seed);
    let names: Vec<String> = (0..16).map(|nth| format!("p{nth}")).collect();
    let mut text = String::new();
    for name in &names {
        for version in 1..=1 + next(2) {
            text += &stanza(name, version, &names, &mut next);
        }
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("apt-made-up");
    write_state(&folder, "none", "none", "\"amd64\";");
    let archive = folder.join("archive");
    fs::create_dir_all(&archive).unwrap();
    fs::write(archive.join("Packages"), &text).unwrap();
    let source = format!("Types: deb\nURIs: file:{}\nSuites: ./\nTrusted: yes\n", archive.display());
    fs::write(folder.join("etc/apt/sources.list.d/suite.sources"), source).unwrap();
    let update = apt_get(&folder).arg("update").output().map_err(|error| format!("no apt-get: {error}"))?;
    assert!(update.status.success(), "{}", String::from_utf8_lossy(&update.stderr));
    let index = Index::parse(text.into_bytes()).unwrap();
    Ok(Apt { folder, universe: Universe::new("amd64", &[], vec![Arc::new(index)]) })
}

/// Names that packages of a made-up archive provide.
const VIRTUALS: [&str; 3] = ["v0", "v1", "v2"];

/// A package of a made-up archive that relates to some of `names`.
fn stanza(name: &str, version: usize, names: &[String], next: &mut impl FnMut(usize) -> usize) -> String {
    let priority = ["optional", "optional", "optional", "extra", "standard", "important"][next(6)];
    let mut text = format!(
        "Package: {name}\nVersion: {version}\nArchitecture: amd64\nPriority: {priority}\nMaintainer: x\n\
         Filename: pool/{name}_{version}.deb\nSize: {}\nSHA256: {}\n",
        1 + next(1000),
        "0".repeat(64)
    );
    let fields = [
        ("Pre-Depends", 2, 2),
        ("Depends", 4, 3),
        ("Recommends", 2, 2),
        ("Suggests", 2, 1),
        ("Conflicts", 2, 1),
        ("Breaks", 2, 1),
    ];
    for (field, groups, width) in fields {
        if matches!(field, "Pre-Depends" | "Conflicts" | "Breaks") && next(3) > 0 {
            continue;
        }
        let count = next(groups);
        let mut group =
            || (0..1 + next(width)).map(|_| relation(names, next)).collect::<Vec<_>>().join(" | ");
        let value = (0..count).map(|_| group()).collect::<Vec<_>>().join(", ");
        if !value.is_empty() {
            text += &format!("{field}: {value}\n");
        }
    }
    match next(6) {
        0 => text += &format!("Provides: {}\n", VIRTUALS[next(3)]),
        1 => text += &format!("Provides: {} (= {})\n", VIRTUALS[next(3)], 1 + next(2)),
        _ => {}
    }
    text + "Description: x\n\n"
}

/// One of `names` or of the provided names, with or without a bound.
fn relation(names: &[String], next: &mut impl FnMut(usize) -> usize) -> String {
    let name = match next(5) {
        0 => VIRTUALS[next(3)],
        _ => &names[next(names.len())],
    };
    let bound = ["", "", "", "", " (>= 1)", " (>= 2)", " (<< 2)", " (= 1)"][next(8)];
    format!("{name}{bound}")
}

/// Numbers below a bound, the same for the same seed.
fn random(seed: u64) -> impl FnMut(usize) -> usize {
    let mut state = seed;
    move |below| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    }
}

#[test]
fn made_up_archives_as_apt() {
    let count = std::env::var("HBUILD_PARITY_MADE_UP").ok().and_then(|it| it.parse().ok()).unwrap_or(8);
    let (mut all, mut agreed, mut installed) = (0, 0, 0);
    for seed in 1..=count {
        let apt = match made_up(seed) {
            Ok(apt) => apt,
            Err(reason) => return support::skip(&format!("apt parity on made-up archives: {reason}")),
        };
        let mut next = random(seed);
        for _ in 0..12 {
            let set: BTreeSet<_> = (0..1 + next(3)).map(|_| format!("p{}", next(16))).collect();
            let set = set.into_iter().collect::<Vec<_>>().join(" ");
            all += 1;
            installed += usize::from(apt.install(&apt.expand(&set)).is_some());
            match difference(&apt, &set) {
                None => agreed += 1,
                Some(text) => eprintln!("DIFFERS archive {seed}: {text}"),
            }
        }
    }
    eprintln!("made-up archives: {agreed} of {all} sets as apt; apt installs {installed}");
    assert_eq!(agreed, all);
}
