//! Sandboxes for tests: a root made of the host's shell and a few of its tools, and a run in one call.
#![allow(dead_code, reason = "each test binary uses its own part of this module")]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt, lchown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command as Program;

use hbuild::sandbox::{
    Attachment, Command, Finished, Inside, Limits, SandboxError, Sandboxes, Specification, StageOptions,
};

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
            program: std::env::var_os(PROGRAM).map_or(env!("CARGO_BIN_EXE_hbuild").into(), PathBuf::from),
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

/// The program of hbuild, where it is not the one of this build.
const PROGRAM: &str = "HBUILD_TEST_PROGRAM";
/// The user as whom tests are run again.
const ORDINARY: u32 = 54_321;

/// Runs the test `name` of this program once more as an ordinary user, where it runs as root.
pub fn again_as_ordinary_user(name: &str) {
    if !rustix::process::geteuid().is_root() || std::env::var_os(PROGRAM).is_some() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    give(folder.path(), Some(ORDINARY));
    // The folder of the build may be closed to others.
    let copy = |program: &Path, name: &str| {
        let place = folder.path().join(name);
        // By a process of its own: what another thread starts meanwhile would hold the file open for writing.
        assert!(Program::new("cp").arg(program).arg(&place).status().unwrap().success());
        fs::set_permissions(&place, fs::Permissions::from_mode(0o755)).unwrap();
        place
    };
    let hbuild = copy(Path::new(env!("CARGO_BIN_EXE_hbuild")), "hbuild");
    let output = Program::new(copy(&std::env::current_exe().unwrap(), "tests"))
        .args(["--exact", name, "--nocapture"])
        .env(PROGRAM, hbuild)
        .env("TMPDIR", folder.path())
        .uid(ORDINARY)
        .gid(ORDINARY)
        .current_dir(folder.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success() && text.contains("1 passed"), "as an ordinary user: {text}");
}

/// Compiles `source` to a static program at `place`; says aloud where that cannot be done.
pub fn compile(source: &str, place: &Path) -> bool {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sandbox_support").join(source);
    let mut compiler = Program::new("gcc");
    let made = compiler.args(["-static", "-O1", "-pthread", "-o"]).arg(place).arg(source).status();
    let made = made.is_ok_and(|status| status.success());
    if !made {
        skip("gcc cannot make static programs here");
    }
    made
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
        other_machine: false,
        attachment: Attachment::Log,
        inside: Inside::Build,
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
