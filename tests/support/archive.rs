//! A small Debian archive made by the test: real .deb files, Packages, and an InRelease signed by a key made for
//! it. Everything is in the real formats; only the packages are invented.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use hbuild::digest::Sha256;
use pgp::composed::{
    ArmorOptions, CleartextSignedMessage, KeyType, SecretKeyParamsBuilder, SignedPublicKey, SignedSecretKey,
};
use pgp::types::Password;

/// A package to be: control fields beyond the obvious, and files.
#[derive(Clone, Default)]
pub struct Package {
    /// Name.
    pub name: String,
    /// Version.
    pub version: String,
    /// `amd64`, `all`.
    pub arch: String,
    /// Further control fields, `Depends` and the like.
    pub fields: BTreeMap<String, String>,
    /// Files by path without leading slash.
    pub files: BTreeMap<String, String>,
    /// Symlinks: path to target.
    pub links: BTreeMap<String, String>,
    /// Maintainer scripts by name.
    pub scripts: BTreeMap<String, String>,
    /// Members that stand behind all others, just as they are.
    pub members: Vec<Member>,
}

/// A member of the data archive that no tool would write.
#[derive(Clone)]
pub struct Member {
    /// Name in the header, at most 100 bytes.
    pub name: String,
    /// Type in the header.
    pub kind: tar::EntryType,
    /// Link target in the header.
    pub target: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl Member {
    /// A member without bytes.
    pub fn new(name: &str, kind: tar::EntryType, target: &str) -> Self {
        Self { name: name.into(), kind, target: target.into(), bytes: Vec::new() }
    }
}

impl Package {
    /// A package with one documentation file.
    pub fn new(name: &str, version: &str) -> Self {
        let mut package =
            Self { name: name.into(), version: version.into(), arch: "amd64".into(), ..Self::default() };
        package.files.insert(format!("usr/share/doc/{name}/copyright"), format!("{name} is free\n"));
        package
    }

    /// With a control field.
    pub fn field(mut self, name: &str, value: &str) -> Self {
        self.fields.insert(name.into(), value.into());
        self
    }

    /// With a file.
    pub fn file(mut self, path: &str, text: &str) -> Self {
        self.files.insert(path.into(), text.into());
        self
    }

    fn control(&self) -> String {
        let mut text =
            format!("Package: {}\nVersion: {}\nArchitecture: {}\n", self.name, self.version, self.arch);
        text.push_str(
            "Maintainer: Test <test@example.org>\nInstalled-Size: 1\nPriority: optional\nSection: misc\n",
        );
        for (name, value) in &self.fields {
            text.push_str(&format!("{name}: {value}\n"));
        }
        text.push_str(&format!("Description: {} for tests\n", self.name));
        text
    }

    /// The bytes of the .deb.
    pub fn deb(&self) -> Vec<u8> {
        let mut control = tar::Builder::new(Vec::new());
        append(&mut control, "./control", self.control().as_bytes(), 0o644);
        for (name, text) in &self.scripts {
            append(&mut control, &format!("./{name}"), text.as_bytes(), 0o755);
        }
        let mut data = tar::Builder::new(Vec::new());
        let mut directories = std::collections::BTreeSet::new();
        for path in self.files.keys().chain(self.links.keys()) {
            for parent in Path::new(path).ancestors().skip(1).filter(|path| !path.as_os_str().is_empty()) {
                directories.insert(parent.to_owned());
            }
        }
        for directory in directories {
            let header = header(&format!("./{}/", directory.display()), tar::EntryType::Directory, 0, 0o755);
            data.append(&header, std::io::empty()).unwrap();
        }
        for (path, text) in &self.files {
            let mode = if path.contains("/bin/") { 0o755 } else { 0o644 };
            append(&mut data, &format!("./{path}"), text.as_bytes(), mode);
        }
        for (path, target) in &self.links {
            let mut header = header(&format!("./{path}"), tar::EntryType::Symlink, 0, 0o777);
            header.set_link_name(target).unwrap();
            header.set_cksum();
            data.append(&header, std::io::empty()).unwrap();
        }
        for member in &self.members {
            let mut header = header(&member.name, member.kind, member.bytes.len() as u64, 0o644);
            header.set_link_name_literal(&member.target).unwrap();
            header.set_cksum();
            data.append(&header, member.bytes.as_slice()).unwrap();
        }
        deb(&gzip(&control.into_inner().unwrap()), &gzip(&data.into_inner().unwrap()))
    }
}

/// The bytes of a .deb with these `control.tar.gz` and `data.tar.gz`.
pub fn deb(control: &[u8], data: &[u8]) -> Vec<u8> {
    let mut out = b"!<arch>\n".to_vec();
    for (name, bytes) in
        [("debian-binary", b"2.0\n".as_slice()), ("control.tar.gz", control), ("data.tar.gz", data)]
    {
        let (zero, mode, size) = (0, "100644", bytes.len());
        writeln!(out, "{name:<16}{zero:<12}{zero:<6}{zero:<6}{mode:<8}{size:<10}`").unwrap();
        out.extend_from_slice(bytes);
        if size % 2 == 1 {
            out.push(b'\n');
        }
    }
    out
}

/// The bytes, compressed.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A header whose name begins with `./`, as dpkg writes it; the builder's own methods would take that off.
fn header(name: &str, kind: tar::EntryType, size: u64, mode: u32) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_mode(mode);
    header.set_mtime(1_700_000_000);
    header.set_uid(0);
    header.set_gid(0);
    header.set_cksum();
    header
}

fn append(tar: &mut tar::Builder<Vec<u8>>, path: &str, bytes: &[u8], mode: u32) {
    let header = header(path, tar::EntryType::Regular, bytes.len() as u64, mode);
    tar.append(&header, bytes).unwrap();
}

/// A key that signs archives.
pub struct Signer {
    secret: SignedSecretKey,
}

impl Signer {
    /// A new Ed25519 key.
    pub fn new(user: &str) -> Self {
        let mut parameters = SecretKeyParamsBuilder::default();
        parameters
            .key_type(KeyType::Ed25519Legacy)
            .can_certify(true)
            .can_sign(true)
            .primary_user_id(user.into());
        let secret = parameters.build().unwrap().generate(rand::thread_rng()).unwrap();
        Self { secret }
    }

    /// Its certificate, ASCII-armoured.
    pub fn certificate(&self) -> String {
        SignedPublicKey::from(self.secret.clone()).to_armored_string(ArmorOptions::default()).unwrap()
    }

    /// `text` as a signed message.
    pub fn sign(&self, text: &str) -> String {
        let key = &self.secret.primary_key;
        let signed = CleartextSignedMessage::sign(rand::thread_rng(), text, key, &Password::empty()).unwrap();
        signed.to_armored_string(ArmorOptions::default()).unwrap()
    }
}

/// An archive in a folder, with one suite `stable` and one component `main` for amd64.
pub struct Archive {
    /// Its folder; `file://` URLs of it are valid mirrors.
    pub folder: PathBuf,
    /// Its packages.
    pub packages: Vec<Package>,
    /// Its key.
    pub signer: Signer,
    /// `Date` of the next publication.
    pub date: String,
    /// `Valid-Until` of the next publication.
    pub valid_until: Option<String>,
    /// The suite's folder and name.
    pub suite: String,
}

impl Archive {
    /// An empty archive in `folder`.
    pub fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            packages: Vec::new(),
            signer: Signer::new("Test archive <archive@example.org>"),
            date: "Sat, 10 Jan 2026 10:12:52 UTC".into(),
            valid_until: None,
            suite: "stable".into(),
        }
    }

    /// The URL of the archive.
    pub fn url(&self) -> String {
        format!("file://{}", self.folder.display())
    }

    /// The path of a package's file below the archive.
    pub fn pool_path(package: &Package) -> String {
        let version = package.version.split_once(':').map_or(package.version.as_str(), |(_, rest)| rest);
        format!("pool/main/{0}/{1}/{1}_{version}_{2}.deb", &package.name[..1], package.name, package.arch)
    }

    /// Writes pool, Packages and the signed InRelease.
    pub fn publish(&self) {
        let mut index = String::new();
        for package in &self.packages {
            let (path, bytes) = (Self::pool_path(package), package.deb());
            write(&self.folder.join(&path), &bytes);
            index.push_str(&package.control());
            let (size, sha256) = (bytes.len(), Sha256::of(&bytes));
            index.push_str(&format!("Filename: {path}\nSize: {size}\nSHA256: {sha256}\n\n"));
        }
        let suite = self.folder.join("dists").join(&self.suite);
        let compressed = gzip(index.as_bytes());
        write(&suite.join("main/binary-amd64/Packages"), index.as_bytes());
        write(&suite.join("main/binary-amd64/Packages.gz"), &compressed);
        let mut release = format!(
            "Origin: Test\nLabel: Test\nSuite: {0}\nCodename: {0}\nDate: {1}\n",
            self.suite, self.date
        );
        if let Some(until) = &self.valid_until {
            release.push_str(&format!("Valid-Until: {until}\n"));
        }
        release.push_str("Architectures: amd64\nComponents: main\nSHA256:\n");
        for (name, bytes) in [("Packages", index.as_bytes()), ("Packages.gz", &compressed)] {
            let (digest, size) = (Sha256::of(bytes), bytes.len());
            release.push_str(&format!(" {digest} {size} main/binary-amd64/{name}\n"));
        }
        write(&suite.join("InRelease"), self.signer.sign(&release).as_bytes());
    }
}

fn write(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}
