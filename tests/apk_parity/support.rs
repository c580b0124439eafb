//! What the real apk would install into an empty root, and what hbuild would, from the same indexes.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hbuild::distro::alpine::index::Index;
use hbuild::distro::alpine::resolver::{Part, Request, Universe, resolve};

use crate::apk_support::{Entry, KEY, RealApk, Signer, gzip, tar};

/// The text of an index of a genuine repository.
pub fn genuine(alpine: &Path, component: &str) -> String {
    let path = alpine.join("v3.19").join(component).join("x86_64/APKINDEX.tar.gz");
    let decoder = flate2::read::MultiGzDecoder::new(fs::File::open(path).unwrap());
    let mut archive = ::tar::Archive::new(decoder);
    archive.set_ignore_zeros(true);
    let mut text = String::new();
    let mut entries = archive.entries().unwrap().map(Result::unwrap);
    let mut entry = entries.find(|entry| entry.path().unwrap().to_str() == Some("APKINDEX")).unwrap();
    std::io::Read::read_to_string(&mut entry, &mut text).unwrap();
    text
}

/// A repository: the text of its index, and its tag.
#[derive(Debug, Clone)]
pub struct Repository {
    pub text: String,
    pub tag: Option<&'static str>,
}

/// The packages in the order of installation, or that there are none.
pub type Answer = Result<Vec<String>, String>;

/// The universe of these repositories.
pub fn universe(repositories: &[Repository]) -> Universe {
    let part = |repository: &Repository| Part {
        index: Arc::new(Index::parse(repository.text.clone().into_bytes()).unwrap()),
        tag: repository.tag.map(str::to_owned),
    };
    Universe::new(repositories.iter().map(part).collect())
}

/// hbuild's answer.
pub fn ours(universe: &Universe, words: &[String]) -> Answer {
    let packages = words.iter().map(|word| word.parse().unwrap()).collect();
    let request = Request { packages, ..Request::default() };
    let resolution = resolve(universe, &request).map_err(|error| error.to_string())?;
    let label = |index: usize, package: usize| {
        let package = universe.parts()[index].index.package(package);
        format!("{}-{}", package.name(), package.version())
    };
    Ok(resolution.packages.iter().map(|selected| label(selected.index, selected.package)).collect())
}

/// The real apk, and the key that it trusts.
pub struct Peer {
    apk: RealApk,
    signer: Signer,
}

impl Peer {
    /// Both; none where one of them cannot be had.
    pub fn new(alpine: &Path) -> Option<Self> {
        let (apk, signer) = (RealApk::new(alpine)?, Signer::new(2048)?);
        fs::write(apk.keys().join(KEY), &signer.public).unwrap();
        for key in fs::read_dir(alpine.join("keys")).unwrap().map(Result::unwrap) {
            fs::copy(key.path(), apk.keys().join(key.file_name())).unwrap();
        }
        Some(Self { apk, signer })
    }

    fn write_index(&self, path: &Path, text: &str) {
        let members = [Entry::file("DESCRIPTION", b"test"), Entry::file("APKINDEX", text.as_bytes())];
        let index = gzip(&tar(&members, true));
        fs::write(path, [self.signer.segment(&index), index].concat()).unwrap();
    }
}

/// Where the real apk finds its repositories and its empty root.
pub struct Oracle<'a> {
    peer: &'a Peer,
    folder: tempfile::TempDir,
}

impl<'a> Oracle<'a> {
    /// An oracle over indexes that are made for it.
    pub fn new(peer: &'a Peer, repositories: &[Repository]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut lines = Vec::new();
        for (number, repository) in repositories.iter().enumerate() {
            let place = folder.path().join(format!("repository{number}"));
            fs::create_dir_all(place.join("x86_64")).unwrap();
            peer.write_index(&place.join("x86_64/APKINDEX.tar.gz"), &repository.text);
            let tag = repository.tag.map(|tag| format!("@{tag} ")).unwrap_or_default();
            lines.push(format!("{tag}{}", place.display()));
        }
        Self::over(peer, folder, lines)
    }

    /// An oracle over genuine repositories.
    pub fn genuine(peer: &'a Peer, repositories: &[PathBuf]) -> Self {
        let lines = repositories.iter().map(|path| path.display().to_string()).collect();
        Self::over(peer, tempfile::tempdir().unwrap(), lines)
    }

    fn over(peer: &'a Peer, folder: tempfile::TempDir, repositories: Vec<String>) -> Self {
        let root = folder.path().join("root");
        for name in ["lib/apk/db", "etc/apk", "var/cache/apk", "proc", "dev", "tmp"] {
            fs::create_dir_all(root.join(name)).unwrap();
        }
        for name in ["lib/apk/db/installed", "lib/apk/db/triggers", "etc/apk/world"] {
            fs::write(root.join(name), "").unwrap();
        }
        // The option `-X` would take them in the reverse order.
        fs::write(root.join("etc/apk/repositories"), repositories.join("\n") + "\n").unwrap();
        fs::write(root.join("etc/apk/arch"), "x86_64\n").unwrap();
        fs::write(root.join("lib/apk/db/scripts.tar"), [0; 1024]).unwrap();
        Self { peer, folder }
    }

    /// apk's answer.
    pub fn ask(&self, words: &[String]) -> Answer {
        let mut command = self.peer.apk.command();
        command.args(["add", "--simulate", "--no-network", "--no-cache", "--root"]);
        command.arg(self.folder.path().join("root"));
        command.arg("--keys-dir").arg(self.peer.apk.keys());
        let output = command.arg("--").args(words).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!said.contains("signature"), "{said}");
        assert!(!said.contains("database"), "the real apk has no database: {said}");
        if !output.status.success() {
            return Err(format!("{text}{said}"));
        }
        let installed = text.lines().filter_map(|line| line.split_once(") Installing "));
        let label = |(_, package): (&str, &str)| {
            let (name, version) = package.trim_end_matches(')').split_once(" (").unwrap();
            format!("{}-{version}", name.split('@').next().unwrap_or(name))
        };
        Ok(installed.map(label).collect())
    }
}

/// Says where two answers differ.
pub fn difference(words: &[String], apk: &Answer, ours: &Answer) -> Option<String> {
    let words = words.join(" ");
    match (apk, ours) {
        (Err(_), Err(_)) => None,
        (Ok(apk), Ok(ours)) if apk == ours => None,
        (Ok(apk), Ok(ours)) => {
            let (theirs, own): (BTreeSet<_>, BTreeSet<_>) = (apk.iter().collect(), ours.iter().collect());
            let only: Vec<_> = theirs.difference(&own).collect();
            let extra: Vec<_> = own.difference(&theirs).collect();
            Some(format!("{words}\n  apk alone: {only:?}\n  hbuild alone: {extra:?}\n  {apk:?}\n  {ours:?}"))
        }
        (Ok(apk), Err(error)) => Some(format!("{words}\n  apk: {apk:?}\n  hbuild: {error}")),
        (Err(error), Ok(ours)) => Some(format!("{words}\n  apk: {error}\n  hbuild: {ours:?}")),
    }
}

/// What the entries of several indexes have to do with each other, by name: enough to leave out those that a request
/// has nothing to do with, so that the real apk has less to read.
pub struct Relations<'t> {
    entries: Vec<Vec<&'t str>>,
    providers: HashMap<&'t str, Vec<(usize, usize)>>,
    triggered: HashMap<&'t str, Vec<(usize, usize)>>,
}

/// The name of a dependency.
fn name(word: &str) -> &str {
    let word = word.trim_start_matches('!');
    word.split(['<', '>', '=', '~', '@']).next().unwrap_or(word)
}

/// The names that a field of an entry mentions.
fn names<'t>(entry: &'t str, field: &'static str) -> impl Iterator<Item = &'t str> {
    let value = entry.lines().find_map(|line| line.strip_prefix(field)).unwrap_or_default();
    value.split(' ').filter(|word| !word.is_empty()).map(name)
}

impl<'t> Relations<'t> {
    pub fn new(texts: &[&'t str]) -> Self {
        let mut found = Self { entries: Vec::new(), providers: HashMap::new(), triggered: HashMap::new() };
        for (part, text) in texts.iter().enumerate() {
            let entries: Vec<_> = text.split("\n\n").filter(|entry| !entry.trim().is_empty()).collect();
            for (number, entry) in entries.iter().enumerate() {
                for name in names(entry, "P:").chain(names(entry, "p:")) {
                    found.providers.entry(name).or_default().push((part, number));
                }
                for name in names(entry, "i:") {
                    found.triggered.entry(name).or_default().push((part, number));
                }
            }
            found.entries.push(entries);
        }
        found
    }

    /// The indexes without what cannot matter to a request.
    pub fn reduced(&self, words: &[String]) -> Vec<Repository> {
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        let mut kept: BTreeSet<(usize, usize)> = BTreeSet::new();
        let mut waiting: Vec<&str> = words.iter().map(|word| name(word)).collect();
        while let Some(name) = waiting.pop() {
            let Some((name, providers)) = self.providers.get_key_value(name) else { continue };
            if !seen.insert(name) {
                continue;
            }
            for place in providers.iter().chain(self.triggered.get(name).into_iter().flatten()) {
                if kept.insert(*place) {
                    let entry = self.entries[place.0][place.1];
                    let leads = ["P:", "p:", "D:"].into_iter().flat_map(|field| names(entry, field));
                    waiting.extend(leads);
                }
            }
        }
        let text = |part: usize| {
            let entries = kept.iter().filter(|place| place.0 == part);
            entries.map(|place| format!("{}\n\n", self.entries[part][place.1])).collect()
        };
        (0..self.entries.len()).map(|part| Repository { text: text(part), tag: None }).collect()
    }
}
