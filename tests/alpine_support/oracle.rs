//! The real apk: the minirootfs in a folder of its own, in which `chroot` runs it. Needs root.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use hbuild::exec::{BuildContext, MemoryContext};
use hbuild::image::layer::write_archive;
use hbuild::tree::Tree;

use super::made::Made;
use super::shared;

const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A minirootfs, removed with the value.
pub struct Apk {
    folder: tempfile::TempDir,
}

/// A new minirootfs; the error says why there can be none here.
pub fn apk() -> Result<Apk, String> {
    let user = Command::new("id").arg("-u").output().map_err(|error| error.to_string())?;
    if user.stdout != b"0\n" {
        return Err("chroot needs root".to_owned());
    }
    let archive = shared()?.join("alpine-minirootfs-3.20.3-x86_64.tar.gz");
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    run(Command::new("tar").arg("-xzf").arg(archive).arg("-C").arg(folder.path()))?;
    let apk = Apk { folder };
    match apk.chroot("/sbin/apk", &["--version"]) {
        Ok(_) => Ok(apk),
        Err(reason) => Err(format!("the minirootfs does not run here: {reason}")),
    }
}

/// What a command prints; the error holds all it wrote.
pub fn run(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(text);
    }
    Err(format!("{command:?}: {text}{}", String::from_utf8_lossy(&output.stderr)))
}

impl Apk {
    /// The folder that is `/` for apk.
    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    /// Runs a program of the minirootfs.
    pub fn chroot(&self, program: &str, arguments: &[&str]) -> Result<String, String> {
        run(Command::new("chroot").arg(self.root()).arg(program).args(arguments).env("PATH", PATH))
    }

    /// Copies the mirror of 3.20 to `/mirror`.
    pub fn add_mirror(&self) {
        let mirror = self.root().join("mirror");
        std::fs::create_dir(&mirror).unwrap();
        let from = shared().unwrap().join("v3.20");
        run(Command::new("cp").arg("-r").arg(from).arg(&mirror)).unwrap();
    }

    /// The root `/new` into which apk installs `names` of the mirror, with their scripts.
    pub fn install(&self, names: &[&str]) -> Result<PathBuf, String> {
        self.add_mirror();
        let new = self.root().join("new");
        let keys = new.join("etc/apk/keys");
        std::fs::create_dir_all(&keys).unwrap();
        let key = "test@hbuild-5f000000.rsa.pub";
        std::fs::copy(shared().unwrap().join("keys").join(key), keys.join(key)).unwrap();
        let mut arguments =
            vec!["--root", "/new", "--initdb", "--no-cache", "--keys-dir", "/new/etc/apk/keys"];
        arguments.extend(["-X", "/mirror/v3.20/main", "add"]);
        arguments.extend(names);
        self.chroot("/sbin/apk", &arguments)?;
        Ok(new)
    }

    /// The root `/new` into which apk installs packages made for a test, in a new one each time.
    pub fn install_made(&self, packages: &[Made]) -> Result<PathBuf, String> {
        let (new, made) = (self.root().join("new"), self.root().join("made"));
        for folder in [&new, &made] {
            let _ = std::fs::remove_dir_all(folder);
            std::fs::create_dir_all(folder).unwrap();
        }
        let files: Vec<String> =
            packages.iter().map(|package| format!("/made/{}", package.write(&made))).collect();
        let mut arguments =
            vec!["--root", "/new", "--initdb", "--no-cache", "--no-network", "--allow-untrusted"];
        arguments.extend(["--no-scripts", "add"]);
        arguments.extend(files.iter().map(String::as_str));
        self.chroot("/sbin/apk", &arguments)?;
        Ok(new)
    }

    /// Adds packages made for a test to the root `/new`, with their scripts.
    pub fn add_made(&self, packages: &[Made]) -> Result<(), String> {
        let made = self.root().join("made");
        std::fs::create_dir_all(&made).unwrap();
        let files: Vec<String> =
            packages.iter().map(|package| format!("/made/{}", package.write(&made))).collect();
        let mut arguments = vec!["--root", "/new", "--no-cache", "--no-network", "--allow-untrusted", "add"];
        arguments.extend(files.iter().map(String::as_str));
        self.chroot("/sbin/apk", &arguments).map(|_| ())
    }

    /// Writes `tree` to the folder `name` as root can: owners, modes and times too.
    pub fn write(&self, context: &MemoryContext, tree: &Tree, name: &str) -> PathBuf {
        let folder = self.root().join(name);
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        let mut bytes = Vec::new();
        let archive = write_archive(tree, context.contents(), &mut |block| {
            bytes.extend_from_slice(block);
            Ok(())
        });
        archive.unwrap_or_else(|error| panic!("{error}"));
        let file = self.root().join(format!("{name}.tar"));
        std::fs::write(&file, bytes).unwrap();
        run(Command::new("tar").args(["--numeric-owner", "-xpf"]).arg(file).arg("-C").arg(&folder)).unwrap();
        folder
    }
}

/// What stands in a folder: owners, kind and mode of each path, and content or target. Times of files alone.
pub fn described(folder: &Path) -> BTreeMap<String, String> {
    let mut described = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            let metadata = std::fs::symlink_metadata(&path).unwrap();
            let mut line = format!("{}:{} {:o}", metadata.uid(), metadata.gid(), metadata.mode() & 0o7777);
            if metadata.is_dir() {
                folders.push(path.clone());
                line += " directory";
            } else if metadata.is_symlink() {
                line += &format!(" -> {}", std::fs::read_link(&path).unwrap().display());
            } else if metadata.is_file() {
                let content = std::fs::read(&path).unwrap();
                let digest = hbuild::digest::Digest::of(&content);
                line += &format!(" {} {digest} {}", content.len(), metadata.mtime());
            } else {
                line += " device";
            }
            let name = path.strip_prefix(folder).unwrap().as_os_str().as_bytes();
            described.insert(String::from_utf8_lossy(name).into_owned(), line);
        }
    }
    described
}
