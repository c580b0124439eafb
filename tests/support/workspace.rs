//! A recipe with an archive of its own and a store of its own, and hbuild run on them as a user would.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::archive::{Archive, Package};

/// A folder with a recipe, an archive and a store.
pub struct Workspace {
    folder: tempfile::TempDir,
    /// The archive.
    pub archive: Archive,
}

/// The recipe that [`Workspace::new`] writes. Its URL leads nowhere: the archive is found as a mirror of it.
pub const RECIPE: &str = r#"hbuild 1

for distro in [debian("12")], arch in [amd64]

repository test {
  url        = "http://archive.invalid/test"
  suite      = "stable"
  components = ["main"]
  key        = "archive.asc"
}

## An image for tests.
image app {
  for distro, arch
  repositories = [test]
  version      = "1.0"
  packages     = ["app"]
  paths        = { "/etc/motd" = file(text = "hello\n") }
  entrypoint   = ["/usr/bin/app"]
}
"#;

impl Workspace {
    /// A workspace with a published archive of two packages, `app` and the `libapp` that it needs.
    pub fn new() -> Self {
        Self::with(vec![
            Package::new("app", "1.0-1")
                .field("Depends", "libapp (>= 1)")
                .file("usr/bin/app", "#!/bin/true\n"),
            Package::new("libapp", "1.0-1").file("usr/lib/libapp.txt", "a library\n"),
        ])
    }

    /// A workspace with a published archive of these packages, `app` among them.
    pub fn with(packages: Vec<Package>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut archive = Archive::new(&folder.path().join("archive"));
        archive.packages = packages;
        archive.publish();
        let workspace = Self { folder, archive };
        fs::create_dir(workspace.path("project")).unwrap();
        workspace.write_recipe(RECIPE);
        workspace.write_key();
        workspace.write_mirrors(&[&workspace.archive.url()]);
        workspace
    }

    /// A path in the workspace.
    pub fn path(&self, relative: &str) -> PathBuf {
        self.folder.path().join(relative)
    }

    /// Writes the recipe.
    pub fn write_recipe(&self, text: &str) {
        fs::write(self.path("project/app.hb"), text).unwrap();
    }

    /// Writes the configuration file: these mirrors of the archive, and no other place.
    pub fn write_mirrors(&self, mirrors: &[&str]) {
        fs::create_dir_all(self.path(".config/hbuild")).unwrap();
        let text = format!("mirror-fallback = false\n[mirrors]\ntest = {mirrors:?}\n");
        fs::write(self.path(".config/hbuild/config.toml"), text).unwrap();
    }

    /// Writes the certificate of the archive's key beside the recipe.
    pub fn write_key(&self) {
        fs::write(self.path("project/archive.asc"), self.archive.signer.certificate()).unwrap();
    }

    /// hbuild with this workspace's store, in its project folder, without the caller's environment.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hbuild"));
        command.args(arguments).current_dir(self.path("project"));
        command.env_clear().env("HBUILD_STORE", self.path("store")).env("HOME", self.folder.path());
        command
    }

    /// Runs hbuild.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs hbuild, which must succeed; returns standard output.
    pub fn must(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "hbuild {arguments:?}: {:?}\n{error}", output.status);
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs hbuild, which must fail with `status` and say the code `code`, with a help line; returns what it said.
    pub fn must_fail(&self, arguments: &[&str], status: i32, code: &str) -> String {
        let lock = fs::read(self.path("project/hbuild.lock")).ok();
        let output = self.run(arguments);
        assert_eq!(fs::read(self.path("project/hbuild.lock")).ok(), lock, "a failure changed the lock");
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(status), "hbuild {arguments:?}\n{error}");
        assert!(error.contains(code), "no {code} in:\n{error}");
        assert!(error.contains("help:"), "no help in:\n{error}");
        assert!(output.stdout.is_empty(), "a failure printed a result");
        self.assert_nothing_half_written();
        error
    }

    /// The store has no scratch folder of a dead process, and no output is half there.
    pub fn assert_nothing_half_written(&self) {
        for folder in ["tmp", "locks"] {
            let left = names(&self.path("store").join(folder));
            assert_eq!(left, Vec::<String>::new(), "left in the store's folder {folder}");
        }
        let beside = names(&self.path("project"));
        assert!(beside.iter().all(|name| !name.starts_with('.')), "left in the project: {beside:?}");
        for name in names(&self.path("project/out")) {
            let left = names(&self.path("project/out").join(&name));
            assert!(left.iter().all(|name| !name.starts_with(".tmp-")), "left in the output: {left:?}");
        }
    }
}

/// The names in a folder, sorted; none where it is not there.
pub fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Every file below a folder by relative path, with its bytes; none where it is not there.
pub fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut pending: Vec<PathBuf> = folder.exists().then(|| folder.to_owned()).into_iter().collect();
    while let Some(path) = pending.pop() {
        if path.is_dir() {
            pending.extend(names(&path).into_iter().map(|name| path.join(name)));
        } else {
            let name = path.strip_prefix(folder).unwrap().display().to_string();
            found.push((name, fs::read(&path).unwrap()));
        }
    }
    found.sort();
    found
}
