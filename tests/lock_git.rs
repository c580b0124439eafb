//! Commits as sources, fetched from real repositories of this host.

mod support;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use hbuild::digest::Sha256;
use hbuild::exec::{ActionKind, Builders, ExecError, Options, Unobserved, execute};
use hbuild::graph::{Action, Derivation, Fetch, FixedOutput, Graph, Location, outputs};
use hbuild::host::discover::read_local;
use hbuild::host::fetch::{FetchOptions, Fetcher};
use hbuild::host::fetch_builder::FetchBuilder;
use hbuild::host::git::{Git, GitError};
use hbuild::host::mirror::{Mirrors, Sources};
use hbuild::lock::GitKey;
use hbuild::store::Store;
use miette::Diagnostic;
use tempfile::TempDir;

/// A repository with a working tree, and a store.
struct Setting {
    folder: TempDir,
    store: Store,
}

fn setting() -> Option<Setting> {
    if Command::new("git").arg("--version").output().is_err() {
        support::skip("git is not installed");
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("store")).unwrap();
    Some(Setting { folder, store })
}

fn git(at: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new("git");
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", at);
    for who in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{who}_NAME"), "A").env(format!("GIT_{who}_EMAIL"), "a@example.org");
        command.env(format!("GIT_{who}_DATE"), "2026-01-01T00:00:00Z");
    }
    let output = command.current_dir(at).args(["-c", "protocol.file.allow=always"]).args(arguments).output();
    let output = output.unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

impl Setting {
    /// A new repository of this name.
    fn repository(&self, name: &str, format: &str) -> std::path::PathBuf {
        let path = self.folder.path().join(name);
        fs::create_dir(&path).unwrap();
        git(&path, &["init", "-q", "-b", "main", &format!("--object-format={format}")]);
        path
    }

    fn archive(&self, key: &GitKey) -> Result<(Vec<u8>, Sha256), GitError> {
        let network = FetchOptions::default();
        let git = Git { store: &self.store, network: &network, cancelled: &|| false };
        let (object, sha256) = git.archive(key)?;
        let bytes = self.store.read(&object).unwrap();
        assert_eq!(Sha256::of(&bytes), sha256);
        Ok((bytes, sha256))
    }

    fn fetch(&self, key: &GitKey, sha256: Sha256) -> Result<hbuild::store::Record, ExecError> {
        let (url, commit, submodules) = key.clone();
        let locations = vec![Location::Git { url, commit, submodules }];
        let fetch = Fetch { content: FixedOutput::Sha256(sha256), locations, size: None };
        let mut graph = Graph::new();
        let label = "fetch source x".to_owned();
        let id = graph.add(Derivation { label, action: Action::Fetch(fetch), inputs: Vec::new() }).unwrap();
        let fetcher = Fetcher::new(FetchOptions::default()).unwrap();
        let mirrors = Mirrors::new(Sources::default());
        let builder = FetchBuilder {
            store: &self.store,
            fetcher: &fetcher,
            mirrors: &mirrors,
            offline: true,
            inputs: None,
        };
        let builders = Builders::new().with(ActionKind::Fetch, &builder);
        let records = execute(&graph, &[id], &self.store, &builders, &Options::default(), &Unobserved)?;
        Ok(records[&id].clone())
    }
}

/// Commits all there is; returns the commit.
fn commit(repository: &Path, message: &str) -> String {
    git(repository, &["add", "-A"]);
    git(repository, &["commit", "-q", "-m", message]);
    git(repository, &["rev-parse", "HEAD"])
}

/// Files of every kind, with what checkouts and attributes would change.
fn fill(repository: &Path) {
    for folder in ["a", "a/deep", ".github"] {
        fs::create_dir_all(repository.join(folder)).unwrap();
    }
    let long = format!("{}.txt", "long".repeat(40));
    for (path, text) in [
        ("a.b", "sorted between `a` and `a/` by git\n"),
        ("a/deep/file", "deep\n"),
        ("a/ü \n name", "odd\n"),
        ("empty", ""),
        ("lines", "one\ntwo\n"),
        (&long, "long\n"),
        (".gitattributes", "* text eol=crlf\n*.b export-ignore\n"),
        (".github/workflow", "left out\n"),
    ] {
        fs::write(repository.join(path), text).unwrap();
    }
    fs::write(repository.join("program"), "#!/bin/sh\n").unwrap();
    fs::set_permissions(repository.join("program"), fs::Permissions::from_mode(0o755)).unwrap();
    symlink("../outside", repository.join("a/link")).unwrap();
}

fn url(path: &Path) -> String {
    format!("file:{}", path.display())
}

#[test]
fn a_commit_is_the_archive_of_a_folder_with_its_files() {
    for format in ["sha1", "sha256"] {
        let Some(setting) = setting() else { return };
        let repository = setting.repository("origin", format);
        fill(&repository);
        let first = commit(&repository, "first");
        let folder = read_local(&repository).unwrap();
        fs::write(repository.join("later"), "not yet").unwrap();
        commit(&repository, "second");
        let (bytes, sha256) = setting.archive(&(url(&repository), first.clone(), false)).unwrap();
        assert_eq!(sha256, folder.sha256);
        assert_eq!(bytes, folder.bytes);
        let slashes = format!("file://{}", repository.display());
        assert_eq!(setting.archive(&(slashes, first, true)).unwrap().1, sha256);
    }
}

#[test]
fn submodules_are_there_when_asked_for() {
    let Some(setting) = setting() else { return };
    let (inner, middle, outer) = (
        setting.repository("inner", "sha1"),
        setting.repository("middle", "sha1"),
        setting.repository("outer", "sha1"),
    );
    fs::write(inner.join("inner.txt"), "inner\n").unwrap();
    commit(&inner, "inner");
    fs::write(middle.join("middle.txt"), "middle\n").unwrap();
    git(&middle, &["submodule", "add", "-q", "../inner", "parts/inner"]);
    commit(&middle, "middle");
    fs::write(outer.join("outer.txt"), "outer\n").unwrap();
    git(&outer, &["submodule", "add", "-q", &format!("file://{}", middle.display()), "parts"]);
    git(&outer, &["submodule", "update", "-q", "--init", "--recursive"]);
    let head = commit(&outer, "outer");
    // The working trees of all three together are what the archive must be.
    let expected = read_local(&outer).unwrap();
    let (_, with) = setting.archive(&(url(&outer), head.clone(), true)).unwrap();
    assert_eq!(with, expected.sha256);
    let (_, without) = setting.archive(&(url(&outer), head.clone(), false)).unwrap();
    assert_ne!(with, without);
    fs::remove_dir_all(&inner).unwrap();
    let error = setting.archive(&(url(&outer), head, true)).unwrap_err();
    assert!(matches!(&error, GitError::Repository { url, .. } if url.ends_with("/inner")), "{error}");
}

#[test]
fn what_is_not_there_is_told_apart() {
    let Some(setting) = setting() else { return };
    let repository = setting.repository("origin", "sha1");
    fs::write(repository.join("file"), "x").unwrap();
    let head = commit(&repository, "only");
    git(&repository, &["tag", "-a", "v1", "-m", "v1"]);
    let tag = git(&repository, &["rev-parse", "v1"]);
    let tree = git(&repository, &["rev-parse", "HEAD^{tree}"]);
    for no_commit in [&"1".repeat(40), &tag, &tree] {
        let error = setting.archive(&(url(&repository), no_commit.clone(), false)).unwrap_err();
        assert!(matches!(error, GitError::NoCommit { .. }), "{error}");
    }
    for place in ["file:/nowhere/at/all", "file:relative", "http://127.0.0.1:1/x", "ext::sh -c true"] {
        let error = setting.archive(&(place.to_owned(), head.clone(), false)).unwrap_err();
        assert!(matches!(error, GitError::Repository { .. }), "{place}: {error}");
        assert!(error.help().is_some());
    }
    let stopped = Git { store: &setting.store, network: &FetchOptions::default(), cancelled: &|| true };
    let error = stopped.archive(&(url(&repository), head, false)).unwrap_err();
    assert!(matches!(error, GitError::Cancelled { .. }), "{error}");
    // Nothing is left between the runs: neither repositories nor what git said.
    let left = |path: &Path| -> Vec<_> {
        fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect()
    };
    for process in left(&setting.folder.path().join("store/tmp")) {
        assert!(left(&process).is_empty(), "{process:?}");
    }
}

#[test]
fn a_repository_of_another_user_is_read() {
    let Some(setting) = setting() else { return };
    let repository = setting.repository("origin", "sha1");
    fs::write(repository.join("file"), "x").unwrap();
    let head = commit(&repository, "only");
    let given = Command::new("chown").args(["-R", "12345:12345"]).arg(&repository).output().unwrap();
    if !given.status.success() {
        return;
    }
    setting.archive(&(url(&repository), head, false)).unwrap();
}

#[test]
fn a_build_fetches_the_commit_that_was_locked() {
    let Some(setting) = setting() else { return };
    let repository = setting.repository("origin", "sha1");
    fill(&repository);
    let key = (url(&repository), commit(&repository, "only"), false);
    let folder = read_local(&repository).unwrap();
    let error = setting.fetch(&key, Sha256::of(b"another")).unwrap_err();
    assert_eq!(error.code().unwrap().to_string(), "hbuild::host::git_changed");
    let ExecError::Failed(failure) = &error else { panic!("{error:?}") };
    assert!(failure.source.to_string().contains(&folder.sha256.to_string()), "{failure:?}");
    let record = setting.fetch(&key, folder.sha256).unwrap();
    assert_eq!(setting.store.read(&record.outputs[outputs::FILE]).unwrap(), folder.bytes);
    // What is in the store is not fetched again.
    fs::remove_dir_all(&repository).unwrap();
    setting.fetch(&key, folder.sha256).unwrap();
    let away = ("https://host.invalid/x".to_owned(), key.1, false);
    let error = setting.fetch(&away, Sha256::of(b"more")).unwrap_err();
    assert_eq!(error.code().unwrap().to_string(), "hbuild::exec::offline");
}

#[test]
fn a_recipe_with_a_commit_is_locked_and_built() {
    let Some(setting) = setting() else { return };
    let repository = setting.repository("origin", "sha1");
    fs::write(repository.join("data.txt"), "of a commit\n").unwrap();
    let first = commit(&repository, "first");
    fs::write(repository.join("data.txt"), "of another\n").unwrap();
    let second = commit(&repository, "second");
    let address = format!("file://{}", repository.display());
    let workspace = support::workspace::Workspace::new();
    let recipe = |commit: &str| {
        let source = format!("source data {{ git = \"{}\", commit = \"{commit}\" }}\n\n## An image", address);
        let text = support::workspace::RECIPE.replace("## An image", &source);
        workspace.write_recipe(&text.replace("  paths ", "  contents = [data.at(\"/srv\")]\n  paths "));
    };
    recipe(&first);
    let path = std::env::var("PATH").unwrap();
    let run = |arguments: &[&str]| workspace.command(arguments).env("PATH", &path).output().unwrap();
    let said = |output: std::process::Output| {
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{error}");
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(said(run(&["lock"])).contains(&format!("new: git {} {first}\n", address)));
    let lock = fs::read_to_string(workspace.path("project/hbuild.lock")).unwrap();
    assert!(lock.contains("[[git]]\n"), "{lock}");
    // Locked with its bytes: neither command needs the repository any more.
    let away = setting.folder.path().join("away");
    fs::rename(&repository, &away).unwrap();
    assert!(said(run(&["lock"])).contains("nothing changed"));
    said(run(&["build", "--format", "dir", "-o", "one"]));
    let file = support::workspace::files(&workspace.path("project/one"))
        .into_iter()
        .find(|(path, _)| path.ends_with("srv/data.txt"));
    assert_eq!(file.unwrap().1, b"of a commit\n");
    recipe(&second);
    let outgrown = workspace.must_fail(&["build"], 1, "hbuild::lock::outgrown");
    assert!(outgrown.contains("hbuild lock app.hb"), "{outgrown}");
    workspace.must_fail(&["lock"], 3, "hbuild::host::git_repository");
    let without = workspace.command(&["lock"]).env("PATH", "/nowhere").output().unwrap();
    assert!(String::from_utf8_lossy(&without.stderr).contains("hbuild::host::no_git"), "{without:?}");
    assert_eq!(without.status.code(), Some(3));
    fs::rename(&away, &repository).unwrap();
    assert!(said(run(&["lock"])).contains(&second));
    // A store without the archive gets it from the repository.
    fs::remove_dir_all(workspace.path("store")).unwrap();
    said(run(&["build", "--format", "dir", "-o", "two"]));
}
