//! A folder with an image in it, and hbuild run there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use hbuild::graph::Algorithm;
use hbuild::host::folder::HostFolder;
use hbuild::image::layout::{Blob, Subject, WriteOptions, referrer_manifest, write};

use crate::oci_support;

/// A layout `app` with one variant, `1-debian12`: two platforms, referrers of both and of the index.
pub struct Place {
    folder: tempfile::TempDir,
    algorithm: Algorithm,
}

impl Place {
    /// Its layers are not compressed: one has three megabytes.
    pub fn new() -> Self {
        Self::with(Algorithm::None)
    }

    pub fn with(algorithm: Algorithm) -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap(), algorithm };
        place.image("app", "hi");
        place
    }

    /// Writes a layout; `greeting` is in the image.
    pub fn image(&self, name: &str, greeting: &str) {
        let mut sample = oci_support::sample(self.algorithm, &["1-debian12"], greeting);
        sample.image.name = "app".to_owned();
        let variant = &mut sample.image.variants[0];
        variant.tags.clear();
        let annotations =
            BTreeMap::from([("in-toto.io/predicate-type".to_owned(), "https://example.org/p".to_owned())]);
        let kind = "application/vnd.in-toto+json";
        let subject = Subject::index(&variant.index());
        variant.referrers.push(referrer_manifest(
            subject,
            kind,
            kind,
            Blob::of(b"{\"about\":\"index\"}"),
            annotations,
        ));
        let options = WriteOptions { verify: false, cancelled: &|| false };
        let folder = HostFolder::new(self.path(name));
        sample.with_blobs(|open| write(&sample.image, &folder, open, options)).unwrap();
    }

    pub fn path(&self, relative: &str) -> PathBuf {
        self.folder.path().join(relative)
    }

    /// hbuild here, without the caller's environment.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hbuild"));
        command.args(arguments).current_dir(self.folder.path()).env_clear().env("HOME", self.folder.path());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs hbuild, which must succeed; standard output.
    pub fn must(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "hbuild {arguments:?}\n{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs hbuild with `--json`, which must succeed.
    pub fn json(&self, arguments: &[&str]) -> serde_json::Value {
        serde_json::from_str(&self.must(&[arguments, &["--json"]].concat())).unwrap()
    }

    /// Runs hbuild, which must fail with `status` and the code `code`; what it said.
    pub fn must_fail(&self, arguments: &[&str], status: i32, code: &str) -> String {
        let output = self.run(arguments);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(status), "hbuild {arguments:?}\n{error}");
        assert!(error.contains(code) && error.contains("help:"), "no {code} in:\n{error}");
        error
    }
}

/// The files of a layout.
pub fn files(layout: &Path) -> BTreeMap<String, Vec<u8>> {
    crate::support::workspace::files(layout).into_iter().collect()
}

/// The digest under a name of a layout.
pub fn named(layout: &Path, name: &str) -> String {
    let index: serde_json::Value =
        serde_json::from_slice(&std::fs::read(layout.join("index.json")).unwrap()).unwrap();
    let entries = index["manifests"].as_array().unwrap();
    let found =
        entries.iter().find(|entry| entry["annotations"]["org.opencontainers.image.ref.name"] == name);
    found.unwrap()["digest"].as_str().unwrap().to_owned()
}
