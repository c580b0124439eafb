//! Sandboxes for tests: a root made of the host's shell and a few of its tools, and a run in one call.
#![allow(dead_code, reason = "each test binary uses its own part of this module")]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt, lchown};
use std::path::{Path, PathBuf};
use std::process::Command as Program;

use hbuild::sandbox::{Command, Finished, Limits, SandboxError, Sandboxes, Specification, StageOptions};

use crate::support::skip;

/// Tools that scripts of the tests use.
const TOOLS: &[&str] = &[
    "bash", "cat", "chmod", "dd", "env", "id", "ln", "ls", "mkdir", "mv", "readlink", "rm", "sleep", "stat",
    "true",
];

/// A folder of roots with the root `r`.
pub struct Roots {
    pub folder: tempfile::TempDir,
    pub sandboxes: Sandboxes,
}

impl Roots {
    /// `None`, said aloud, where the host has no such tools or allows no sandbox.
    pub fn new() -> Option<Self> {
        Self::with(|_| {})
    }

    /// The same, after `add` put more into the root.
    pub fn with(add: impl FnOnce(&Path)) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("r");
        for directory in ["bin", "build", "dev", "etc", "out", "out-doc", "proc", "tmp", "usr/bin"] {
            fs::create_dir_all(root.join(directory)).unwrap();
        }
        let mut files = BTreeSet::new();
        for tool in TOOLS {
            let place = ["/bin", "/usr/bin"].map(|folder| Path::new(folder).join(tool));
            let Some(path) = place.into_iter().find(|path| path.exists()) else {
                skip(&format!("the host has no {tool} for a root"));
                return None;
            };
            fs::copy(&path, root.join("bin").join(tool)).unwrap();
            files.extend(libraries(&path));
        }
        std::os::unix::fs::symlink("bash", root.join("bin/sh")).unwrap();
        for file in files {
            let place = root.join(file.strip_prefix("/").unwrap());
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            fs::copy(&file, place).unwrap();
        }
        add(&root);
        let sandboxes = Sandboxes::new(StageOptions {
            program: PathBuf::from(env!("CARGO_BIN_EXE_hbuild")),
            roots: folder.path().to_owned(),
            strict: false,
        });
        give(&root, sandboxes.owner());
        let roots = Self { folder, sandboxes };
        match roots.run(&specification("true")) {
            Err(error @ (SandboxError::Forbidden { .. } | SandboxError::NoProc { .. })) => {
                skip(&format!("no sandbox here: {error}"));
                None
            }
            _ => Some(roots),
        }
    }

    /// Runs `specification`; what came of it, and its log.
    pub fn run(&self, specification: &Specification) -> Result<(Finished, String), SandboxError> {
        let mut log = Vec::new();
        let finished = self.sandboxes.start(specification)?.run(&mut log, &|| false)?;
        Ok((finished, String::from_utf8_lossy(&log).into_owned()))
    }

    /// The log of `script`, which must succeed.
    pub fn log(&self, script: &str) -> String {
        let (finished, log) = self.run(&specification(script)).unwrap();
        assert_eq!(finished.failure, None, "{log}");
        log
    }
}

/// Gives everything to `owner`.
pub fn give(path: &Path, owner: Option<u32>) {
    if let Some(owner) = owner {
        lchown(path, Some(owner), Some(owner)).unwrap();
    }
    if path.is_dir() && !path.is_symlink() {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        for entry in fs::read_dir(path).unwrap() {
            give(&entry.unwrap().path(), owner);
        }
    }
}

/// The shared libraries of a program, its loader included, as ldd(1) lists them.
fn libraries(program: &Path) -> Vec<PathBuf> {
    let output = Program::new("ldd").arg(program).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let words = text.split_whitespace().filter(|word| word.starts_with('/'));
    words.map(PathBuf::from).collect()
}

/// A sandbox that runs `script` with sh.
pub fn specification(script: &str) -> Specification {
    Specification {
        root: "r".to_owned(),
        directories: Vec::new(),
        outputs: vec!["/out".to_owned(), "/out-doc".to_owned()],
        commands: vec![command("run", script)],
        loopback: false,
        epoch: 315_532_800,
        limits: Limits { memory: None, processes: None, space: 256 << 20, seconds: Some(120), log: 1 << 20 },
        one_processor: false,
        other_user: false,
        terminal: false,
    }
}

/// A command that runs `script` with sh.
pub fn command(name: &str, script: &str) -> Command {
    let environment =
        [("PATH", "/bin:/usr/bin"), ("OUT", "/out")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    Command {
        name: name.to_owned(),
        arguments: ["sh", "-ec", script, name].map(str::to_owned).to_vec(),
        environment: environment.into(),
        directory: "/build".to_owned(),
    }
}
