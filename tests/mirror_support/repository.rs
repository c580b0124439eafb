//! A small signed Debian repository, made by the test.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;

use hbuild::digest::Sha256;
use hbuild::timestamp::Timestamp;

use super::gpg::Gpg;

/// One package of an index.
#[derive(Debug, Clone)]
pub struct Package {
    /// Name.
    pub name: String,
    /// Version.
    pub version: String,
    /// Its `Depends`.
    pub depends: String,
}

impl Package {
    /// A package of this name, version and `Depends`.
    pub fn new(name: &str, version: &str, depends: &str) -> Self {
        Self { name: name.to_owned(), version: version.to_owned(), depends: depends.to_owned() }
    }

    fn stanza(&self, arch: &str) -> String {
        let Self { name, version, depends } = self;
        let file = format!("pool/main/{name}_{}_{arch}.deb", version.replace(':', "%3a"));
        let sha256 = Sha256::of(format!("{name} {version} {arch}").as_bytes());
        let depends = if depends.is_empty() { String::new() } else { format!("Depends: {depends}\n") };
        format!(
            "Package: {name}\nSource: {name}-src\nVersion: {version}\nArchitecture: {arch}\n{depends}\
             Maintainer: Nobody <nobody@example.org>\nDescription: a test\nFilename: {file}\nSize: 1000\n\
             SHA256: {sha256}\n\n"
        )
    }
}

/// Where indexes are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placed {
    /// By name alone.
    ByName,
    /// By digest alone.
    ByHash,
    /// By both.
    Both,
}

/// The content and the dates of a suite.
#[derive(Debug, Clone)]
pub struct Suite {
    /// Folder, `Suite` and `Codename`.
    pub folder: String,
    pub suite: String,
    pub codename: String,
    /// `Date`.
    pub date: Timestamp,
    /// `Valid-Until`.
    pub valid_until: Option<Timestamp>,
    /// Packages by architecture.
    pub packages: BTreeMap<String, Vec<Package>>,
    /// Which compressed forms are written.
    pub forms: Vec<&'static str>,
    /// Where the indexes are found.
    pub placed: Placed,
}

impl Suite {
    /// The suite `codename` of this date with these packages for amd64.
    pub fn new(codename: &str, date: &str, packages: &[Package]) -> Self {
        Self {
            folder: codename.to_owned(),
            suite: "stable".to_owned(),
            codename: codename.to_owned(),
            date: date.parse().unwrap(),
            valid_until: None,
            packages: BTreeMap::from([("amd64".to_owned(), packages.to_vec())]),
            forms: vec!["", ".gz", ".xz"],
            placed: Placed::Both,
        }
    }

    /// Writes the suite below `root` and gives back the text of its Release file.
    pub fn write_indexes(&self, root: &Path) -> String {
        let dist = root.join("dists").join(&self.folder);
        let mut sums = String::new();
        for (arch, packages) in &self.packages {
            let text: String = packages.iter().map(|package| package.stanza(arch)).collect();
            let folder = dist.join("main").join(format!("binary-{arch}"));
            fs::create_dir_all(folder.join("by-hash/SHA256")).unwrap();
            for form in ["", ".gz", ".xz"] {
                let bytes = compressed(text.as_bytes(), form);
                let sha256 = Sha256::of(&bytes);
                if form.is_empty() || self.forms.contains(&form) {
                    let _ = writeln!(sums, " {sha256} {} main/binary-{arch}/Packages{form}", bytes.len());
                }
                let (by_name, by_hash) =
                    (folder.join(format!("Packages{form}")), folder.join(format!("by-hash/SHA256/{sha256}")));
                for (path, other) in [(by_name, Placed::ByHash), (by_hash, Placed::ByName)] {
                    let _ = fs::remove_file(&path);
                    if self.forms.contains(&form) && self.placed != other {
                        fs::write(&path, &bytes).unwrap();
                    }
                }
            }
        }
        let architectures: Vec<&str> = self.packages.keys().map(String::as_str).collect();
        let valid_until = self.valid_until.map(|end| format!("Valid-Until: {}\n", rfc_5322(end)));
        format!(
            "Origin: Test\nSuite: {}\nCodename: {}\nDate: {}\n{}Acquire-By-Hash: yes\nArchitectures: {}\n\
             Components: main\nSHA256:\n{sums}",
            self.suite,
            self.codename,
            rfc_5322(self.date),
            valid_until.unwrap_or_default(),
            architectures.join(" ")
        )
    }

    /// Writes the suite below `root`, signed by `key`.
    pub fn write(&self, root: &Path, gpg: &Gpg, key: &str) {
        let release = self.write_indexes(root);
        self.write_in_release(root, &gpg.sign(release.as_bytes(), &[key], &[], None));
    }

    /// Writes `bytes` as the suite's InRelease.
    pub fn write_in_release(&self, root: &Path, bytes: &[u8]) {
        fs::write(root.join("dists").join(&self.folder).join("InRelease"), bytes).unwrap();
    }
}

/// `bytes` in the form of this suffix.
pub fn compressed(bytes: &[u8], form: &str) -> Vec<u8> {
    match form {
        ".gz" => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        ".xz" => {
            let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 6);
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        _ => bytes.to_vec(),
    }
}

/// A moment as Release files write it.
pub fn rfc_5322(moment: Timestamp) -> String {
    let text = moment.to_string();
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = months[text[5..7].parse::<usize>().unwrap() - 1];
    format!("Thu, {} {month} {} {} UTC", &text[8..10], &text[..4], &text[11..19])
}

/// A file of a real Debian repository, from the mirror that this machine's own apt uses.
pub fn real(repository: &str, path: &str) -> Option<Vec<u8>> {
    use hbuild::host::fetch::{FetchOptions, Fetcher, Wanted};
    let urls = real_bases(repository).iter().map(|base| base.join(path)).collect();
    let options = FetchOptions { rounds: 1, ..FetchOptions::default() };
    let wanted = Wanted {
        what: path.to_owned(),
        urls,
        content: None,
        size: None,
        limit: 1 << 28,
        headers: Vec::new(),
    };
    let mut bytes = Vec::new();
    Fetcher::new(options).unwrap().fetch(&wanted, &mut bytes, &|_, _| {}).ok()?;
    Some(bytes)
}

/// The mirrors of a real Debian repository that this machine's own apt uses.
pub fn real_bases(repository: &str) -> Vec<hbuild::host::url::Url> {
    use hbuild::host::settings::{Environment, NetworkFlags, Settings};
    let environment = Environment { apt: Some("/etc/apt".into()), ..Environment::default() };
    let settings = Settings::load(&environment, &NetworkFlags::default()).unwrap();
    settings.mirrors.bases(repository, None, None).unwrap()
}
