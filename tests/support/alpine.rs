//! The indexes and packages of Alpine beside the repository, and a workspace whose recipes take from them.

use std::fs;
use std::path::{Path, PathBuf};

use super::workspace::Workspace;

/// The name of the key that signs the test mirror.
pub const TEST_KEY: &str = "test@hbuild-5f000000.rsa.pub";

/// The folder with branches and keys, or `None`, aloud, where it is absent.
pub fn mirror() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/alpine");
    if folder.is_dir() {
        return Some(folder.canonicalize().unwrap());
    }
    super::skip("no folder ../shared/alpine");
    None
}

/// A workspace with Alpine's mirror, and the test key beside the recipe.
pub struct Setting {
    /// The workspace.
    pub workspace: Workspace,
    /// The mirror.
    pub mirror: PathBuf,
}

impl Setting {
    /// A workspace, where there is a mirror.
    pub fn new() -> Option<Self> {
        let mirror = mirror()?;
        let workspace = Workspace::new();
        fs::copy(mirror.join("keys").join(TEST_KEY), workspace.path("project").join(TEST_KEY)).unwrap();
        let setting = Self { workspace, mirror };
        setting.write_mirror(&setting.mirror);
        Some(setting)
    }

    /// Sets the one place where Alpine's repositories, and the test repository of [`RECIPE`], are found.
    pub fn write_mirror(&self, folder: &Path) {
        let url = format!("file://{}", folder.display());
        let (own, debian) = (&self.workspace.archive, "file:///nowhere/at/all");
        let text = format!(
            "mirror-fallback = false\n[mirrors]\nalpine = [{url:?}]\nlocal = [{url:?}]\ntest = [{:?}]\ndebian = [{debian:?}]\n",
            own.url()
        );
        fs::write(self.workspace.path(".config/hbuild/config.toml"), text).unwrap();
    }

    /// A copy of a branch of the mirror, to be changed; the indexes alone.
    pub fn copy_indexes(&self, branch: &str) -> PathBuf {
        let copy = self.workspace.path("mirror");
        for component in ["main", "community"] {
            for arch in ["x86_64", "aarch64"] {
                let part = format!("{branch}/{component}/{arch}");
                let index = self.mirror.join(&part).join("APKINDEX.tar.gz");
                if index.exists() {
                    fs::create_dir_all(copy.join(&part)).unwrap();
                    fs::copy(index, copy.join(&part).join("APKINDEX.tar.gz")).unwrap();
                }
            }
        }
        copy
    }

    /// The lock as a table.
    pub fn lock(&self) -> toml::Table {
        let text = fs::read_to_string(self.workspace.path("project/hbuild.lock")).unwrap();
        text.parse().unwrap()
    }

    /// The packages of the first variant, as `name=version`.
    pub fn packages(&self) -> Vec<String> {
        let lock = self.lock();
        let packages = lock["variant"][0]["packages"].as_array().unwrap();
        let name = |package: &toml::Value| package.as_str().unwrap().rsplit_once(':').unwrap().0.to_owned();
        packages.iter().map(name).collect()
    }
}

/// A recipe on Alpine 3.19, whose repositories are the distribution's own.
pub fn genuine(packages: &str) -> String {
    format!(
        "hbuild 1\n\nfor distro in [alpine(\"3.19\")], arch in [amd64]\n\n## An image for tests.\nimage app {{\n  \
         for distro, arch\n  version = \"1.0\"\n  packages = [{packages}]\n}}\n"
    )
}

/// A recipe on Alpine 3.20 that takes from the test mirror, whose key it names.
pub fn signed_by_test_key(packages: &str) -> String {
    format!(
        "hbuild 1\n\nfor distro in [alpine(\"3.20\")], arch in [amd64, arm64]\n\nrepository local {{\n  \
         url = \"https://alpine.invalid/alpine\"\n  suite = \"v3.20\"\n  components = [\"main\"]\n  \
         key = \"{TEST_KEY}\"\n}}\n\n## An image for tests.\nimage app {{\n  for distro, arch\n  \
         repositories = [local]\n  version = \"1.0\"\n  packages = [{packages}]\n}}\n"
    )
}
