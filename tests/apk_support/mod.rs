//! Packages of Alpine for tests: genuine ones, a writer of others, and the real apk.

#![allow(dead_code, reason = "each test binary uses its own part of this module")]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use flate2::Compression;
use flate2::write::GzEncoder;
use hbuild::distro::alpine::archive::{ApkTrees, Expected, Head, unpack_apk};
use hbuild::distro::alpine::checksum::Checksum;
use hbuild::distro::alpine::signature::Keyring;
use hbuild::distro::archive::{Limits, UnpackError};
use hbuild::tree::{MemoryContents, TreePath};
use sha1::{Digest as _, Sha1};
use tempfile::TempDir;

/// Name of the key that signs what [`Signer`] signs.
pub const KEY: &str = "tester-5f0000.rsa.pub";

/// The folder of genuine repositories; says so where it is not there.
pub fn alpine() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/alpine");
    if !folder.is_dir() {
        super::support::skip("no ../shared/alpine beside the project");
        return None;
    }
    Some(folder.canonicalize().unwrap())
}

/// The .apk files of a branch, `main` and `community`, for this architecture.
pub fn packages(alpine: &Path, branch: &str, arch: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for component in ["main", "community"] {
        let folder = alpine.join(branch).join(component).join(arch);
        let entries = fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
        found.extend(entries.filter(|path| path.extension().is_some_and(|extension| extension == "apk")));
    }
    found.sort();
    found
}

/// The keys of Alpine that hbuild carries, and where `test` says so the one that signs the branch of the tests.
pub fn keys(alpine: &Path, test: bool) -> Vec<(String, String)> {
    let own = hbuild_lang::standard_repositories().into_iter().find(|repository| repository.name == "alpine");
    let mut keys: Vec<(String, String)> =
        own.unwrap().keys.iter().map(|key| (key.name.clone(), key.text.to_string())).collect();
    if test {
        let name = "test@hbuild-5f000000.rsa.pub";
        keys.push((name.to_owned(), fs::read_to_string(alpine.join("keys").join(name)).unwrap()));
    }
    keys
}

/// The keyring of `keys`.
pub fn keyring(keys: &[(String, String)]) -> Keyring {
    Keyring::parse(keys.iter().map(|(name, text)| (name.as_str(), text.as_str()))).unwrap()
}

/// The trees in `bytes`, which must be the package with this checksum, and all contents.
pub fn unpack(
    bytes: &[u8],
    checksum: Checksum,
    keyring: &Keyring,
) -> Result<(ApkTrees, MemoryContents), UnpackError> {
    let mut sink = MemoryContents::default();
    let expected = Expected { checksum, keyring };
    let length = bytes.len() as u64;
    let limits = Limits::default();
    let trees = unpack_apk(bytes, length, "apk:x=1-r0:x86_64", &expected, &limits, &mut sink, &|| false)?;
    Ok((trees, sink))
}

/// The text of a member of the control tree.
pub fn control(unpacked: &(ApkTrees, MemoryContents), name: &str) -> String {
    let entry = unpacked.0.control.get(&TreePath::new(name.as_bytes()).unwrap()).unwrap();
    let hbuild::tree::EntryKind::File { digest, .. } = &entry.kind else { panic!("{name} is no file") };
    String::from_utf8(unpacked.1.blobs[digest].clone()).unwrap()
}

/// The checksum of a package that is not to be changed.
pub fn checksum(bytes: &[u8]) -> Checksum {
    Head::read(&mut &*bytes).unwrap().checksum
}

/// An apk of its own, out of the small root file system, run by that one's loader: neither root nor chroot is needed.
pub struct RealApk {
    root: TempDir,
}

impl RealApk {
    /// The apk in the folder [`alpine`]; none where it cannot be run here.
    pub fn new(alpine: &Path) -> Option<Self> {
        let root = tempfile::tempdir().unwrap();
        let archive = alpine.join("alpine-minirootfs-3.20.3-x86_64.tar.gz");
        let mut tar = Command::new("tar");
        tar.arg("-xzf").arg(archive).arg("-C").arg(root.path());
        run(&mut tar);
        fs::write(root.path().join("etc/apk/repositories"), "").unwrap();
        let apk = Self { root };
        let there = apk.command().arg("--version").output().is_ok_and(|output| output.status.success());
        if !there {
            super::support::skip("the apk of the small root file system does not run on this machine");
        }
        there.then_some(apk)
    }

    /// Its keys.
    pub fn keys(&self) -> PathBuf {
        self.root.path().join("etc/apk/keys")
    }

    /// apk without arguments.
    pub fn command(&self) -> Command {
        let root = self.root.path();
        let mut command = Command::new(root.join("lib/ld-musl-x86_64.so.1"));
        let libraries = [root.join("lib"), root.join("usr/lib")];
        command.arg("--library-path").arg(std::env::join_paths(libraries).unwrap());
        command.arg(root.join("sbin/apk"));
        command
    }

    /// Whether apk finds each of the `files` to be right and signed by a key of [`RealApk::keys`].
    pub fn verify(&self, files: &[PathBuf]) -> Vec<bool> {
        let output = self.command().arg("--root").arg(self.root.path()).arg("verify").args(files).output();
        let text = String::from_utf8(output.unwrap().stdout).unwrap();
        let good = |file: &PathBuf| text.lines().any(|line| line == format!("{}: 0 - OK", file.display()));
        files.iter().map(good).collect()
    }
}

/// Runs a command that must succeed.
pub fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

/// Who signs: a key of openssl's making.
pub struct Signer {
    folder: TempDir,
    /// The public key, PEM.
    pub public: String,
}

impl Signer {
    /// A new key of `bits`; none where openssl is not installed.
    pub fn new(bits: u32) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("key");
        let made = Command::new("openssl").arg("genrsa").arg("-out").arg(&key).arg(bits.to_string()).output();
        if !made.is_ok_and(|output| output.status.success()) {
            super::support::skip("openssl is not installed");
            return None;
        }
        let mut command = Command::new("openssl");
        command.args(["rsa", "-pubout", "-in"]).arg(&key);
        let public = String::from_utf8(run(&mut command).stdout).unwrap();
        Some(Self { folder, public })
    }

    /// The keyring of this key alone.
    pub fn keyring(&self) -> Keyring {
        keyring(&[(KEY.to_owned(), self.public.clone())])
    }

    /// The signature over `bytes` by `hash`, as openssl calls it.
    pub fn sign(&self, hash: &str, bytes: &[u8]) -> Vec<u8> {
        let file = self.folder.path().join(format!("{:?}", std::thread::current().id()));
        fs::write(&file, bytes).unwrap();
        let mut command = Command::new("openssl");
        command.args(["dgst", hash, "-sign"]).arg(self.folder.path().join("key")).arg(&file);
        run(&mut command).stdout
    }

    /// The segment that signs `bytes`.
    pub fn segment(&self, bytes: &[u8]) -> Vec<u8> {
        let member = format!(".SIGN.RSA.{KEY}");
        gzip(&tar(&[Entry::file(&member, &self.sign("-sha1", bytes))], false))
    }
}

/// An entry of a tar.
#[derive(Debug, Clone)]
pub struct Entry {
    pub name: String,
    pub kind: tar::EntryType,
    pub link: String,
    pub content: Vec<u8>,
    pub mode: u32,
    pub owner: (u64, &'static str),
    pub mtime: u64,
    /// Records of its pax header.
    pub pax: Vec<(String, Vec<u8>)>,
}

impl Entry {
    /// A file.
    pub fn file(name: &str, content: &[u8]) -> Self {
        let kind = tar::EntryType::Regular;
        let (link, content, pax) = (String::new(), content.to_vec(), Vec::new());
        Self { name: name.to_owned(), kind, link, content, mode: 0o644, owner: (0, "root"), mtime: 1, pax }
    }

    /// An entry of another kind.
    pub fn other(name: &str, kind: tar::EntryType, link: &str) -> Self {
        Self { kind, link: link.to_owned(), ..Self::file(name, b"") }
    }

    /// With the checksum of its content, or of a link's target.
    pub fn checked(self) -> Self {
        let content: &[u8] = if self.kind.is_symlink() { self.link.as_bytes() } else { &self.content };
        let sum: String = Sha1::digest(content).iter().map(|byte| format!("{byte:02x}")).collect();
        self.pax("APK-TOOLS.checksum.SHA1", sum.as_bytes())
    }

    /// With one more record.
    pub fn pax(mut self, key: &str, value: &[u8]) -> Self {
        self.pax.push((key.to_owned(), value.to_vec()));
        self
    }
}

/// A tar of `entries`, with the mark that ends it or without.
pub fn tar(entries: &[Entry], ended: bool) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for entry in entries {
        let records = entry.pax.iter().map(|(key, value)| (key.as_str(), value.as_slice()));
        builder.append_pax_extensions(records).unwrap();
        let mut header = tar::Header::new_ustar();
        // The crate refuses the names that are to be tried.
        let raw = header.as_old_mut();
        raw.name[..entry.name.len()].copy_from_slice(entry.name.as_bytes());
        raw.linkname[..entry.link.len()].copy_from_slice(entry.link.as_bytes());
        header.set_entry_type(entry.kind);
        header.set_mode(entry.mode);
        header.set_uid(entry.owner.0);
        header.set_gid(entry.owner.0);
        header.set_username(entry.owner.1).unwrap();
        header.set_groupname(entry.owner.1).unwrap();
        header.set_mtime(entry.mtime);
        header.set_size(entry.content.len() as u64);
        header.set_cksum();
        builder.append(&header, entry.content.as_slice()).unwrap();
    }
    if ended { builder.into_inner().unwrap() } else { builder.get_ref().clone() }
}

/// One gzip member.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A package in the making: every part can be another than it should.
#[derive(Debug, Clone)]
pub struct Package {
    /// `.PKGINFO` without `datahash`.
    pub info: String,
    /// What `datahash` says, where it is not to be what is right.
    pub datahash: Option<String>,
    /// The members of the control segment behind `.PKGINFO`.
    pub scripts: Vec<Entry>,
    /// The data segment.
    pub data: Vec<u8>,
}

impl Package {
    /// A plain package with these files.
    pub fn new(files: &[Entry]) -> Self {
        let info = "# made by a test\npkgname = x\npkgver = 1-r0\narch = x86_64\nsize = 7\n".to_owned();
        Self { info, datahash: None, scripts: Vec::new(), data: gzip(&tar(files, true)) }
    }

    /// The tar of its control segment.
    pub fn control_tar(&self) -> Vec<u8> {
        let right = hbuild::digest::Sha256::of(&self.data).to_hex();
        let line = match self.datahash.as_deref().unwrap_or(&right) {
            "" => String::new(),
            hash => format!("datahash = {hash}\n"),
        };
        let mut members = vec![Entry::file(".PKGINFO", format!("{}{line}", self.info).as_bytes())];
        members.extend(self.scripts.iter().cloned());
        tar(&members, false)
    }

    /// The three segments.
    pub fn segments(&self, signer: &Signer) -> [Vec<u8>; 3] {
        let control = gzip(&self.control_tar());
        [signer.segment(&control), control, self.data.clone()]
    }

    /// The file.
    pub fn signed(&self, signer: &Signer) -> Vec<u8> {
        self.segments(signer).concat()
    }
}

/// The checksum of a control segment.
pub fn checksum_of(control: &[u8]) -> Checksum {
    Checksum(Sha1::digest(control).into())
}
