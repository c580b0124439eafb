//! Real packages for tests: fetched once from this machine's own Debian mirror, unpacked into memory.

#![allow(dead_code, reason = "each test binary uses its own part of this module")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use hbuild::exec::{BuildContext, Builder, MemoryContext, ObjectRef, UnpackBuilder};
use hbuild::graph::{Action, ArchiveFormat, Derivation, Unpack, outputs};
use hbuild::tree::Origin;

/// A package on disk.
#[derive(Debug, Clone)]
pub struct Package {
    pub name: String,
    pub version: String,
    pub arch: String,
    pub file: PathBuf,
}

impl Package {
    pub fn origin(&self) -> Origin {
        Origin(format!("deb:{}={}:{}", self.name, self.version, self.arch))
    }
}

/// The packages `names` of `suite`, amd64; the error says why they cannot be had here.
pub fn packages(suite: &str, names: &[&str]) -> Result<Vec<Package>, String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("debs-{suite}"));
    std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let mirror = mirror()?;
    let index = folder.join("Packages");
    if !index.exists() {
        fetch(&format!("{mirror}/dists/{suite}/main/binary-amd64/Packages.xz"), &folder.join("Packages.xz"))?;
        run(Command::new("xz").arg("-dkf").arg(folder.join("Packages.xz")))?;
    }
    let text = std::fs::read_to_string(&index).map_err(|error| error.to_string())?;
    let mut found = BTreeMap::new();
    for stanza in text.split("\n\n") {
        let field = |name: &str| {
            stanza.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).unwrap_or_default()
        };
        if names.contains(&field("Package")) {
            found.insert(field("Package").to_owned(), stanza.to_owned());
        }
    }
    names
        .iter()
        .map(|name| {
            let stanza = found.get(*name).ok_or_else(|| format!("no package {name} in {suite}"))?;
            let field = |name: &str| {
                let value = stanza.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
                value.unwrap_or_default().to_owned()
            };
            let path = field("Filename");
            let file = folder.join(path.rsplit('/').next().unwrap());
            if !file.exists() {
                fetch(&format!("{mirror}/{path}"), &file)?;
            }
            Ok(Package {
                name: field("Package"),
                version: field("Version"),
                arch: field("Architecture"),
                file,
            })
        })
        .collect()
}

/// This machine's Debian mirror.
pub fn mirror() -> Result<String, String> {
    let script = script("mirror.sh")?;
    let output = Command::new("bash").arg(script).output().map_err(|error| error.to_string())?;
    let mirror = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if mirror.is_empty() { Err("this machine's apt names no Debian mirror".to_owned()) } else { Ok(mirror) }
}

fn fetch(url: &str, into: &Path) -> Result<(), String> {
    let part = into.with_extension(format!("part{}", std::process::id()));
    run(Command::new("curl").args(["-sfL", url, "-o"]).arg(&part))?;
    std::fs::rename(part, into).map_err(|error| error.to_string())
}

/// Runs a command; the error holds what it wrote.
pub fn run(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)))
}

/// Whether `program` can be run here.
pub fn has(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok()
}

/// The outputs of unpacking `package`, in `context`.
pub fn unpack(context: &mut MemoryContext, package: &Package) -> BTreeMap<String, ObjectRef> {
    let bytes = std::fs::read(&package.file).unwrap();
    let object = context.put(&bytes).unwrap();
    let before =
        std::mem::replace(&mut context.inputs, vec![BTreeMap::from([(outputs::FILE.to_owned(), object)])]);
    let derivation = Derivation {
        label: String::new(),
        action: Action::Unpack(Unpack { format: ArchiveFormat::Deb, origin: package.origin() }),
        inputs: vec![],
    };
    let made = UnpackBuilder.build(&derivation, context).unwrap();
    context.inputs = before;
    made
}

/// The names of what apt installs into an empty root for `names`, without recommendations.
pub fn closure(suite: &str, names: &[&str]) -> Result<Vec<String>, String> {
    let script = script("apt-oracle.sh")?;
    let state = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("apt-{suite}-{}", std::process::id()));
    let listed = run(Command::new("bash").arg(script).arg(&state).arg(suite).args(names));
    let _ = std::fs::remove_dir_all(state);
    Ok(listed?.lines().filter_map(|line| line.split_once('_')).map(|(name, _)| name.to_owned()).collect())
}

fn script(name: &str) -> Result<PathBuf, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let places = ["../shared/peers", "../../shared/peers"].map(|folder| root.join(folder).join(name));
    places.into_iter().find(|path| path.exists()).ok_or_else(|| format!("../shared/peers/{name} is not here"))
}
